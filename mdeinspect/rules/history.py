"""Did something that was there go away? Only a memory of earlier reports can tell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

from mdeinspect.channels import Policy, delivering
from mdeinspect.model import Authority, Channel, Platform, Reading, Severity
from mdeinspect.privacy import digest
from mdeinspect.rules import Context, Outcome, Raise, Unsure, rule

if TYPE_CHECKING:
    from mdeinspect.memory import Memory, PastFlag, PastPolicy

IN_FORCE = ("enforced", "unproven")
LOST = 2  # readings of health in a row without the flag


@rule(
    "policy-removed",
    Severity.MEDIUM,
    title="The policy file {subject} was removed",
    detail="{file} carried policy of the channel {channel} and is gone; now {governor} governs.",
    remedy="Find out who removed it: the package of a configuration tool, a profile that was "
    "withdrawn, or somebody by hand. Deploy it again, or accept this finding.",
    means="A policy file that was there in an earlier report is not there any more. It is graded "
    "info where MDE Attach governs in its place. Where another channel governs it is told for "
    "`days` days (default 30), else until a policy is back.",
    matters="Without its file a policy ends in silence, and the agent falls back to its defaults: "
    "on Linux, passive.",
    options={"days": 30},
)
def policy_removed(context: Context) -> Iterator[Outcome]:
    """Every file that is remembered and gone, where it governed or would have, but for the portal.

    Without a memory there is nothing to say.
    """
    memory = context.memory
    for past in memory.policies.values() if memory else ():
        gone = is_gone(past, context.snapshot.readings)
        if gone is None:
            yield Unsure(f"cannot tell whether {past.path or past.source} is still there")
        elif gone and past.channel != "local":
            yield from _removed(context, past)


def _removed(context: Context, past: PastPolicy) -> Iterator[Outcome]:
    by_portal = replaced(past, context.authority, context.channels)
    if not (past.governed or by_portal):
        return
    since = past.removed_at or context.now
    if (
        by_portal or governed_by_file(context.authority, context.channels, context.platform)
    ) and context.now - since >= timedelta(days=context.options["days"]):
        return
    path = past.path or past.source
    facts = {"file": path, "channel": past.channel, "governor": context.authority.channel}
    yield Raise(f"file:{path}", facts, Severity.INFO if by_portal else None, since)


def is_gone(past: PastPolicy, readings: Mapping[str, Reading[object]]) -> bool | None:
    """Whether the file of a remembered policy is not there; None when that could not be seen."""
    found = readings.get(past.source)
    if found is not None:
        return None if found.there is None else not found.there
    folder = readings.get(past.source.partition(":")[0])
    return None if folder is not None and folder.state == "broken" else True


def replaced(past: PastPolicy, authority: Authority, channels: Mapping[Channel, Policy]) -> bool:
    """Whether MDE Attach governs by its own file, so that another file's end changes nothing."""
    attach = channels.get("mde_attach")
    by_portal = authority.channel == "mde_attach" and attach is not None and attach.there is True
    return by_portal and past.channel != "mde_attach"


def governed_by_file(
    authority: Authority, channels: Mapping[Channel, Policy], platform: Platform
) -> bool:
    """Whether a policy file other than the local settings governs."""
    channel = delivering(authority, channels, platform)
    carrier = channels.get(channel)
    return channel != "local" and carrier is not None and carrier.there is True


@rule(
    "managed-flag-lost",
    Severity.MEDIUM,
    title="{subject} lost its [managed] flag",
    detail="Health showed {subject} with [managed], and twice since without it, although neither "
    "the policy nor who governs has changed. The value is {effective}, as policy says.",
    remedy="Compare `mdatp health` with the policy file, look into the agent's log for why it "
    "stopped taking the file, and restart the agent.",
    means="The agent no longer says that a policy manages this value, and the policy is still "
    "there. That the value is right may be an accident.",
    matters="What is not managed can be changed on the host by anyone with administrator rights.",
)
def managed_flag_lost(context: Context) -> Iterator[Outcome]:
    """Seen with the flag, then twice without. Without a memory there is nothing to say."""
    memory, health = context.memory, context.snapshot["health"]
    if memory is None or context.agent.state == "missing":
        return
    if not health.present:
        yield Unsure(health.reason or "cannot tell whether flags were lost: health is not there")
        return
    under = conditions(context.authority, context.channels)
    for row in context.settings.values():
        flag = _flag(memory, row.key)
        if flag is None or flag.under != under or row.managed is not False:
            continue
        newer = flag.missed_at != health.taken_at
        if flag.missed + newer >= LOST and row.verdict in IN_FORCE:
            yield Raise(f"key:{row.key}", {"effective": row.effective, "channel": row.channel})


def _flag(memory: Memory, key: str) -> PastFlag | None:
    past = memory.settings.get(key)
    return past.flag if past else None


def conditions(authority: Authority, channels: Mapping[Channel, Policy]) -> str:
    """What a flag depends on, as a digest: who governs, and the bytes of every policy file."""
    files = [
        [reading.source, reading.value.digest]
        for channel, policy in sorted(channels.items())
        for reading in policy.documents()
        if channel != "local" and reading.value is not None
    ]
    return digest([authority.channel, files])
