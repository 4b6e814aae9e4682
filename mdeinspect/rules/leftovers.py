"""Do the policy files hold what was never meant for a host: templates, examples, empty texts?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mdeinspect.channels import MISSING
from mdeinspect.documents import Path
from mdeinspect.model import Severity
from mdeinspect.resolve import GLOBAL_EXCLUSIONS
from mdeinspect.rules import Context, Outcome, rule
from mdeinspect.rules._entries import EXCLUSIONS, name
from mdeinspect.rules._files import Flaw, PolicyFile, dotted, judge, lookup, written
from mdeinspect.rules._templates import EXAMPLES, from_shell, marker, nodes, type_lost

ALLOWED = "antivirusEngine.allowedThreats"  # a rule of its own tells of examples in there


@rule(
    "unrendered-template",
    Severity.MEDIUM,
    title="{subject} holds a marker of {engine} that was never rendered",
    detail="{file} ({channel}) has it in {where}.",
    remedy="Render the template before the file is deployed. In a shell here-document quote the "
    'delimiter (<<"EOF"), so that $type stays as it is written.',
    means="A key or a value holds the marker of a template (of Jinja, Go, ERB, Ruby, Terraform, a "
    "shell or a release pipeline), or an entry of a list lost its `$type`: it has a backslash "
    "before it, or is an empty key, which is what a shell makes of it. The file parses, so that "
    "nobody complains.",
    matters="The setting is not what it was meant to be: the agent gets a word that it does not "
    "know, or an exclusion of a folder that nobody has.",
    lint=True,
)
def unrendered_template(context: Context) -> Iterator[Outcome]:
    """One finding for each setting or member of list entries."""
    yield from judge(context, _unrendered(context))


def _unrendered(context: Context) -> Iterator[Flaw]:
    for file in written(context):
        for steps, value in nodes(file.document.value):
            found = _in_key(steps, file, context)
            where = "a key"
            if found is None and isinstance(value, str):
                found, where = marker(value, context), "its value"
            if found is not None:
                facts = {"engine": found, "where": where}
                yield Flaw(file, tuple(steps), Severity.MEDIUM, facts)


def _in_key(steps: Sequence[str | int], file: PolicyFile, context: Context) -> str | None:
    last = steps[-1] if steps else None
    if not isinstance(last, str):
        return None
    if from_shell(last) and type_lost(lookup(file, tuple(steps[:-1]))):
        return "a shell"
    return marker(last, context)


@rule(
    "example-left-over",
    Severity.LOW,
    title="{subject} is left over from an example",
    detail="{file} ({channel}) has the words of an example there: {example}.",
    remedy="Remove it, or write what this organisation wants. Review the rest of the file: it came "
    "from the same example.",
    means="A value carries the marks of Microsoft's sample files, such as `<EXAMPLE DO NOT USE>`. "
    "It is graded medium for an address: a proxy that does not exist cuts the agent off. Allowed "
    "threats are told by a rule of their own.",
    matters="An example that was copied shows that nobody reviewed the file.",
    lint=True,
)
def example_left_over(context: Context) -> Iterator[Outcome]:
    """One finding for each setting, and for each exclusion."""
    yield from judge(context, _examples(context))


def _examples(context: Context) -> Iterator[Flaw]:
    for file in written(context):
        for steps, value in nodes(file.document.value):
            words = value.upper() if isinstance(value, str) else ""
            found = next((one for one in EXAMPLES if one in words), None)
            if found is None or dotted(path := tuple(steps)).startswith(ALLOWED):
                continue
            preference = context.catalogue.find(dotted(path), context.platform)
            is_address = preference is not None and preference.sensitivity == "url"
            severity = Severity.MEDIUM if is_address else Severity.LOW
            yield Flaw(file, *_entry_of(file, path, severity, {"example": found.lower()}))


def _entry_of(
    file: PolicyFile, path: Path, severity: Severity, facts: Mapping[str, Any]
) -> tuple[Path, Severity, Mapping[str, Any], str | None]:
    """The flaw of the exclusion that `path` is a member of, else of `path` itself."""
    inside = len(path) > 3 and dotted(path[:2]) in (EXCLUSIONS, GLOBAL_EXCLUSIONS)
    entry = lookup(file, path[:3]) if inside else MISSING
    if isinstance(entry, Mapping):
        return path[:3], severity, facts, name(entry)
    return path, severity, facts, None


@rule(
    "empty-setting",
    Severity.INFO,
    title="{subject} is set to nothing",
    detail="{file} ({channel}) sets {subject} to an empty text.",
    remedy="Leave the key out, or write a value.",
    means="A setting whose value is a text that anybody may choose, an address for instance, is "
    "set to an empty one. That is no value of its own.",
    matters="Whether the agent takes it as absent or as wrong is not documented. Often a variable "
    "of a template was empty.",
    lint=True,
)
def empty_setting(context: Context) -> Iterator[Outcome]:
    """Not where the empty text is the default, nor where other rules refuse it."""
    yield from judge(context, _empty(context))


def _empty(context: Context) -> Iterator[Flaw]:
    for file in written(context):
        for key, one in context.catalogue.keys(context.platform).items():
            is_open = one.type == "string" and not one.allowed(context.platform)
            has_default = "" in [default.value for default in one.defaults[context.platform]]
            path = tuple(key.split("."))
            if is_open and not one.json_text and not has_default and lookup(file, path) == "":
                yield Flaw(file, path, Severity.INFO)
