"""Does the agent know the settings of the policy files: not yet, or no more?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mdeinspect.catalogue import MDE_ATTACH_MINIMUM, Preference, at_least, same_value, version_key
from mdeinspect.channels import MISSING
from mdeinspect.model import Severity
from mdeinspect.rules import Context, Outcome, Unsure, rule
from mdeinspect.rules._files import Flaw, PolicyFile, judge, lookup, written

Set = tuple[PolicyFile, str, Preference, Any]


@rule(
    "key-too-new",
    Severity.LOW,
    title="{subject} needs a newer agent than {version}",
    detail="{file} ({channel}) sets {subject}, which came with version {needs}; the agent is "
    "{version}.",
    remedy="Update the agent, or keep the setting for hosts that have the newer one.",
    means="The agent is older than every version that is documented as the first to know this "
    "setting, or this value of it. The version comes from health, or from --for-version. It is "
    "graded info in the file that the portal writes, for agents of every age.",
    matters="An older agent takes no notice of the setting and does not complain.",
    lint=True,
)
def key_too_new(context: Context) -> Iterator[Outcome]:
    """One finding for each setting. Without a version only newer settings leave it unsure."""
    if context.agent.state == "missing":
        return
    yield from judge(context, _too_new(context))
    doubtful = [key for _, key, one, value in _set(context) if _doubtful(one, value, context)]
    if doubtful:
        yield Unsure(f"cannot tell whether {_because(context)} knows {_listed(doubtful)}")


def _too_new(context: Context) -> Iterator[Flaw]:
    version, platform = context.agent.version, context.platform
    for file, key, one, value in _set(context):
        if one.surely_unsupported(platform, version, value):
            needs = _first(one, value, context)
            facts = {"needs": " or ".join(needs), "version": version}
            # The portal writes one policy for agents of every age, and nobody can change that.
            severity = Severity.INFO if file.channel == "mde_attach" else Severity.LOW
            yield Flaw(file, tuple(key.split(".")), severity, facts)


def _first(one: Preference, value: Any, context: Context) -> list[str]:
    """The versions that are told as the first for this value, else for the setting."""
    stated = [since for since in one.since(context.platform) if since.version]
    special = [
        since
        for since in stated
        if since.for_value is not None and same_value(since.for_value, value)
    ]
    plain = [since for since in stated if since.for_value is None]
    return [since.version for since in special or plain if since.version]


def _doubtful(one: Preference, value: Any, context: Context) -> bool:
    """Whether the agent may or may not know it: no version is known, or documents disagree."""
    first = _first(one, value, context)
    version = context.agent.version
    if version is not None and version_key(version) is not None:
        known = {at_least(version, floor) for floor in first}
        return known == {True, False}
    # Agents that are older than the portal's management have long expired everywhere.
    minimum = MDE_ATTACH_MINIMUM[context.platform]
    return any(at_least(floor, minimum) for floor in first)


def _because(context: Context) -> str:
    version = context.agent.version
    if version is None:
        return "the agent, whose version is not known,"
    return f"version {version}"


def _listed(keys: list[str]) -> str:
    known = list(dict.fromkeys(keys))
    more = f" and {len(known) - 3} more" if len(known) > 3 else ""
    return ", ".join(known[:3]) + more


@rule(
    "key-without-effect",
    Severity.LOW,
    title="{subject} has no effect any more",
    detail="{file} ({channel}) sets {subject}, which does nothing since version {ended}; the agent "
    "is {version}.",
    remedy="Remove it, once no agent is left that is older than {ended}.",
    means="The agent is at least the version from which on this setting is documented as without "
    "effect. The version comes from health, or from --for-version.",
    matters="Whoever wrote it believes in a setting that is not there.",
    lint=True,
)
def key_without_effect(context: Context) -> Iterator[Outcome]:
    """A known setting whose time is over."""
    yield from judge(context, _without_effect(context))
    ended = [key for _, key, one, _ in _set(context) if context.platform in one.ended]
    known = version_key(context.agent.version or "") is not None
    if ended and not known and context.agent.state != "missing":
        yield Unsure(f"cannot tell whether {_because(context)} still heeds {_listed(ended)}")


def _without_effect(context: Context) -> Iterator[Flaw]:
    for file, key, one, _ in _set(context):
        if one.over(context.platform, context.agent.version):
            facts = {"ended": one.ended[context.platform], "version": context.agent.version}
            yield Flaw(file, tuple(key.split(".")), Severity.LOW, facts)


def _set(context: Context) -> Iterator[Set]:
    """Every setting of every file, with its value."""
    for file in written(context):
        for key, one in context.catalogue.keys(context.platform).items():
            value = lookup(file, tuple(key.split(".")))
            if value is not MISSING:
                yield file, key, one, value
