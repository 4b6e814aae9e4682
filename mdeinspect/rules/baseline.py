"""Is this host as the organisation wants it? Two questions: what policy says, what the agent does.

Nothing is said where no baseline applies, and nothing of a setting that nothing shows.
"""

from __future__ import annotations

from collections.abc import Iterator

from mdeinspect.model import Severity
from mdeinspect.rules import Context, Outcome, Raise, Unsure, rule
from mdeinspect.rules._baseline import Wanted, not_to_be_told, wanted

# The agent may still be applying its policy, or another finding tells that it does not.
_TOLD_OTHERWISE = ("pending", "not-enforced")


@rule(
    "baseline-policy-drift",
    Severity.MEDIUM,
    title="Policy sets {subject} to {policy}, the baseline wants {wanted}",
    detail="The baseline wants {wanted}; {channel} says {policy}.",
    remedy="Correct the policy where it is made: in the portal, the profile or the repository. If "
    "it is the baseline that is out of date, pin or edit it.",
    means="The governing policy sets a setting of the baseline to another value that is not known "
    "to be stronger.",
    matters="The host will do as its policy says, so that all hosts under it drift together.",
)
def baseline_policy_drift(context: Context) -> Iterator[Outcome]:
    """One finding for each setting that policy decides otherwise."""
    every = _wanted(context)
    hidden = not_to_be_told(context.authority, context.channels, context.platform)
    if every and hidden:
        yield Unsure(hidden)
        return
    for one in every:
        if one.policy is False and one.row is not None:
            facts = {"wanted": one.value, "policy": one.row.policy, "channel": one.row.channel}
            yield Raise(f"key:{one.key}", facts)


@rule(
    "baseline-not-in-policy",
    Severity.LOW,
    title="Policy leaves {keys:count setting} of the baseline open",
    detail="The baseline sets {keys}; no policy in force does ({channel} governs), and nothing "
    "shows that the agent does as wanted.",
    remedy="Let the governing policy say what the baseline wants.",
    means="The baseline wants something that policy does not mention. A setting that health shows "
    "to be as wanted all the same is left out.",
    matters="What no policy sets is up to the agent's defaults and to whoever runs `mdatp config`.",
)
def baseline_not_in_policy(context: Context) -> Iterator[Outcome]:
    """One finding for all that policy leaves open: that it is incomplete is one cause."""
    every = _wanted(context)
    hidden = not_to_be_told(context.authority, context.channels, context.platform)
    if every and context.agent.state != "missing":
        hidden = hidden or _silent(context)
    if every and hidden:
        yield Unsure(hidden)
        return
    left = [one.key for one in every if one.policy is None and one.effective is not True]
    if left and context.agent.state != "missing":
        yield Raise("host", {"keys": left, "channel": context.authority.channel})


@rule(
    "baseline-effective-drift",
    Severity.MEDIUM,
    title="{subject} is {effective}, the baseline wants {wanted}",
    detail="The agent has {subject} as {effective} ({observed_in}); the baseline wants {wanted}, "
    "and policy says {policy}.",
    remedy="Where policy says the same as the agent, correct the policy; where it says nothing, "
    "let it say what the baseline wants; see `mdeinspect baseline diff`.",
    means="Health shows a value that is neither the one of the baseline nor known to be stronger. "
    "A policy that is not enforced, or is still being applied, is told by its own finding.",
    matters="This is what the host does now, whoever decided so.",
)
def baseline_effective_drift(context: Context) -> Iterator[Outcome]:
    """One finding for each setting that is shown to be otherwise."""
    every = _wanted(context)
    if not every or context.agent.state == "missing":
        return
    silent = _silent(context)
    if silent:
        yield Unsure(silent)
        return
    for one in every:
        row = one.row
        if row is None or one.effective is not False or row.verdict in _TOLD_OTHERWISE:
            continue
        facts = {
            "wanted": one.value,
            "effective": row.effective,
            "policy": row.policy,
            "channel": row.channel,
            "observed_in": list(row.observed_in),
        }
        yield Raise(f"key:{one.key}", facts)


def _silent(context: Context) -> str | None:
    """Why nobody can say what the agent does; None where health was read."""
    health = context.snapshot["health"]
    if health.present:
        return None
    return health.reason or "cannot tell what the agent does: health is not there"


def _wanted(context: Context) -> list[Wanted]:
    return list(
        wanted(context.config.baseline, context.catalogue, context.platform, context.settings)
    )
