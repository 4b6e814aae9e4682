"""When SenseCM last checked in, judged by exact times first and by traces only to say "fresh"."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from mdeinspect.awake import awake_between
from mdeinspect.channels import Policy, attached
from mdeinspect.config.model import CheckinLimits
from mdeinspect.documents.filetime import CheckinTimes
from mdeinspect.model import (
    Authority,
    Channel,
    Checkin,
    CheckinEvidence,
    CheckinState,
    HostFacts,
    Reading,
    Snapshot,
)
from mdeinspect.sources.processes import CHECKIN

SKEW = timedelta(minutes=5)
EXACT = ("wdavstate", "client_analyzer")
TRACES = ("mdeattach_managed", "security_policy", "current_report")
NOT_ATTACHED = frozenset({"mdm", "local", "none"})


def checkin(
    snapshot: Snapshot,
    authority: Authority,
    channels: Mapping[Channel, Policy],
    limits: CheckinLimits,
    now: datetime,
) -> Checkin:
    """The state of the check-in, with everything that speaks for it."""
    exact = _exact(snapshot, limits, now)
    attempts = [e.time for kind, e in exact if kind == "attempt"]
    successes = [e.time for kind, e in exact if kind == "success"]
    success, attempt = _newest(successes), _newest(attempts)
    traces = _traces(snapshot, now)
    age = max(now - success, timedelta()) if success else None
    awake = awake_age(snapshot.host, success, now) if success else None
    attempt_age = now - attempt if attempt else None
    idle = bool(attempts) and (attempt_age is None or attempt_age >= limits.late)
    state = _state(
        applicable=_applicable(authority, channels),
        moments=[moment for moment in (*attempts, *successes) if moment],
        never=bool(successes) and success is None,
        success_age=age,
        awake=awake if awake is not None else age,
        attempt_age=attempt_age,
        # An exact attempt that is old, or never was, says otherwise.
        fresh_trace=not idle and any(e.time and now - e.time < limits.late for e in traces),
        limits=limits,
        now=now,
    )
    return Checkin(
        state=state,
        last_success=success,
        last_attempt=attempt,
        age_seconds=int(age.total_seconds()) if age is not None else None,
        awake_age_seconds=int(awake.total_seconds()) if awake is not None else None,
        evidence=(*(e for _, e in exact), *traces),
    )


def awake_age(host: HostFacts, moment: datetime, now: datetime) -> timedelta | None:
    """How long ago `moment` was, not counting time asleep or off; None when that is not known.

    Without a memory awake time is only known since boot: what lies further back counts at least
    that much.
    """
    wall = max(now - moment, timedelta())
    if host.awake_log is not None:
        return awake_between(host.awake_log, moment, now)
    if host.awake_seconds is not None:
        return min(wall, timedelta(seconds=host.awake_seconds))
    if host.boot_time is not None:
        return min(wall, max(now - host.boot_time, timedelta()))
    return None


def _state(
    *,
    applicable: bool,
    moments: Sequence[datetime],
    never: bool,
    success_age: timedelta | None,
    awake: timedelta | None,
    attempt_age: timedelta | None,
    fresh_trace: bool,
    limits: CheckinLimits,
    now: datetime,
) -> CheckinState:
    """The first state that holds."""
    if not applicable:
        return "not-applicable"
    if any(moment - now > SKEW for moment in moments):
        return "clock-skew"
    if never:
        return "never"
    if success_age is None or awake is None:
        return "fresh" if fresh_trace else "unknown"
    if success_age >= limits.stale and awake >= limits.stale:
        trying = attempt_age is not None and attempt_age < limits.late
        return "failing" if trying else "stale"
    return "late" if success_age >= limits.late else "fresh"


def _applicable(authority: Authority, channels: Mapping[Channel, Policy]) -> bool:
    if authority.channel == "managed_file":
        return attached(authority, channels)
    return authority.channel not in NOT_ATTACHED


def _exact(
    snapshot: Snapshot, limits: CheckinLimits, now: datetime
) -> Sequence[tuple[str, CheckinEvidence]]:
    found = []
    for source in EXACT:
        reading = snapshot[source]
        times = reading.value
        if not isinstance(times, CheckinTimes):
            continue
        path = reading.file.path if reading.file else None
        for kind, moments in (("attempt", times.attempts), ("success", times.successes)):
            if moments and _current(reading, snapshot.host, moments[-1], limits, now):
                evidence = CheckinEvidence(source, "exact", moments[-1], path)
                found.append((kind, evidence))
    return found


def _current(
    reading: Reading[CheckinTimes],
    host: HostFacts,
    moment: datetime | None,
    limits: CheckinLimits,
    now: datetime,
) -> bool:
    """Whether a value still speaks of the present.

    An analyzer's file is a picture of the past: an old one knows nothing of later check-ins.
    """
    if reading.source != "client_analyzer" or host.recorded:
        return True
    written = reading.file.mtime if reading.file else None
    if written is not None and now - written < limits.late:
        return True
    return moment is not None and now - moment < limits.late


def _traces(snapshot: Snapshot, now: datetime) -> Sequence[CheckinEvidence]:
    """What SenseCM leaves behind: file times not ahead of the clock, and a run of its own."""
    found = []
    for source in TRACES:
        file = snapshot[source].file
        if file and file.mtime and file.mtime - now <= SKEW:
            found.append(CheckinEvidence(source, "proxy", file.mtime, file.path))
    for running in snapshot.value("processes") or ():
        if running.role == CHECKIN:
            started = running.process.started or snapshot["processes"].taken_at
            path = running.process.exe
            found.append(CheckinEvidence("processes", "proxy", started, path))
    return found


def _newest(moments: Sequence[datetime | None]) -> datetime | None:
    return max((moment for moment in moments if moment is not None), default=None)
