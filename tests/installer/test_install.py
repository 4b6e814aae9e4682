"""`mdeinspect service install` and `uninstall`: what is written, run, kept and refused."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner, Result

from mdeinspect.cli import cli
from mdeinspect.installer import InstallError, apply, linux, material
from mdeinspect.installer.manager import Ran
from mdeinspect.installer.plan import Choice, is_ours

ROOT = Path(__file__).parents[2]
COMMAND = ("/opt/mdeinspect/bin/python", "-I", "-m", "mdeinspect")
UNIT = "etc/systemd/system/mdeinspect.service"
TIMER = "etc/systemd/system/mdeinspect-check.timer"
STRICT = "etc/systemd/system/mdeinspect.service.d/strict.conf"
CONFIG = "etc/mdeinspect/config.toml"


class Programs:
    """The programs of a system: every call is kept; those that start so fail."""

    def __init__(self, *failing: str) -> None:
        self.calls: list[str] = []
        self.failing = failing

    def __call__(self, program: str, args: Sequence[str]) -> Ran:
        call = " ".join((program, *args))
        self.calls.append(call)
        return (
            Ran(1, "", "it did not work\n")
            if call.startswith(self.failing or ("-",))
            else Ran(0, "", "")
        )


def install(place: Path, programs: Programs | None = None, **chosen: bool) -> list[str]:
    """Install below a folder as root would into `/`; what was said."""
    said: list[str] = []
    where = apply.Place(said.append, str(place), False, programs)
    apply.install(linux.plan(Choice(COMMAND, **chosen)), linux.traces(), where)
    return said


def uninstall(place: Path, programs: Programs | None = None, *, purge: bool = False) -> list[str]:
    said: list[str] = []
    where = apply.Place(said.append, str(place), False, programs)
    apply.uninstall(linux.traces(), where, purge=purge)
    return said


def call(*args: str) -> Result:
    return CliRunner().invoke(cli, ["service", *args])


def files(place: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    found = [path for path in sorted(place.rglob("*")) if path.is_file()]
    return {str(path.relative_to(place)): path.read_bytes() for path in found}


def test_what_is_there_afterwards(tmp_path: Path) -> None:
    """Unit, user, folders and configuration; rotation only where logrotate is."""
    (tmp_path / "etc/logrotate.d").mkdir(parents=True)
    install(tmp_path)
    assert list(files(tmp_path)) == [
        "etc/logrotate.d/mdeinspect",
        CONFIG,
        "etc/systemd/system/mdeinspect.service",
        "etc/sysusers.d/mdeinspect.conf",
        "etc/tmpfiles.d/mdeinspect.conf",
    ]
    for name, data in files(tmp_path).items():
        assert is_ours(data) == (name != CONFIG)
        assert (tmp_path / name).stat().st_mode & 0o777 == 0o644


def test_no_logrotate(tmp_path: Path) -> None:
    """A host without logrotate gets no folder of its."""
    install(tmp_path)
    assert not (tmp_path / "etc/logrotate.d").exists()


def test_the_unit_names_this_installation(tmp_path: Path) -> None:
    """Every program of ours in it is the interpreter that was chosen; all else is as it ships."""
    install(tmp_path)
    text = (tmp_path / UNIT).read_text()
    shipped = (ROOT / "systemd/mdeinspect.service").read_text()
    command = " ".join(COMMAND)
    assert f"\nExecStart={command} --state /var/lib/mdeinspect run\n" in text
    assert "/usr/bin/mdeinspect" not in text
    assert text.replace(command, "/usr/bin/mdeinspect").endswith(shipped)


@pytest.mark.parametrize(
    ("word", "quoted"),
    [
        ("/opt/venv-3.11/bin/python", "/opt/venv-3.11/bin/python"),
        ("/opt/my venv/python", '"/opt/my venv/python"'),
        ("/opt/100%/python", "/opt/100%%/python"),
    ],
)
def test_words_of_a_unit(word: str, quoted: str) -> None:
    """systemd reads back what was meant."""
    assert linux.quoted(word) == quoted


@pytest.mark.parametrize("word", ['/opt/a"b', "/opt/a\nb", "/opt/$HOME", "/opt/a\\b", "/opt/a'b"])
def test_words_that_no_unit_can_name(word: str) -> None:
    """A path that systemd would read as something else is refused."""
    with pytest.raises(InstallError, match="plain characters"):
        linux.quoted(word)


def test_again(tmp_path: Path) -> None:
    """A second time nothing is written."""
    install(tmp_path)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    said = install(tmp_path)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before
    assert not any(line.startswith(("write", "remove")) for line in said)


def test_brought_up_to_date(tmp_path: Path) -> None:
    """A unit of an older release is replaced."""
    install(tmp_path)
    unit = tmp_path / UNIT
    new = unit.read_text()
    unit.write_text(new.replace("WatchdogSec=2min", "WatchdogSec=9min"))
    assert any(
        line.startswith("write") and "mdeinspect.service" in line for line in install(tmp_path)
    )
    assert unit.read_text() == new


def test_the_configuration_is_never_overwritten(tmp_path: Path) -> None:
    """What the administrator wrote stays, also through an uninstall."""
    (tmp_path / CONFIG).parent.mkdir(parents=True)
    (tmp_path / CONFIG).write_text("[schedule]\n")
    install(tmp_path)
    uninstall(tmp_path)
    assert (tmp_path / CONFIG).read_text() == "[schedule]\n"


def test_the_example_is_the_configuration(tmp_path: Path) -> None:
    """The documented example, which gives the defaults."""
    install(tmp_path)
    assert (tmp_path / CONFIG).read_text() == (ROOT / "docs/config.example.toml").read_text()


def test_somebody_elses_unit(tmp_path: Path) -> None:
    """A unit that another wrote is not touched, and nothing else is written either."""
    (tmp_path / UNIT).parent.mkdir(parents=True)
    (tmp_path / UNIT).write_text("[Service]\nExecStart=/mine\n")
    with pytest.raises(InstallError, match="did not write it"):
        install(tmp_path)
    assert list(files(tmp_path)) == [UNIT]
    assert uninstall(tmp_path)[0].startswith("nothing to remove")
    assert list(files(tmp_path)) == [UNIT]


def test_no_purge_beneath_somebody_elses_unit(tmp_path: Path) -> None:
    """Its service may run: its state is not taken away from under it."""
    (tmp_path / UNIT).parent.mkdir(parents=True)
    (tmp_path / UNIT).write_text("[Service]\nExecStart=/mine\n")
    (tmp_path / "var/lib/mdeinspect").mkdir(parents=True)
    with pytest.raises(InstallError, match="did not write it"):
        uninstall(tmp_path, purge=True)
    assert (tmp_path / "var/lib/mdeinspect").is_dir()


def test_a_link_out_of_an_image(tmp_path: Path) -> None:
    """What is written for an image stays in it."""
    image, outside = tmp_path / "image", tmp_path / "outside"
    (image / "etc").mkdir(parents=True)
    outside.mkdir()
    (image / "etc/systemd").symlink_to(outside)
    with pytest.raises(InstallError, match="a link leads out of"):
        install(image)
    assert list(outside.iterdir()) == []
    assert list(files(image)) == []


def test_masked(tmp_path: Path) -> None:
    """A masked unit (a link to nothing) stays masked."""
    (tmp_path / UNIT).parent.mkdir(parents=True)
    (tmp_path / UNIT).symlink_to("/dev/null")
    with pytest.raises(InstallError, match="did not write it"):
        install(tmp_path)
    assert (tmp_path / UNIT).is_symlink()


def test_packaged(tmp_path: Path) -> None:
    """Where a package has the service, the package manager has the say."""
    there = tmp_path / "usr/lib/systemd/system/mdeinspect.service"
    there.parent.mkdir(parents=True)
    there.write_text("[Service]\n")
    with pytest.raises(InstallError, match="a package installed it"):
        install(tmp_path)
    (tmp_path / "var/lib/mdeinspect").mkdir(parents=True)
    with pytest.raises(InstallError, match="a package installed it"):
        uninstall(tmp_path, purge=True)


def test_what_is_run(tmp_path: Path) -> None:
    """User and folders first, then the unit is known, enabled and started."""
    programs = Programs()
    install(tmp_path, programs)
    assert programs.calls == [
        "systemctl disable --now mdeinspect-check.timer",
        "systemd-sysusers /etc/sysusers.d/mdeinspect.conf",
        "systemd-tmpfiles --create /etc/tmpfiles.d/mdeinspect.conf",
        "systemctl daemon-reload",
        "systemctl enable mdeinspect.service",
        "systemctl restart mdeinspect.service",
    ]


def test_a_program_that_fails(tmp_path: Path) -> None:
    """What it said is told, and nothing goes on behind it."""
    programs = Programs("systemctl enable")
    with pytest.raises(InstallError, match=r"ended with 1 and said: it did not work"):
        install(tmp_path, programs)
    assert programs.calls[-1] == "systemctl enable mdeinspect.service"


def test_what_may_fail(tmp_path: Path) -> None:
    """That there is no timer to disable is no fault."""
    programs = Programs("systemctl disable")
    install(tmp_path, programs)
    assert programs.calls[-1] == "systemctl restart mdeinspect.service"


def test_another_choice(tmp_path: Path) -> None:
    """The timer takes the place of the daemon, with what belonged to that."""
    install(tmp_path, strict=True)
    assert (tmp_path / STRICT).exists()
    programs = Programs()
    said = install(tmp_path, programs, timer=True)
    assert "systemctl disable --now mdeinspect.service" in programs.calls
    assert programs.calls[-1] == "systemctl restart mdeinspect-check.timer"
    assert not (tmp_path / UNIT).exists()
    assert not (tmp_path / STRICT).parent.exists()
    assert (tmp_path / TIMER).exists()
    assert "remove /etc/systemd/system/mdeinspect.service" in said


def test_a_drop_in_of_the_administrator_stays(tmp_path: Path) -> None:
    """Only ours go with the service."""
    install(tmp_path, strict=True)
    own = (tmp_path / STRICT).with_name("override.conf")
    own.write_text("[Service]\nNice=0\n")
    uninstall(tmp_path)
    assert list(files(tmp_path)) == [CONFIG, str(own.relative_to(tmp_path))]


def test_uninstall(tmp_path: Path) -> None:
    """It is stopped, everything of ours goes; configuration, state and logs are kept."""
    for folder in ("var/lib/mdeinspect", "var/log/mdeinspect", "etc/logrotate.d"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "var/lib/mdeinspect/store.db").write_text("memory")
    install(tmp_path, strict=True, as_root=True)
    programs = Programs()
    said = uninstall(tmp_path, programs)
    assert list(files(tmp_path)) == [CONFIG, "var/lib/mdeinspect/store.db"]
    assert programs.calls[0].startswith("systemctl disable --now mdeinspect.service")
    assert "systemctl daemon-reload" in programs.calls
    assert not any(call.startswith("userdel") for call in programs.calls)
    assert said[-1].startswith("kept: /var/lib/mdeinspect")


def test_uninstall_again(tmp_path: Path) -> None:
    """A second time there is nothing to do, and nothing is run."""
    install(tmp_path)
    uninstall(tmp_path)
    programs = Programs()
    assert uninstall(tmp_path, programs)[0].startswith("nothing to remove")
    assert programs.calls == []


def test_purge(tmp_path: Path) -> None:
    """Nothing of ours is left, and the user goes as well."""
    for folder in ("var/lib/mdeinspect", "var/log/mdeinspect"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "file").write_text("x")
    install(tmp_path)
    (tmp_path / STRICT).parent.mkdir()  # as `systemctl edit` leaves it
    programs = Programs()
    uninstall(tmp_path, programs, purge=True)
    assert files(tmp_path) == {}
    assert not list(tmp_path.rglob("mdeinspect*"))
    assert programs.calls[-1] == "userdel mdeinspect"


def test_purge_follows_no_link(tmp_path: Path) -> None:
    """A state folder that is a link goes; what it points to stays."""
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious/file").write_text("x")
    (tmp_path / "var/lib").mkdir(parents=True)
    (tmp_path / "var/lib/mdeinspect").symlink_to(tmp_path / "precious")
    uninstall(tmp_path, purge=True)
    assert not os.path.lexists(tmp_path / "var/lib/mdeinspect")
    assert (tmp_path / "precious/file").exists()


def test_a_read_only_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is said before anything is run or written."""
    read_only = SimpleNamespace(f_flag=os.ST_RDONLY)
    monkeypatch.setattr(os, "statvfs", lambda _: read_only)
    programs = Programs()
    with pytest.raises(InstallError, match="is on a read-only file system"):
        install(tmp_path, programs)
    assert programs.calls == []
    assert files(tmp_path) == {}


