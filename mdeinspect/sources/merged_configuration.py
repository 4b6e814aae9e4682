"""The configuration that the daemon logs after merging: what it really works with.

Sample: `[123][456][2026-11-22 10:00:00.123456 UTC][info]: Features merged with capabilities: {...}`
Weaker evidence than health: it tells what was true when the line was written.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from mdeinspect.documents import jsondoc
from mdeinspect.errors import ParseError
from mdeinspect.sources import FileSource

MARK = b"Features merged with capabilities:"
_TIME = re.compile(rb"\[(\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d)[^\]]*\]")
MAX_LINES = 1000  # how many broken ones are looked at before giving up
NAME = "microsoft_defender_core"


@dataclass(frozen=True, slots=True)
class Merged:
    """The newest merged configuration in a log, and when it was written (None: not told)."""

    values: Any
    logged_at: datetime | None


def _parse(data: bytes) -> Merged | None:
    """The last line with the mark whose JSON is whole; None when there is no such line."""
    end = len(data)
    for _ in range(MAX_LINES):
        at = data.rfind(MARK, 0, end)
        if at < 0:
            break
        start = data.rfind(b"\n", 0, at) + 1
        stop = data.find(b"\n", at)
        line = data[start : stop if stop >= 0 else len(data)]
        merged = _line(line)
        if merged is not None:
            return merged
        end = start
    return None


def _line(line: bytes) -> Merged | None:
    head, _, tail = line.partition(MARK)
    try:
        values = jsondoc.parse(tail.strip()).value
    except ParseError:
        return None  # a torn or foreign line: an older one may be whole
    return Merged(values, _time(head)) if isinstance(values, dict) else None


def _time(head: bytes) -> datetime | None:
    found = _TIME.search(head)
    if found is None:
        return None
    try:
        return datetime.fromisoformat(found[1].decode("ascii")).replace(tzinfo=UTC)
    except ValueError:
        return None


def _places(folder: str) -> tuple[str, ...]:
    return (f"{folder}/{NAME}.log", f"{folder}/rotated/{NAME}*")


MERGED_CONFIGURATION = FileSource(
    "merged_configuration",
    {
        "linux": _places("/var/log/microsoft/mdatp"),
        "darwin": _places("/Library/Logs/Microsoft/mdatp"),
    },
    _parse,
    tail=True,
)
SOURCES = (MERGED_CONFIGURATION,)
