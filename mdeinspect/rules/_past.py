"""What the agent's past says together with what is seen now: for its rules, and for the memory.

Everything here is asked twice, by a rule that judges and by the step that remembers, and has to
give both the same answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from mdeinspect.catalogue import at_least, version_key
from mdeinspect.documents.health import KNOWN, Health
from mdeinspect.model import HostFacts, Process, Reading
from mdeinspect.privacy import digest
from mdeinspect.sources.processes import CHECKIN, AgentProcess

if TYPE_CHECKING:
    # Only the service has a memory, and pays for the nouns of it when it makes one.
    from mdeinspect.memory import PastAgent, PastDaemon, PastHangs, PastTenant

LATELY = timedelta(hours=6)  # restarts that lie further back count no longer
START = timedelta(minutes=10)  # after a boot or an upgrade processes come and go
SAME = timedelta(minutes=1)  # by how much the time of a start may waver
DIGEST = "sha256:"


# --- the daemon ---------------------------------------------------------------------------------


def running(reading: Reading[Any], host: HostFacts) -> Mapping[str, Process]:
    """The longest-running process of each role, where its role and its start can be seen."""
    found: dict[str, Process] = {}
    for one in reading.value or ():
        if one.role == CHECKIN or one.process.started is None or not _plain_role(one, host):
            continue
        before = found.get(one.role)
        if before is None or (one.process.started < (before.started or one.process.started)):
            found[one.role] = one.process
    return found


def _plain_role(one: AgentProcess, host: HostFacts) -> bool:
    """On Linux roles stand in the arguments, which not everybody may read."""
    return host.platform == "darwin" or bool(one.process.cmdline)


def daemons(
    past: PastAgent, reading: Reading[Any], host: HostFacts, now: datetime, *, same_version: bool
) -> tuple[PastDaemon, ...]:
    """Every role that was seen under this version, with the restarts of late."""
    if not reading.present:
        return past.daemons
    before = {one.role: one for one in past.daemons}
    causes = [one for one in (host.boot_time, past.changed_at) if one is not None]
    found = {
        role: _after(before.get(role), role, process, causes, now, upgraded=not same_version)
        for role, process in running(reading, host).items()
    }
    gone = {role: one for role, one in before.items() if role not in found and same_version}
    return tuple(one for _, one in sorted({**gone, **found}.items()))


def _after(
    known: PastDaemon | None,
    role: str,
    process: Process,
    causes: Iterable[datetime],
    now: datetime,
    *,
    upgraded: bool,
) -> PastDaemon:
    """A role as it is remembered. What an upgrade, or one of `causes`, brought is no restart."""
    from mdeinspect.memory import PastDaemon

    started = min(process.started or now, now)
    if known is None:
        return PastDaemon(role, process.pid, started)
    recent = tuple(one for one in known.restarts if timedelta() <= now - one < LATELY)
    if known.pid == process.pid and abs(known.started - started) < SAME:
        return replace(known, restarts=recent)
    explained = upgraded or any(-SAME < started - cause < START for cause in causes)
    return PastDaemon(role, process.pid, started, recent if explained else (*recent, started))


def looping(
    seen: Iterable[PastDaemon], changed_at: datetime | None, now: datetime, many: int
) -> list[str]:
    """The roles that were begun anew `many` times of late, upgrades apart."""
    found = []
    for one in seen:
        counted = [
            moment
            for moment in one.restarts
            if now - moment < LATELY and (changed_at is None or abs(moment - changed_at) >= START)
        ]
        if len(counted) >= many:
            found.append(one.role)
    return found


def hangs(past: PastHangs | None, health: Reading[Any], host: HostFacts) -> PastHangs | None:
    """The calls in a row that timed out since boot; other trouble than that tells nothing of it."""
    from mdeinspect.memory import PastHangs

    if health.state != "broken" or health.kind == "failed":
        return None
    if past is not None and host.boot_time is not None and past.last < host.boot_time:
        past = None
    if health.kind != "timeout":
        return past
    taken = health.taken_at
    if past is None:
        return PastHangs(taken, 1, taken)
    return past if past.last == taken else PastHangs(past.since, past.count + 1, taken)


# --- what it says of itself ---------------------------------------------------------------------


def shown(past: PastAgent, health: Health | None) -> tuple[str | None, tuple[str, ...]]:
    """The form of health, and every known field that was ever shown in that form."""
    if health is None:
        return past.form, past.fields
    now = health.fields.keys() & KNOWN
    before = set(past.fields) if past.form == health.form else set()
    return health.form, tuple(sorted(before | now))


def newest(
    past: PastAgent, version: str | None, now: datetime, days: timedelta
) -> tuple[str | None, datetime | None]:
    """The newest version ever seen, and since when an older one runs; in the end that counts."""
    if version is None or version_key(version) is None:
        return past.newest, past.older_since
    if past.newest is None or at_least(version, past.newest) is not False:
        return version, None
    since = past.older_since or now
    return (version, None) if now - since >= days else (past.newest, since)


# --- whose it is --------------------------------------------------------------------------------


def tenant(
    past: PastTenant | None, org: str | None, now: datetime, days: timedelta, *, hide: bool
) -> PastTenant | None:
    """The tenant of this host. Another one becomes its own when it has lasted for `days`."""
    from mdeinspect.memory import PastTenant

    if org is None:
        return past if past is None or not hide else _hidden(past)
    name = digest(org) if hide else org
    if past is None or is_tenant(past.home, org):
        return PastTenant(name)
    since = past.other_since if past.other and is_tenant(past.other, org) else None
    since = since or now
    if now - since >= days:
        return PastTenant(name)
    return PastTenant(concealed(past.home) if hide else past.home, name, since)


def is_tenant(name: str, org: str) -> bool:
    """Whether what is remembered, an id or a digest, is this tenant."""
    return name in (org, digest(org))


def concealed(name: str) -> str:
    """The digest of an id; a digest stays what it is."""
    return name if name.startswith(DIGEST) else digest(name)


def _hidden(past: PastTenant) -> PastTenant:
    other = concealed(past.other) if past.other else None
    return replace(past, home=concealed(past.home), other=other)
