"""Are the values of the policy files such as the settings can have?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mdeinspect.model import Severity
from mdeinspect.rules import Context, Outcome, rule
from mdeinspect.rules._files import Flaw, PolicyFile, files, judge, lookup
from mdeinspect.rules._templates import TYPE, marker, type_lost
from mdeinspect.rules._values import NotAllowed, Wrong, WrongType, wrong

MATTERS = (
    "The agent skips what it cannot use and takes its default, and says so nowhere but in a log."
)


@rule(
    "wrong-type",
    Severity.MEDIUM,
    title="{subject} is of type {found}, {expected} is expected",
    detail="{file} ({channel}) sets {subject} as {found}; it should be {expected}. What comes "
    "nearest: {suggestion}.",
    remedy="Write it as {expected}: true and numbers without quotes, each entry of a list as a "
    "text of its own.",
    means="The value has another JSON type than the setting: a number or true in quotes, a text "
    "where a section belongs, several entries joined into one text. A text is accepted where "
    "Microsoft documents a number as text.",
    matters=MATTERS + " A section of the wrong type is lost with everything in it.",
    lint=True,
)
def wrong_type(context: Context) -> Iterator[Outcome]:
    """One finding for each setting or member of list entries."""
    yield from judge(context, _wrong_types(context))


def _wrong_types(context: Context) -> Iterator[Flaw]:
    for file, one in _wrong(context):
        if isinstance(one, WrongType):
            facts = {"expected": one.expected, "found": one.found, "suggestion": one.suggestion}
            yield Flaw(file, one.path, _severity(file), facts)


@rule(
    "value-not-allowed",
    Severity.MEDIUM,
    title="{subject} cannot be {found}",
    detail="{file} ({channel}) sets {subject} to {found}. Allowed: {allowed}. What comes nearest: "
    "{nearest}.",
    remedy="Use one of: {allowed}.",
    means="The value has the right type and is none that is documented for this platform: another "
    "word, a number out of range, an entry of a kind that does not exist or that lacks what every "
    "entry must have.",
    matters=MATTERS,
    lint=True,
)
def value_not_allowed(context: Context) -> Iterator[Outcome]:
    """One finding for each setting; for lists, one for each different value."""
    yield from judge(context, _not_allowed(context))


def _not_allowed(context: Context) -> Iterator[Flaw]:
    for file, one in _wrong(context):
        if isinstance(one, NotAllowed):
            facts: dict[str, Any] = {"found": one.found, "allowed": list(one.allowed)}
            facts["nearest"] = one.nearest
            if one.range:
                facts["range"] = list(one.range)
                facts["allowed"] = [f"{one.range[0]} to {one.range[1]}"]
            yield Flaw(file, one.path, _severity(file), facts, one.item)


def _wrong(context: Context) -> Iterator[tuple[PolicyFile, Wrong]]:
    for file in files(context):
        for one in wrong(file.document, context.catalogue, context.platform):
            if not _from_template(file, one, context):
                yield file, one


def _from_template(file: PolicyFile, one: Wrong, context: Context) -> bool:
    """Whether the value is what nobody rendered; a rule of its own tells that."""
    if one.path[-1] == TYPE and type_lost(lookup(file, one.path[:-1])):
        return True
    value = lookup(file, one.path)
    return isinstance(value, str) and marker(value, context) is not None


def _severity(file: PolicyFile) -> Severity:
    """What the agent itself wrote is more likely to be unknown here than to be wrong."""
    return Severity.LOW if file.channel == "local" else Severity.MEDIUM
