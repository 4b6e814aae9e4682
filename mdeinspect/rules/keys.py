"""Are the keys of the policy files settings, each once and each in its place?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from mdeinspect.channels import MISSING
from mdeinspect.documents import Oddity, plain
from mdeinspect.model import Severity
from mdeinspect.privacy import digest
from mdeinspect.rules import Context, Outcome, rule
from mdeinspect.rules._files import Flaw, PolicyFile, dotted, files, judge, lookup, written
from mdeinspect.rules._names import Names, Sort, Strange
from mdeinspect.rules._templates import from_shell, marker, type_lost

WITHOUT_EFFECT = (
    "The agent takes no notice of it and does not complain: whoever wrote it believes in a setting "
    "that is not there."
)


@rule(
    "duplicate-key",
    Severity.LOW,
    title="{path} stands {times} times in {file}",
    detail="{file} ({channel}) has {path} {times} times; the last one counts, and the others are "
    "lost without a word.",
    remedy="Keep one of them. `python -m json.tool` does not show repeats.",
    means="An object of the file has the same key more than once, or two payloads of a profile set "
    "the same section. It is graded medium when the key is a setting, a section of settings or a "
    "member of a list entry.",
    matters="What a reader sees first is not what the agent takes. Often a whole section is lost "
    "when two files were joined by hand.",
    lint=True,
)
def duplicate_key(context: Context) -> Iterator[Outcome]:
    """One finding for each path, where it is repeated first."""
    yield from judge(context, _repeats(context))


def _repeats(context: Context) -> Iterator[Flaw]:
    for file in files(context):
        oddities = [one for one in file.document.oddities if one.kind == "duplicate-key"]
        first: dict[str, Oddity] = {}
        for one in oddities:
            first.setdefault(dotted(one.path), one)
        # A place in a list is no part of a name: each entry has its own first one.
        places = Counter(dotted(path) for path in {one.path for one in oddities})
        again = Counter(dotted(one.path) for one in oddities)
        for name, one in first.items():
            severity = Severity.MEDIUM if _means_something(context, one) else Severity.LOW
            facts = {"path": name, "times": again[name] + places[name]}
            yield Flaw(file, one.path, severity, facts, at=(one.line, one.column))


def _means_something(context: Context, oddity: Oddity) -> bool:
    name, platform = dotted(oddity.path), context.platform
    if name in context.catalogue.keys(platform) or name in context.catalogue.sections(platform):
        return True
    owner = context.catalogue.find(dotted(oddity.path[:-1]), platform)
    return owner is not None and oddity.path[-1] in owner.item


@rule(
    "unknown-key",
    Severity.LOW,
    title="{subject} is not a known setting",
    detail="{file} ({channel}) sets {subject}. What comes nearest: {nearest}.",
    remedy="Correct the spelling, or remove the key. JSON and property lists have no comments; "
    "explain settings in the repository that the file comes from.",
    means="Neither Microsoft's documentation nor its schema has this key. It is graded medium when "
    "a known key is so near that it is a misspelling, and info in the file that the portal writes, "
    "where it is probably newer than this program. The value is not told, only a digest of it.",
    matters=WITHOUT_EFFECT + " A misspelt key is a protection that is not switched on.",
    lint=True,
)
def unknown_key(context: Context) -> Iterator[Outcome]:
    """One finding for each path; a section that is not known is one."""
    yield from judge(context, _unknown(context))


def _unknown(context: Context) -> Iterator[Flaw]:
    names = Names(context.catalogue, context.platform)
    for file, one in _strange(context, "unknown"):
        if _from_template(file, one, context):
            continue
        nearest = names.nearest(one)
        severity = Severity.MEDIUM if nearest else Severity.LOW
        if file.channel == "mde_attach" and not nearest:
            severity = Severity.INFO
        facts = {
            "nearest": nearest,
            "pseudo_comment": one.comment,
            "value_digest": digest(plain(one.value)),
        }
        yield Flaw(file, one.path, severity, facts)


def _from_template(file: PolicyFile, one: Strange, context: Context) -> bool:
    """Whether the key is what nobody rendered; a rule of its own tells that."""
    last = str(one.path[-1])
    by_shell = from_shell(last) and type_lost(lookup(file, one.path[:-1]))
    return by_shell or marker(last, context) is not None


@rule(
    "misplaced-key",
    Severity.MEDIUM,
    title="{subject} stands in the wrong place",
    detail="{file} ({channel}) has {subject}; the setting of that name is {right}.",
    remedy="Move it to {right}.",
    means="The key is a setting, in another section or with another path on this platform.",
    matters=WITHOUT_EFFECT,
    lint=True,
)
def misplaced_key(context: Context) -> Iterator[Outcome]:
    """A known name where it has no meaning."""
    found = _strange(context, "misplaced")
    flaws = (
        Flaw(file, one.path, Severity.MEDIUM, {"right": list(one.right)}) for file, one in found
    )
    yield from judge(context, flaws)


@rule(
    "other-platform-key",
    Severity.LOW,
    title="{subject} has no meaning on this platform",
    detail="{file} ({channel}) sets {subject}, which only agents on {platform} know.",
    remedy="Remove it here, or keep a file for each platform.",
    means="The key, or the whole section, is documented for the other platform only.",
    matters=WITHOUT_EFFECT,
    lint=True,
)
def other_platform_key(context: Context) -> Iterator[Outcome]:
    """A setting of macOS on Linux, or the other way round."""
    other = "macOS" if context.platform == "linux" else "Linux"
    found = _strange(context, "other-platform")
    flaws = (Flaw(file, one.path, Severity.LOW, {"platform": other}) for file, one in found)
    yield from judge(context, flaws)


def _strange(context: Context, sort: Sort) -> Iterator[tuple[PolicyFile, Strange]]:
    names = Names(context.catalogue, context.platform)
    for file in written(context):
        for one in names.strange(file.document.value):
            if one.sort == sort:
                yield file, one


# --- keys that had their time -------------------------------------------------------------------


@rule(
    "deprecated-key",
    Severity.INFO,
    title="{subject} is deprecated",
    detail="{file} ({channel}) sets {subject}. What took its place: {replaced_by}.",
    remedy="Use what took its place, where there is something; remove it otherwise.",
    means="The agent's vendor documents this key as old, without effect or about to go.",
    matters="It works until an update of the agent, and then the setting is gone.",
    lint=True,
)
def deprecated_key(context: Context) -> Iterator[Outcome]:
    """Where old and new are both set, that is a finding of its own, and not this one."""
    flaws = (
        Flaw(file, tuple(old.split(".")), Severity.INFO, {"replaced_by": replaced_by})
        for file, old, replaced_by, both in _deprecated(context)
        if not both
    )
    yield from judge(context, flaws)


@rule(
    "old-and-new-keys",
    Severity.LOW,
    title="{subject} is set together with what it replaced",
    detail="{file} ({channel}) sets {subject} and {old}.",
    remedy="Remove the old keys, once no agent is left that needs them.",
    means="The file sets both a deprecated key and the key that took its place.",
    matters="Which of them wins is not documented; a change of only one may do nothing.",
    lint=True,
)
def old_and_new_keys(context: Context) -> Iterator[Outcome]:
    """One finding for each new key."""
    yield from judge(context, _both(context))


def _both(context: Context) -> Iterator[Flaw]:
    found: dict[tuple[str, str], tuple[PolicyFile, list[str]]] = {}
    for file, old, replaced_by, both in _deprecated(context):
        if both and replaced_by:
            found.setdefault((file.path, replaced_by), (file, []))[1].append(old)
    for (_, new), (file, old_ones) in found.items():
        yield Flaw(file, tuple(new.split(".")), Severity.LOW, {"old": sorted(old_ones)})


def _deprecated(context: Context) -> Iterator[tuple[PolicyFile, str, str | None, bool]]:
    """Deprecated keys that are set, what took their place, and whether that is set as well."""
    for file in written(context):
        for key, preference in context.catalogue.keys(context.platform).items():
            over = preference.over(context.platform, context.agent.version)  # told as that
            if (
                preference.deprecated
                and not over
                and lookup(file, tuple(key.split("."))) is not MISSING
            ):
                new = preference.replaced_by
                both = new is not None and lookup(file, tuple(new.split("."))) is not MISSING
                yield file, key, new, both
