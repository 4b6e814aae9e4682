"""Who decides about this host, and whose words fall on deaf ears?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mdeinspect.evidence import texts
from mdeinspect.model import Severity
from mdeinspect.rules import Context, Outcome, Raise, Unsure, rule


@rule(
    "policy-shadowed",
    Severity.MEDIUM,
    title="MDE Attach overrides {keys:count setting} of {path}",
    detail="{path} sets keys that are not in force, because MDE Attach governs this host: {keys}.",
    remedy="Move these settings into the portal's policy, or take the host out of MDE Attach; then "
    "stop deploying the file.",
    means="On an attached host the portal's policy replaces the administrator's own as a whole. On "
    "Linux only offline updates, global exclusions and the proxy are still merged from it; on "
    "macOS nothing is.",
    matters="A hardened file stops working without a word the moment a host is attached, even "
    "when the portal has no policy for it.",
)
def policy_shadowed(context: Context) -> Iterator[Outcome]:
    """One finding for each shadowed channel, naming every key that is lost."""
    if context.authority.shadowed and not context.channels[context.authority.channel].readable:
        yield Unsure("cannot tell which keys are lost: the governing policy cannot be read")
        return
    for channel in context.authority.shadowed:
        lost = [
            row.key
            for row in context.settings.values()
            for wish in row.also
            if wish.channel == channel and _lost(wish.policy, row.policy)
        ]
        files = [r.file.path for r in context.channels[channel].readings if r.file]
        if lost:
            facts = {"keys": sorted(lost), "path": files[0] if files else None}
            yield Raise(f"channel:{channel}", {**facts, "governor": context.authority.channel})


def _lost(wished: Any, policy: Any) -> bool:
    """True when what a shadowed channel wants is not what policy in force says."""
    if isinstance(wished, list) and isinstance(policy, list):
        return any(item not in policy for item in wished)
    return bool(wished != policy)


@rule(
    "left-over-attach-file",
    Severity.MEDIUM,
    title="A policy of MDE Attach is left over, and MDE Attach does not govern",
    detail="{path} is there, and the agent says that it is managed by {managed_by}.",
    remedy="Check in the portal whether the host should be managed by MDE. If it should not, "
    "remove it there and have the agent clean up; do not edit the file by hand.",
    means="The file of the portal's policy exists although another channel manages the host.",
    matters="It is a sign of a host between two owners; what holds may change at any time.",
    needs=("health",),
)
def left_over_attach_file(context: Context) -> Iterator[Outcome]:
    """The agent names another channel while the attach file lies there."""
    word = (context.authority.managed_by or "").strip()
    attach = context.channels["mde_attach"]
    if not word or word.upper() == "MDE" or attach.there is not True:
        return
    paths = [reading.file.path for reading in attach.readings if reading.file]
    yield Raise("channel:mde_attach", {"path": paths[0] if paths else None, "managed_by": word})


@rule(
    "expectation-unmet",
    Severity.MEDIUM,
    title="This host does not meet the expected {expectation}",
    detail="Expected {expectation}: {wanted}. Shown: {shown}.",
    remedy="Bring the host under the expected management, or correct [expect] in the config.",
    means="The configuration says what every host has, and this one has not.",
    matters="A host that dropped out of management looks healthy to everybody else.",
)
def expectation_unmet(context: Context) -> Iterator[Outcome]:
    """`[expect]` of the configuration."""
    expect, channel = context.config.expect, context.authority.channel
    if channel == "unknown" and (expect.channel or expect.policy):
        yield Unsure("cannot tell who governs this host, so neither whether that is as expected")
    elif expect.channel and channel != expect.channel:
        facts = {"expectation": "channel", "wanted": expect.channel, "shown": channel}
        yield Raise("channel:expected", facts)
    if expect.policy and channel in ("local", "none"):
        facts = {"expectation": "policy", "wanted": "a managing channel", "shown": channel}
        yield Raise("host", facts)
    if expect.tag:
        yield from _tag(context, expect.tag)


def _tag(context: Context, tag: str) -> Iterator[Outcome]:
    shown = context.health.get("edr_device_tags") if context.health else None
    if shown is None or not isinstance(shown.value, list):
        yield Unsure("cannot tell which tag the host carries: health does not show it")
        return
    if {tag, f"GROUP/{tag}"} & set(texts(shown.value)):
        return
    facts = {"expectation": "tag", "wanted": tag, "shown": shown.value}
    yield Raise("key:edr.tags", facts)
