"""Memory survives the store as rows, in whole or in part; awake time adds up."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from engine_support import IN_FORCE, Hand, a_finding, attached, edited
from hypothesis import given, settings
from hypothesis import strategies as st

from mdeinspect.awake import advance, awake_between
from mdeinspect.memory import (
    Flapping,
    Memory,
    PastAgent,
    PastAuthority,
    PastCheckin,
    PastDaemon,
    PastFinding,
    PastFlag,
    PastHangs,
    PastPolicy,
    PastSetting,
    PastSource,
    PastTenant,
)
from mdeinspect.model import AwakeLog, HostFacts, Nap, Severity
from support import DAY, HOUR, MINUTE, NOW

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
moments = st.datetimes(timezones=st.just(UTC), min_value=datetime(1990, 1, 1))
maybe = st.none() | moments
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
flaps = st.builds(Flapping, moments, st.integers(0, 99), moments, texts)
findings = st.builds(
    PastFinding,
    code=st.from_regex(r"[a-z]+(-[a-z]+)*", fullmatch=True),
    subject=texts,
    candidate_since=maybe,
    raised_at=maybe,
    severity=st.sampled_from(Severity),
    facts_digest=texts,
    title=texts,
    initial=st.booleans(),
    suppressed=st.booleans(),
    readings=st.integers(0, 3),
    reading_at=maybe,
    transitions=st.lists(moments, max_size=3).map(tuple),
    flapping=st.none() | flaps,
)
policies = st.builds(
    PastPolicy,
    source=texts,
    channel=st.sampled_from(["mde_attach", "local"]),
    path=st.none() | texts,
    digest=texts,
    content=texts,
    changed_at=moments,
    values=st.dictionaries(texts, json_values, max_size=3),
    governed=st.booleans(),
    removed_at=maybe,
)
past_settings = st.builds(
    PastSetting,
    key=texts,
    verdict=st.sampled_from(["enforced", "not-enforced"]),
    policy=json_values,
    effective=json_values,
    channel=st.none() | texts,
    flag=st.none() | st.builds(PastFlag, texts, st.integers(0, 2), maybe),
)
sources = st.builds(PastSource, texts, st.sampled_from(["present", "broken"]), st.none() | texts)
memories = st.builds(
    Memory,
    reported_at=maybe,
    rules=st.frozensets(texts, max_size=3),
    redacted=st.sampled_from([(), ("ids", "tags")]),
    findings=st.lists(findings, max_size=3).map(lambda all_: {one.key: one for one in all_}),
    policies=st.lists(policies, max_size=2).map(lambda all_: {one.key: one for one in all_}),
    settings=st.lists(past_settings, max_size=2).map(lambda all_: {one.key: one for one in all_}),
    sources=st.lists(sources, max_size=2).map(lambda all_: {one.key: one for one in all_}),
    authority=st.none()
    | st.builds(
        PastAuthority, st.just("mdm"), st.none() | texts, st.sampled_from([(), ("local",)])
    ),
    checkin=st.none() | st.builds(PastCheckin, st.just("fresh"), moments, maybe, maybe),
    agent=st.builds(
        PastAgent,
        st.none() | st.just("running"),
        st.none() | texts,
        onboarded=st.booleans(),
        newest=st.none() | texts,
        older_since=maybe,
        daemons=st.lists(
            st.builds(PastDaemon, texts, st.integers(1, 99), moments, st.lists(moments).map(tuple)),
            max_size=2,
        ).map(tuple),
        hangs=st.none() | st.builds(PastHangs, moments, st.integers(1, 9), moments),
        tenant=st.none() | st.builds(PastTenant, texts, st.none() | texts, maybe),
        form=st.none() | st.just("json"),
        fields=st.lists(texts, max_size=3).map(tuple),
    ),
    awake=st.none()
    | st.builds(
        AwakeLog,
        moments,
        moments,
        maybe,
        st.none() | st.floats(0, 1e9),
        st.lists(st.builds(Nap, moments, moments, st.floats(0, 1e9)), max_size=2).map(tuple),
    ),
)


@given(memories)
def test_what_is_written_as_rows_is_read_back_the_same(memory: Memory) -> None:
    rows = json.loads(json.dumps(memory.rows(), allow_nan=False))
    assert Memory.from_rows(rows) == memory


@given(memories, st.data())
@settings(max_examples=60)
def test_a_damaged_row_is_lost_by_name_and_takes_no_other_with_it(
    memory: Memory, data: st.DataObject
) -> None:
    rows = memory.rows()
    name = data.draw(st.sampled_from(sorted(rows)))
    rows[name] = data.draw(
        st.sampled_from([None, 7, "x", [], {"severity": "dire", "verdict": 1, "state": 2}])
    )
    back = Memory.from_rows(rows)
    kept = back.rows()
    assert set(back.lost) <= {name}
    assert all(kept[other] == rows[other] for other in rows if other != name and other in kept)
    assert set(rows) - set(kept) <= {name}


@pytest.mark.parametrize(
    ("row", "value"),
    [
        ("finding:a|host", {"code": "a"}),
        ("finding:a|host", {"code": "b", "subject": "host"}),
        ("finding:a|host", {"code": "a", "subject": "host", "raised_at": "2026-01-01"}),
        ("finding:a|host", {"code": "a", "subject": "host", "raised_at": "yesterday"}),
        ("finding:a|host", {"code": "a", "subject": "host", "readings": True}),
        ("finding:a|host", {"code": "a", "subject": "host", "transitions": "now"}),
        ("setting:k", {"key": "k", "verdict": "fine"}),
        ("authority", {"channel": "nobody"}),
        ("awake", {"since": NOW.isoformat()}),
        ("meta", {"rules": [1]}),
    ],
)
def test_a_row_that_does_not_fit_is_lost(row: str, value: Any) -> None:
    back = Memory.from_rows({row: value, "agent": {"version": "1"}})
    assert back.lost == (row,)
    assert back.agent == PastAgent(version="1")


def test_rows_and_members_of_other_releases_are_none_of_ours() -> None:
    back = Memory.from_rows({"cursor:x": 1, "agent": {"version": "1", "mood": "fine"}})
    assert back == Memory(agent=PastAgent(version="1"))


def test_a_lost_finding_is_raised_once_more_and_nothing_else_happens() -> None:
    hand = Hand()
    hand.step(a_finding("checkin-late"), a_finding("checkin-clock-skew"))
    assert hand.memory is not None
    rows = hand.memory.rows()
    rows["finding:checkin-late|host"] = {}
    hand.memory = Memory.from_rows(rows)
    told = hand.later(MINUTE).step(a_finding("checkin-late"), a_finding("checkin-clock-skew"))
    assert [one.code for one in told] == ["checkin-late"]


def test_lost_facts_are_taken_as_they_are_now() -> None:
    machine = attached()
    machine.step()
    assert machine.memory is not None
    keep = {"meta": machine.memory.rows()["meta"]}
    machine.memory = Memory.from_rows(keep)
    machine.later(HOUR).put("mdeattach_managed", edited(edr={"tags": []})).ask()
    assert machine.step() == []


def test_only_rows_that_changed_are_other_rows() -> None:
    machine = attached()
    machine.awake = 30 * 86400.0
    machine.step()
    machine.later(15 * MINUTE).ask().step()
    before = machine.memory.rows() if machine.memory else {}
    machine.later(15 * MINUTE).ask().step()
    after = machine.memory.rows() if machine.memory else {}
    assert {name for name in after if before.get(name) != after[name]} == {"meta", "awake"}


# --- awake time ---------------------------------------------------------------------------------


def host(boot: datetime | None, awake: float | None) -> HostFacts:
    return HostFacts("web-07", "linux", boot_time=boot, awake_seconds=awake)


def begun(awake: float | None = DAY.total_seconds()) -> AwakeLog:
    log = advance(None, host(NOW - DAY, awake), NOW)
    assert log is not None
    return log


def test_awake_time_counts_while_the_host_is_awake() -> None:
    log = advance(begun(), host(NOW - DAY, 86400.0 + 3600), NOW + HOUR)
    assert log is not None
    assert awake_between(log, NOW - 2 * HOUR, NOW + HOUR) == 3 * HOUR
    assert awake_between(log, NOW - 9 * DAY, NOW + HOUR) == DAY + HOUR  # before boot: not known


def test_sleep_does_not_count() -> None:
    log = advance(begun(), host(NOW - DAY, 86400.0 + 60), NOW + 8 * HOUR)
    assert log is not None
    assert awake_between(log, NOW - HOUR, NOW + 8 * HOUR) == HOUR + MINUTE
    assert awake_between(log, NOW + 4 * HOUR, NOW + 8 * HOUR) == timedelta()


def test_time_switched_off_does_not_count_and_time_before_it_does() -> None:
    log = advance(begun(), host(NOW + 2 * HOUR, 600.0), NOW + 2 * HOUR + 10 * MINUTE)
    assert log is not None
    end = NOW + 2 * HOUR + 10 * MINUTE
    assert awake_between(log, NOW - HOUR, end) == HOUR + 10 * MINUTE


def test_without_a_clock_of_its_own_the_time_of_boot_must_do() -> None:
    log = begun(None)
    same = advance(log, host(NOW - DAY, None), NOW + HOUR)
    other = advance(log, host(NOW + HOUR / 2, None), NOW + HOUR)
    assert same is not None
    assert other is not None
    assert awake_between(same, NOW, NOW + HOUR) == HOUR
    assert awake_between(other, NOW, NOW + HOUR) == HOUR / 2


def test_a_clock_that_jumps_counts_for_nothing() -> None:
    ahead = advance(begun(), host(NOW - DAY, 86400.0 + 60), NOW + DAY)
    back = advance(begun(), host(NOW - DAY, 86400.0 + 60), NOW - HOUR)
    assert ahead is not None
    assert back is not None
    assert awake_between(ahead, NOW, NOW + DAY) == MINUTE
    assert awake_between(back, NOW, NOW - HOUR) == timedelta()


def test_a_recorded_host_and_one_that_tells_nothing_have_no_log() -> None:
    assert advance(None, replace(host(NOW - DAY, 60.0), recorded=True), NOW) is None
    assert advance(None, host(None, None), NOW) is None


@given(st.lists(st.tuples(st.integers(0, 50_000), st.booleans()), min_size=1, max_size=300))
@settings(max_examples=30, deadline=None)
def test_however_often_it_slept_awake_time_is_never_overstated(
    stretches: list[tuple[int, bool]],
) -> None:
    log, now, awake, true = begun(), NOW, 86400.0, timedelta()
    for seconds, sleeps in stretches:
        now += timedelta(seconds=seconds)
        if not sleeps:
            awake += seconds
            true += timedelta(seconds=seconds)
        advanced = advance(log, host(NOW - DAY, awake), now)
        assert advanced is not None
        log = advanced
    short = timedelta(seconds=60) * len(stretches)  # naps too short to be noted
    assert awake_between(log, NOW, now) <= true + short
    assert len(json.dumps(Memory(awake=log).rows())) < 64_000


def test_ages_of_checkins_are_of_time_awake_over_reboots() -> None:
    machine = attached()
    machine.awake = 30 * 86400.0
    machine.step()
    for _ in range(4):
        machine.later(3 * HOUR).ask().step()
        machine.reboot(off=5 * HOUR)
    machine.later(MINUTE).ask().step()
    assert machine.last is not None
    checkin = machine.last.checkin
    assert (checkin.age_seconds, checkin.awake_age_seconds) == (32 * 3600 + 60, 12 * 3600 + 60)
    assert checkin.state == "late"  # stale by the clock alone
    machine.later(12 * HOUR).ask().step()
    assert machine.last.checkin.state == "stale"


def test_definitions_grow_old_by_time_awake() -> None:
    machine = attached().healthy(**IN_FORCE, without=("definitionsUpdatedMinutesAgo",))
    machine.awake = 30 * 86400.0
    machine.step()
    machine.later(10 * DAY, asleep=True).ask().step()
    assert "definitions-old" not in {one.code for one in machine.told}
    for _ in range(7):
        machine.later(DAY).ask().step()
    assert "definitions-old" in {one.code for one in machine.told}
