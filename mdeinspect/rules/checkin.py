"""Does SenseCM still check in? One rule for each state that somebody should know of."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from mdeinspect.model import CheckinState, Severity
from mdeinspect.rules import Context, Outcome, Raise, Unsure, rule
from mdeinspect.sources.security_management import Outcome as Result

LOST = timedelta(days=7)
NEW = timedelta(days=1)
CONNECT = (
    "Check that the host reaches *.dm.microsoft.com (proxy included), that its clock is right, and "
    "that the device is still enrolled in the portal; then use Policy sync there."
)
REPORT = "current_report"
NOT_APPLIED = frozenset({"error"})
MOST, LONGEST = 20, 80  # settings that a finding names, letters of a name
MATTERS = (
    "A host that does not check in keeps the policy it has: changes in the portal do not reach it."
)


def _facts(context: Context) -> dict[str, Any]:
    found = context.checkin
    exact = [evidence.source for evidence in found.evidence if evidence.kind == "exact"]
    return {
        "last_success": found.last_success,
        "last_attempt": found.last_attempt,
        "seen_in": sorted(set(exact)),
    }


def _raise(
    context: Context, state: CheckinState, severity: Severity | None = None
) -> Iterator[Outcome]:
    if context.checkin.state == state:
        yield Raise("host", _facts(context), severity, since=context.checkin.last_success)


def _worse_with_age(context: Context) -> Severity:
    """High after seven days, by both clocks where both are known."""
    ages = [context.checkin.age_seconds, context.checkin.awake_age_seconds]
    known = [age for age in ages if age is not None]
    lost = bool(known) and min(known) >= LOST.total_seconds()
    return Severity.HIGH if lost else Severity.MEDIUM


@rule(
    "checkin-failing",
    Severity.MEDIUM,
    title="SenseCM tries to check in and fails since {last_success}",
    detail="Last success {last_success}, last attempt {last_attempt} ({seen_in}).",
    remedy=CONNECT,
    means="Attempts are recent, the last success is not.",
    matters=MATTERS,
)
def checkin_failing(context: Context) -> Iterator[Outcome]:
    """Trying and not succeeding."""
    yield from _raise(context, "failing", _worse_with_age(context))


@rule(
    "checkin-stale",
    Severity.MEDIUM,
    title="SenseCM has not checked in since {last_success}",
    detail="Last success {last_success}, last attempt {last_attempt} ({seen_in}).",
    remedy="Check that the agent runs and that the device is still enrolled in the portal. "
    + CONNECT,
    means="The last success is older than the limit, and nothing has been tried since.",
    matters=MATTERS,
)
def checkin_stale(context: Context) -> Iterator[Outcome]:
    """Neither succeeding nor trying."""
    if context.checkin.state == "unknown":
        why = context.snapshot["wdavstate"].reason
        yield Unsure(why or "cannot tell when SenseCM last succeeded: no such time is recorded")
    yield from _raise(context, "stale", _worse_with_age(context))


@rule(
    "checkin-late",
    Severity.LOW,
    title="SenseCM is late: its last check-in was {last_success}",
    detail="Last success {last_success}, last attempt {last_attempt} ({seen_in}).",
    remedy="Wait for the next period of 90 minutes, or use Policy sync in the portal.",
    means="Three periods have passed without a success, or the host slept through them.",
    matters=MATTERS,
)
def checkin_late(context: Context) -> Iterator[Outcome]:
    """Overdue, and not yet alarming."""
    yield from _raise(context, "late")


@rule(
    "checkin-never",
    Severity.MEDIUM,
    title="SenseCM has never checked in",
    detail="The agent records no success; last attempt {last_attempt} ({seen_in}).",
    remedy="Check the device's enrolment status in the portal, and its prerequisites. " + CONNECT,
    means="The host is attached, and its record of check-ins says never.",
    matters="No policy of the portal has ever reached this host.",
)
def checkin_never(context: Context) -> Iterator[Outcome]:
    """Attached on paper only. A host onboarded within a day has time."""
    file = context.snapshot["mdatp_onboard"].file
    onboarded = file.mtime if file else None
    new = onboarded is not None and timedelta() <= context.now - onboarded < NEW
    yield from _raise(context, "never", Severity.LOW if new else None)


@rule(
    "checkin-clock-skew",
    Severity.LOW,
    title="A check-in lies ahead of this host's clock",
    detail="Last success {last_success}, last attempt {last_attempt} ({seen_in}).",
    remedy="Set the clock right (chrony, systemd-timesyncd, timed); enrolment fails without it.",
    means="The agent recorded a check-in more than five minutes in the future.",
    matters="With a wrong clock no age can be trusted, and enrolment and certificates fail.",
)
def checkin_clock_skew(context: Context) -> Iterator[Outcome]:
    """Time that has not come yet."""
    yield from _raise(context, "clock-skew")


@rule(
    "portal-setting-failed",
    Severity.MEDIUM,
    title="The agent could not apply {settings:count setting} of the portal's policy",
    detail="{file} reports an error for: {settings}. The names are the vendor's own.",
    remedy="Look the settings up in the device's policy in the portal; check that this version of "
    "the agent and this platform support them, and that their values are allowed. Then use Policy "
    "sync there.",
    means="The portal's policy was delivered, and the agent's own report on it says that some of "
    "its settings ended with an error. A setting that health proves to be in force does not count, "
    "and neither does a report that is older than the policy. What the report looks like is "
    "known from one source only, so any other word than success or error is unknown.",
    matters="The policy is assigned and delivered, and a part of it protects nobody.",
)
def portal_setting_failed(context: Context) -> Iterator[Outcome]:
    """One finding for the report, naming every setting that is not in force by it."""
    reading = context.snapshot[REPORT]
    if reading.state == "missing" or context.authority.channel not in ("mde_attach", "unknown"):
        return
    if reading.value is None:
        yield Unsure(reading.reason or "cannot read the report on the portal's policy")
        return
    results: list[Result] = [one for one in reading.value if not one.good]
    bad = sorted({one.name for one in results if _word(one) in NOT_APPLIED} - _proven(context))
    odd = sorted({_word(one) for one in results} - NOT_APPLIED)
    if odd:
        words = ", ".join(repr(word[:40]) for word in odd[:5])
        yield Unsure(f"cannot tell whether all settings were applied: the report says {words}")
    if not bad:
        return
    if context.authority.channel == "unknown":
        yield Unsure("cannot tell whether the portal's policy counts: who governs is not known")
    elif _is_older(context):
        yield Unsure("cannot tell whether settings failed: the report is older than the policy")
    else:
        path = reading.file.path if reading.file else None
        shown = [name if len(name) <= LONGEST else f"{name[:LONGEST]}..." for name in bad]
        more = ["and more"] if len(shown) > MOST else []
        yield Raise("channel:mde_attach", {"settings": [*shown[:MOST], *more], "file": path})


def _word(result: Result) -> str:
    return result.value.strip().lower()


def _proven(context: Context) -> set[str]:
    """Settings that are in force by better evidence; names of the report may be such keys."""
    return {key for key, row in context.settings.items() if row.verdict == "enforced"}


def _is_older(context: Context) -> bool:
    """Whether the report was written before the policy that lies there now."""
    report, policy = context.snapshot[REPORT].file, context.snapshot["mdeattach_managed"].file
    if report is None or policy is None or report.mtime is None or policy.mtime is None:
        return False
    return report.mtime < policy.mtime
