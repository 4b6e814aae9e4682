"""Cutting an event to size: the largest detail goes, and what is left says so. Pure.

A text keeps its beginning and gets its digest; a list or an object becomes
`{"truncated": true, "digest": ..., "start": ...}`. The event as a whole is flagged with
`"truncated": true`. So every field keeps its type, but for lists and objects that were cut.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from mdeinspect.privacy import digest

KEEP = 200  # characters that stay of what is cut,
KEEP_BYTES = 400  # and no more than this as JSON
SMALL = 640  # bytes: what is smaller is never cut, and what was cut is smaller
MARK = frozenset({"truncated", "digest", "start"})


def line(found: Mapping[str, Any]) -> str:
    """An object as one line of JSON, ASCII only, without the line end."""
    return json.dumps(found, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def fit(found: dict[str, Any], build: Callable[[dict[str, Any]], str], limit: int) -> str:
    """What `build` makes of an event, the event cut until that has at most `limit` bytes.

    `build` gives ASCII. What is left when nothing can be cut any more is given as it is.
    """
    text = build(found)
    while len(text) > limit and (smaller := cut(found)) is not None:
        found = smaller
        text = build(found)
    return text


def fitted(found: dict[str, Any], limit: int) -> dict[str, Any]:
    """An event cut until its own line has at most `limit` bytes."""
    while len(line(found)) > limit and (smaller := cut(found)) is not None:
        found = smaller
    return found


def cut(found: Mapping[str, Any]) -> dict[str, Any] | None:
    """A copy of an event without its largest detail; None when nothing is worth cutting."""
    top = max(("data", "evidence"), key=lambda name: _size(found.get(name)))
    value = found.get(top)
    if _size(value) < SMALL or is_cut(value):
        return None
    return {**found, top: _without_largest(value, outermost=True), "truncated": True}


def is_cut(value: Any) -> bool:
    """Whether this stands for a list or an object that was cut."""
    return isinstance(value, dict) and value.keys() == MARK


def short(text: str, most: int) -> str:
    """A text of at most `most` bytes as JSON; a longer one is cut, the same way wherever it is."""
    return text if _size(text) <= most else _cut_text(text)


def _without_largest(value: Any, *, outermost: bool = False) -> Any:
    """A copy of a value, its largest part cut; all of it where no part stands out."""
    if isinstance(value, dict | list) and value:
        keys = list(value) if isinstance(value, dict) else range(len(value))
        sizes = {key: _size(value[key]) for key in keys}
        largest = max(keys, key=lambda key: sizes[key])
        stands_out = outermost or sizes[largest] * 2 > _size(value)
        if sizes[largest] >= SMALL and stands_out:
            copy = value.copy()
            copy[largest] = _without_largest(value[largest])
            return copy
    return _cut_text(value) if isinstance(value, str) else _mark(value)


def _cut_text(text: str) -> str:
    return f"{_start(text)} [cut {digest(text)}]"


def _mark(value: Any) -> dict[str, Any]:
    text = line({"": value})
    return {"truncated": True, "digest": digest(text), "start": _start(text[4:-1])}


def _start(text: str) -> str:
    start = text[:KEEP]
    while _size(start) > KEEP_BYTES:
        start = start[: len(start) * 3 // 4]
    return start


def _size(value: Any) -> int:
    return len(json.dumps(value, separators=(",", ":"))) if value is not None else 0
