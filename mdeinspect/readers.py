"""How each kind of source is read: a command, files, links, processes. Errors say what is wrong."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any

from mdeinspect.errors import MdeinspectError, NotThere, ParseError, Unreadable
from mdeinspect.host import Host
from mdeinspect.model import FileFacts
from mdeinspect.sources import CommandSource, FileSource, LinkSource, ProcessSource

SETTLE = timedelta(seconds=2)  # a file this young may still be being written
NOWHERE = frozenset({"dangling-link", "link-loop", "lost-folder"})  # a path that leads to nothing
REFUSED = re.compile(
    r"permission denied|access denied|not permitted|(as|be|requires?|need) root|\bsudo\b",
    re.IGNORECASE,
)
NEWEST = 4  # how many matches of a pattern are looked into

Value = tuple[Any, FileFacts | None]


def command(host: Host, source: CommandSource) -> Value:
    """The first output that can be parsed; else why the last one could not."""
    trouble: MdeinspectError = NotThere(f"no output of {source.name}")
    for command in source.commands:
        try:
            output = host.run(command)
        except NotThere:
            continue
        except Unreadable as error:
            if error.kind == "timeout":
                raise  # a hung agent is not asked twice
            trouble = error
            continue
        try:
            return source.parse(output.stdout), None
        except ParseError as error:
            name = " ".join(("mdatp", *command.args))
            if output.exit == 0:
                trouble = Unreadable(f"{error} (`{name}`)", kind=error.kind)
            else:
                trouble = _failed(name, output.exit, output.stderr or output.stdout)
    raise trouble


def _failed(name: str, code: int, said: bytes) -> Unreadable:
    words = " ".join(said.decode("utf-8", "replace").split())[:200] or "nothing"
    refused = REFUSED.search(words) is not None
    hint = "; run with sudo" if refused else ""
    message = f"cannot read `{name}`: it ended with {code} and said: {words}{hint}"
    return Unreadable(message, kind="denied" if refused else "failed")


def file(host: Host, source: FileSource, places: Sequence[str]) -> Value:
    """The first place that holds something of it; of a policy file also what lies around it."""
    try:
        value, file = _first(host, source, places)
    except Unreadable as error:
        if source.channel and isinstance(error.file, FileFacts):
            error.file = host.around(error.file)
        raise
    return value, host.around(file) if source.channel and file else file


def _first(host: Host, source: FileSource, places: Sequence[str]) -> Value:
    trouble: MdeinspectError | None = None
    for place in places:
        for path in matches(host, (place,)):
            try:
                return _settled(host, source, path)
            except NotThere:
                continue
            except Unreadable as error:
                if error.kind != "not-regular":
                    raise  # it is there: nothing else stands in for it
                if f"{path}/*" not in places:  # else a folder, which is looked into next
                    trouble = trouble or error
    raise trouble or NotThere(f"{source.name} is not there")


def _settled(host: Host, source: FileSource, path: str) -> Value:
    """A file's value; one that cannot be parsed is read again if it may still be being written."""
    for attempt in (1, 2):
        read = host.tail if source.tail else host.read
        data, file = read(path, source.limit)
        try:
            value = source.parse(data)
        except ParseError as error:
            young = SETTLE - (host.now() - file.mtime) if file.mtime else timedelta()
            if attempt == 1 and timedelta() < young <= SETTLE and host.wait(young.total_seconds()):
                continue
            raise Unreadable(f"{error} ({path})", kind=error.kind, file=file) from error
        if value is None:
            raise NotThere(f"{path} holds nothing of it")
        return value, file
    raise AssertionError("unreachable")


def links(host: Host, source: LinkSource, places: Sequence[str]) -> Value:
    found = {}
    for path in matches(host, places):
        try:
            found[path] = host.link(path)
        except NotThere:
            continue
        except Unreadable as error:
            if error.kind not in NOWHERE:
                raise
    return source.parse(found), None


def processes(host: Host, source: ProcessSource) -> Value:
    return source.parse(host.processes(source.names)), None


def matches(host: Host, places: Sequence[str]) -> list[str]:
    """The paths that the patterns name. Files that a `*` ends with come newest first.

    Raises `Unreadable` where a folder cannot be listed.
    """
    found: list[str] = []
    for place in places:
        folder, star, rest = place.partition("*")
        if not star:
            found.append(place)
            continue
        folder, _, prefix = folder.rpartition("/")
        wildcard, slash, tail = rest.partition("/")
        names = [n for n in _names(host, folder) if fnmatchcase(n, f"{prefix}*{wildcard}")]
        paths = [f"{folder}/{name}{slash}{tail}" for name in names]
        found.extend(paths if slash else _newest(host, paths))
    return found


def _names(host: Host, folder: str) -> Sequence[str]:
    try:
        return host.names(folder)
    except NotThere:
        return ()
    except Unreadable as error:
        if error.kind not in NOWHERE:
            raise
        return ()


def _newest(host: Host, paths: Sequence[str]) -> list[str]:
    def age(path: str) -> datetime:
        try:
            moment = host.stat(path).mtime
        except (NotThere, Unreadable):
            moment = None
        return moment or datetime.min.replace(tzinfo=host.now().tzinfo)

    return sorted(paths, key=age, reverse=True)[:NEWEST]


def wildcard(path: str, places: Sequence[str]) -> str:
    """What the `*` of a pattern stands for in a path that matches it."""
    head, _, tail = places[0].partition("*")
    return path.removeprefix(head).removesuffix(tail)
