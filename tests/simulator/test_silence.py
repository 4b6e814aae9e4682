"""A false alarm is a defect of the same rank as a miss: hosts in good order are silent.

Every scenario raises exactly what is listed for it here by hand: code, severity and subject.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from mdeinspect import catalogue, rules
from mdeinspect.config.model import Config
from mdeinspect.events import Event
from mdeinspect.host.recorded import RecordedHost
from mdeinspect.inspect import Plan, take
from mdeinspect.memory import Memory
from mdeinspect.model import Platform, Report, Severity
from mdeinspect.report import report
from mdeinspect.simulator.host import DAY, HOUR, MINUTE, SimulatedHost
from mdeinspect.simulator.policies import hardened
from mdeinspect.simulator.scenarios import SCENARIOS, names
from mdeinspect.simulator.well_run import WEEKEND
from mdeinspect.transitions import step

BOTH: tuple[Platform, ...] = ("linux", "darwin")
PLAYED = [(name, platform) for platform in BOTH for name in names(platform)]
CATALOGUE = catalogue.load()
Found = set[tuple[str, str, str]]

PASSIVE: Found = {("info", "protection-passive-by-policy", "host")}
LATE: Found = {("low", "checkin-late", "host")}
OFF: Found = {("critical", "protection-off", "host")}
STALE: Found = {("medium", "checkin-stale", "host")}
REFUSED: Found = {("medium", "portal-setting-failed", "channel:mde_attach")}
OUT: Found = {("high", "agent-offboarded", "agent")}
DOWN: Found = {("high", "agent-unreachable", "agent")}
OVERWRITTEN: Found = {
    ("high", "broad-exclusion", "key:antivirusEngine.exclusions#excludedPath:/"),
    (
        "medium",
        "allowed-threats",
        "key:antivirusEngine.allowedThreats#EICAR-Test-File (not a virus)",
    ),
    *PASSIVE,
}
# Scenario and platform -> what it raises after; what it raises before stands in BEFORE.
AFTER: dict[tuple[str, Platform], Found] = {
    ("protection-off", "linux"): OFF,
    ("protection-off", "darwin"): OFF,
    ("mde-attach-shadows", "linux"): {
        ("medium", "policy-shadowed", "channel:managed_file"),
        ("medium", "protection-not-set", "host"),
        ("low", "empty-attach-file", "channel:mde_attach"),
    },
    ("mde-attach-shadows", "darwin"): {
        ("medium", "policy-shadowed", "channel:mdm"),
        ("low", "empty-attach-file", "channel:mde_attach"),
        ("low", "tamper-protection-off", "host"),
    },
    ("config-tool-overwrites", "linux"): OVERWRITTEN,
    ("config-tool-overwrites", "darwin"): OVERWRITTEN,
    ("checkin-stale", "linux"): STALE,
    ("checkin-stale", "darwin"): STALE,
    ("agent-down", "linux"): DOWN,
    ("agent-down", "darwin"): DOWN,
    ("portal-setting-failed", "linux"): REFUSED,
    ("portal-setting-failed", "darwin"): REFUSED,
    ("offboarded", "linux"): OUT,
    ("offboarded", "darwin"): OUT,
    ("well-run-managed-file", "linux"): set(),
    ("well-run-mdm", "darwin"): set(),
    ("well-run-mde-attach", "linux"): set(),
    ("well-run-mde-attach", "darwin"): set(),
    ("well-run-local", "linux"): set(),
    ("well-run-local", "darwin"): set(),
    ("well-run-passive", "linux"): PASSIVE,
    ("well-run-passive", "darwin"): PASSIVE,
    ("well-run-old-agent", "linux"): set(),
    ("well-run-no-policy", "darwin"): set(),
    ("well-run-laptop", "linux"): LATE,
    ("well-run-laptop", "darwin"): LATE,
    ("well-run-puppet", "linux"): set(),
    ("well-run-plain-user", "linux"): set(),
    ("well-run-plain-user", "darwin"): set(),
    ("well-run-intune", "darwin"): set(),
}
BEFORE: dict[str, Found] = {"well-run-passive": PASSIVE}
WELL_RUN = [key for key in AFTER if key[0].startswith("well-run-")]


def inspected(host: SimulatedHost, memory: Memory | None = None, *, live: bool = False) -> Report:
    """The report on a simulated host as it is now; `live` as the service of a machine sees it."""
    recorded = RecordedHost(str(host.record()))
    every = tuple(rules.load().values())
    snapshot = take(recorded, Plan())
    snapshot = replace(snapshot, host=replace(snapshot.host, recorded=not live))
    return report(snapshot, Config(), CATALOGUE, every, recorded.now(), memory)


def all_of(found: Report) -> Found:
    return {(one.severity.word, one.code, one.subject) for one in found.findings}


class Watch:
    """The service's own way from report to report, and what it told meanwhile."""

    def __init__(self, host: SimulatedHost) -> None:
        self.host = host
        self.memory: Memory | None = None
        self.events: list[Event] = []

    def look(self) -> Report:
        """One round."""
        every = rules.load().values()
        found = inspected(self.host, self.memory, live=True)
        now = self.host.now
        self.memory, events = step(
            self.memory, found, config=Config(), catalogue=CATALOGUE, rules=every, now=now
        )
        self.events += events
        return found

    def looks(self, times: int, every: timedelta) -> None:
        """Several rounds, with time in between."""
        for _ in range(times):
            self.host.pass_time(every)
            self.look()


