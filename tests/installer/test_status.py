"""`mdeinspect service status`: what systemd and launchd say, and the signs of life."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from mdeinspect.cli import cli
from mdeinspect.config import load
from mdeinspect.config.model import Config
from mdeinspect.events import Event, EventHost
from mdeinspect.installer import InstallError, manager, vitals
from mdeinspect.installer.manager import Ran
from mdeinspect.store.last import write_report
from mdeinspect.store.writer import Store
from support import HOUR, MINUTE, NOW

SILENT = vitals.silence(Config())
HOST = EventHost(name="web-07", id="5a9f", platform="linux")
RUNNING = """\
NRestarts=0
MainPID=812
Result=success
StatusText=mde_attach governs, check-in fresh, 0 findings, watching by events
User=mdeinspect
LoadState=loaded
ActiveState=active
SubState=running
UnitFileState=enabled
"""
LOOPING = (
    RUNNING.replace("ActiveState=active", "ActiveState=activating")
    .replace("SubState=running", "SubState=auto-restart")
    .replace("NRestarts=0", "NRestarts=7")
    .replace("Result=success", "Result=exit-code")
)
NOT_THERE = "LoadState=not-found\nActiveState=inactive\nSubState=dead\nUnitFileState=\n"
MASKED = "LoadState=masked\nActiveState=inactive\nSubState=dead\nUnitFileState=masked\n"
TIMER = "LoadState=loaded\nActiveState=active\nSubState=waiting\nUnitFileState=enabled\n"
LAUNCHD = """\
system/com.mdeinspect.daemon = {
\tactive count = 1
\tpath = /Library/LaunchDaemons/com.mdeinspect.daemon.plist
\ttype = LaunchDaemon
\tstate = running

\tprogram = /opt/mdeinspect/bin/python
\truns = 3
\tpid = 512
\tlast exit code = 1
\tspawn type = daemon (3)
\tendpoints = {
\t\tstate = not running
\t}
}
"""


class System:
    """What the manager of a system says, by unit."""

    def __init__(self, **units: str) -> None:
        self.units = units

    def __call__(self, program: str, args: Sequence[str]) -> Ran:
        if program == "launchctl":
            told = self.units.get("launchd")
            return (
                Ran(0, told, "")
                if told
                else Ran(manager.NOT_LOADED, "", "Could not find service\n")
            )
        kind = args[1].rpartition(".")[2]
        return Ran(0, self.units.get(kind, NOT_THERE), "")


def nobody(program: str, args: Sequence[str]) -> Ran:
    return Ran(1, "", "System has not been booted with systemd.\nCan't operate.\n")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The state of a service that gave its last sign of life five minutes ago."""
    lived(tmp_path / "state", 5 * MINUTE)
    return tmp_path / "state"


def lived(folder: Path, age: timedelta) -> None:
    with Store.open(folder) as store:
        early = Event(type="daemon.started", time=NOW - age - HOUR)
        late = Event(type="policy.changed", time=NOW)
        beat = Event(type="heartbeat", time=NOW - age)
        store.commit({}, [early, beat, late], HOST, NOW)
    taken = (NOW - age).isoformat().replace("+00:00", "Z")
    write_report(folder, {"schema": "mdeinspect.status/1", "taken_at": taken})


def test_running(folder: Path) -> None:
    """Unit, what it says of itself, and both ages: exit 0."""
    found = vitals.look("linux", folder, NOW, SILENT, System(service=RUNNING))
    assert found.exit_code == 0
    (unit,) = found.units
    assert (unit.active, unit.enabled, unit.restarts) == ("active", True, 0)
    assert unit.detail.startswith("running, mde_attach governs")
    assert found.heartbeat.age == 5 * MINUTE
    assert found.report.age == 5 * MINUTE
    assert "5 min ago" in found.lines()[1]


def test_a_restart_loop(folder: Path) -> None:
    """A wrong configuration shows, though systemd calls that activating."""
    found = vitals.look("linux", folder, NOW, SILENT, System(service=LOOPING))
    assert found.exit_code == 1
    assert found.units[0].detail == "auto-restart, last result exit-code"
    assert "restarts: 7" in found.lines()[0]


def test_silent(folder: Path) -> None:
    """A unit that runs and says nothing for hours does not live."""
    found = vitals.look("linux", folder, NOW + 5 * HOUR, SILENT, System(service=RUNNING))
    assert found.exit_code == 1
    assert "5 h 5 min ago" in found.lines()[1]


def test_a_seldom_heartbeat(folder: Path, tmp_path: Path) -> None:
    """Who configures one heartbeat a day hears of a silence after two days."""
    config = tmp_path / "config.toml"
    config.write_text('[heartbeat]\nevery = "1d"\n')
    assert vitals.silence(load.load(config)) > 2 * 24 * HOUR
    later, silent = NOW + 5 * HOUR, vitals.silence(load.load(config))
    assert vitals.look("linux", folder, later, silent, System(service=RUNNING)).exit_code == 0


def test_a_clock_that_went_back(folder: Path) -> None:
    """A sign of the future is shown as one."""
    found = vitals.look("linux", folder, NOW - HOUR, SILENT, System(service=RUNNING))
    assert "ahead of the clock" in found.lines()[1]


def test_not_installed(tmp_path: Path) -> None:
    """Nothing there: 1, and what to do."""
    found = vitals.look("linux", tmp_path / "none", NOW, SILENT, System())
    assert found.exit_code == 1
    assert found.units == ()
    assert found.lines()[0].startswith("not installed")


UNUSED = "LoadState=loaded\nActiveState=inactive\nSubState=dead\nUnitFileState=disabled\n"


