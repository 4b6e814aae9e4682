"""Does the daemon keep running, whole and without being begun anew again and again?"""

from __future__ import annotations

from collections.abc import Iterator

from mdeinspect.catalogue import at_least
from mdeinspect.model import Platform, Severity
from mdeinspect.rules import Context, Outcome, Raise, Unsure, rule
from mdeinspect.rules._past import START, daemons, hangs, looping, running
from mdeinspect.rules.agent import daemon_of
from mdeinspect.sources.processes import CHECKIN

MANY_HANGS = 2  # in a row; the hold asks for one more
# The roles of an agent of today. That every one of them runs on every host is assumed.
ROLES: dict[Platform, tuple[str, ...]] = {
    "linux": ("edr", "unprivileged"),
    "darwin": ("enterprise", "unprivileged"),
}
SINCE = "101.23052"  # older agents are not known to have had these roles


@rule(
    "agent-hung",
    Severity.MEDIUM,
    title="The agent does not answer in time, again and again",
    detail="`mdatp health` was given up after `agent.timeout` several times in a row; the daemon "
    "is {daemon}.",
    remedy="Look for what keeps the daemon busy (`mdatp diagnostic "
    "real-time-protection-statistics`, its log, a full disk, another security product), then "
    "restart it. Where the host is only slow, raise `agent.timeout`.",
    means="Call after call of `mdatp health` hangs. A single one says nothing of the daemon; this "
    "is told after three in a row and half an hour. Only a memory of earlier reports can tell.",
    matters="A daemon that answers nobody may have stopped to protect as well, and nothing else "
    "that health tells is known meanwhile.",
)
def agent_hung(context: Context) -> Iterator[Outcome]:
    """More than one call in a row that did not end."""
    reading = context.snapshot["health"]
    if context.memory is None or reading.state != "broken" or reading.kind == "failed":
        return
    past = hangs(context.memory.agent.hangs, reading, context.snapshot.host)
    if reading.kind != "timeout":
        if past is not None:
            yield Unsure(reading.reason or "cannot tell whether the agent still hangs")
    elif past is not None and past.count >= MANY_HANGS:
        yield Raise("agent", {"daemon": daemon_of(context)}, since=past.since)


@rule(
    "agent-crash-looping",
    Severity.HIGH,
    title="The agent starts anew again and again: {roles}",
    detail="The agent's processes {roles} were replaced by new ones several times within six "
    "hours, without a boot of the host or an upgrade of the agent.",
    remedy="Read the agent's log and the system's journal for why it ends (`journalctl -u mdatp`, "
    "crash reports, the kernel's out-of-memory killer), update it, and look for a tool that "
    "restarts it.",
    means="The process of a role had another pid or start time `restarts` times (default 4) within "
    "six hours. Starts within ten minutes of a boot, or of a change of version or program, do not "
    "count. Only a memory of earlier reports can tell.",
    matters="Between two lives nothing is watched, and what health says is of a daemon that has "
    "just begun. A crash that can be caused at will is a way around the sensor.",
    options={"restarts": 4},
)
def agent_crash_looping(context: Context) -> Iterator[Outcome]:
    """A role that does not last."""
    if context.memory is None or context.agent.state == "missing":
        return
    past, reading = context.memory.agent, context.snapshot["processes"]
    if not reading.present:
        if past.daemons:
            why = "cannot tell whether the agent keeps running: no processes were seen"
            yield Unsure(reading.reason or why)
        return
    new = context.agent.version
    same = new is None or past.version in (None, new)
    seen = daemons(past, reading, context.snapshot.host, context.now, same_version=same)
    changed_at = past.changed_at if same else context.now
    roles = looping(seen, changed_at, context.now, max(1, context.options["restarts"]))
    if roles:
        yield Raise("agent", {"roles": roles})


@rule(
    "agent-roles-missing",
    Severity.LOW,
    title="A part of the agent does not run: {roles}",
    detail="The main daemon runs, and its processes in the roles {roles} do not.",
    remedy="Read the agent's log for why they ended, and restart the agent.",
    means="The daemon works in several processes, one for each role. It is graded medium where the "
    "role was seen to run under this very version of the agent, and low where it is only expected. "
    "Judged while health answers, the host is onboarded, every process can be seen in full, and "
    "the daemon has been running for ten minutes.",
    matters="Without `edr` (on a Mac `enterprise`) nobody tells the portal what happens; without "
    "`unprivileged` files are not scanned.",
)
def agent_roles_missing(context: Context) -> Iterator[Outcome]:
    """The main daemon without its helpers."""
    reading, host = context.snapshot["processes"], context.snapshot.host
    if reading.state == "broken" and context.agent.state == "running":
        yield Unsure(reading.reason or "cannot tell whether every part of the agent runs")
        return
    seen = running(reading, host)
    main = seen.get("main")
    if main is None or context.agent.state != "running" or context.agent.licensed is False:
        return
    if context.agent.licensed is None:
        yield Unsure("cannot tell which roles should run: health does not say who it works for")
    elif len(seen) < len({one.role for one in reading.value or ()} - {CHECKIN}):
        yield Unsure("cannot tell which roles run: not every process shows its arguments")
    elif main.started is None or context.now - main.started < START:
        yield Unsure("cannot tell whether every part of the agent runs: it has just been started")
    else:
        yield from _missing(context, set(seen))


def _missing(context: Context, there: set[str]) -> Iterator[Outcome]:
    past = context.memory.agent if context.memory else None
    known: set[str] = set()
    version = context.agent.version or (past.version if past is not None else None)
    if past is not None and past.version == version:
        known = {one.role for one in past.daemons} - there
    modern = at_least(version, SINCE) is True
    expected = set(ROLES[context.platform]) - there if modern else set()
    if known or expected:
        severity = Severity.MEDIUM if known else None
        yield Raise("agent", {"roles": sorted(known | expected)}, severity)
