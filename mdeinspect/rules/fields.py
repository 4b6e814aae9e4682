"""Does the agent still say what the rules go by?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from mdeinspect.model import Severity
from mdeinspect.rules import Context, Outcome, Raise, load, rule

if TYPE_CHECKING:
    from mdeinspect.documents.health import Health

VERDICTS = "not-enforced"  # who needs the fields that show what the agent does
GOVERNS = "managed_by"  # the text form leaves it out where it is empty


@rule(
    "health-field-lost",
    Severity.LOW,
    title="The agent no longer says what is needed to judge it: {fields}",
    detail="Not shown any more: {vanished}. Shown, and not to be understood: {retyped}. What goes "
    "by them: {rules}. The agent's version is {version}.",
    remedy="Look at `mdatp health` by hand. Update mdeinspect where a new version of the agent "
    "changed its output, and report it.",
    means="A field of `mdatp health` that a rule goes by was shown in earlier reports and is not "
    "any more, or its value is of another type than it ever was. That it is `unavailable` is "
    "another matter. What vanished can only be told with a memory of earlier reports.",
    matters="The rules that need it can tell nothing, and raise nothing: silence is no good sign "
    "then.",
    needs=("health",),
)
def health_field_lost(context: Context) -> Iterator[Outcome]:
    """Only fields that a rule which is on has a use for."""
    health = context.health
    if health is None:
        return
    vanished: dict[str, set[str]] = {}
    retyped: dict[str, set[str]] = {}
    for names, users in _wanted(context).items():
        if any(health.value(name) is not None for name in names):
            continue
        for name in names:
            if name in health.retyped:
                retyped[name] = users
        if _is_gone(context, health, names):
            vanished[names[0]] = users
    if vanished or retyped:
        users = set().union(*vanished.values(), *retyped.values())
        yield Raise(
            "agent",
            {
                "fields": sorted({*vanished, *retyped}),
                "vanished": sorted(vanished),
                "retyped": sorted(retyped),
                "rules": sorted(users),
                "version": context.agent.version,
            },
        )


def _wanted(context: Context) -> Mapping[tuple[str, ...], set[str]]:
    """The fields that are gone by, each with those that do in its place, and who needs them."""
    found: dict[tuple[str, ...], set[str]] = {}
    for one in load().values():
        chosen = context.config.rules.get(one.code, {})
        if chosen.get("enabled", True) is False or context.platform not in one.platforms:
            continue
        for names in one.fields:
            found.setdefault(tuple(names.split("|")), set()).add(one.code)
    for name, shown in context.catalogue.fields(context.platform).items():
        if any(field.weight == "prove" for _, field in shown):
            found.setdefault((name,), set()).add(VERDICTS)
    if context.health is not None and context.health.form == "json":
        found.setdefault((GOVERNS,), set()).add("policy-shadowed")
    return found


def _is_gone(context: Context, health: Health, names: tuple[str, ...]) -> bool:
    """Whether one of these was shown in earlier reports, in this form, and none is now."""
    past = context.memory.agent if context.memory else None
    if past is None or past.form != health.form or context.agent.licensed is False:
        return False  # what an agent without a licence shows is not known
    if any(name in health.fields for name in names):
        return False
    return any(name in past.fields for name in names)
