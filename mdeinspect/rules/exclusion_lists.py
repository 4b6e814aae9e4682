"""Are the entries of the lists of exclusions of any use: once each, possible, and there?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mdeinspect.documents import Path
from mdeinspect.model import Severity
from mdeinspect.resolve import GLOBAL_EXCLUSIONS, is_global
from mdeinspect.rules import Context, Outcome, Unsure, rule
from mdeinspect.rules._breadth import VALUE_OF
from mdeinspect.rules._entries import entries, name
from mdeinspect.rules._files import Flaw, PolicyFile, judge, shortened, written

TARGETS = "exclusion_targets"
LISTED = 10  # missing paths in one finding
WILD = frozenset("*?")
_LONGEST = 4096  # of a path; no system has longer ones

Place = tuple[PolicyFile, Path, Mapping[str, Any]]


@rule(
    "redundant-exclusion",
    Severity.INFO,
    title="{excluded} is excluded more than once",
    detail="{file} ({channel}) excludes {excluded}, which {by} excludes already.",
    remedy="Keep one of the two.",
    means="An entry stands twice in the same list with the same scopes, or a folder lies in "
    "another that is excluded as a whole. An entry that does not say whether it is a folder "
    "contains nothing.",
    matters="Whoever removes one of them believes the gap closed. Long lists hide the broad ones.",
    lint=True,
)
def redundant_exclusion(context: Context) -> Iterator[Outcome]:
    """One finding for each entry that another one covers, within one list of one file."""
    yield from judge(context, _redundant(context))


def _redundant(context: Context) -> Iterator[Flaw]:
    lists: dict[tuple[str, str], list[Place]] = {}
    for file, key, index, entry in entries(context, written(context)):
        place: Place = (file, (*key.split("."), index), entry)
        lists.setdefault((file.path, key), []).append(place)
    for places in lists.values():
        yield from _covered(places)


def _covered(places: list[Place]) -> Iterator[Flaw]:
    seen: set[tuple[Any, ...]] = set()
    folders = {
        (_scope(entry), _folder(entry)): entry["path"]
        for _, _, entry in places
        if _folder(entry) is not None
    }
    for file, path, entry in places:
        identity = _identity(entry)
        if identity is None:
            continue
        by = _value(entry) if identity in seen else _above(entry, folders)
        seen.add(identity)
        if by is not None:
            facts = {"excluded": shortened(str(_value(entry))), "by": shortened(by)}
            yield Flaw(file, path, Severity.INFO, facts, name(entry))


def _above(entry: Mapping[str, Any], folders: Mapping[Any, str]) -> str | None:
    """The excluded folder that the path of `entry` lies in."""
    if entry.get("$type") != "excludedPath":
        return None
    value = _plain(entry)
    scope = _scope(entry)
    while value and "/" in value:
        value = value.rpartition("/")[0]
        if (scope, value) in folders:
            return folders[scope, value]
    return None


def _folder(entry: Mapping[str, Any]) -> str | None:
    """The path of an entry that is a whole folder, and without wildcards."""
    value = _plain(entry)
    whole = entry.get("$type") == "excludedPath" and entry.get("isDirectory") is True
    return value if whole and value and not WILD & set(value) else None


def _plain(entry: Mapping[str, Any]) -> str | None:
    """An absolute path without its last slash; None for one that goes up again, and for `/`."""
    value = entry.get("path")
    if not isinstance(value, str) or not value.startswith("/") or len(value) > _LONGEST:
        return None
    if "/.." in value or "//" in value:
        return None
    return value.rstrip("/") or None


def _identity(entry: Mapping[str, Any]) -> tuple[Any, ...] | None:
    value = _value(entry)
    if value is None:
        return None
    kind = entry["$type"]
    if kind == "excludedPath":
        value = value.rstrip("/") or value
    elif kind == "excludedFileExtension":
        value = value.removeprefix("*").removeprefix(".").lower()
    directory = entry.get("isDirectory")
    return kind, value, directory if isinstance(directory, bool) else None, _scope(entry)


def _scope(entry: Mapping[str, Any]) -> Any:
    """What a scope comes down to. In the list of antivirus exclusions there is only one."""
    scopes = entry.get("scopes")
    if not isinstance(scopes, list):
        return None
    return tuple(sorted({scope for scope in scopes if isinstance(scope, str)}))


def _value(entry: Mapping[str, Any]) -> str | None:
    kind = entry.get("$type")
    value = entry.get(VALUE_OF.get(kind, "")) if isinstance(kind, str) else None
    return value if isinstance(value, str) and value else None


@rule(
    "impossible-global-exclusion",
    Severity.LOW,
    title="{excluded} cannot be excluded everywhere: {reason}",
    detail="{file} ({channel}) excludes {excluded} with a global scope; {reason}.",
    remedy='Write "scopes": ["epp"], or name one file, folder or process by its full path.',
    means="A global exclusion takes no wildcards and no file extensions, and a process only by its "
    "full path.",
    matters="The entry does nothing where it was meant to help, and nobody complains.",
    platforms=("linux",),
    lint=True,
)
def impossible_global_exclusion(context: Context) -> Iterator[Outcome]:
    """One finding for each entry, with the scope that it has or gets for want of one."""
    yield from judge(context, _impossible(context))


def _impossible(context: Context) -> Iterator[Flaw]:
    for file, key, index, entry in entries(context, written(context)):
        value = _value(entry)
        reason = _reason(str(entry.get("$type")), value) if value else None
        if key == GLOBAL_EXCLUSIONS and reason and is_global(entry):
            facts = {"excluded": shortened(str(value)), "reason": reason}
            yield Flaw(file, (*key.split("."), index), Severity.LOW, facts, name(entry))


def _reason(kind: str, value: str) -> str | None:
    if kind == "excludedFileExtension":
        return "file extensions are not possible"
    if WILD & set(value):
        return "wildcards are not possible"
    if kind == "excludedFileName" and not value.startswith("/"):
        return "a process needs its full path"
    return None


@rule(
    "missing-exclusion",
    Severity.INFO,
    title="{subject} excludes what does not exist on this host",
    detail="{file} ({channel}) excludes {missing}; there is nothing of that name.",
    remedy="Correct the paths, or remove the entries where the product is gone. In a policy that "
    "many hosts share that is as it should be: switch the rule off there.",
    means="A folder, a file or a process that is excluded by its full path is not on the host. "
    "Only entries of policy in force are looked for, at most 200, none with wildcards, and none "
    "in a recorded host, which does not hold them.",
    matters="Whoever may create the path gets a place that nothing looks into. A global exclusion "
    "of what does not exist is not applied.",
)
def missing_exclusion(context: Context) -> Iterator[Outcome]:
    """One finding for each list, not one for each entry: policies are shared by whole fleets."""
    reading = context.snapshot[TARGETS]
    if reading.state == "broken":
        yield Unsure(reading.reason or "cannot look for what is excluded")
        return
    there: Mapping[str, bool | None] = reading.value or {}
    unseen = sorted(path for path, seen in there.items() if seen is None)
    if unseen:
        yield Unsure(f"cannot tell whether {shortened(unseen[0])} is there: not to be seen")
    yield from judge(context, _missing(context, there))


def _missing(context: Context, there: Mapping[str, bool | None]) -> Iterator[Flaw]:
    lists: dict[str, tuple[PolicyFile, Path, dict[str, None]]] = {}
    for file, key, index, entry in entries(context, written(context)):
        value = _value(entry)
        if value is not None and file.in_force and there.get(value) is False:
            _, _, names = lists.setdefault(key, (file, (*key.split("."), index), {}))
            names[shortened(value)] = None
    for file, path, names in lists.values():
        listed = list(names)[:LISTED]
        more = ["and more"] if len(names) > LISTED else []
        yield Flaw(file, path, Severity.INFO, {"missing": [*listed, *more]})
