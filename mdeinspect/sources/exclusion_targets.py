"""What the policy files exclude by a full path: whether there is anything of that name.

Sample: `{"$type": "excludedPath", "path": "/srv/app", "isDirectory": true}` asks for `/srv/app`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mdeinspect.documents import Document
from mdeinspect.model import Reading
from mdeinspect.sources import PresenceSource

LISTS = (("antivirusEngine", "exclusions"), ("exclusionSettings", "exclusions"))
MEMBERS = {"excludedPath": "path", "excludedFileName": "name"}
LIMIT = 200
"""How many paths are looked for; a list of thousands must not become thousands of calls."""

_LONGEST = 4096
_PATTERN = frozenset("*?\0")


def _paths(readings: Mapping[str, Reading[Any]]) -> Sequence[str]:
    documents = [one.value for one in readings.values() if isinstance(one.value, Document)]
    found = {path: None for document in documents for path in _excluded(document.value)}
    return list(found)[:LIMIT]


def _excluded(policy: Any) -> Iterator[str]:
    for section, key in LISTS:
        inside = policy.get(section) if isinstance(policy, Mapping) else None
        entries = inside.get(key) if isinstance(inside, Mapping) else None
        for entry in entries if isinstance(entries, list) else ():
            path = _path(entry)
            if path is not None:
                yield path


def _path(entry: Any) -> str | None:
    """The full path that an entry names; None for patterns, and for what is no path at all."""
    kind = entry.get("$type") if isinstance(entry, Mapping) else None
    path = entry.get(MEMBERS.get(kind, "")) if isinstance(kind, str) else None
    if not isinstance(path, str) or not path.startswith("/") or len(path) > _LONGEST:
        return None
    return None if _PATTERN & set(path) or "/.." in path else path


EXCLUSION_TARGETS = PresenceSource("exclusion_targets", _paths)
SOURCES = (EXCLUSION_TARGETS,)
