"""launchd: our job and profile are right by our own schema, and the schema can say no."""

from __future__ import annotations

import plistlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from mdeinspect.config import load
from mdeinspect.config.model import Config
from mdeinspect.installer import (
    InstallError,
    apply,
    full_disk_access,
    launchd_keys,
    macos,
    manager,
)
from mdeinspect.installer.manager import Ran
from mdeinspect.installer.plan import Choice, is_ours
from mdeinspect.sinks import chosen

ROOT = Path(__file__).parents[2]
JOB = ROOT / "launchd" / "com.mdeinspect.daemon.plist"
COMMAND = ("/opt/my venv/bin/python", "-I", "-m", "mdeinspect")
SIGNED = Ran(
    0,
    'designated => identifier "org.example" and certificate leaf[subject.OU] = "A<B"\n',
    "Executable=/opt/p\n",
)
AD_HOC = Ran(0, '# designated => cdhash H"0123456789abcdef"\n', "Executable=/opt/p\n")
UNSIGNED = Ran(1, "", "/opt/p: code object is not signed at all\n")


def job(**changed: Any) -> dict[str, Any]:
    """Our job, changed; None removes a key."""
    found = {**plistlib.loads(JOB.read_bytes()), **changed}
    return {key: value for key, value in found.items() if value is not None}


def grant(ran: Ran) -> full_disk_access.Grant:
    def runner(program: str, args: Sequence[str]) -> Ran:
        assert (program, args[-1]) == ("codesign", "/opt/p")
        return ran

    return full_disk_access.grant("/opt/p", runner)


def test_ours_is_right() -> None:
    """Nothing is wrong with the job that ships."""
    assert launchd_keys.faults(job()) == []


def test_it_comes_back_and_stays_modest() -> None:
    """Kept alive, not more often than every 30 s, behind everything else, and by no shell."""
    found = job()
    assert (found["KeepAlive"], found["RunAtLoad"], found["ThrottleInterval"]) == (True, True, 30)
    assert found["LowPriorityIO"]
    assert found["Nice"] > 0
    assert found["Umask"] == 0o027
    assert found["ProgramArguments"][-1] == "run"


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"Label": None}, "Label is missing"),
        ({"ProgramArguments": None}, "ProgramArguments is missing"),
        ({"KeepALive": True}, "KeepALive: there is no such key"),
        ({"Label": "mdeinspect"}, "Label: expected a name"),
        ({"ProgramArguments": "/bin/x run"}, "ProgramArguments: expected a list"),
        ({"ProgramArguments": ["mdeinspect", "run"]}, "must be an absolute path"),
        ({"ProgramArguments": ["/bin/sh", "-c", "x"]}, "/bin/sh is a shell"),
        ({"KeepAlive": "yes"}, "KeepAlive: expected a dictionary"),
        ({"KeepAlive": {"OnSundays": True}}, "OnSundays: there is no such key"),
        ({"ThrottleInterval": 0}, "ThrottleInterval: expected 1 to 3600"),
        ({"ThrottleInterval": True}, "ThrottleInterval: expected 1 to 3600"),
        ({"Nice": 21}, "Nice: expected -20 to 20"),
        ({"Umask": "027"}, "Umask: expected 0 to 511"),
        ({"ProcessType": "Lazy"}, "ProcessType: expected one of"),
        ({"StandardErrorPath": "daemon.log"}, "StandardErrorPath: expected an absolute path"),
        ({"HardResourceLimits": {"Cores": 0}}, "Cores: there is no such key"),
        ({"RunAtLoad": 1}, "RunAtLoad: expected true or false"),
        ({"StartInterval": 60}, "StartInterval: a job that is kept alive"),
        ({"EnvironmentVariables": {"A": 1}}, "EnvironmentVariables: expected a dictionary of"),
    ],
)
def test_the_schema_says_no(changed: dict[str, Any], told: str) -> None:
    """Each slip that launchd would pass over in silence is told by its key."""
    assert any(told in fault for fault in launchd_keys.faults(job(**changed)))


def test_not_even_a_dictionary() -> None:
    """A list is no job."""
    assert launchd_keys.faults([1]) == ["the job is not a dictionary"]


def test_rendered() -> None:
    """The interpreter comes first, blanks and all; the rest stays as it ships."""
    rendered = plistlib.loads(macos.job(COMMAND).encode())
    assert rendered["ProgramArguments"][:4] == list(COMMAND)
    assert rendered == job(ProgramArguments=[*COMMAND, *job()["ProgramArguments"][1:]])


def test_markup_in_a_path() -> None:
    """A path is text, whatever is in it."""
    rendered = plistlib.loads(macos.job(("/opt/<a>&b/python",)).encode())
    assert rendered["ProgramArguments"][0] == "/opt/<a>&b/python"


def test_what_is_planned(tmp_path: Path) -> None:
    """Job, newsyslog, configuration with a file sink, and the profile; all but one are marked."""
    plan = macos.plan(Choice(COMMAND), grant(SIGNED))
    files = {file.path: file for file in plan.files}
    assert set(files) == {macos.JOB, macos.NEWSYSLOG, macos.CONFIG, macos.PROFILE}
    for path, file in files.items():
        assert is_ours(file.text.encode()) == (path != macos.CONFIG)
    plistlib.loads(files[macos.JOB].text.encode())
    config = tmp_path / "config.toml"
    config.write_text(files[macos.CONFIG].text)
    (sink,) = chosen(load.load(config).sinks)
    assert sink.name == "siem"
    assert load.load(config).sinks["siem"]["path"] == "/Library/Logs/mdeinspect/events.ndjson"
    assert load.load(config).schedule == Config().schedule


