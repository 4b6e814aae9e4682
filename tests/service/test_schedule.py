"""When the service looks: gentle with the agent, quick after a change of policy."""

from __future__ import annotations

import itertools
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mdeinspect.config.model import Config, Duration, Heartbeat
from mdeinspect.config.model import Schedule as Times
from mdeinspect.service.schedule import CALLS_AN_HOUR, Schedule, share

HOSTS = [str(UUID(int=number)) for number in range(200)]
HOUR = 3600.0


def seconds(number: float) -> Duration:
    return Duration(seconds=number)


def begun(host: str = HOSTS[0], now: float = 1000.0, *, counted: bool = True) -> Schedule:
    made = Schedule(Config(), host, counted=counted)
    made.begin(now)
    return made


def test_health_at_once() -> None:
    """A service that begins asks for health first of all."""
    assert begun(now=1000.0).next_health() == 1000.0


def test_burst() -> None:
    """After a change of policy health is read at 10, 30, 60, 120, 300 and 600 s."""
    one = begun()
    one.asked(1990.0, details=True)
    one.policy_changed(2000.0, content=False)
    moments = []
    while (moment := one.next_health()) < one.health:
        moments.append(moment - 2000.0)
        one.asked(moment, details=True)
        one.answered(moment, 1, readable=True)
    assert moments == [10, 30, 60, 120, 300, 600]


def test_burst_begins_again() -> None:
    """Another change begins the burst anew; a policy in force ends it."""
    one = begun()
    one.asked(1000.0, details=True)
    one.policy_changed(2000.0, content=False)
    one.asked(2010.0, details=False)
    one.policy_changed(2020.0, content=False)
    assert one.next_health() == 2030.0
    one.settled()
    assert one.next_health() == one.health


def test_burst_follows_settle() -> None:
    """`schedule.settle` is the unit of the burst."""
    one = Schedule(Config(schedule=Times(settle=seconds(1))), HOSTS[0])
    one.begin(0.0)
    one.asked(0.0, details=True)
    one.policy_changed(50.0, content=True)
    assert [moment - 50 for moment in one.burst] == [1, 3, 6, 12, 30, 60]


def test_details_daily() -> None:
    """The optional views are asked for once within the first hour, and then daily."""
    one, asked, now = begun(), [], 1000.0
    while now < 1000.0 + 72 * HOUR:
        details = one.details_wanted(now, 11)
        asked += [now] if details else []
        one.asked(now, details=details)
        one.answered(now, 9 if details else 1, readable=True)
        now = max(now + 1, one.next_health())
    assert asked[0] <= 1000.0 + HOUR
    gaps = [later - sooner for sooner, later in itertools.pairwise(asked)]
    assert len(asked) == 3
    assert all(24 * HOUR <= gap <= 24.5 * HOUR for gap in gaps)


def test_details_after_policy() -> None:
    """A change of policy content has the optional views asked within minutes, once."""
    one = begun()
    one.asked(1000.0, details=True)
    one.policy_changed(2000.0, content=True)
    assert not one.details_wanted(2010.0, 11)
    assert one.details_wanted(2060.0, 11)
    one.asked(2060.0, details=True)
    assert not one.details_wanted(2120.0, 11)


def test_no_details_for_facts() -> None:
    """A file whose mode or time alone changed does not have the optional views asked again."""
    one = begun()
    one.asked(1000.0, details=True)
    one.policy_changed(2000.0, content=False)
    assert not one.details_wanted(2600.0, 11)


def test_allowance() -> None:
    """Never more than 30 calls in any hour, whatever changes how often."""
    one, made, now = begun(), [], 1000.0
    while now < 1000.0 + 6 * HOUR:
        one.policy_changed(now, content=True)
        moment = max(one.next_health(), one.may_ask(now, 3))
        now = max(now + 5, moment)
        if one.may_ask(now, 3) > now:
            continue
        details = one.details_wanted(now, 11)
        calls = 11 if details else 3
        one.asked(now, details=details)
        one.answered(now, calls, readable=True)
        made += [now] * calls
    assert len(made) > 100
    for start in made:
        assert sum(start <= moment < start + HOUR for moment in made) <= CALLS_AN_HOUR


def test_allowance_passes() -> None:
    """An allowance that is used up comes back an hour after the calls that used it."""
    one = begun()
    one.answered(1000.0, 20, readable=True)
    one.answered(1500.0, 10, readable=True)
    assert one.may_ask(1600.0, 1) == 1000.0 + HOUR
    assert one.may_ask(1600.0, 21) == 1500.0 + HOUR
    assert one.may_ask(1000.0 + HOUR, 20) == 1000.0 + HOUR


def test_details_leave_enough() -> None:
    """The optional views wait rather than take what health needs after a change of policy."""
    one = begun()
    one.answered(1000.0, 15, readable=True)
    one.details = 1000.0
    assert not one.details_wanted(1600.0, 11)
    assert one.next_health() > 1600.0 or one.health <= one.next_health()
    assert one.details_wanted(1000.0 + HOUR, 11)


