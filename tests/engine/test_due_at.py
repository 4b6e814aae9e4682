"""The service sleeps until the moment at which time alone could change something, and not past."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from engine_support import IN_FORCE, Hand, Machine, a_finding, attached, edited, kinds

from mdeinspect.config.model import Accept, Config
from mdeinspect.model import Checkin
from mdeinspect.transitions import due_at
from support import DAY, HOUR, MINUTE, NOW


def due(hand: Hand) -> datetime | None:
    assert hand.memory is not None
    machine = hand.machine
    return due_at(hand.memory, hand.last, config=machine.config, rules=machine.rules, now=hand.now)


def test_the_check_in_of_a_host_that_is_well_is_what_comes_next() -> None:
    machine = attached()
    machine.step()
    assert machine.due() == NOW + timedelta(hours=4, minutes=30)


def test_a_hold_that_runs_out() -> None:
    hand = Hand()
    hand.step()
    hand.later(MINUTE).step(a_finding("agent-unhealthy", "agent"))
    start = hand.now
    hand.later(3 * MINUTE).step(a_finding("agent-unhealthy", "agent"))
    assert due(hand) == start + 10 * MINUTE


def test_grace_after_an_edit() -> None:
    machine = attached()
    machine.step()
    machine.later(HOUR).put("mdeattach_managed", edited(edr={"tags": []})).step()
    assert machine.due() == machine.now + 10 * MINUTE


def test_a_host_that_has_just_started() -> None:
    machine = attached()
    machine.step()
    machine.later(HOUR).reboot().trouble().step()
    assert machine.due() == machine.now + 10 * MINUTE


def test_flapping_that_comes_to_rest() -> None:
    hand = Hand()
    hand.step()
    for number in range(4):
        hand.later(MINUTE).step(*([a_finding("unknown-key")] if number % 2 == 0 else []))
    last = hand.now
    hand.last = replace(hand.last, checkin=Checkin("not-applicable"))
    assert due(hand) == last + 6 * HOUR


@pytest.mark.parametrize(
    ("until", "end"),
    [
        (date(2026, 11, 22), datetime(2026, 11, 23, tzinfo=UTC)),
        (NOW + HOUR, NOW + HOUR + timedelta(seconds=1)),
        ((NOW + HOUR).replace(tzinfo=None), NOW + HOUR + timedelta(seconds=1)),
        (date.max, None),
    ],
)
def test_an_acceptance_that_ends(until: Any, end: datetime | None) -> None:
    machine = Machine(config=Config(accept=(Accept("checkin-late", until=until),)))
    machine.step()
    moment = machine.due()
    assert moment is not None
    assert moment == end or end is None or moment < end


def every_moment(machine: Machine, more: timedelta) -> list[datetime]:
    """The moments at which a service that only follows `due_at` looks, and steps then."""
    end, looked = machine.now + more, []
    machine.step()
    while (moment := machine.due()) is not None and moment <= end:
        machine.later(moment - machine.now).step()
        looked.append(moment)
        assert len(looked) < 100
    return looked


@pytest.mark.parametrize(
    "fields",
    [
        {"productExpiration": "Nov 27, 2026 at 10:00:00 AM"},
        {"definitionsUpdated": "Nov 20, 2026 at 10:00:00 AM"},
        {"definitionsUpdatedMinutesAgo": 5000},
        {"definitionsUpdatedMinutesAgo": 900, "definitionsStatus": {"$type": "updating"}},
        {"productExpiration": str(int((NOW + 35 * DAY).timestamp() * 1000))},
        {"productExpiration": str(int(datetime(9999, 12, 31, tzinfo=UTC).timestamp() * 1000))},
    ],
)
@pytest.mark.parametrize("asleep", [False, True])
def test_following_it_finds_all_that_a_steady_watch_finds(fields: Any, asleep: bool) -> None:
    """Nothing in force changes here: the same reports, whether one looks often or as told."""

    def host() -> Machine:
        machine = attached()
        machine.awake = 30 * 86400.0 if asleep else None
        machine.success = NOW - 2 * DAY
        machine.attempt = NOW - 3 * HOUR
        return machine.healthy(**{**IN_FORCE, **fields})

    follower, watcher = host(), host()
    follower.step()
    watcher.step()
    every_moment(follower, 8 * DAY)
    for _ in range(8 * 12):
        watcher.later(2 * HOUR).step()

    def told(machine: Machine) -> list[tuple[Any, ...]]:
        return [(one.type, one.code, one.severity, one.because) for one in machine.told]

    assert sorted(told(follower), key=str) == sorted(told(watcher), key=str)
    assert "finding.raised" in kinds(follower.told)
    for first, second in zip(
        sorted(follower.told, key=lambda one: str(one.code) + str(one.severity)),
        sorted(watcher.told, key=lambda one: str(one.code) + str(one.severity)),
        strict=True,
    ):
        assert abs(first.time - second.time) <= 2 * HOUR + timedelta(seconds=1)
