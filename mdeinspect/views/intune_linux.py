"""`status --format intune-linux`: what a discovery script of Intune's custom compliance prints.

One flat JSON object on one line, setting -> value; `packaging/intune/rules.json` holds the rules
that judge it (Microsoft Learn, "Custom compliance discovery scripts" and "Custom compliance JSON
files for Microsoft Intune"). Names are case-sensitive; types are those of the rules.

    {"MdatpAgentRunning": true, "MdatpRealTimeProtection": true, "MdatpDefinitionsAgeHours": 3}

What is not known is left out. Intune then shows error 65008, "setting missing in the script
result", for that setting: neither compliant nor not compliant. Any value in its place would be
one of the two.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from mdeinspect.views.attributes import definitions_hours, settings_with
from mdeinspect.views.tools import Asked, Printed, counted

RUNNING = {"running": True, "unreachable": False, "missing": False}
# What cannot be said of it (`unknown`, `clock-skew`) is in neither.
CURRENT = {
    **dict.fromkeys(("fresh", "late", "not-applicable"), True),
    **dict.fromkeys(("stale", "failing", "never"), False),
}
VERSION = re.compile(r"\d{1,9}(?:\.\d{1,9}){1,3}")
NOT_IN_FORCE = ("not-enforced", "shadowed")


def show(found: dict[str, Any], asked: Asked) -> Printed:
    """The settings that are known, as one line of JSON."""
    known = {name: value for name, value in settings(found, asked).items() if value is not None}
    return Printed(json.dumps(known, ensure_ascii=True))


def settings(found: dict[str, Any], asked: Asked) -> Mapping[str, bool | int | str | None]:
    """Every setting that the rules may name; None where it is not known."""
    agent, protection = found["agent"], found["protection"]
    version = agent["version"]
    findings = len(counted(found, asked.fail_on))
    return {
        "MdatpAgentRunning": RUNNING.get(agent["state"]),
        "MdatpOnboarded": _boolean(agent["licensed"]),
        "MdatpHealthy": _boolean(agent["healthy"]),
        "MdatpVersion": version if version and VERSION.fullmatch(version) else None,
        "MdatpRealTimeProtection": _boolean(protection["real_time"]),
        "MdatpDefinitionsAgeHours": definitions_hours(found),
        "MdatpPolicyInForce": _in_force(found),
        "MdatpCheckinCurrent": CURRENT.get(found["checkin"]["state"]),
        "MdeinspectFindings": findings or (None if found["cannot_tell"] else 0),
    }


def _boolean(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


def _in_force(found: dict[str, Any]) -> bool | None:
    """No setting is surely otherwise than policy has it; None where that cannot be said."""
    numbers = [settings_with(found, verdict) for verdict in NOT_IN_FORCE]
    if any(numbers):
        return False
    return None if None in numbers else True
