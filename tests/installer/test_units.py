"""The units as they ship: what systemd itself and its companions say of them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SYSTEMD = ROOT / "systemd"
SERVICE, CHECK, TIMER = "mdeinspect.service", "mdeinspect-check.service", "mdeinspect-check.timer"
BASE_LIMIT, STRICT_LIMIT, ROOT_LIMIT = 4.0, 1.5, 4.3
# What the one look does not have of the service: it keeps no state and stays for no one.
OF_THE_DAEMON = {
    *("Type", "NotifyAccess", "ExecStart", "ExecReload", "Restart", "RestartSec", "WatchdogSec"),
    *("TimeoutStartSec", "TimeoutStopSec", "StateDirectory", "StateDirectoryMode"),
    *("LogsDirectory", "LogsDirectoryMode"),
}


def program(name: str) -> str:
    """A program of the system; skips where it is missing."""
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")
    if found is None:
        pytest.skip(f"{name} is not installed here")
    return found


def run(*command: str, **given: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, **given)


def directives(name: str) -> list[tuple[str, str]]:
    """Every `Key=value` of the [Service] section."""
    section = (SYSTEMD / name).read_text().partition("[Service]")[2].partition("\n[")[0]
    return re.findall(r"^([A-Za-z]+)=(.*)$", section, re.MULTILINE)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """The units with a program that is there, in a folder where a drop-in counts."""
    for name in (SERVICE, CHECK, TIMER):
        text = (SYSTEMD / name).read_text()
        (tmp_path / name).write_text(text.replace("/usr/bin/mdeinspect", "/bin/true"))
    return tmp_path


def drop_in(place: Path, name: str) -> None:
    folder = place / f"{SERVICE}.d"
    folder.mkdir()
    shutil.copy(SYSTEMD / name, folder)


def exposure(place: Path, name: str) -> float:
    """The overall figure of `systemd-analyze security`."""
    analyze = program("systemd-analyze")
    done = run(analyze, "security", "--offline=yes", "--no-pager", str(place / name))
    if "offline" in done.stderr and "unrecognized" in done.stderr:
        pytest.skip("this systemd-analyze is too old to look at a file")
    found = re.search(r"Overall exposure level for \S+: ([\d.]+)", done.stdout)
    assert found, done.stderr
    return float(found[1])


@pytest.mark.parametrize("name", [SERVICE, CHECK])
def test_exposure(place: Path, name: str) -> None:
    """What runs everywhere is exposed by 4.0 at most."""
    assert exposure(place, name) <= BASE_LIMIT


def test_exposure_of_the_drop_ins(place: Path) -> None:
    """The strict drop-in comes to 1.5 at most."""
    drop_in(place, "strict.conf")
    assert exposure(place, SERVICE) <= STRICT_LIMIT


def test_exposure_as_root(place: Path) -> None:
    """The fallback costs little: root with one capability is not root."""
    drop_in(place, "root.conf")
    assert exposure(place, SERVICE) <= ROOT_LIMIT


@pytest.mark.parametrize("added", [None, "strict.conf", "root.conf"])
def test_verify_has_nothing_to_say(place: Path, added: str | None) -> None:
    """systemd knows every key and value: `verify` is silent (it ends with 0 in any case)."""
    if added:
        drop_in(place, added)
    units = [str(place / name) for name in (SERVICE, CHECK, TIMER)]
    done = run(program("systemd-analyze"), "verify", "--man=no", *units)
    assert (done.returncode, done.stderr) == (0, "")


def test_verify_would_say_something(place: Path) -> None:
    """The silence above means something: a key with a slip in it is told."""
    unit = place / SERVICE
    unit.write_text(unit.read_text().replace("WatchdogSec=", "WatchdogSeconds="))
    assert "WatchdogSeconds" in run(program("systemd-analyze"), "verify", str(unit)).stderr


def test_every_directive_has_its_reason() -> None:
    """In the service and its drop-ins, no group of directives stands without a comment."""
    for name in (SERVICE, "strict.conf", "root.conf"):
        before = ""
        for line in (SYSTEMD / name).read_text().splitlines():
            if re.match(r"[A-Z][A-Za-z]+=", line):
                plain = line.startswith(("Description=", "WantedBy="))
                assert plain or before.startswith("#") or "=" in before, f"{name}: {line}"
            before = line


def test_one_look_is_as_confined_as_the_service() -> None:
    """Both units have the same sandbox, user and place in the queue."""
    of_service = [one for one in directives(SERVICE) if one[0] not in OF_THE_DAEMON]
    own = {"Type", "ExecStart", "SyslogIdentifier", "SuccessExitStatus", "TimeoutStartSec"}
    assert [one for one in directives(CHECK) if one[0] not in own] == of_service


def test_what_is_found_is_no_fault_of_the_unit() -> None:
    """Exit code 1 of `check` leaves the unit alone; 2 and 3 make it fail."""
    assert dict(directives(CHECK))["SuccessExitStatus"] == "1"


def test_the_service_never_gives_up() -> None:
    """A wrong configuration, a crash and a kill end in another start, without a limit."""
    assert dict(directives(SERVICE))["Restart"] == "always"
    assert "\nStartLimitIntervalSec=0\n" in (SYSTEMD / SERVICE).read_text()


def test_sysusers(tmp_path: Path) -> None:
    """The user is made, without a password, with the home that the state folder is."""
    (tmp_path / "etc").mkdir()
    if os.geteuid() != 0:
        pytest.skip("only root can make users, be it below a folder")
    done = run(
        program("systemd-sysusers"), f"--root={tmp_path}", str(SYSTEMD / "mdeinspect.sysusers")
    )
    assert done.returncode == 0, done.stderr
    user = (tmp_path / "etc/passwd").read_text().splitlines()[-1].split(":")
    assert (user[0], user[1], user[5]) == ("mdeinspect", "x", "/var/lib/mdeinspect")
    assert user[6].endswith("nologin")
    assert "mdeinspect:!*" in (tmp_path / "etc/shadow").read_text()


def test_tmpfiles(tmp_path: Path) -> None:
    """The folders are made, closed to others; one that is there keeps its owner.

    systemd hands over what is in a folder only where the folder itself has another owner.
    """
    if os.geteuid() != 0:
        pytest.skip("only root can give folders away")
    state = tmp_path / "var/lib/mdeinspect"
    state.mkdir(parents=True)
    os.chown(state, 777, 777)
    file = str(SYSTEMD / "mdeinspect.tmpfiles")
    done = run(program("systemd-tmpfiles"), "--create", f"--root={tmp_path}", file)
    assert (done.returncode, done.stderr) == (0, "")
    for name, mode, uid in (("var/lib", 0o750, 777), ("var/log", 0o750, 0), ("etc", 0o755, 0)):
        found = (tmp_path / name / "mdeinspect").stat()
        assert (found.st_mode & 0o777, found.st_uid) == (mode, uid)


@pytest.fixture
def rotation(tmp_path: Path) -> Path:
    """The logrotate file, about a folder of ours."""
    (tmp_path / "log").mkdir(mode=0o750)
    text = (SYSTEMD / "mdeinspect.logrotate").read_text()
    text = text.replace("/var/log/mdeinspect", str(tmp_path / "log"))
    file = tmp_path / "logrotate"
    file.write_text(re.sub(r"^    su .*\n", "", text, flags=re.MULTILINE))
    file.chmod(0o644)
    return file


def test_logrotate_reads_it(rotation: Path) -> None:
    """Every word of it is known."""
    done = run(program("logrotate"), "-d", "-s", str(rotation.with_name("state")), str(rotation))
    assert done.returncode == 0
    assert "error" not in done.stderr.lower()
    own = (SYSTEMD / "mdeinspect.logrotate").read_text()
    assert "\n    su mdeinspect mdeinspect\n" in own, "root has no business in that folder"


def test_logrotate_leaves_our_own_rotation_alone(rotation: Path) -> None:
    """A file that a sink would rotate by itself stays; one without that limit is renamed."""
    small, large = (rotation.parent / "log" / f"{name}.ndjson" for name in ("small", "large"))
    for path, size in ((small, 50 * 1024**2), (large, 65 * 1024**2)):
        with path.open("wb") as file:
            file.truncate(size)
    done = run(program("logrotate"), "-s", str(rotation.with_name("state")), str(rotation))
    assert done.returncode == 0, done.stderr
    assert small.exists()
    assert not large.exists(), "the sink makes it, with its own mode and group"
    assert large.with_name("large.ndjson.1").stat().st_size == 65 * 1024**2
