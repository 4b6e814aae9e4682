"""Every scenario raises what it promises, and the simulated agent agrees with our verdicts."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from mdeinspect import catalogue, rules
from mdeinspect.config.model import Config
from mdeinspect.errors import UsageError
from mdeinspect.host.recorded import RecordedHost
from mdeinspect.inspect import Plan, take
from mdeinspect.model import Platform, Report, Severity
from mdeinspect.report import report
from mdeinspect.simulator.demo import steps
from mdeinspect.simulator.host import DAY, HOUR, START, SimulatedHost
from mdeinspect.simulator.policies import hardened
from mdeinspect.simulator.scenarios import SCENARIOS, names

LEVEL = "antivirusEngine.enforcementLevel"
BOTH: tuple[Platform, ...] = ("linux", "darwin")
PLAYED = [(name, platform) for platform in BOTH for name in names(platform)]


def inspected(folder: Path) -> Report:
    host = RecordedHost(str(folder))
    every = tuple(rules.load().values())
    return report(take(host, Plan()), Config(), catalogue.load(), every, host.now())


def verdict(found: Report, key: str) -> str | None:
    return next((row.verdict for row in found.settings if row.key == key), None)


def alarming(found: Report) -> set[str]:
    return {one.code for one in found.findings if one.severity >= Severity.MEDIUM}


# --- the stories --------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "platform"), PLAYED)
def test_a_scenario_raises_exactly_what_it_promises(
    tmp_path: Path, name: str, platform: Platform
) -> None:
    """Nothing of medium severity before; after, the listed codes and no other."""
    seen = [alarming(inspected(folder)) for _, folder in steps(name, platform, tmp_path / "host")]
    assert seen == [set(), set(SCENARIOS[name].expected(platform))]


@pytest.mark.parametrize("platform", BOTH)
def test_every_story_but_those_of_good_order_has_something_to_find(platform: Platform) -> None:
    """A demo that shows nothing is none."""
    silent = {name for name in names(platform) if not SCENARIOS[name].expected(platform)}
    assert silent == {name for name in names(platform) if name.startswith("well-run-")}


def test_a_story_is_only_played_where_it_belongs(tmp_path: Path) -> None:
    """The error names what there is."""
    with pytest.raises(UsageError, match="well-run-mdm"):
        next(steps("well-run-managed-file", "darwin", tmp_path / "host"))


def test_a_demo_tells_before_and_after_of_one_folder(tmp_path: Path) -> None:
    """Time has passed in between."""
    told = []
    for headline, folder in steps("protection-off", "linux", tmp_path / "host"):
        told.append((headline.partition(":")[0], folder, RecordedHost(str(folder)).now()))
    (first, place, earlier), (second, same, later) = told
    assert (first, second) == ("Before", "After")
    assert place == same
    assert later - earlier >= HOUR


# --- the host -----------------------------------------------------------------------------------


@pytest.mark.parametrize("platform", BOTH)
@pytest.mark.parametrize(
    ("version", "channel"), [("101.02.55", "managed"), ("100.87.66", "managed")]
)
def test_old_agents_are_understood(
    tmp_path: Path, platform: Platform, version: str, channel: str
) -> None:
    """Without a field for passive mode, and in the legacy form."""
    host = SimulatedHost(tmp_path / "host", platform, version=version)
    host.managed({"antivirusEngine": {"enforcementLevel": "real_time"}})
    host.pass_time(HOUR)
    found = inspected(host.record())
    assert (found.agent.state, found.agent.version) == ("running", version)
    assert verdict(found, LEVEL) in ("enforced", "unproven")


DAEMONS = [("up", "running"), ("down", "unreachable"), ("slow", "unknown"), ("garbage", "unknown")]


@pytest.mark.parametrize(("daemon", "state"), DAEMONS)
def test_the_daemon_shows_in_the_state_of_the_agent(
    tmp_path: Path, daemon: Any, state: str
) -> None:
    """What says nothing is not taken for down."""
    host = SimulatedHost(tmp_path / "host", daemon=daemon)
    assert inspected(host.record()).agent.state == state
    host.daemon("up")
    assert inspected(host.record()).agent.state == "running"


@pytest.mark.parametrize("platform", BOTH)
def test_a_host_can_be_opened_again(tmp_path: Path, platform: Platform) -> None:
    """All of it lies in the folder."""
    built = SimulatedHost(tmp_path / "host", platform)
    built.attach({})
    built.set_field("healthy", False)
    again = SimulatedHost.open(tmp_path / "host")
    assert (again.platform, again.now, again.agent()) == (platform, START, built.agent())
    again.pass_time(DAY)
    assert built.now == START + DAY


@pytest.mark.parametrize("platform", BOTH)
def test_channels_come_and_go(tmp_path: Path, platform: Platform) -> None:
    """By their names here, and by those of the report."""
    host = SimulatedHost(tmp_path / "host", platform)
    seen = []
    host.local({})
    host.managed({})
    host.attach({})
    for channel in ("mde_attach", "managed", "local"):
        seen.append(inspected(host.record()).authority.channel)
        host.remove(channel)
    administrator = {"linux": "managed_file", "darwin": "mdm"}[platform]
    assert seen == ["mde_attach", administrator, "local"]
    assert inspected(host.record()).authority.channel == "none"
    with pytest.raises(ValueError, match="nonsense"):
        host.remove("nonsense")


CHECKINS: list[tuple[timedelta | None, timedelta | None, str]] = [
    (HOUR, None, "fresh"),
    (6 * HOUR, None, "late"),
    (2 * DAY, None, "stale"),
    (2 * DAY, HOUR, "failing"),
    (None, HOUR, "never"),
    (-HOUR, None, "clock-skew"),
]


@pytest.mark.parametrize(("success", "attempt", "state"), CHECKINS)
def test_checkins_are_what_they_were_set_to(
    tmp_path: Path, success: timedelta | None, attempt: timedelta | None, state: str
) -> None:
    """The times stand in the agent's state file."""
    host = SimulatedHost(tmp_path / "host")
    host.attach({})
    host.checkin(success, attempt)
    assert inspected(host.record()).checkin.state == state


@pytest.mark.parametrize("platform", BOTH)
def test_an_admin_can_upgrade_offboard_and_disable(tmp_path: Path, platform: Platform) -> None:
    """Each shows where the real one shows it."""
    host = SimulatedHost(tmp_path / "host", platform)
    assert inspected(host.record()).agent.licensed is True
    host.upgrade("101.26062.0005")
    host.offboard()
    host.disable_at_boot()
    found = inspected(host.record())
    assert (found.agent.version, found.agent.licensed) == ("101.26062.0005", False)
    assert found.sources["boot"].value.enabled is False
    host.onboard()
    assert inspected(host.record()).agent.licensed is True


def test_a_file_can_be_broken(tmp_path: Path) -> None:
    """The agent goes on without it; the report says so."""
    host = SimulatedHost(tmp_path / "host")
    path = "/etc/opt/microsoft/mdatp/managed/mdatp_managed.json"
    host.managed(hardened("linux"))
    host.edit(path, b'{"antivirusEngine": {')
    found = inspected(host.record())
    assert found.sources["mdatp_managed"].state == "broken"
    assert json.loads((host.folder / "host.json").read_text())["files"][path]["uid"] == 0


def test_time_does_not_pass_on_the_real_clock(tmp_path: Path) -> None:
    """A host without a clock of its own cannot be sent into the future."""
    with pytest.raises(ValueError, match="real clock"):
        SimulatedHost(tmp_path / "host", now=None).pass_time(HOUR)
