"""Looking for a name in many small files of a host: bounded in number and size, nothing executed.

What cannot be listed or read is passed over: this finds hints, and what it does not find proves
nothing.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

from mdeinspect.errors import NotThere, Unreadable
from mdeinspect.host import Host
from mdeinspect.model import HostFacts
from mdeinspect.sources import MentionSource

MAX_FILES = 2000
MAX_BYTES = 32 * 1024 * 1024  # read in all
MAX_HITS = 50


def mentions(host: Host, facts: HostFacts, source: MentionSource) -> tuple[Any, None]:
    """What `source` makes of the files that hold one of its needles."""
    hits: dict[str, bytes] = {}
    read = 0
    for number, path in enumerate(_paths(host, source.places.get(facts.platform, ()))):
        if number >= MAX_FILES or read >= MAX_BYTES or len(hits) >= MAX_HITS:
            break
        data = b""
        with contextlib.suppress(NotThere, Unreadable):
            data, _ = host.read(path, source.limit)
        read += len(data)
        named = any(needle in path.encode("utf-8", "surrogateescape") for needle in source.needles)
        if named or any(needle in data for needle in source.needles):
            hits[path] = data
    return source.parse(hits), None


def _paths(host: Host, places: tuple[str, ...]) -> Iterator[str]:
    """The paths that patterns with at most one `*` name, each once."""
    told: set[str] = set()
    for place in places:
        for path in _matches(host, place):
            if path not in told:
                told.add(path)
                yield path


def _matches(host: Host, place: str) -> Iterator[str]:
    head, star, rest = place.partition("*")
    if not star:
        yield place
        return
    folder, _, prefix = head.rpartition("/")
    ending, slash, tail = rest.partition("/")
    with contextlib.suppress(NotThere, Unreadable):
        for name in host.names(folder or "/"):
            if fnmatchcase(name, f"{prefix}*{ending}"):
                yield f"{folder}/{name}{slash}{tail}"
