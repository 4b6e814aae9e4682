"""The Open Cybersecurity Schema Framework, version 1.8.0. Pure.

    {"time":1795345440000,"metadata":{"uid":"1f0c...-42","sequence":42,...},"class_uid":2003,...}

| event                                       | class                           |
|---------------------------------------------|---------------------------------|
| `finding.*`                                 | 2003 Compliance Finding         |
| a new version of the agent, `daemon.*`,     | 6002 Application Lifecycle      |
| `heartbeat`, `events.dropped`, a reload     |                                 |
| all others                                  | 5019 Device Config State Change |

What has no attribute lies under `unmapped`. Config State (5002) is deprecated and never used.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from mdeinspect import __version__
from mdeinspect.events import stamp
from mdeinspect.fitting import fit, line
from mdeinspect.formats import LIMIT, _ocsf_changes, _ocsf_finding, _ocsf_lifecycle
from mdeinspect.formats._words import PRODUCT, headline
from mdeinspect.model import Severity

VERSION = "1.8.0"
SEVERITIES = ("Informational", "Low", "Medium", "High", "Critical")
SYSTEMS = {"linux": ("Linux", 200), "darwin": ("macOS", 300)}
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def render(found: dict[str, Any], prev: int | None) -> str:
    """`found` as one line of OCSF."""
    return fit(found, lambda one: line(_event(one, prev)), LIMIT - 2)


def millis(text: str) -> int:
    """A moment of an event as milliseconds since 1970."""
    return (datetime.fromisoformat(text) - EPOCH) // timedelta(milliseconds=1)


def exact(text: Any) -> int | None:
    """The milliseconds of a moment that can be got back from them; None of anything else."""
    try:
        number = millis(text)
        return number if stamp(EPOCH + timedelta(milliseconds=number)) == text else None
    except (TypeError, ValueError, OverflowError):
        return None


def _event(found: dict[str, Any], prev: int | None) -> dict[str, Any]:
    told = _class(found)
    severity = Severity.of(found["severity"])
    unmapped = {"prev": prev, "stream": found["stream"], **told.pop("unmapped")}
    status = {"status_code": found["because"]} if "because" in found else {}
    return {
        "time": millis(found["time"]),
        "metadata": _metadata(found) | told.pop("metadata", {}),
        "severity_id": severity + 1,
        "severity": SEVERITIES[severity],
        "type_uid": told["class_uid"] * 100 + told["activity_id"],
        **told,
        "message": headline(found),
        "device": _device(found),
        **status,
        "unmapped": unmapped,
    }


def _class(found: dict[str, Any]) -> dict[str, Any]:
    """The attributes of an event's class, with what is left of it in `unmapped`."""
    if found["type"].startswith("finding.") and "code" in found:
        return _ocsf_finding.attributes(found, exact)
    if _ocsf_lifecycle.is_one(found):
        return _ocsf_lifecycle.attributes(found)
    return _ocsf_changes.attributes(found)


def _metadata(found: dict[str, Any]) -> dict[str, Any]:
    return {
        "uid": found["id"],
        "sequence": found["seq"],
        "version": VERSION,
        "product": {"name": PRODUCT, "vendor_name": PRODUCT, "version": __version__},
        "event_code": found["type"],
        "log_name": f"{PRODUCT}.event",
        "log_version": found["schema"],
        **({"is_truncated": True} if found.get("truncated") else {}),
    }


def _device(found: dict[str, Any]) -> dict[str, Any]:
    """The host. Whether it is a server or a desktop is not known."""
    host = found["host"]
    name, number = SYSTEMS.get(host["platform"], (host["platform"], 99))
    return {
        "name": host["name"] or host["id"] or "unknown",
        **{key: value for key, value in (("hostname", host["name"]), ("uid", host["id"])) if value},
        "type_id": 0,
        "type": "Unknown",
        "os": {"name": name, "type": name, "type_id": number},
    }