def test_a_disk_that_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file is there wholly or not at all."""

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(InstallError, match=r"cannot write .*No space left"):
        install(tmp_path)
    assert files(tmp_path) == {}


# --- the command --------------------------------------------------------------------------------


def test_dry_run(tmp_path: Path) -> None:
    """Everything is said, nothing is there afterwards."""
    told = call("install", "--dry-run", "--prefix", str(tmp_path))
    assert told.exit_code == 0, told.output
    assert "write  /etc/systemd/system/mdeinspect.service (0644)" in told.output
    assert "run    systemctl enable mdeinspect.service" in told.output
    assert list(tmp_path.iterdir()) == []


def test_below_a_prefix(tmp_path: Path) -> None:
    """For an image: files only; and away again."""
    told = call("install", "--prefix", str(tmp_path), "--timer")
    assert told.exit_code == 0, told.output
    assert (tmp_path / TIMER).exists()
    told = call("uninstall", "--prefix", str(tmp_path), "--purge")
    assert told.exit_code == 0, told.output
    assert files(tmp_path) == {}


@pytest.fixture
def untouched(monkeypatch: pytest.MonkeyPatch) -> None:
    """This machine, which no test may change: what would do so fails the test."""
    for name in ("install", "uninstall"):
        monkeypatch.setattr(apply, name, lambda *_, **__: pytest.fail("it went on"))


@pytest.mark.usefixtures("untouched")
def test_a_plain_user(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who may not, is told to use sudo."""
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    for word in ("install", "uninstall"):
        told = call(word)
        assert told.exit_code == 2
        assert "run with sudo" in told.output