def alarms(events: list[Event]) -> list[str]:
    """What a receiver that filters at medium would be woken by."""
    return [
        f"{one.type} {one.code or ''} {one.subject or ''}".strip()
        for one in events
        if one.severity >= Severity.MEDIUM
    ]


# --- the scenarios ------------------------------------------------------------------------------


def test_every_scenario_is_listed() -> None:
    """A new one wants its findings listed here."""
    assert sorted(AFTER) == sorted(PLAYED)


def test_ten_hosts_in_good_order() -> None:
    """Each channel on each platform, and the odd ones."""
    assert len({name for name, _ in WELL_RUN}) >= 10
    assert not [key for key in WELL_RUN if SCENARIOS[key[0]].expected(key[1])]


@pytest.mark.parametrize(("name", "platform"), PLAYED)
def test_a_scenario_raises_what_is_listed(tmp_path: Path, name: str, platform: Platform) -> None:
    """These findings, of these severities, about these subjects, and no other."""
    host = SimulatedHost(tmp_path / "host", platform)
    SCENARIOS[name].begin(host)
    assert all_of(inspected(host)) == BEFORE.get(name, set())
    SCENARIOS[name].finish(host)
    found = inspected(host)
    assert all_of(found) == AFTER[name, platform]
    told = {code for word, code, _ in all_of(found) if Severity.of(word) >= Severity.MEDIUM}
    assert told == set(SCENARIOS[name].expected(platform))


@pytest.mark.parametrize(("name", "platform"), WELL_RUN)
def test_hosts_in_good_order_are_silent(tmp_path: Path, name: str, platform: Platform) -> None:
    """Nothing of medium severity, at no moment of the story."""
    host = SimulatedHost(tmp_path / "host", platform)
    SCENARIOS[name].begin(host)
    for _ in range(2):
        found = inspected(host)
        assert not [one for one in found.findings if one.severity >= Severity.MEDIUM]
        SCENARIOS[name].finish(host)


@pytest.mark.parametrize(("name", "platform"), WELL_RUN)
def test_hosts_in_good_order_are_well_known(tmp_path: Path, name: str, platform: Platform) -> None:
    """Silence is no ignorance: but for the plain user nothing is unknown, and all is enforced."""
    host = SimulatedHost(tmp_path / "host", platform)
    SCENARIOS[name].begin(host)
    SCENARIOS[name].finish(host)
    found = inspected(host)
    verdicts = {row.verdict for row in found.settings}
    if name == "well-run-plain-user":
        blind = {"linux": ("mdatp_managed",), "darwin": ()}
        assert found.blind == blind[platform]
        assert not verdicts & {"not-enforced", "shadowed", "foreign"}
        return
    assert (found.blind, found.unknown) == ((), ())
    assert verdicts <= {"enforced", "unproven", "unmanaged", "unobservable"}
    assert found.agent.state == "running"


# --- with a memory ------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "platform"), WELL_RUN)
def test_the_service_tells_no_alarm_of_them(tmp_path: Path, name: str, platform: Platform) -> None:
    """Two days of looking, with the story in their midst."""
    host = SimulatedHost(tmp_path / "host", platform)
    SCENARIOS[name].begin(host)
    watch = Watch(host)
    watch.looks(6, 2 * HOUR)
    SCENARIOS[name].finish(host)
    watch.look()
    watch.looks(6, 15 * MINUTE)
    watch.looks(6, 2 * HOUR)
    assert alarms(watch.events) == []


def test_a_tool_that_rewrites_the_same_is_no_news(tmp_path: Path) -> None:
    """Not one event in a day of Puppet, whatever the times of the file."""
    host = SimulatedHost(tmp_path / "host")
    host.managed(hardened("linux"))
    host.pass_time(DAY)
    watch = Watch(host)
    watch.look()
    watch.events.clear()
    for _ in range(48):
        host.pass_time(30 * MINUTE)
        host.managed(hardened("linux"))
        watch.look()
    assert [(one.type, one.code) for one in watch.events] == []


@pytest.mark.parametrize("platform", BOTH)
def test_a_lid_that_is_closed_over_the_weekend(tmp_path: Path, platform: Platform) -> None:
    """The service knows that the host slept: no check-in was missed in that time."""
    host = SimulatedHost(tmp_path / "host", platform)
    host.attach(hardened(platform))
    host.restart()
    host.pass_time(DAY)
    host.sleep(timedelta(0))  # from here on it tells how long it was awake
    watch = Watch(host)
    watch.looks(4, HOUR)
    host.checkin(20 * MINUTE)
    host.sleep(WEEKEND)
    found = watch.look()
    assert found.checkin.state == "late"
    watch.looks(4, 15 * MINUTE)
    assert alarms(watch.events) == []
