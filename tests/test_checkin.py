"""When SenseCM last checked in: every state, its boundaries, and what may prove what."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from mdeinspect.channels import authority, policies
from mdeinspect.checkin import awake_age, checkin
from mdeinspect.config.model import CheckinLimits, Duration
from mdeinspect.documents import Document
from mdeinspect.documents.filetime import find_checkins
from mdeinspect.model import (
    Authority,
    Checkin,
    FileFacts,
    HostFacts,
    Platform,
    Process,
    Reading,
    Snapshot,
)
from mdeinspect.sources.processes import AgentProcess
from support import DAY, HOUR, MINUTE, NOW, STATE, HostFolder, filetime

SECOND = timedelta(seconds=1)
LATE = 4 * HOUR + 30 * MINUTE
NEVER = "never"
UP = NOW - 60 * DAY

ATTEMPT = "mLastCheckinAttemptInFileTime"
SUCCESS = "mLastcheckinSuccessfulInFileTime"


def number(age: timedelta | str) -> int:
    """The FILETIME of a moment that long ago; 0 for never."""
    return 0 if isinstance(age, str) else filetime(NOW - age)


def times(success: Any = None, attempt: Any = None) -> Any:
    """What a file holds that tells these ages; None leaves the key out."""
    told = {SUCCESS: success, ATTEMPT: attempt}
    values = {key: number(age) for key, age in told.items() if age is not None}
    return find_checkins({"securityManagement": values})


def present(source: str, value: Any = None, *, age: timedelta = 30 * DAY) -> Reading[Any]:
    """A file that was read."""
    file = FileFacts(f"/{source}", mtime=NOW - age, changed=NOW - age)
    return Reading(source, "present", NOW, value, file=file)


def snapshot(*readings: Reading[Any], platform: Platform = "linux", **host: Any) -> Snapshot:
    """A host that has been up for two months, with these readings."""
    facts = replace(HostFacts("h", platform, boot_time=UP), **host)
    return Snapshot(facts, NOW, {reading.source: reading for reading in readings})


def judged(
    *readings: Reading[Any], channel: Any = "mde_attach", now: datetime = NOW, **host: Any
) -> Checkin:
    """The check-in of a host governed by `channel`."""
    seen = snapshot(*readings, **host)
    governor = Authority(channel, None)
    return checkin(seen, governor, policies(seen), CheckinLimits(), now)


def state(success: Any = None, attempt: Any = None, *more: Reading[Any], **host: Any) -> str:
    """The state by the times in wdavstate."""
    return judged(present("wdavstate", times(success, attempt)), *more, **host).state


# --- the states by age --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("success", "attempt", "expected"),
    [
        (timedelta(), timedelta(), "fresh"),
        (LATE - SECOND, LATE - SECOND, "fresh"),
        (LATE, LATE, "late"),
        (LATE, timedelta(), "late"),
        (DAY - SECOND, timedelta(), "late"),
        (DAY - SECOND, DAY - SECOND, "late"),
        (DAY, DAY, "stale"),
        (DAY, LATE, "stale"),
        (DAY, LATE - SECOND, "failing"),
        (DAY, timedelta(), "failing"),
        (30 * DAY, 20 * MINUTE, "failing"),
        (30 * DAY, 29 * DAY, "stale"),
        (30 * DAY, None, "stale"),
        (30 * DAY, NEVER, "stale"),
        (HOUR, None, "fresh"),
        (HOUR, NEVER, "fresh"),
        (NEVER, HOUR, "never"),
        (NEVER, 30 * DAY, "never"),
        (NEVER, NEVER, "never"),
        (NEVER, None, "never"),
        (None, HOUR, "unknown"),
        (None, 30 * DAY, "unknown"),
        (None, NEVER, "unknown"),
        (None, None, "unknown"),
    ],
)
def test_the_state_follows_from_the_two_times(success: Any, attempt: Any, expected: str) -> None:
    """Late after 4 h 30 min, stale after a day, failing while attempts are younger than late."""
    assert state(success, attempt) == expected


@pytest.mark.parametrize(
    ("success", "attempt", "expected"),
    [
        (-5 * MINUTE, HOUR, "fresh"),
        (-5 * MINUTE - SECOND, HOUR, "clock-skew"),
        (HOUR, -5 * MINUTE, "fresh"),
        (HOUR, -5 * MINUTE - SECOND, "clock-skew"),
        (30 * DAY, -5 * MINUTE, "failing"),
        (30 * DAY, -6 * MINUTE, "clock-skew"),
        (NEVER, -6 * MINUTE, "clock-skew"),
        (None, -6 * MINUTE, "clock-skew"),
    ],
)
def test_a_time_ahead_of_the_clock_is_skew_beyond_five_minutes(
    success: Any, attempt: Any, expected: str
) -> None:
    """Either time; and before every state but not-applicable."""
    assert state(success, attempt) == expected


def test_a_time_slightly_ahead_has_no_negative_age() -> None:
    """Within the tolerance the age is nothing."""
    found = judged(present("wdavstate", times(-2 * MINUTE)))
    assert (found.age_seconds, found.awake_age_seconds) == (0, 0)


def test_limits_can_be_configured() -> None:
    """`checkin.late` and `checkin.stale`."""
    seen = snapshot(present("wdavstate", times(3 * HOUR)))
    tight = CheckinLimits(late=Duration(hours=1), stale=Duration(hours=2))
    governor = Authority("mde_attach", None)
    assert checkin(seen, governor, policies(seen), tight, NOW).state == "stale"


# --- where it applies ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("channel", "expected"),
    [
        ("mdm", "not-applicable"),
        ("local", "not-applicable"),
        ("none", "not-applicable"),
        ("managed_file", "not-applicable"),
        ("mde_attach", "stale"),
        ("unknown", "stale"),
    ],
)
def test_the_authority_decides_where_it_applies(channel: str, expected: str) -> None:
    """Only a host that may be attached is judged; what was left behind accuses no other."""
    assert state(30 * DAY, 30 * DAY, channel=channel) == expected


@pytest.mark.parametrize("times_told", [(-HOUR, HOUR), (NEVER, NEVER), (30 * DAY, HOUR), (0, 0)])
def test_not_applicable_comes_before_everything(times_told: Any) -> None:
    """Skew, never and failing included."""
    success, attempt = (timedelta() if one == 0 else one for one in times_told)
    assert state(success, attempt, channel="mdm") == "not-applicable"


def test_a_managed_file_beside_a_sign_of_mde_attach_is_judged() -> None:
    """A left-over attach file: the host may still check in."""
    attach = present("mdeattach_managed", Document({}, "json", (), {}, ""))
    assert state(30 * DAY, None, attach, channel="managed_file") == "stale"


@pytest.mark.parametrize("platform", ["linux", "darwin"])
def test_both_platforms_are_judged_alike(platform: Platform) -> None:
    """The states do not differ by platform."""
    assert state(30 * DAY, HOUR, platform=platform) == "failing"


# --- time asleep --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ({"boot_time": NOW - HOUR}, "late"),
        ({"boot_time": NOW - DAY + SECOND}, "late"),
        ({"boot_time": NOW - DAY}, "failing"),
        ({"awake_seconds": 3600.0}, "late"),
        ({"awake_seconds": 86_399.0}, "late"),
        ({"awake_seconds": 86_400.0}, "failing"),
        ({"boot_time": NOW - HOUR, "awake_seconds": None}, "late"),
        ({"boot_time": None}, "failing"),
    ],
)
def test_a_wall_age_alone_is_at_most_late(host: dict[str, Any], expected: str) -> None:
    """Off or asleep a host cannot check in: failing, too, needs the time awake."""
    assert state(30 * DAY, HOUR, **host) == expected
    by_attempt = "stale" if expected == "failing" else "late"
    assert state(30 * DAY, 29 * DAY, **host) == by_attempt


def test_both_ages_are_told() -> None:
    """By the wall, and awake; neither without a success, and the latter only where it is known."""
    found = judged(present("wdavstate", times(30 * DAY)), awake_seconds=7200.0)
    assert (found.age_seconds, found.awake_age_seconds) == (30 * 86_400, 7200)
    found = judged(present("wdavstate", times(HOUR)), awake_seconds=7200.0)
    assert (found.age_seconds, found.awake_age_seconds) == (3600, 3600)
    found = judged(present("wdavstate", times(HOUR)), boot_time=None)
    assert (found.age_seconds, found.awake_age_seconds) == (3600, None)
    found = judged(present("wdavstate", times(NEVER, HOUR)))
    assert (found.age_seconds, found.awake_age_seconds) == (None, None)


@pytest.mark.parametrize(
    ("host", "age"),
    [
        ({"awake_seconds": 60.0}, MINUTE),
        ({"awake_seconds": 1e9}, DAY),
        ({"boot_time": NOW - HOUR}, HOUR),
        ({"boot_time": NOW - HOUR, "awake_seconds": 60.0}, MINUTE),
        ({"boot_time": NOW - 9 * DAY}, DAY),
        ({}, None),
    ],
)
def test_the_awake_age_is_the_smaller_one(host: dict[str, Any], age: timedelta | None) -> None:
    """Of the wall age, and of the time awake or else since boot."""
    assert awake_age(HostFacts("h", "linux", **host), NOW - DAY, NOW) == age


# --- proxies ------------------------------------------------------------------------------------


TRACES = ["mdeattach_managed", "security_policy", "current_report"]


@pytest.mark.parametrize("source", TRACES)
@pytest.mark.parametrize(
    ("age", "expected"),
    [
        (timedelta(), "fresh"),
        (LATE - SECOND, "fresh"),
        (LATE, "unknown"),
        (30 * DAY, "unknown"),
        (-5 * MINUTE, "fresh"),
        (-6 * MINUTE, "unknown"),
    ],
)
def test_a_trace_can_only_prove_fresh(source: str, age: timedelta, expected: str) -> None:
    """Younger than late: fresh. Older, or ahead of the clock: nothing at all."""
    found = judged(present(source, age=age))
    assert found.state == expected
    assert (found.last_success, found.last_attempt, found.age_seconds) == (None, None, None)
    assert {one.kind for one in found.evidence} <= {"proxy"}


def test_a_trace_counts_where_its_content_cannot_be_read() -> None:
    """The time of a file is seen without opening it."""
    file = FileFacts("/current_report", mtime=NOW - HOUR)
    locked = Reading("current_report", "broken", NOW, kind="denied", reason="cannot", file=file)
    assert judged(locked).state == "fresh"


def running(*names: tuple[str, datetime | None]) -> Reading[Any]:
    """The list of processes."""
    found = tuple(
        AgentProcess(role, Process(1, role, exe=f"/{role}", started=started))
        for role, started in names
    )
    return Reading("processes", "present", NOW, found)


@pytest.mark.parametrize(
    ("processes", "expected"),
    [
        ([("sensecm", NOW - MINUTE)], "fresh"),
        ([("sensecm", None)], "fresh"),
        ([("main", NOW - MINUTE)], "unknown"),
        ([], "unknown"),
    ],
)
def test_a_run_of_sensecm_is_a_trace(processes: list[Any], expected: str) -> None:
    """Seen it proves fresh; not seen it means nothing."""
    assert judged(running(*processes)).state == expected


@pytest.mark.parametrize(
    ("success", "attempt", "expected"),
    [
        (30 * DAY, HOUR, "failing"),
        (30 * DAY, 30 * DAY, "stale"),
        (5 * HOUR, 5 * HOUR, "late"),
        (NEVER, HOUR, "never"),
        (None, 30 * DAY, "unknown"),
        (None, NEVER, "unknown"),
        (None, HOUR, "fresh"),
        (None, None, "fresh"),
    ],
)
@pytest.mark.parametrize("source", [*TRACES, "processes"])
def test_a_trace_does_not_outweigh_an_exact_time(
    source: str, success: Any, attempt: Any, expected: str
) -> None:
    """Only where no sensible exact value says otherwise; an old attempt does."""
    trace = running(("sensecm", NOW)) if source == "processes" else present(source, age=HOUR)
    assert state(success, attempt, trace) == expected


def test_without_a_sign_of_the_agent_nothing_is_known() -> None:
    """Not seeing anything means nothing."""
    found = judged()
    assert (found.state, found.evidence) == ("unknown", ())


# --- senseless values ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value",
    [
        -1,
        True,
        None,
        "",
        "soon",
        "12,5",
        "-5",
        "٣",
        1.5,
        1.34e17,
        [],
        {},
        1_700_000_000,
        1_700_000_000_000,
        10**19,
        10**40,
        "9" * 400,
    ],
)
def test_a_senseless_value_is_no_value(value: Any) -> None:
    """Of another type, negative, in another unit, out of range: unknown. A trace still counts."""
    wrong = present("wdavstate", find_checkins({SUCCESS: value, ATTEMPT: value}))
    assert judged(wrong).state == "unknown"
    assert judged(wrong, present("current_report", age=HOUR)).state == "fresh"


@pytest.mark.parametrize(
    "tree",
    [
        {"securityManagement": {SUCCESS: number(HOUR)}},
        {SUCCESS: number(HOUR)},
        {"a": {"b": [{"c": {SUCCESS: number(HOUR)}}]}},
        {"securitymanagement": {SUCCESS.lower(): number(HOUR)}},
        {"SecurityManagement": {SUCCESS.upper(): number(HOUR)}},
        {"securityManagement": {"mLastCheckinSuccessfulInFileTime": number(HOUR)}},
        {"securityManagement": {SUCCESS: str(number(HOUR))}},
        {"securityManagement": {SUCCESS: f" {number(HOUR)} "}},
        [{SUCCESS: number(9 * DAY)}, {SUCCESS: number(HOUR)}],
        {"old": {SUCCESS: number(HOUR)}, "new": {SUCCESS: 0}},
        {"one": {SUCCESS: "soon"}, "two": {SUCCESS: number(HOUR)}},
    ],
)
def test_the_times_are_found_wherever_and_however_they_stand(tree: Any) -> None:
    """At any depth, in any letter case, as number or text; of several the newest."""
    found = judged(present("wdavstate", find_checkins(tree)))
    assert (found.state, found.last_success) == ("fresh", NOW - HOUR)


def test_the_keys_may_lie_deep(host: HostFolder) -> None:
    """Also in the file of a recorded host."""
    tree: Any = {SUCCESS: number(HOUR)}
    for _ in range(60):
        tree = {"inner": [tree]}
    told = host.health(managedBy="MDE").file(STATE, tree).report()
    assert (told.checkin.state, told.checkin.last_success) == ("fresh", NOW - HOUR)
    (evidence,) = told.checkin.evidence
    assert (evidence.source, evidence.kind, evidence.path) == ("wdavstate", "exact", STATE)


# --- the analyzer's file ------------------------------------------------------------------------


def analyzer(success: Any, attempt: Any = None, *, age: timedelta) -> Reading[Any]:
    """The check-in times in an analyzer's file of that age."""
    return present("client_analyzer", times(success, attempt), age=age)