@pytest.mark.parametrize(
    ("service", "timer", "shown"),
    [
        (RUNNING, UNUSED, ["mdeinspect.service"]),
        (UNUSED, TIMER, ["mdeinspect-check.timer"]),
        (RUNNING, TIMER, ["mdeinspect.service", "mdeinspect-check.timer"]),
        (UNUSED, UNUSED, ["mdeinspect.service"]),
    ],
)
def test_of_what_a_package_brings_the_one_in_use_counts(
    folder: Path, service: str, timer: str, shown: list[str]
) -> None:
    """The other lies there unused, which is no fault; where neither is in use the daemon is."""
    found = vitals.look("linux", folder, NOW, SILENT, System(service=service, timer=timer))
    assert [one.name for one in found.units] == shown
    assert found.exit_code == (1 if service == timer else 0)


def test_masked(tmp_path: Path) -> None:
    """Masked is said, not passed over."""
    found = vitals.look("linux", tmp_path / "none", NOW, SILENT, System(service=MASKED))
    assert found.exit_code == 1
    assert "masked" in found.lines()[0]


def test_timer(tmp_path: Path) -> None:
    """The timer alone is all that is wanted, and it has no state."""
    found = vitals.look("linux", tmp_path / "none", NOW, SILENT, System(timer=TIMER))
    assert found.exit_code == 0
    assert [one.name for one in found.units] == ["mdeinspect-check.timer"]


def test_nobody_to_ask(folder: Path, tmp_path: Path) -> None:
    """Without systemd the signs of life remain; whether it runs is not known."""
    found = vitals.look("linux", folder, NOW, SILENT, nobody)
    assert found.exit_code == 3
    assert "not been booted with systemd" in found.lines()[0]
    assert vitals.look("linux", tmp_path / "none", NOW, SILENT, nobody).exit_code == 3


def test_state_that_cannot_be_read(tmp_path: Path) -> None:
    """It runs, and whether it lives cannot be told: 3."""
    found = vitals.look("linux", tmp_path / "none", NOW, SILENT, System(service=RUNNING))
    assert found.exit_code == 3
    assert "unknown, cannot read the store" in found.lines()[1]


def test_a_report_without_a_time(folder: Path) -> None:
    """A time that is none is said to be none."""
    write_report(folder, {"schema": "mdeinspect.status/1", "taken_at": None})
    found = vitals.last_report(folder, NOW)
    assert (found.age, found.kind) == (None, "corrupt")


def test_launchd(folder: Path) -> None:
    """The job's own state, not that of a block inside it."""
    found = vitals.look("darwin", folder, NOW, SILENT, System(launchd=LAUNCHD))
    (unit,) = found.units
    assert (unit.active, unit.restarts) == ("active", 2)
    assert unit.detail == "running, last exit code 1"
    assert found.exit_code == 0


def test_launchd_without_it(tmp_path: Path) -> None:
    """A job that is not loaded is not installed."""
    assert vitals.look("darwin", tmp_path, NOW, SILENT, System()).units == ()


def test_launchd_in_other_words(folder: Path) -> None:
    """What it prints is no interface: an unknown word is shown, and is not running."""
    odd = LAUNCHD.replace("\tstate = running\n", "\tstate = levitating\n")
    found = vitals.look("darwin", folder, NOW, SILENT, System(launchd=odd))
    assert found.exit_code == 1
    assert found.units[0].active == "levitating"


def test_plain_data(folder: Path) -> None:
    """`--json`: times as RFC 3339, ages in seconds, trouble as text or null."""
    found = vitals.look("linux", folder, NOW, SILENT, System(service=RUNNING)).as_data()
    assert json.loads(json.dumps(found)) == found
    assert found["schema"] == "mdeinspect.service/1"
    assert found["heartbeat"] == {
        "time": "2026-11-22T10:59:00.000Z",
        "age_seconds": 300,
        "trouble": None,
    }
    assert found["units"][0]["name"] == "mdeinspect.service"


def test_the_command(folder: Path) -> None:
    """On this machine, whatever it is: JSON, and one of the exit codes."""
    told = CliRunner().invoke(cli, ["--state", str(folder), "service", "status", "--json"])
    assert told.exit_code in (0, 1, 3)
    assert json.loads(told.output)["heartbeat"]["time"] == "2026-11-22T10:59:00.000Z"


# --- programs of the system ---------------------------------------------------------------------


def test_never_by_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A program of that name in PATH is not the one that is run."""
    fake = tmp_path / "systemctl"
    fake.write_text("#!/bin/sh\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert all(place.startswith("/") for places in manager.PROGRAMS.values() for place in places)
    monkeypatch.setitem(manager.PROGRAMS, "systemctl", ("/nowhere/systemctl",))
    with pytest.raises(InstallError, match="cannot find systemctl at /nowhere/systemctl"):
        manager.run("systemctl", ("--version",))


def test_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit code and both outputs, in a clean environment."""
    monkeypatch.setitem(manager.PROGRAMS, "sh", ("/bin/sh",))
    monkeypatch.setenv("MDEINSPECT_TEST", "leaks")
    ran = manager.run("sh", ("-c", 'echo "$MDEINSPECT_TEST$LC_ALL"; echo bad >&2; exit 7'))
    assert ran == Ran(7, "C\n", "bad\n")


def test_a_program_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is ended, and said to hang."""
    monkeypatch.setitem(manager.PROGRAMS, "sleep", ("/bin/sleep",))
    monkeypatch.setattr(manager, "SECONDS", 0.2)
    with pytest.raises(InstallError, match="cannot run /bin/sleep 30"):
        manager.run("sleep", ("30",))


def test_mount_point() -> None:
    """The root is a mount, and so is /proc."""
    assert manager.mount_point("/") == "/"
    assert manager.mount_point("/proc/self/status") == "/proc"