@pytest.mark.usefixtures("untouched")
def test_no_systemd(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """In a container without systemd nothing is written into the void."""
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr("mdeinspect.installer.manager.BOOTED", str(tmp_path / "nothing"))
    told = call("install")
    assert told.exit_code == 2
    assert "systemd does not manage this machine" in told.output


@pytest.mark.usefixtures("untouched")
def test_an_installation_that_others_can_change(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A privileged service does not run from there: refused, with what to do, nothing written."""
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr("mdeinspect.installer.manager.BOOTED", str(tmp_path))
    objection = "/home/me/venv does not belong to root"
    monkeypatch.setattr("mdeinspect.installer.interpreter.objections", lambda *_: [objection])
    told = call("install")
    assert told.exit_code == 3
    assert objection in told.output
    assert "/opt/mdeinspect" in told.output


def test_no_recorded_host(tmp_path: Path) -> None:
    """A record has no service."""
    told = CliRunner().invoke(cli, ["--root", str(tmp_path), "service", "status"])
    assert told.exit_code == 2


# --- what ships ---------------------------------------------------------------------------------


def test_what_is_installed_ships_with_the_wheel() -> None:
    """Every file that is written lies in a folder that the wheel takes along."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    taken = project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    assert all((ROOT / source).exists() for source in taken)
    base = f"mdeinspect/{material.PACKAGED}/"
    assert set(taken.values()) == {
        f"{base}{n}" for n in ("systemd", "launchd", "config.example.toml")
    }


def test_a_broken_installation(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that does not ship is named, with what to do."""
    monkeypatch.setattr(material, "_checkout", lambda: None)
    with pytest.raises(InstallError, match="install it anew"):
        material.text("systemd/nothing.service")
