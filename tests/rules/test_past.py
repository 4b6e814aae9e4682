"""What the agent's past says together with what is seen now."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from cases_agent import daemon
from cases_tenant import OURS, THEIRS
from engine_support import Machine

from mdeinspect.config.model import Config, Privacy
from mdeinspect.memory import PastAgent, PastDaemon, PastHangs, PastTenant
from mdeinspect.model import HostFacts, Process, Reading
from mdeinspect.privacy import digest
from mdeinspect.rules import _past
from mdeinspect.sources.processes import PROCESSES
from support import DAY, HOUR, MINUTE, NOW, found

SECOND = timedelta(seconds=1)
HOST = HostFacts("web-07", "linux", boot_time=NOW - 30 * DAY)


def seen(*running: Process) -> Reading[Any]:
    """A list of processes."""
    return Reading("processes", "present", NOW, PROCESSES.parse(running))


def after(past: PastAgent, *running: Process, host: HostFacts = HOST) -> tuple[PastDaemon, ...]:
    """What is remembered of the daemons, the version being the same."""
    return _past.daemons(past, seen(*running), host, NOW, same_version=True)


def test_of_several_processes_the_longest_running_has_the_role() -> None:
    """A child that has not become another program yet looks like its parent."""
    parent, child = daemon(10, age=DAY), daemon(11, age=SECOND)
    for running in ((parent, child), (child, parent)):
        assert [one.pid for one in after(PastAgent(), *running)] == [10]


@pytest.mark.parametrize(
    ("pid", "age", "restarted"),
    [
        (7, HOUR, False),
        (7, HOUR - 59 * SECOND, False),
        (7, HOUR - 60 * SECOND, True),  # the same number again
        (8, HOUR, True),
        (8, HOUR - 30 * SECOND, True),  # it lived for half a minute
    ],
)
def test_another_pid_or_another_start_is_another_process(
    pid: int, age: timedelta, restarted: bool
) -> None:
    """The time of a start is computed, and wavers; a pid is a number and may come again."""
    past = PastAgent(daemons=(PastDaemon("main", 7, NOW - HOUR),))
    (kept,) = after(past, daemon(pid, age=age))
    assert kept.restarts == ((NOW - age,) if restarted else ())


@pytest.mark.parametrize("after_boot", [timedelta(), 9 * MINUTE, 10 * MINUTE, 2 * HOUR])
def test_a_start_within_ten_minutes_of_a_boot_is_explained_by_it(after_boot: timedelta) -> None:
    """A later one is not."""
    past = PastAgent(daemons=(PastDaemon("main", 7, NOW - DAY),))
    boot = NOW - MINUTE - after_boot
    host = HostFacts("web-07", "linux", boot_time=boot)
    (kept,) = after(past, daemon(8, age=MINUTE), host=host)
    assert bool(kept.restarts) is (after_boot >= 10 * MINUTE)


@pytest.mark.parametrize("away", [timedelta(), 9 * MINUTE, 10 * MINUTE])
def test_restarts_that_were_seen_before_the_upgrade_itself_are_its_own(away: timedelta) -> None:
    """Processes are looked at more often than health is asked."""
    kept = PastDaemon("main", 7, NOW, tuple(NOW - away for _ in range(4)))
    assert _past.looping([kept], NOW, NOW, 4) == (["main"] if away >= 10 * MINUTE else [])
    assert _past.looping([kept], None, NOW, 4) == ["main"]
    assert _past.looping([kept], None, NOW, 5) == []


def test_an_upgrade_in_this_very_report_explains_what_was_just_seen() -> None:
    """Four lives in eight minutes, and then health tells of another version."""
    machine = Machine()
    machine.processes(daemon(1)).step()
    for number in range(4):
        machine.later(2 * MINUTE)
        machine.processes(daemon(number + 2, age=SECOND, now=machine.now)).step()
    assert found(machine.report(), "agent-crash-looping")
    machine.later(MINUTE).healthy(appVersion="101.26022.0001")
    assert found(machine.report(), "agent-crash-looping") == []


def test_one_reading_that_hung_is_counted_once() -> None:
    """However often it is reported on."""
    health: Reading[Any] = Reading("health", "broken", NOW, None, "timeout")
    first = _past.hangs(None, health, HOST)
    assert first == PastHangs(NOW, 1, NOW)
    assert _past.hangs(first, health, HOST) == first
    machine = Machine()
    machine.step()
    machine.later(15 * MINUTE).trouble("timeout").step()
    for _ in range(3):
        machine.later(MINUTE).step()
    assert found(machine.report(), "agent-hung") == []


def test_another_form_of_health_shows_other_fields() -> None:
    """Text hides some that JSON has: nothing has vanished then."""
    past = PastAgent(form="text", fields=("healthy", "licensed"))
    machine = Machine().healthy(without=["licensed"])
    machine.step()
    assert machine.memory is not None
    assert machine.memory.agent.form == "json"
    assert "licensed" not in machine.memory.agent.fields
    health = machine.snapshot().value("health")
    assert "licensed" not in _past.shown(past, health)[1]
    assert _past.shown(past, None) == ("text", ("healthy", "licensed"))
    machine.healthy()
    machine.memory = None
    machine.step()
    lines = "healthy : true\nreal_time_protection_enabled : true\n"
    machine.later(HOUR).health = lines.encode()
    machine.health_at = machine.now
    assert found(machine.report(), "health-field-lost") == []


def test_ids_that_are_hidden_from_now_on_are_hidden_in_what_was_remembered() -> None:
    """Also when the host moves at the same moment."""
    past = PastTenant(OURS)
    moved = _past.tenant(past, THEIRS, NOW, 30 * DAY, hide=True)
    assert moved == PastTenant(digest(OURS), digest(THEIRS), NOW)
    assert _past.tenant(moved, None, NOW, 30 * DAY, hide=True) == moved
    both = PastTenant(OURS, THEIRS, NOW)
    assert _past.tenant(both, None, NOW, 30 * DAY, hide=True) == moved
    machine = Machine()
    machine.step()
    machine.config = Config(privacy=Privacy(redact=("ids",)))
    machine.later(HOUR).healthy(orgId=THEIRS)
    (finding,) = found(machine.report(), "tenant-changed")
    assert finding.facts == {"tenant": digest(THEIRS), "before": digest(OURS)}