@pytest.mark.parametrize(
    ("success", "age", "recorded", "expected"),
    [
        (30 * DAY, 9 * DAY, True, "stale"),
        (NEVER, 9 * DAY, True, "never"),
        (30 * DAY, HOUR, False, "stale"),
        (NEVER, HOUR, False, "never"),
        (30 * DAY, LATE - SECOND, False, "stale"),
        (30 * DAY, LATE, False, "unknown"),
        (30 * DAY, 9 * DAY, False, "unknown"),
        (NEVER, 9 * DAY, False, "unknown"),
        (HOUR, 9 * DAY, False, "fresh"),
    ],
)
def test_an_old_picture_knows_nothing_of_later_checkins(
    success: Any, age: timedelta, recorded: bool, expected: str
) -> None:
    """In a record it is of the record's time; on a live host an old one can only prove fresh."""
    assert judged(analyzer(success, age=age), recorded=recorded).state == expected


@pytest.mark.parametrize("order", [1, -1])
def test_the_newest_of_both_files_counts(order: int) -> None:
    """Wherever the two values are found."""
    files = [
        present("wdavstate", times(9 * DAY, HOUR)),
        analyzer(2 * HOUR, 3 * HOUR, age=HOUR),
    ]
    found = judged(*files[::order])
    assert (found.state, found.last_success, found.last_attempt) == (
        "fresh",
        NOW - 2 * HOUR,
        NOW - HOUR,
    )


