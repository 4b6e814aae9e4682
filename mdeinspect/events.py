"""Events: one for each change of state, the same shape for every reader. Pure.

`native` gives the public object, `mdeinspect.event/1`. Its time and id come first, so that a reader
that cuts lines still has them, and it stays below `MAX_LINE` bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from mdeinspect.documents import plain
from mdeinspect.fitting import fitted, short
from mdeinspect.model import Severity
from mdeinspect.privacy import mask

SCHEMA = "mdeinspect.event/1"
MAX_LINE = 8000  # bytes; with `prev` and the line end still below 8 KB
LONGEST_WORD = 600  # bytes of a name, a subject or a reason: so a subject is always cut alike

EventType = Literal[
    "finding.raised",
    "finding.changed",
    "finding.cleared",
    "policy.changed",
    "setting.changed",
    "authority.changed",
    "checkin.changed",
    "agent.changed",
    "source.changed",
    "heartbeat",
    "daemon.started",
    "daemon.stopped",
    "events.dropped",
]
# Never held back by a sink's `min_severity`.
ALWAYS: frozenset[EventType] = frozenset(
    {"heartbeat", "daemon.started", "daemon.stopped", "events.dropped"}
)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What an event rests on: a source, and where and when it was seen."""

    source: str
    path: str | None = None
    time: datetime | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """One change, before the store gives it its number."""

    type: EventType
    time: datetime
    severity: Severity = Severity.INFO
    data: Mapping[str, Any] = field(default_factory=dict)
    code: str | None = None
    subject: str | None = None
    because: str | None = None
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True)
class EventHost:
    """The host as events name it; `id` is stable and tells nothing else."""

    name: str | None
    id: str | None
    platform: str


def native(event: Event, *, stream: str, seq: int, host: EventHost) -> dict[str, Any]:
    """The public object of one event, masked, and cut to size."""
    found: dict[str, Any] = {
        "time": stamp(event.time),
        "id": f"{stream}-{seq}",
        "seq": seq,
        "stream": stream,
        "schema": SCHEMA,
        "type": event.type,
        "severity": event.severity.word,
        "host": {"name": _word(host.name), "id": host.id, "platform": host.platform},
    }
    for name in ("code", "subject", "because"):
        if (value := getattr(event, name)) is not None:
            found[name] = _word(value)
    found["evidence"] = [_evidence(one) for one in event.evidence]
    found["data"] = mask(plain(_stamped(event.data)))
    if event.subject is not None and found["subject"] != mask(printable(event.subject)):
        found["truncated"] = True
    return fitted(found, MAX_LINE)


def stamp(moment: datetime) -> str:
    """A moment as RFC 3339 UTC with milliseconds."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def printable(text: str) -> str:
    """`text` without what is no UTF-8: such names of files are shown as escapes."""
    return text.encode("utf-8", "backslashreplace").decode()


def _word(text: str | None) -> str | None:
    return None if text is None else short(mask(printable(text)), LONGEST_WORD)


def _evidence(one: Evidence) -> dict[str, Any]:
    found: dict[str, Any] = {"source": printable(one.source)}
    if one.path is not None:
        found["path"] = mask(printable(one.path))
    if one.time is not None:
        found["time"] = stamp(one.time)
    return found


def _stamped(value: Any) -> Any:
    if isinstance(value, datetime):
        return stamp(value)
    if isinstance(value, Mapping):
        return {key: _stamped(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_stamped(inner) for inner in value]
    return value
