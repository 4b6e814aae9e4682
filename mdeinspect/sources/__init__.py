"""Where things are on a host and how to decode them, as data. One module, one thing on the host.

A source does no I/O: `mdeinspect.inspect` reads what it names and hands the bytes to `parse`, which
returns a value, or None for "nothing of it in here", or raises `ParseError`.
"""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from mdeinspect.model import Channel, Command, Platform, Process, Reading

Wake = Literal["event", "poll"]
Places = Mapping[Platform, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class FileSource:
    """A file. `places` are tried in order until one has something.

    A `*` matches within one folder: with `each`, every match is a reading of its own, named
    `name:match`; otherwise the newest matches are tried first. With `tail`, only the last `limit`
    bytes are read; otherwise a file above `limit` bytes is refused. `wake` says whether a change
    of the file wakes the service, or is found by polling.
    """

    name: str
    places: Places
    parse: Callable[[bytes], Any]
    limit: int = 4 * 1024 * 1024
    tail: bool = False
    each: bool = False
    channel: Channel | None = None
    wake: Wake = "poll"


@dataclass(frozen=True, slots=True)
class CommandSource:
    """An output of `mdatp`. The commands are tried in order until one can be parsed.

    `detail` marks what costs an extra call and is only asked for on demand; on `platforms` alone.
    """

    name: str
    commands: tuple[Command, ...]
    parse: Callable[[bytes], Any]
    detail: bool = False
    platforms: tuple[Platform, ...] = ("linux", "darwin")
    wake: Wake = "poll"


@dataclass(frozen=True, slots=True)
class LinkSource:
    """Entries of the file system by name alone; `parse` gets path -> link target (or None)."""

    name: str
    places: Places
    parse: Callable[[Mapping[str, str | None]], Any]
    wake: Wake = "poll"


@dataclass(frozen=True, slots=True)
class ProcessSource:
    """Running programs whose name starts with one of `names` (lower case)."""

    name: str
    names: tuple[str, ...]
    parse: Callable[[Sequence[Process]], Any]
    wake: Wake = "poll"


@dataclass(frozen=True, slots=True)
class MentionSource:
    """Small files that hold one of `needles`, in their text or in their own path.

    Looked for only where every source named in `when` is there; `parse` gets path -> bytes.
    What cannot be read, or is larger than `limit`, is passed over.
    """

    name: str
    places: Places
    needles: tuple[bytes, ...]
    parse: Callable[[Mapping[str, bytes]], Any]
    when: tuple[str, ...] = ()
    limit: int = 256 * 1024
    wake: Wake = "poll"


@dataclass(frozen=True, slots=True)
class PresenceSource:
    """Whether paths are there that other readings name: path -> True, False, None (not known).

    `paths` picks them from the readings of the others. A recorded host does not hold them.
    """

    name: str
    paths: Callable[[Mapping[str, Reading[Any]]], Sequence[str]]
    wake: Wake = "poll"


Source = FileSource | CommandSource | LinkSource | ProcessSource | MentionSource | PresenceSource


@functools.cache
def load() -> tuple[Source, ...]:
    """Every source of every module in this package, in the order of module names."""
    found: list[Source] = []
    for module in pkgutil.iter_modules(__path__, __name__ + "."):
        found.extend(importlib.import_module(module.name).SOURCES)
    return tuple(found)


@functools.cache
def policy_sources() -> tuple[FileSource, ...]:
    """The files that carry policy or local settings, one or more for each channel."""
    return tuple(source for source in load() if isinstance(source, FileSource) and source.channel)
