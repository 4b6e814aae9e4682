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

REPORT = "/var/opt/microsoft/mdatp/security_management/current_report"
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


# --- portal-setting-failed ----------------------------------------------------------------------


def reported(host: HostFolder, *results: tuple[str, Any], age: timedelta = HOUR) -> HostFolder:
    """How applying each setting of the portal ended."""
    settings = [{"name": name, "value": value} for name, value in results]
    return host.file(REPORT, {"policyInfo": [{"settings": settings}]}, age=age)


@pytest.mark.parametrize("word", ["Error", "error", " ERROR "])
def test_settings_that_errored_are_named_once(attached: HostFolder, word: str) -> None:
    """Medium, never more: what the report looks like is known from one source."""
    results = [("b", word), ("a", "Success"), ("c", word), ("b", word)]
    (finding,) = found(reported(attached.checkin(HOUR), *results).report(), "portal-setting-failed")
    assert (finding.severity, finding.subject) == (Severity.MEDIUM, "channel:mde_attach")
    assert finding.facts == {"settings": ["b", "c"], "file": REPORT}
    assert "2 settings" in finding.title


@pytest.mark.parametrize("word", ["Success", "success", "Applied", ""])
def test_known_good_words_are_no_finding(attached: HostFolder, word: str) -> None:
    """Success, applied, and nothing at all."""
    told = reported(attached.checkin(HOUR), ("a", word)).report()
    assert (codes(told), unknown(told)) == ([], [])


@pytest.mark.parametrize("word", ["Pending", "NotApplicable", "Fehler", 5, None])
def test_another_word_is_unknown_and_quoted(attached: HostFolder, word: Any) -> None:
    """Neither good nor bad; it hides no error beside it."""
    told = reported(attached.checkin(HOUR), ("a", word)).report()
    assert codes(told) == []
    (because,) = [one.because for one in told.unknown if one.code == "portal-setting-failed"]
    assert str(word).lower() in because
    both = reported(attached, ("a", word), ("b", "Error")).report()
    assert found(both, "portal-setting-failed")[0].facts["settings"] == ["b"]


def test_a_setting_that_health_proves_is_not_failed(attached: HostFolder) -> None:
    """Evidence from the host outranks the report, where the name is a key of ours."""
    policy = {"cloudService": {"enabled": True}}
    attached.file(ATTACH, policy, age=30 * DAY).checkin(HOUR)
    told = reported(attached, ("cloudService.enabled", "Error")).report()
    assert found(told, "portal-setting-failed") == []


def test_a_report_older_than_the_policy_is_unknown(attached: HostFolder) -> None:
    """It may speak of the policy before."""
    attached.file(ATTACH, {}, age=HOUR).checkin(HOUR)
    told = reported(attached, ("a", "Error"), age=2 * HOUR).report()
    assert codes(told) == []
    assert "portal-setting-failed" in unknown(told)


def test_a_report_that_is_left_behind_accuses_nobody(host: HostFolder) -> None:
    """Another channel governs."""
    told = reported(host.health().file(MANAGED, {}), ("a", "Error")).report()
    assert "portal-setting-failed" not in (*codes(told), *unknown(told))


@pytest.mark.parametrize("content", ["{", [], {"policyInfo": 1}])
def test_a_report_that_cannot_be_read_is_unknown(attached: HostFolder, content: Any) -> None:
    """Its shape may change."""
    told = attached.checkin(HOUR).file(REPORT, content).report()
    assert codes(told) == []
    assert "portal-setting-failed" in unknown(told)


def test_endless_names_are_cut(attached: HostFolder) -> None:
    """A finding stays a finding, whatever stands in the file."""
    results = [(f"{number:03}" + "x" * 5000, "Error") for number in range(500)]
    (finding,) = found(reported(attached.checkin(HOUR), *results).report(), "portal-setting-failed")
    assert len(finding.facts["settings"]) == 21
    assert finding.facts["settings"][-1] == "and more"
    assert len(finding.detail) < 3_000
