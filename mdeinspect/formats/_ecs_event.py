"""How ECS sorts an event: kind, category, type and outcome, out of the lists that ECS allows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mdeinspect.formats._words import look, word
from mdeinspect.model import Severity

_KINDS = {"heartbeat": "state", "events.dropped": "alert"}
_CATEGORIES = {
    "policy.changed": ["configuration", "file"],
    "setting.changed": ["configuration"],
    "authority.changed": ["configuration"],
    "checkin.changed": ["host", "configuration"],
    "source.changed": ["configuration"],
    "heartbeat": ["host"],
    "daemon.started": ["process"],
    "daemon.stopped": ["process"],
    "events.dropped": ["process"],
}
_OF_SUBJECT = {"host": "host", "agent": "host", "file": "file"}
_TYPES = {
    "heartbeat": ["info"],
    "daemon.started": ["start"],
    "daemon.stopped": ["end"],
    "events.dropped": ["info"],
    "source.changed": ["info"],
}
_OF_FILES = {"added": ["creation"], "removed": ["deletion"]}


def kind(found: Mapping[str, Any]) -> str:
    """`alert` for a finding of at least medium severity that came or changed, and for a loss."""
    if found["type"] in ("finding.raised", "finding.changed"):
        return "alert" if Severity.of(found["severity"]) >= Severity.MEDIUM else "event"
    return _KINDS.get(found["type"], "event")


def categories(found: Mapping[str, Any]) -> list[str]:
    """What an event is about."""
    if found["type"] == "agent.changed":
        names = look(found, "data", "changed")
        if not isinstance(names, list) or "version" not in names:
            return ["host"]
        return ["package"] if names == ["version"] else ["package", "host"]
    if "code" in found:
        about = _OF_SUBJECT.get(str(found.get("subject")).partition(":")[0])
        return ["configuration", *([about] if about else [])]
    return _CATEGORIES.get(found["type"], ["configuration"])


def types(found: Mapping[str, Any]) -> list[str]:
    """What happened. A finding of the first look is no change: nobody knows since when it is so."""
    if found["type"] == "policy.changed":
        return _OF_FILES.get(word(found, "data", "kind") or "", ["change"])
    initial = look(found, "data", "initial") is True
    return ["info"] if initial else _TYPES.get(found["type"], ["change"])


def outcome(found: Mapping[str, Any]) -> str | None:
    """Whether what was tried went well, of events that are about a try."""
    if found["type"] == "events.dropped":
        return "failure"
    if found["type"] == "source.changed":
        state = word(found, "data", "state") or word(found, "data", "after")
        return {"broken": "failure", "present": "success"}.get(state or "", "unknown")
    return "success" if found["type"] == "daemon.started" else None