class Launchd:
    """launchctl, which keeps every call and does not load a job before the old one is gone."""

    def __init__(self, busy: int = 0) -> None:
        self.calls: list[str] = []
        self.busy = busy

    def __call__(self, program: str, args: Sequence[str]) -> Ran:
        self.calls.append(" ".join((program, *args)))
        if args[0] == "bootout":
            return Ran(3, "", "Boot-out failed: 3: No such process\n")
        if args[0] == "bootstrap" and self.busy:
            self.busy -= 1
            return Ran(5, "", "Bootstrap failed: 5: Input/output error\n")
        return Ran(0, "", "")


def install(place: Path, launchd: Launchd) -> list[str]:
    said: list[str] = []
    where = apply.Place(said.append, str(place), False, launchd)
    apply.install(macos.plan(Choice(COMMAND), grant(SIGNED)), macos.traces(), where)
    return said


def test_installed_and_removed(tmp_path: Path) -> None:
    """Files, folders and the job; again, the job is loaded anew; at the end nothing is left."""
    launchd = Launchd()
    said = install(tmp_path, launchd)
    assert launchd.calls == [
        f"launchctl bootout system/{macos.LABEL}",
        f"launchctl enable system/{macos.LABEL}",
        f"launchctl bootstrap system {macos.JOB}",
    ]
    assert "deliver the profile by your MDM" in said[-1]
    for path, mode in ((macos.STATE, 0o750), (macos.LOGS, 0o750)):
        assert Path(f"{tmp_path}{path}").stat().st_mode & 0o777 == mode
    again = Launchd()
    assert not any(line.startswith("write") for line in install(tmp_path, again))
    assert again.calls == launchd.calls
    where = apply.Place(said.append, str(tmp_path), False, launchd)
    apply.uninstall(macos.traces(), where, purge=True)
    assert [path for path in tmp_path.rglob("*") if "mdeinspect" in path.name] == []


def test_the_old_job_takes_its_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Loading is tried again, a second apart, and not for ever."""
    pauses: list[float] = []
    monkeypatch.setattr(manager, "pause", lambda: pauses.append(1.0))
    install(tmp_path, Launchd(busy=3))
    assert len(pauses) == 3
    with pytest.raises(InstallError, match="Input/output error"):
        install(tmp_path, Launchd(busy=1000))
    assert len(pauses) < 60


@pytest.mark.parametrize("option", ["timer", "strict", "as_root"])
def test_what_launchd_has_not(option: str) -> None:
    """Options of systemd are refused, not dropped."""
    with pytest.raises(InstallError, match="cannot use --"):
        macos.plan(Choice(COMMAND, **{option: True}), grant(SIGNED))


def test_profile() -> None:
    """It grants one thing, to the program that runs, by its own requirement."""
    found = plistlib.loads(full_disk_access.profile(grant(SIGNED)).encode())
    UUID(found["PayloadUUID"])
    (payload,) = found["PayloadContent"]
    UUID(payload["PayloadUUID"])
    assert (found["PayloadType"], found["PayloadScope"]) == ("Configuration", "System")
    assert payload["PayloadType"] == "com.apple.TCC.configuration-profile-policy"
    assert list(payload["Services"]) == ["SystemPolicyAllFiles"]
    (service,) = payload["Services"]["SystemPolicyAllFiles"]
    assert service["Identifier"] == "/opt/p"
    assert service["CodeRequirement"].endswith('certificate leaf[subject.OU] = "A<B"')
    assert service["Allowed"] is True


def test_signed_for_one_build() -> None:
    """An ad-hoc signature is taken, and said to hold until the next upgrade only."""
    found = grant(AD_HOC)
    assert (found.requirement, found.lasting) == ('cdhash H"0123456789abcdef"', False)
    assert "in this build only" in full_disk_access.note(found)
    assert "in this build only" not in full_disk_access.note(grant(SIGNED))


def test_not_signed() -> None:
    """Without a signature there is no profile, and that is said; the service is installed."""
    found = grant(UNSIGNED)
    assert "not signed at all" in full_disk_access.note(found)
    assert macos.PROFILE not in {file.path for file in macos.plan(Choice(COMMAND), found).files}
    with pytest.raises(InstallError, match="cannot tell the code requirement"):
        full_disk_access.profile(found)


def test_an_image_has_no_profile() -> None:
    """Where nothing may be run nobody is asked for a signature."""
    found = full_disk_access.grant("/opt/p", None)
    assert found.requirement is None
    assert "on the Mac itself" in full_disk_access.note(found)


def test_newsyslog() -> None:
    """Seven fields, an absolute path, no compression of a file that is still written."""
    text = (ROOT / "launchd" / "mdeinspect.newsyslog.conf").read_text()
    (entry,) = [line.split() for line in text.splitlines() if not line.startswith("#")]
    path, owner, mode, count, size, when, flags = entry
    assert path == job()["StandardErrorPath"]
    assert owner == "root:admin"
    assert int(mode, 8) == 0o640
    assert int(count) > 0
    assert int(size) > 0
    assert when == "*"
    assert not set(flags) & set("JZXB")
