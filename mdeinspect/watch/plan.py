"""Which folders to watch so that no change of a file goes unseen, and which events matter. Pure.

A file is never watched itself: a watch follows the inode and is lost when the file is replaced.
Watched are the folder that holds it and, since a folder may itself be replaced, the one above;
the same for every link on the way. Where something is missing, its nearest existing ancestor
stands in for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from mdeinspect.model import Platform

MAX_LINKS = 40
STRUCTURAL = frozenset({"created", "deleted", "moved"})

Kind = Literal["folder", "link", "other", "missing"]
Weight = Literal["content", "structure"]


class Seen(NamedTuple):
    """What lies at a path, its links not followed; `target` is where a link points."""

    kind: Kind
    target: str = ""


Look = Callable[[str], Seen]


class Method(NamedTuple):
    """How to watch: with everything below a folder, and with the folder above it as well."""

    recursive: bool
    parents: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """Where to listen and what to listen for; paths are where things really lie.

    `folders` are to be watched, outer ones first. An event about one of `names` matters (they are
    all that is met on the way to a file); so does what comes to or goes from a folder in `whole`.
    """

    folders: tuple[str, ...] = ()
    names: frozenset[str] = frozenset()
    whole: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Way:
    """The way to one path, all links followed.

    `holders` are the folders that hold its links and its end (or are its end), `names` all that
    was met; `kind` is that of the end, which is as far as the way goes.
    """

    end: str
    kind: Kind
    holders: tuple[str, ...]
    names: tuple[str, ...]


@dataclass(slots=True)
class _Walk:
    """Where a walk stands: parts to go (next one last), parts gone, and what was met."""

    todo: list[str]
    done: list[str] = field(default_factory=list)
    holders: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    links: int = 0

    def here(self, *more: str) -> str:
        return "/" + "/".join((*self.done, *more))


def method(platform: Platform) -> Method:
    """How the platform wants to be watched.

    FSEvents delivers nothing for a non-recursive watch of a single file and sees its folder
    being replaced by itself; inotify watches one folder, and only its own inode.
    """
    return Method(recursive=platform == "darwin", parents=platform != "darwin")


def plan(paths: Iterable[str], look: Look, how: Method, root: str = "") -> Plan:
    """What to watch for the files and folders at `paths`, on a host whose `/` lies at `root`."""
    holders: set[str] = set()
    names = {"/"}
    whole: set[str] = set()
    for path in paths:
        way = walk(path, look, root)
        holders.update(way.holders)
        names.update(way.names)
        if way.kind == "folder":
            whole.add(way.end)
            holders.update([_parent(way.end)] if how.parents else ())
    if how.parents:
        holders.update([_parent(holder) for holder in holders])
    folders = _outermost(holders) if how.recursive else sorted(holders)
    return Plan(
        tuple(_under(root, folder) for folder in folders),
        frozenset(_under(root, name) for name in names),
        frozenset(_under(root, folder) for folder in whole),
    )


def walk(path: str, look: Look, root: str = "") -> Way:
    """The way to `path`, as the host sees it; it ends early where something is missing."""
    at = _Walk([part for part in path.split("/") if part][::-1])
    kind: Kind = "folder"
    while at.todo and at.links <= MAX_LINKS and kind == "folder":
        kind = _step(at, look, root)
    if kind == "folder":  # the end is one, or the links form a loop
        kind = "missing" if at.todo else kind
        at.holders.append(at.here())
    return Way(at.here(), kind, tuple(at.holders), tuple(at.names))


def weigh(plan: Plan, event: str, is_folder: bool, *paths: str) -> Weight | None:
    """What an event means: nothing, a change of content, or one that moves what to watch.

    `event` is watchdog's word: created, deleted, moved, modified, closed or attrib.
    """
    structural = event in STRUCTURAL or (is_folder and event == "attrib")
    for path in paths:
        if path in plan.names:
            return "structure" if structural else "content"
        if event in STRUCTURAL and path and _parent(path) in plan.whole:
            return "structure"
    return None


def _step(at: _Walk, look: Look, root: str) -> Kind:
    """Go one part on; "folder" means that the walk can go on."""
    part = at.todo.pop()
    if part in ("", "."):
        return "folder"
    if part == "..":
        del at.done[-1:]
        return "folder"
    here = at.here(part)
    seen = look(_under(root, here))
    at.names.append(here)
    if seen.kind == "link":
        at.links += 1
        at.holders.append(at.here())
        at.done = [] if seen.target.startswith("/") else at.done
        at.todo.extend(seen.target.split("/")[::-1])
        return "folder"
    if seen.kind != "folder":
        at.holders.append(at.here())
    at.done.append(part)
    return seen.kind


def _outermost(folders: Iterable[str]) -> list[str]:
    """The folders that lie below no other one, `/` left out: nobody wants all of a disk."""
    kept: list[str] = []
    for folder in sorted(set(folders) - {"/"}):
        if not kept or not folder.startswith(kept[-1] + "/"):
            kept.append(folder)
    return kept


def _parent(path: str) -> str:
    return path.rpartition("/")[0] or "/"


def _under(root: str, path: str) -> str:
    return (root + path.rstrip("/")) or "/"
