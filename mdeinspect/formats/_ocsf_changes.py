"""Device Config State Change (5019): policy, settings, authority, check-in, agent, sources.

A security state is named only for what the event itself shows; that a host is secure is never said.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mdeinspect.formats._words import look

CLASS = 5019
State = tuple[int, str]
_MISMATCH: State = (2, "Policy mismatch")
_OF_AGENT: dict[Any, State] = {
    "unreachable": (5, "Protection malfunction"),
    "missing": (11, "Not installed"),
}
_NOT_LICENSED: State = (6, "Protection not licensed")
_LATE = frozenset({"late", "stale", "failing", "never", "clock-skew"})


def attributes(found: dict[str, Any]) -> dict[str, Any]:
    """What a Device Config State Change has beside the base."""
    rest = {key: found[key] for key in ("code", "subject", "evidence", "data") if key in found}
    before, after = (sorted(set(_states(found, side))) for side in ("before", "after"))
    return {
        "class_uid": CLASS,
        "class_name": "Device Config State Change",
        "category_uid": 5,
        "activity_id": 1,
        "activity_name": "Log",
        **(_level("prev_", before) if before or after else {}),
        **(_level("", after) if before or after else {}),
        "unmapped": rest,
    }


def _level(prefix: str, states: list[State]) -> dict[str, Any]:
    number, name = (2, "At Risk") if states else (0, "Unknown")
    return {
        f"{prefix}security_level_id": number,
        f"{prefix}security_level": name,
        f"{prefix}security_states": [{"state_id": key, "state": word} for key, word in states],
    }


def _states(found: dict[str, Any], side: str) -> Iterator[State]:
    data = found.get("data")
    if found["type"] == "setting.changed":
        rows = look(data, "settings")
        for row in rows if isinstance(rows, list) else ():
            if look(row, side, "verdict") == "not-enforced":
                yield _MISMATCH
    elif found["type"] == "checkin.changed" and look(data, side) in _LATE:
        yield (99, f"SenseCM check-in {look(data, side)}")
    elif found["type"] == "agent.changed":
        state = look(data, side, "state")
        if isinstance(state, str) and state in _OF_AGENT:
            yield _OF_AGENT[state]
        if look(data, side, "licensed") is False:
            yield _NOT_LICENSED
