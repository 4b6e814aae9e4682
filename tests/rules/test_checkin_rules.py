"""Does SenseCM still check in? The severity of each state, and its facts."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from mdeinspect.model import Severity
from support import (
    ATTACH,
    DAY,
    HOUR,
    MANAGED,
    MINUTE,
    NOW,
    ONBOARD,
    STATE,
    HostFolder,
    codes,
    found,
    unknown,
)

CODES = {
    "checkin-failing",
    "checkin-stale",
    "checkin-late",
    "checkin-never",
    "checkin-clock-skew",
}


@pytest.fixture
def attached(host: HostFolder) -> HostFolder:
    """A Linux host under MDE Attach, whose last policy came a month ago."""
    return host.health(managedBy="MDE").file(ATTACH, {}, age=30 * DAY)


@pytest.mark.parametrize(
    ("success", "attempt", "code", "severity"),
    [
        (5 * HOUR, None, "checkin-late", Severity.LOW),
        (25 * HOUR, 25 * HOUR, "checkin-stale", Severity.MEDIUM),
        (7 * DAY - MINUTE, 6 * DAY, "checkin-stale", Severity.MEDIUM),
        (7 * DAY, 6 * DAY, "checkin-stale", Severity.HIGH),
        (25 * HOUR, HOUR, "checkin-failing", Severity.MEDIUM),
        (7 * DAY - MINUTE, HOUR, "checkin-failing", Severity.MEDIUM),
        (7 * DAY, HOUR, "checkin-failing", Severity.HIGH),
        (-HOUR, HOUR, "checkin-clock-skew", Severity.LOW),
    ],
)
def test_each_state_has_its_finding(
    attached: HostFolder,
    success: timedelta,
    attempt: timedelta | None,
    code: str,
    severity: Severity,
) -> None:
    """One finding on the host, graded by age; the facts are the moments and where they stand."""
    told = attached.checkin(success, attempt).report()
    assert codes(told) == [code]
    (finding,) = found(told, code)
    assert (finding.severity, finding.subject) == (severity, "host")
    assert finding.facts == {
        "last_success": NOW - success,
        "last_attempt": NOW - (success if attempt is None else attempt),
        "seen_in": ["wdavstate"],
    }
    assert finding.since == NOW - success


@pytest.mark.parametrize("attempt", [20 * MINUTE, 10 * DAY])
def test_never_is_medium(attached: HostFolder, attempt: timedelta) -> None:
    """Attached, and no success on record."""
    told = attached.checkin(None, attempt).report()
    assert codes(told) == ["checkin-never"]
    (finding,) = found(told, "checkin-never")
    assert finding.severity is Severity.MEDIUM
    assert finding.facts == {
        "last_success": None,
        "last_attempt": NOW - attempt,
        "seen_in": ["wdavstate"],
    }


@pytest.mark.parametrize(
    ("age", "severity"),
    [
        (HOUR, Severity.LOW),
        (DAY - MINUTE, Severity.LOW),
        (DAY, Severity.MEDIUM),
        (-HOUR, Severity.MEDIUM),
    ],
)
def test_a_host_onboarded_within_a_day_has_time(
    attached: HostFolder, age: timedelta, severity: Severity
) -> None:
    """By the time of the onboarding file; one from the future gives no time."""
    told = attached.checkin(None).file(ONBOARD, {"orgId": "x"}, age=age).report()
    assert [finding.severity for finding in found(told, "checkin-never")] == [severity]


@pytest.mark.parametrize(
    ("boot", "code", "severity"),
    [
        (HOUR, "checkin-late", Severity.LOW),
        (2 * DAY, "checkin-stale", Severity.MEDIUM),
        (8 * DAY, "checkin-stale", Severity.HIGH),
    ],
)
def test_time_switched_off_does_not_count(
    attached: HostFolder, boot: timedelta, code: str, severity: Severity
) -> None:
    """A success of nine days ago, by how long the host has been up since."""
    attached.about(boot_time=(NOW - boot).isoformat())
    told = attached.checkin(9 * DAY).report()
    assert [(f.code, f.severity) for f in told.findings] == [(code, severity)]


def test_a_fresh_checkin_is_no_finding(attached: HostFolder) -> None:
    """Within three periods."""
    told = attached.checkin(4 * HOUR).report()
    assert told.checkin.state == "fresh"
    assert (codes(told), unknown(told)) == ([], [])


@pytest.mark.parametrize(
    ("success", "attempt"), [(9 * DAY, 9 * DAY), (9 * DAY, HOUR), (None, HOUR), (-HOUR, HOUR)]
)
def test_a_host_that_is_not_attached_is_not_judged(
    host: HostFolder, success: timedelta | None, attempt: timedelta
) -> None:
    """What an earlier enrolment left behind accuses nobody."""
    told = host.health().file(MANAGED, {}).checkin(success, attempt).report()
    assert CODES.isdisjoint(codes(told))
    assert CODES.isdisjoint(unknown(told))


@pytest.mark.parametrize(
    "state",
    [
        None,
        "no json",
        {},
        {"securityManagement": {"mLastcheckinSuccessfulInFileTime": "soon"}},
        {"securityManagement": {"mLastcheckinSuccessfulInFileTime": 1.5e17}},
    ],
)
def test_without_a_sensible_time_the_rules_cannot_tell(attached: HostFolder, state: Any) -> None:
    """Missing, malformed, without the keys, senseless: unknown, with a sentence that says why."""
    if state is not None:
        attached.file(STATE, state)
    told = attached.report()
    assert told.checkin.state == "unknown"
    assert CODES.isdisjoint(codes(told))
    (because,) = [u.because for u in told.unknown if u.code in CODES]
    assert because.startswith("cannot ")
