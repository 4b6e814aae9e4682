"""What more than one format says of an event: a headline, and careful looks into its data. Pure.

Any part of the data may have been cut, so nothing here relies on a shape.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from mdeinspect.fitting import short

PRODUCT = "mdeinspect"
LONGEST = 400  # bytes of a headline
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", re.ASCII)
_FILES = {
    "added": "added",
    "removed": "removed",
    "values": "changed",
    "form": "written anew with the same meaning",
}


def look(value: Any, *path: str) -> Any:
    """What lies at a path of keys; None where there is nothing, or something else."""
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def word(value: Any, *path: str) -> str | None:
    """The text at a path, or None."""
    found = look(value, *path)
    return found if isinstance(found, str) else None


def is_moment(value: Any) -> bool:
    """Whether this is a time as events write it."""
    return isinstance(value, str) and _MOMENT.fullmatch(value) is not None


def text(value: Any) -> str:
    """A value as JSON text, to be put into another object."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def file_of(found: Mapping[str, Any]) -> str | None:
    """The path of the file that an event is about, or None."""
    subject = word(found, "subject") or ""
    named = subject.removeprefix("file:") if subject.startswith("file:/") else None
    return word(found, "data", "file") or named


def headline(found: Mapping[str, Any]) -> str:
    """An event in one line for a person."""
    kind = str(found.get("type"))
    say = _HEADLINES.get(kind)
    data = found.get("data")
    told = word(data, "title") or (say(found, data) if say else None)
    return short(told or kind, LONGEST)


def _policy(found: Mapping[str, Any], data: Any) -> str:
    what = _FILES.get(word(data, "kind") or "", "changed")
    return f"Policy file {what}: {file_of(found) or look(found, 'subject')}"


def _setting(_found: Mapping[str, Any], data: Any) -> str:
    rows = look(data, "settings")
    keys = [word(one, "key") or "?" for one in rows] if isinstance(rows, list) else []
    listed = ", ".join(keys[:3]) + (", ..." if len(keys) > 3 else "")
    return f"Settings that changed: {look(data, 'count')} ({listed})"


def _authority(_found: Mapping[str, Any], data: Any) -> str:
    before, after = (look(data, side, "channel") for side in ("before", "after"))
    return f"Governing channel changed from {before} to {after}"


def _checkin(_found: Mapping[str, Any], data: Any) -> str:
    return f"Check-in changed from {look(data, 'before')} to {look(data, 'after')}"


def _agent(_found: Mapping[str, Any], data: Any) -> str:
    after = look(data, "after")
    now = after.items() if isinstance(after, Mapping) else ()
    return "Agent changed: " + ", ".join(f"{name} {value}" for name, value in now)


def _source(_found: Mapping[str, Any], data: Any) -> str:
    if state := word(data, "state"):
        return f"Configuration {'refused' if state == 'broken' else 'read again'}"
    states = f"from {look(data, 'before')} to {look(data, 'after')}"
    return f"Source {look(data, 'source')} changed {states}"


def _dropped(_found: Mapping[str, Any], data: Any) -> str:
    return f"{look(data, 'count')} events never reached the sink {look(data, 'sink')}"


_HEADLINES: Mapping[str, Callable[[Mapping[str, Any], Any], str]] = {
    "policy.changed": _policy,
    "setting.changed": _setting,
    "authority.changed": _authority,
    "checkin.changed": _checkin,
    "agent.changed": _agent,
    "source.changed": _source,
    "events.dropped": _dropped,
    "heartbeat": lambda _found, _data: f"{PRODUCT} is alive",
    "daemon.started": lambda _found, _data: f"{PRODUCT} started",
    "daemon.stopped": lambda _found, _data: f"{PRODUCT} stopped",
}