def test_recorded_is_free() -> None:
    """A recorded host is asked as often as it is configured, and never more seldom."""
    one = begun(counted=False)
    for second in range(500):
        one.asked(1000.0 + second, details=True)
        one.answered(1000.0 + second, 11, readable=False)
    assert one.may_ask(1500.0, 11) == 1500.0
    assert one.failures == 0
    assert not one.calls


def test_back_off() -> None:
    """An agent that does not answer is asked again after ten minutes, then ever more seldom."""
    one, now, gaps = begun(), 1000.0, []
    for _ in range(12):
        one.asked(now, details=False)
        one.answered(now, 1, readable=False)
        gaps.append(one.health - now)
        now = one.health
    assert 600 < gaps[0] < 15 * 60
    assert 15 * 60 < gaps[1] <= gaps[2] <= gaps[3]
    assert all(0.9 * HOUR <= gap <= HOUR for gap in gaps[3:])
    one.answered(now, 1, readable=True)
    one.asked(now, details=False)
    assert one.health - now <= 15 * 60


def test_back_off_of_slow_schedule() -> None:
    """Whoever asks every six hours is asked once more by a failure, and then not sooner."""
    one = Schedule(Config(schedule=Times(health=Duration(hours=6))), HOSTS[0])
    one.begin(0.0)
    one.asked(0.0, details=False)
    one.answered(0.0, 1, readable=False)
    assert one.health < 11 * 60
    one.asked(601.0, details=False)
    one.answered(601.0, 1, readable=False)
    assert 5.4 * HOUR <= one.health - 601.0 <= 6 * HOUR


@pytest.mark.parametrize("host", HOSTS[:20])
def test_jitter_is_bounded(host: str) -> None:
    """Health comes up to a tenth sooner than configured, never later, and always the same."""
    first, second = begun(host), begun(host)
    for one in (first, second):
        one.asked(1000.0, details=False)
    assert 1000.0 + 0.9 * 900 <= first.health <= 1000.0 + 900
    assert first.health == second.health
    first.answered(1000.0, 3, readable=True)
    first.asked(1900.0, details=False)
    assert first.health - 1900.0 == pytest.approx(second.health - 1000.0)


def test_jitter_differs() -> None:
    """Hosts that were started at once drift apart."""
    fleet = [begun(host) for host in HOSTS]
    for one in fleet:
        one.asked(1000.0, details=False)
    assert len({round(one.health) for one in fleet}) > 50


def test_heartbeats_are_spread() -> None:
    """A fleet started at once beats all over the hour: none at once, none later than that."""
    moments = [begun(host).heartbeat - 1000.0 for host in HOSTS]
    assert all(0.05 * HOUR <= moment <= HOUR for moment in moments)
    sixths = [sum(k * 600 <= moment < (k + 1) * 600 for moment in moments) for k in range(6)]
    assert min(sixths) > 10


def test_share_is_stable() -> None:
    """The share of a host is the same for ever: it is part of what a fleet was tuned to."""
    assert share(HOSTS[0], "heartbeat") == share(HOSTS[0], "heartbeat")
    assert share(HOSTS[0], "heartbeat") != share(HOSTS[0], "health")
    assert all(0 <= share(host, "x") < 1 for host in HOSTS)


def test_polling_is_quicker() -> None:
    """Where events cannot be had files are looked at more often, never more seldom."""
    one = begun()
    one.looked(1000.0, 5.0)
    assert one.files == 1005.0
    one.looked(1000.0, 500.0)
    assert one.files == 1060.0
    one.looked(1000.0, None)
    assert one.files == 1060.0


def test_reconfigured() -> None:
    """Another configuration counts at once, and gives no new allowance."""
    one = begun()
    one.answered(1000.0, 25, readable=False)
    config = Config(
        schedule=Times(health=seconds(60), details=Duration(hours=1)),
        heartbeat=Heartbeat(every=seconds(60)),
    )
    one.reconfigured(config, 1100.0)
    assert one.next_health() == 1100.0
    assert one.may_ask(1100.0, 11) == 1000.0 + HOUR
    assert one.heartbeat <= 1160.0
    assert one.details <= 1100.0 + HOUR


@given(
    calls=st.lists(st.tuples(st.integers(0, 7200), st.integers(1, 12)), max_size=40),
    wanted=st.integers(1, 12),
)
def test_allowance_holds(calls: list[tuple[int, int]], wanted: int) -> None:
    """Whenever it says that so many calls may be made, the hour before had room for them."""
    one, made = begun(now=0.0), []
    for moment, count in sorted(calls):
        if one.may_ask(moment, count) <= moment:
            one.answered(moment, count, readable=True)
            made += [moment] * count
    earliest = one.may_ask(7200.0, wanted)
    assert earliest >= 7200.0
    recent = sum(earliest - HOUR < moment <= earliest for moment in made)
    assert recent + wanted <= CALLS_AN_HOUR
