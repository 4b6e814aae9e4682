"""Two that say different things, and nobody knows who is heard; one that says nothing at all.

What MDE Attach overrides is told by `policy-shadowed`. That a policy differs from the local
settings is no conflict: it is what a policy is for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from mdeinspect.channels import ADMINISTRATOR, MISSING, Policy, dig
from mdeinspect.difference import canonical
from mdeinspect.model import Reading, Severity
from mdeinspect.rules import Context, Outcome, Raise, Unsure, rule


@rule(
    "policy-conflict",
    Severity.LOW,
    title="{files} set {keys:count setting} differently",
    detail="{files} disagree on {keys}, and which of them is heard is not known.",
    remedy="Set each of these in one place only.",
    means="Two files of one channel (on macOS the profiles for com.microsoft.wdav and its ext "
    "domain, or for one user) give a setting different values; or two channels do while nobody "
    "can say which of them governs.",
    matters="What is in force may depend on the order in which the agent reads, and may change.",
)
def policy_conflict(context: Context) -> Iterator[Outcome]:
    """One finding for each channel, and one for channels of which any may govern."""
    policies = [one for one in context.channels.values() if one.channel != "local"]
    for policy in policies:
        there = [one for one in policy.readings if one.state != "missing"]
        if len(there) > 1:
            yield from _conflict(context, f"channel:{policy.channel}", there)
    if context.authority.channel == "unknown":
        firsts = [_first(policy) for policy in policies if policy.there]
        there = [one for one in firsts if one is not None]
        if len(there) > 1:
            yield from _conflict(context, "host", there)


def _first(policy: Policy) -> Reading[Any] | None:
    return next((one for one in policy.readings if one.state != "missing"), None)


def _conflict(context: Context, subject: str, there: Sequence[Reading[Any]]) -> Iterator[Outcome]:
    broken = [one for one in there if not one.present]
    if broken:
        reason = broken[0].reason or f"cannot read {broken[0].source}"
        yield Unsure(reason)
        return
    keys = [
        keys[0]
        for preference in context.catalogue.preferences
        if (keys := preference.keys(context.platform))
        and len({canonical(value) for value in _values(there, keys)}) > 1
    ]
    if keys:
        files = [one.file.path if one.file else one.source for one in there]
        yield Raise(subject, {"files": files, "keys": sorted(keys)})


def _values(there: Sequence[Reading[Any]], keys: Sequence[str]) -> Iterator[Any]:
    """What each file says of one preference, by whichever spelling comes first."""
    for reading in there:
        found = [value for key in keys if (value := dig(reading.value, key)) is not MISSING]
        yield from found[:1]


@rule(
    "empty-attach-file",
    Severity.LOW,
    title="The portal has no policy for this host, and its empty file overrides {managed}",
    detail="{path} holds nothing, and MDE Attach governs: the settings of {managed} are not in "
    "force, and no others are in their place.",
    remedy="Assign a policy to this device in the portal, or take it out of MDE Attach.",
    means="The file of MDE Attach is made when a host is attached, whether or not any policy is "
    "assigned to it; then it is empty, and still overrides the administrator's own. What is lost "
    "is listed by policy-shadowed.",
    matters="The host runs on its defaults, while a hardened file lies there as if it counted.",
)
def empty_attach_file(context: Context) -> Iterator[Outcome]:
    """`{}` against a file that sets something."""
    channel = ADMINISTRATOR[context.platform]
    if channel not in context.authority.shadowed:
        return
    attach = context.channels["mde_attach"]
    if not attach.readable:
        yield Unsure("cannot tell whether the portal has a policy: its file cannot be read")
        return
    empty = [one for one in attach.documents() if one.value is not None and not one.value.value]
    dead = any(wish.channel == channel for row in context.settings.values() for wish in row.also)
    if empty and len(empty) == len(attach.documents()) and dead:
        own = context.channels[channel].documents()
        managed = [one.file.path for one in own if one.file]
        path = empty[0].file.path if empty[0].file else empty[0].source
        yield Raise("channel:mde_attach", {"path": path, "managed": managed})
