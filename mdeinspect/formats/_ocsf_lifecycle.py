"""Application Lifecycle (6002): the agent's new version, and what the daemon tells of itself.

Heartbeats, reloads of the configuration and lost events have no activity of their own in OCSF:
they are about the life of one application, so they are `Other` with a name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mdeinspect import __version__
from mdeinspect.formats._words import PRODUCT, look, word

CLASS = 6002
OTHER = 99
AGENT = "Microsoft Defender for Endpoint"
_ACTIVITIES = {
    "daemon.started": (3, "Start"),
    "daemon.stopped": (4, "Stop"),
    "agent.changed": (8, "Update"),
    "heartbeat": (OTHER, "Heartbeat"),
    "events.dropped": (OTHER, "Drop Events"),
    "source.changed": (OTHER, "Reload Configuration"),
}


def is_one(found: Mapping[str, Any]) -> bool:
    """Whether an event belongs to this class."""
    if found["type"] == "agent.changed":
        return word(found, "data", "after", "version") is not None
    if found["type"] == "source.changed":
        return str(found.get("because")).startswith("config-")
    return found["type"] in _ACTIVITIES


def attributes(found: dict[str, Any]) -> dict[str, Any]:
    """What Application Lifecycle has beside the base. The device comes with the profile `host`."""
    activity, name = _ACTIVITIES[found["type"]]
    rest = {key: found[key] for key in ("code", "subject", "evidence", "data") if key in found}
    failed = found["type"] == "events.dropped" or look(found, "data", "state") == "broken"
    return {
        "class_uid": CLASS,
        "class_name": "Application Lifecycle",
        "category_uid": 6,
        "activity_id": activity,
        "activity_name": name,
        "status_id": 2 if failed else 1,
        "status": "Failure" if failed else "Success",
        "app": _app(found),
        "metadata": {"profiles": ["host"]},
        "unmapped": rest,
    }


def _app(found: dict[str, Any]) -> dict[str, Any]:
    if found["type"] == "agent.changed":
        version = word(found, "data", "after", "version")
        return {"name": AGENT, "vendor_name": "Microsoft", "version": version}
    version = word(found, "data", "version") or __version__
    return {"name": PRODUCT, "vendor_name": PRODUCT, "version": version}