def test_never_in_one_file_gives_way_to_a_success_in_another() -> None:
    """Zero is the oldest of all times."""
    assert judged(present("wdavstate", times(NEVER)), analyzer(DAY, age=HOUR)).state == "stale"


def test_a_recorded_analyzers_file_is_evidence(host: HostFolder) -> None:
    """The text file of five blocks, one of them not readable."""
    text = (
        "Health output when running 'mdatp health' command\nMDE HEALTH\nhealth.txt\n"
        "Error: Could not load mde health file.\n\n\n"
        "Preferences coming from Product State\nWDAVSTATE CONFIGURATIONS\n"
        f"{STATE}\n\n"
        f'    {{"securityManagement": {{"{SUCCESS}": {number(5 * HOUR)}}}}}\n\n\n'
    )
    told = host.health(managedBy="MDE").file("/mdatp_config.txt", text).report()
    assert told.checkin.state == "late"
    assert [one.source for one in told.checkin.evidence] == ["client_analyzer"]


def test_the_host_folder_decides_by_the_whole_authority(host: HostFolder) -> None:
    """End to end: the agent's word makes the host attached, and wdavstate tells the rest."""
    told = host.health(managedBy="MDE").checkin(31 * HOUR, 20 * MINUTE).report()
    assert told.checkin.state == "failing"
    assert told.checkin.last_attempt == NOW - 20 * MINUTE
    seen = policies(snapshot())
    assert authority("linux", "MDE", seen).channel == told.authority.channel
