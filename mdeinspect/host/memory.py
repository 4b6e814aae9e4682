"""A file system in memory, with the manners of `Files`: what an archive holds, as a machine's."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from mdeinspect.errors import MdeinspectError, NotThere, Unreadable
from mdeinspect.host.entry import MAX_MEMBER, Entry
from mdeinspect.host.files import MAX_NAMES, Todo, folders, follow, leads_nowhere
from mdeinspect.model import FileFacts, Folder

Gap = Callable[[str], MdeinspectError]


def absent(path: str) -> MdeinspectError:
    """What a path is that is not in it: nothing on the machine."""
    return NotThere(f"{path} does not exist")


class MemoryFiles:
    """The files of a machine, by absolute path. `gap` says what a path is that is not in it."""

    def __init__(self, entries: Mapping[str, Entry], gap: Gap = absent) -> None:
        self._entries = {path: entry for path, entry in entries.items() if path != "/"}
        self._gap = gap
        self.describe: Callable[[FileFacts], FileFacts] = lambda facts: facts
        self._folders: dict[str, set[str]] = {"/": set()}
        for path, entry in self._entries.items():
            if entry.kind == "folder":
                self._folders.setdefault(path, set())
            while path:
                path, _, name = path.rpartition("/")
                self._folders.setdefault(path or "/", set()).add(name)

    def stat(self, path: str) -> FileFacts:
        """See `Host.stat`."""
        real, links = self._follow(path)
        entry = self._entries.get(real, Entry("folder"))
        facts = FileFacts(
            path=path,
            links=tuple(links),
            mode=entry.mode,
            size=entry.size,
            mtime=entry.mtime,
            changed=entry.mtime,
        )
        return self.describe(facts)

    def read(self, path: str, limit: int) -> tuple[bytes, FileFacts]:
        """See `Host.read`."""
        entry, facts = self._regular(path)
        if entry.size > limit:
            raise _too_large(path, limit, facts)
        data = self._load(entry, limit + 1, path, facts)
        if len(data) > limit:
            raise _too_large(path, limit, facts)
        return data, facts

    def tail(self, path: str, limit: int) -> tuple[bytes, FileFacts]:
        """See `Host.tail`."""
        entry, facts = self._regular(path)
        if entry.size > MAX_MEMBER:
            raise _too_large(path, MAX_MEMBER, facts)
        return self._load(entry, entry.size, path, facts)[-limit:], facts

    def link(self, path: str) -> str | None:
        """See `Host.link`."""
        folder, _, name = path.rpartition("/")
        real, _ = self._follow(folder or "/")
        here = f"{real.rstrip('/')}/{name}"
        entry = self._entries.get(here)
        if entry is None and here not in self._folders:
            raise self._gap(path)
        return entry.target if entry is not None and entry.kind == "link" else None

    def around(self, facts: FileFacts) -> FileFacts:
        """See `Host.around`; the file system is for the host to tell."""
        try:
            real, links = self._follow(facts.path)
        except (NotThere, Unreadable):
            return facts
        above = {folder for place in (*links, real) for folder in folders(place)}
        return replace(facts, real=real, folders=tuple(map(self._folder, sorted(above))))

    def _folder(self, path: str) -> Folder:
        entry = self._entries.get(path)
        found = self.describe(FileFacts(path, mode=entry.mode if entry else None))
        return Folder(path, found.uid, found.gid, found.mode)

    def names(self, path: str) -> Sequence[str]:
        """See `Host.names`."""
        real, _ = self._follow(path)
        if real not in self._folders:
            raise NotThere(f"{path} is not a folder")
        return sorted(self._folders[real])[:MAX_NAMES]

    def _regular(self, path: str) -> tuple[Entry, FileFacts]:
        facts = self.stat(path)
        entry = self._entries.get(self._follow(path)[0], Entry("folder"))
        if entry.kind == "folder":
            message = f"cannot read {path}: it is a folder, not a regular file"
            raise Unreadable(message, kind="not-regular", file=facts)
        if entry.reason is not None:
            raise Unreadable(entry.reason, kind="denied", file=facts)
        return entry, facts

    def _load(self, entry: Entry, limit: int, path: str, facts: FileFacts) -> bytes:
        try:
            return entry.load(limit)
        except Unreadable as error:
            raise Unreadable(f"cannot read {path}: {error}", kind=error.kind, file=facts) from error

    def _follow(self, path: str) -> tuple[str, list[str]]:
        """The place behind every link of `path`, and the links met; raises as `Files` does."""
        return follow(path, self._target)

    def _target(self, here: str, path: str, origin: str | None, todo: Todo) -> str | None:
        entry = self._entries.get(here)
        if entry is None and here not in self._folders:
            if origin:
                why = f"the link {origin} points to nothing"
                raise leads_nowhere(path, todo, "dangling-link", why)
            raise self._gap(path)
        return entry.target if entry is not None and entry.kind == "link" else None


def _too_large(path: str, limit: int, facts: FileFacts) -> Unreadable:
    message = f"cannot read {path}: it is larger than the {limit:,} bytes allowed"
    return Unreadable(message, kind="too-large", file=facts)
