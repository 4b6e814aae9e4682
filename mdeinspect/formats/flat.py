"""Plain columns, for Azure Monitor Agent and whatever else wants a table. Pure.

    {"TimeGenerated":"2026-11-22T11:04:00.000Z","EventId":"1f0c...-42","EventSeq":42,...}

Every line has every column of `COLUMNS`, each always of the same type or null. What is nested is
JSON text, in `Evidence` and `Data`. No column has a name that a Log Analytics table reserves.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mdeinspect.fitting import fit, line
from mdeinspect.formats import LIMIT
from mdeinspect.formats._words import headline, is_moment, look, text

COLUMNS: Mapping[str, str] = {
    "TimeGenerated": "datetime",
    "EventId": "string",
    "EventSeq": "long",
    "EventPrev": "long",
    "EventStream": "string",
    "EventSchema": "string",
    "EventType": "string",
    "EventSeverity": "string",
    "HostName": "string",
    "HostId": "string",
    "HostPlatform": "string",
    "Message": "string",
    "FindingCode": "string",
    "Subject": "string",
    "Because": "string",
    "FindingTitle": "string",
    "FindingDetail": "string",
    "FindingRemedy": "string",
    "FindingSince": "datetime",
    "FindingInitial": "boolean",
    "Evidence": "string",
    "Data": "string",
    "Truncated": "boolean",
}
# Columns of their own, taken out of the data.
OWN = {
    "title": "FindingTitle",
    "detail": "FindingDetail",
    "remedy": "FindingRemedy",
    "since": "FindingSince",
    "initial": "FindingInitial",
}


def render(found: dict[str, Any], prev: int | None) -> str:
    """`found` as one line of columns."""
    return fit(found, lambda one: line(_row(one, prev)), LIMIT - 2)


def _row(found: dict[str, Any], prev: int | None) -> dict[str, Any]:
    data = found["data"]
    own = {name: value for name, value in data.items() if _is_own(name, value)}
    rest = {name: value for name, value in data.items() if name not in own}
    return {
        "TimeGenerated": found["time"],
        "EventId": found["id"],
        "EventSeq": found["seq"],
        "EventPrev": prev,
        "EventStream": found["stream"],
        "EventSchema": found["schema"],
        "EventType": found["type"],
        "EventSeverity": found["severity"],
        "HostName": look(found, "host", "name"),
        "HostId": look(found, "host", "id"),
        "HostPlatform": look(found, "host", "platform"),
        "Message": headline(found),
        "FindingCode": found.get("code"),
        "Subject": found.get("subject"),
        "Because": found.get("because"),
        **{column: own.get(name) for name, column in OWN.items()},
        "Evidence": text(found.get("evidence")),
        "Data": text(rest),
        "Truncated": found.get("truncated", False),
    }


def _is_own(name: str, value: Any) -> bool:
    """Whether a part of the data has a column, and is of its type."""
    kind = COLUMNS.get(OWN.get(name, ""))
    if kind == "datetime":
        return is_moment(value)
    return isinstance(value, bool if kind == "boolean" else str) if kind else False
