"""Files below one root, read without ever blocking, leaving the root, or opening a device."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice

from mdeinspect.errors import NotThere, Unreadable
from mdeinspect.model import FileFacts, Folder

MAX_LINKS = 40
MAX_NAMES = 4096
ATTEMPTS = 3
YEARS = range(1900, 9000)
OPEN = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NOCTTY

# What of a way is left, the next part last; with each the link it came from, if any.
Todo = list[tuple[str, str | None]]
Target = Callable[[str, str, str | None, Todo], str | None]
Describe = Callable[[str, Sequence[str], os.stat_result], FileFacts]


def describe(path: str, links: Sequence[str], found: os.stat_result) -> FileFacts:
    """What `stat` says, in our own terms."""
    return FileFacts(
        path=path,
        links=tuple(links),
        uid=found.st_uid,
        gid=found.st_gid,
        mode=stat.S_IMODE(found.st_mode),
        size=found.st_size,
        mtime=_moment(found.st_mtime),
        changed=_moment(max(found.st_mtime, found.st_ctime)),
    )


class Files:
    """The files of a machine whose `/` lies at `root` ("" for this machine's own)."""

    def __init__(self, root: str = "", describe: Describe = describe) -> None:
        self._root = root
        self._describe = describe

    def stat(self, path: str) -> FileFacts:
        """See `Host.stat`."""
        return self._find(path)[1]

    def around(self, facts: FileFacts) -> FileFacts:
        """See `Host.around`; the file system is for the host to tell."""
        try:
            real, links = self._follow(facts.path)
        except (NotThere, Unreadable):
            return facts
        above = {folder for place in (*links, real) for folder in folders(place)}
        return replace(facts, real=real, folders=tuple(map(self._folder, sorted(above))))

    def _folder(self, path: str) -> Folder:
        try:
            found = self._describe(path, (), os.lstat((self._root + path) or "/"))
        except OSError:
            return Folder(path)
        return Folder(path, found.uid, found.gid, found.mode)

    def read(self, path: str, limit: int) -> tuple[bytes, FileFacts]:
        """See `Host.read`."""
        for _ in range(ATTEMPTS):
            real, facts, found = self._find_regular(path)
            if facts.size > limit:
                raise _too_large(path, limit, facts)
            data, after = self._take(real, path, facts, start=0, limit=limit + 1)
            if len(data) > limit:
                raise _too_large(path, limit, facts)
            if after is not None and _signature(found) == _signature(after):
                return data, facts
        raise _changing(path, facts)

    def tail(self, path: str, limit: int) -> tuple[bytes, FileFacts]:
        """See `Host.tail`."""
        for _ in range(ATTEMPTS):
            real, facts, _ = self._find_regular(path)
            start = max(0, facts.size - limit)
            data, after = self._take(real, path, facts, start=start, limit=limit)
            if after is not None:  # a log may well grow meanwhile
                return data, facts
        raise _changing(path, facts)

    def link(self, path: str) -> str | None:
        """See `Host.link`."""
        folder, _, name = path.rpartition("/")
        real, _ = self._follow(folder or "/")
        here = f"{self._root}{real.rstrip('/')}/{name}"
        try:
            return os.readlink(here) if stat.S_ISLNK(os.lstat(here).st_mode) else None
        except (FileNotFoundError, NotADirectoryError) as error:
            raise NotThere(f"{path} does not exist") from error
        except (OSError, ValueError) as error:
            raise _unreadable(path, error) from error

    def names(self, path: str) -> Sequence[str]:
        """See `Host.names`."""
        real, _ = self._follow(path)
        try:
            with os.scandir((self._root + real) or "/") as entries:
                return sorted(entry.name for entry in islice(entries, MAX_NAMES))
        except (FileNotFoundError, NotADirectoryError) as error:
            raise NotThere(f"{path} is not a folder") from error
        except OSError as error:
            raise _unreadable(path, error) from error

    def _find(self, path: str) -> tuple[str, FileFacts, os.stat_result]:
        real, links = self._follow(path)
        try:
            found = os.lstat(self._root + real)
        except FileNotFoundError as error:  # gone since we followed it
            raise NotThere(f"{path} does not exist") from error
        except OSError as error:
            raise _unreadable(path, error) from error
        return real, self._describe(path, links, found), found

    def _find_regular(self, path: str) -> tuple[str, FileFacts, os.stat_result]:
        real, facts, found = self._find(path)
        if not stat.S_ISREG(found.st_mode):
            raise Unreadable(
                f"cannot read {path}: it is {_kind(found.st_mode)}, not a regular file",
                kind="not-regular",
                file=facts,
            )
        return real, facts, found

    def _follow(self, path: str) -> tuple[str, list[str]]:
        """The place behind every link of `path`, inside the root, and the links met."""
        return follow(path, self._target)

    def _target(self, here: str, path: str, origin: str | None, todo: Todo) -> str | None:
        """Where the link at `here` points; None when it is no link.

        `origin` is the link that led here; None on the way that `path` itself goes.
        """
        try:
            found = os.lstat(self._root + here)
            return os.readlink(self._root + here) if stat.S_ISLNK(found.st_mode) else None
        except (FileNotFoundError, NotADirectoryError) as error:
            if origin:
                why = f"the link {origin} points to nothing"
                raise leads_nowhere(path, todo, "dangling-link", why) from error
            raise NotThere(f"{path} does not exist") from error
        except (OSError, ValueError) as error:
            raise _unreadable(path, error) from error

    def _take(
        self, real: str, path: str, facts: FileFacts, *, start: int, limit: int
    ) -> tuple[bytes, os.stat_result | None]:
        """Bytes from `start`, and the state of the file after; None when it was replaced."""
        try:
            handle = os.open(self._root + real, OPEN)
        except OSError as error:
            if error.errno in (errno.ENOENT, errno.ELOOP):  # replaced, or gone, since we looked
                return b"", None
            raise _unreadable(path, error, facts) from error
        try:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                return b"", None
            return _read_at(handle, start, limit), os.fstat(handle)
        except OSError as error:
            raise _unreadable(path, error, facts) from error
        finally:
            os.close(handle)


def leads_nowhere(path: str, todo: Todo, kind: str, why: str) -> Unreadable:
    """A link that leads to nothing: the file itself, or a folder on the way that `path` goes.

    Of the latter nobody knows what would be in it. `todo` is what of the way is left.
    """
    on_the_way = any(origin is None and part not in ("", ".") for part, origin in todo)
    return Unreadable(f"cannot read {path}: {why}", kind="lost-folder" if on_the_way else kind)


def folders(path: str) -> Iterator[str]:
    """Every folder above `path`, the nearest first."""
    while path != "/":
        path = path.rpartition("/")[0] or "/"
        yield path


def follow(path: str, target_of: Target) -> tuple[str, list[str]]:
    """The place behind every link of `path`, never above `/`, and the links met.

    `target_of(here, path, origin, todo)` tells where the link at `here` points, None when it is no
    link; `origin` is the link that led here, `todo` what is left of the way.
    """
    todo: Todo = [(part, None) for part in path.split("/")[::-1]]
    done: list[str] = []
    links: list[str] = []
    while todo:
        part, origin = todo.pop()
        if part in ("", "."):
            continue
        if part == "..":
            del done[-1:]
            continue
        here = "/".join(["", *done, part])
        target = target_of(here, path, origin, todo)
        if target is None:
            done.append(part)
            continue
        links.append(here)
        if len(links) > MAX_LINKS:
            raise leads_nowhere(path, todo, "link-loop", "its links form a loop")
        if target.startswith("/"):
            done = []
        todo.extend((part, here) for part in target.split("/")[::-1])
    return "/" + "/".join(done), links


def _read_at(handle: int, start: int, limit: int) -> bytes:
    chunks: list[bytes] = []
    while limit > 0:
        chunk = os.pread(handle, min(limit, 1 << 20), start)
        if not chunk:
            break
        chunks.append(chunk)
        start += len(chunk)
        limit -= len(chunk)
    return b"".join(chunks)


def _signature(found: os.stat_result) -> tuple[int, int, int]:
    return found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _moment(seconds: float) -> datetime | None:
    """A file time; None for one that no calendar, or no arithmetic with it, can hold."""
    try:
        moment = datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        return None
    return moment if moment.year in YEARS else None


def _kind(mode: int) -> str:
    kinds = {
        stat.S_IFDIR: "a folder",
        stat.S_IFIFO: "a FIFO",
        stat.S_IFSOCK: "a socket",
        stat.S_IFCHR: "a character device",
        stat.S_IFBLK: "a block device",
    }
    return kinds.get(stat.S_IFMT(mode), "something else")


def _changing(path: str, facts: FileFacts) -> Unreadable:
    message = f"cannot read {path}: it changed while it was read, {ATTEMPTS} times; try again"
    return Unreadable(message, kind="changing", file=facts)


def _too_large(path: str, limit: int, facts: FileFacts) -> Unreadable:
    """Without its size: while a file grows, each size would be a change to tell."""
    message = f"cannot read {path}: it is larger than the {limit:,} bytes allowed"
    return Unreadable(message, kind="too-large", file=facts)


def _unreadable(path: str, error: Exception, facts: FileFacts | None = None) -> Unreadable:
    if isinstance(error, PermissionError):
        return Unreadable(f"cannot read {path}: permission denied", kind="denied", file=facts)
    why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return Unreadable(f"cannot read {path}: {why}", kind="io", file=facts)
