"""Is policy in force? The verdicts that call for somebody to act."""

from __future__ import annotations

from collections.abc import Iterator

from mdeinspect.model import SettingState, Severity
from mdeinspect.rules import Context, Outcome, Raise, rule
from mdeinspect.rules.protection import LEVEL_KEYS, is_off, wanted


@rule(
    "not-enforced",
    Severity.MEDIUM,
    title="{subject} is {effective}, policy says {policy}",
    detail="{channel} sets {subject} to {policy}; the agent has {effective} ({observed_in}).",
    remedy="Read `mdatp health` and the agent's log for why it refuses the value; check that the "
    "agent is new enough for it and that nobody overrides it, then restart the agent.",
    means="The governing policy sets this, health was read after the policy last changed, the "
    "grace time is over, and health shows another value.",
    matters="The host lacks the protection that its policy promises, and no portal says so. "
    "It is graded high when the effective value is a weak one.",
)
def not_enforced(context: Context) -> Iterator[Outcome]:
    """Health contradicts policy. Protection that is off has a rule of its own."""
    off_against_policy = is_off(context) and wanted(context)[0] is True
    for row in context.settings.values():
        if row.verdict != "not-enforced" or (row.key in LEVEL_KEYS and off_against_policy):
            continue
        preference = context.catalogue.find(row.key, context.platform)
        weak = preference is not None and row.effective in preference.weak_values
        yield Raise(f"key:{row.key}", _facts(row), Severity.HIGH if weak else None)


@rule(
    "foreign-managed",
    Severity.LOW,
    title="{subject} is managed, and no policy file sets it",
    detail="Health shows {subject} as {effective} with [managed]; every policy file can be read "
    "and none of them sets it.",
    remedy="Find the channel that sets it: another profile, a portal policy, or a file that was "
    "removed without a restart of the agent.",
    means="The agent says that a policy manages this value, and no policy on this host does.",
    matters="Somebody else decides about this host, or a removed policy lives on until a restart.",
    needs=("health",),
)
def foreign_managed(context: Context) -> Iterator[Outcome]:
    """A [managed] flag that nothing accounts for."""
    for row in context.settings.values():
        if row.verdict == "foreign":
            facts = {"effective": row.effective, "observed_in": list(row.observed_in)}
            yield Raise(f"key:{row.key}", facts)


def _facts(row: SettingState) -> dict[str, object]:
    return {
        "policy": row.policy,
        "effective": row.effective,
        "channel": row.channel,
        "observed_in": list(row.observed_in),
    }
