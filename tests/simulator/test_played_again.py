"""What only shows from one report to the next, played on a simulated host."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from mdeinspect import catalogue, rules
from mdeinspect.config.model import Config
from mdeinspect.events import Event
from mdeinspect.host.recorded import RecordedHost
from mdeinspect.inspect import Plan, take
from mdeinspect.memory import Memory
from mdeinspect.model import Platform
from mdeinspect.report import report
from mdeinspect.simulator.agent import ORGANISATION
from mdeinspect.simulator.host import DAY, MINUTE, SimulatedHost
from mdeinspect.simulator.policies import hardened
from mdeinspect.transitions import step

BOTH: tuple[Platform, ...] = ("linux", "darwin")
THEIRS = "99999999-bbbb-cccc-dddd-eeeeeeeeeeee"
QUARTER = 15 * MINUTE
RULES = tuple(rules.load().values())
CATALOGUE = catalogue.load()


class Watch:
    """The service without its threads: looks every quarter of an hour, and remembers."""

    def __init__(self, folder: Path, platform: Platform) -> None:
        self.host = SimulatedHost(folder / "host", platform)
        self.host.managed(hardened(platform))
        self.host.restart()
        self.host.pass_time(DAY)
        self.memory: Memory | None = None
        self.told: list[Event] = []
        self.look()

    def look(self, after: timedelta = timedelta()) -> list[Event]:
        """Let time pass and look at the host."""
        self.host.pass_time(after)
        recorded = RecordedHost(str(self.host.record()))
        seen, now = take(recorded, Plan()), recorded.now()
        found = report(seen, Config(), CATALOGUE, RULES, now, self.memory)
        self.memory, told = step(
            self.memory, found, config=Config(), catalogue=CATALOGUE, rules=RULES, now=now
        )
        self.told += told
        return told

    def raised(self) -> list[str]:
        """The codes that were raised, in their order, those of the beginning apart."""
        return [
            str(one.code)
            for one in self.told
            if one.type == "finding.raised" and not one.data.get("initial")
        ]


@pytest.fixture(params=BOTH)
def watch(request: pytest.FixtureRequest, tmp_path: Path) -> Watch:
    """A host in good order on either platform, looked at once."""
    return Watch(tmp_path, request.param)


def test_a_host_in_good_order_has_nothing_to_tell(watch: Watch) -> None:
    """A day long, with a reboot's worth of quiet."""
    for _ in range(20):
        watch.look(QUARTER)
    assert watch.told == []


def test_a_crash_loop_is_told_once(watch: Watch) -> None:
    """An agent that answers each time it is asked, and is another one each time."""
    for _ in range(8):
        watch.host.crash()
        watch.look(QUARTER)
    assert watch.raised() == ["agent-crash-looping"]


def test_a_single_restart_and_an_upgrade_are_no_crash_loop(watch: Watch) -> None:
    """What administrators do."""
    watch.host.restart()
    watch.look(QUARTER)
    for version in ("101.25092.0001", "101.25102.0001", "101.26012.0001", "101.26022.0001"):
        watch.host.upgrade(version)
        watch.look(QUARTER)
        watch.look(QUARTER)
    assert watch.raised() == []


def test_a_version_that_goes_back_is_told(watch: Watch) -> None:
    """After the ten minutes in which an agent is being replaced."""
    watch.host.upgrade("101.25072.0001")
    for _ in range(3):
        watch.look(QUARTER)
    assert watch.raised() == ["agent-downgraded"]


def test_a_field_that_another_build_leaves_out_is_told(watch: Watch) -> None:
    """One that a rule goes by; one that nobody needs is not."""
    watch.host.hide_field("release_ring")
    watch.host.hide_field("licensed")
    for _ in range(3):
        watch.look(QUARTER)
    assert watch.raised() == ["health-field-lost"]


def test_a_move_to_another_tenant_is_told(watch: Watch) -> None:
    """And told to be over when the host is back."""
    watch.host.onboard(THEIRS)
    watch.look(QUARTER)
    watch.host.onboard(ORGANISATION)
    watch.look(QUARTER)
    assert watch.raised() == ["tenant-changed"]
    assert watch.told[-1].type == "finding.cleared"


def test_a_package_of_another_tenant_is_told(watch: Watch) -> None:
    """It lies there and the agent has not taken it up."""
    watch.host.deploy_onboarding(THEIRS)
    for _ in range(3):
        watch.look(QUARTER)
    assert watch.raised() == ["tenant-mismatch"]


@pytest.mark.parametrize("by_file", [True, False])
def test_an_offboarded_host_is_told_as_that(watch: Watch, by_file: bool) -> None:
    """With the file that did it, where it still lies there, and without."""
    watch.host.offboard(by_file=by_file)
    for _ in range(3):
        watch.look(QUARTER)
    assert watch.raised() == ["agent-offboarded"]
    watch.host.onboard()
    assert [one.type for one in watch.look(QUARTER) if one.code] == ["finding.cleared"]
