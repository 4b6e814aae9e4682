"""The policy files of a host, as rules about what stands in them see them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from mdeinspect.channels import MISSING, delivering
from mdeinspect.documents import Document, Path
from mdeinspect.model import Channel, Platform, Reading, Severity
from mdeinspect.privacy import digest
from mdeinspect.resolve import GLOBAL_EXCLUSIONS, MERGED_ANYWAY, is_global
from mdeinspect.rules import Context, Outcome, Raise, Unsure
from mdeinspect.sources import policy_sources

LIMIT = 200
"""How many findings one rule makes of the files of a host: no hostile file floods a report."""

_LONGEST = 160  # of a name in a subject; longer ones are cut, and told apart by a digest


@dataclass(frozen=True, slots=True)
class PolicyFile:
    """A file that could be read. `in_force` is None while it is not known who governs."""

    channel: Channel
    path: str
    document: Document
    in_force: bool | None


@dataclass(frozen=True, slots=True)
class Flaw:
    """Something wrong at `path` of a file. `at` is where, when the document does not know.

    `item` tells an entry of a list from others in the subject of the finding, which then is
    `key:<path of the list>#[member:]<item>`; without it places in lists do not matter.
    """

    file: PolicyFile
    path: Path
    severity: Severity
    facts: Mapping[str, Any] = field(default_factory=dict)
    item: str | None = None
    at: tuple[int | None, int | None] | None = None


def readings(context: Context) -> Iterator[tuple[Channel, str, Reading[Document]]]:
    """Every policy file of the host that there is or may be: its channel, its path, its reading."""
    for channel, policy in context.channels.items():
        for reading in policy.readings:
            if reading.state != "missing":
                yield channel, _place(reading, context.platform), reading


def files(context: Context) -> list[PolicyFile]:
    """Every policy file that could be read: those in force first, of these the local one last."""
    governing = delivering(context.authority, context.channels, context.platform)
    found = [
        PolicyFile(channel, path, reading.value, _in_force(context, channel, governing))
        for channel, path, reading in readings(context)
        if reading.value is not None
    ]
    return sorted(found, key=lambda file: (file.in_force is False, file.channel == "local"))


def written(context: Context) -> list[PolicyFile]:
    """The files that carry policy. The agent writes the local one, in words of its own."""
    return [file for file in files(context) if file.channel != "local"]


def judge(context: Context, flaws: Iterable[Flaw]) -> Iterator[Outcome]:
    """The findings that flaws make: one for each subject, of the file that matters most.

    A file that is not in force is worth a low finding at most. A file that cannot be read leaves
    the rule unsure.
    """
    for _, path, reading in readings(context):
        if reading.state == "broken":
            yield Unsure(reading.reason or f"cannot read {path}")
    found: dict[str, tuple[Raise, set[str]]] = {}
    for flaw in flaws:
        subject = _subject(flaw)
        if subject not in found and len(found) == LIMIT:
            yield Unsure(f"cannot list more than {LIMIT} of these: correct those first")
            break
        file = _holding(context, flaw)
        severity = min(flaw.severity, Severity.LOW) if file.in_force is False else flaw.severity
        worst, paths = found.get(subject, (None, set()))
        paths.add(flaw.file.path)
        # Of thousands of entries with the same flaw the place is worked out only once.
        if worst is None or severity > _severity(worst):
            found[subject] = _raise(subject, flaw, file, severity), paths
    for raised, paths in found.values():
        also = sorted(paths - {raised.facts["file"]})
        yield replace(raised, facts={**raised.facts, "also_in": also}) if also else raised


def dotted(path: Path) -> str:
    """A path as people write it. Places in lists are left out, an empty key shows as \"\"."""
    return ".".join(step or '""' for step in path if isinstance(step, str))


def lookup(file: PolicyFile, path: Path) -> Any:
    """The value at `path`, or MISSING."""
    here: Any = file.document.value
    for step in path:
        if isinstance(here, Mapping):
            here = here.get(step, MISSING)
        elif isinstance(here, list) and isinstance(step, int) and step < len(here):
            here = here[step]
        else:
            return MISSING
    return here


def shortened(text: str) -> str:
    """`text`, cut when it is longer than any that somebody wrote by hand."""
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST // 2]}...{digest(text)}"


def _raise(subject: str, flaw: Flaw, file: PolicyFile, severity: Severity) -> Raise:
    line, column = flaw.at or file.document.position(flaw.path) or (None, None)
    return Raise(
        subject,
        {
            **flaw.facts,
            "file": file.path,
            "channel": file.channel,
            "in_force": file.in_force,
        },
        severity,
        line=line,
        column=column,
    )


def _severity(raised: Raise) -> Severity:
    return Severity.INFO if raised.severity is None else raised.severity


def _subject(flaw: Flaw) -> str:
    if flaw.item is None:
        return f"key:{shortened(dotted(flaw.path))}"
    places = [at for at, step in enumerate(flaw.path) if isinstance(step, int)]
    end = places[0] if places else len(flaw.path)
    member = dotted(flaw.path[end:])
    item = shortened(f"{member}:{flaw.item}" if member else flaw.item)
    return f"key:{dotted(flaw.path[:end])}#{item}"


def _in_force(context: Context, channel: Channel, governing: Channel) -> bool | None:
    if channel == "local" or channel == governing:
        return True
    return None if context.authority.channel == "unknown" else False


def _holding(context: Context, flaw: Flaw) -> PolicyFile:
    """The flaw's file, in force after all where this part of it is still merged."""
    file, path = flaw.file, flaw.path
    merged = file.channel == "managed_file" and file.channel in context.authority.shadowed
    if not merged or file.in_force is not False or context.platform != "linux":
        return file
    key = dotted(path)
    if len(path) > 2 and dotted(path[:2]) == GLOBAL_EXCLUSIONS:
        return replace(file, in_force=is_global(lookup(file, path[:3])))
    governing = context.channels[context.authority.channel]
    return replace(file, in_force=key in MERGED_ANYWAY and governing.state((key,)) is None)


def _place(reading: Reading[Any], platform: Platform) -> str:
    """Where a file is, also one of which the file system told nothing."""
    if reading.file is not None:
        return reading.file.path
    name, _, match = reading.source.partition(":")
    for source in policy_sources():
        if source.name == name and platform in source.places:
            return source.places[platform][0].replace("*", match or "*")
    return reading.source
