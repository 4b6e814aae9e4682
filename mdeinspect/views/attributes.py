"""Single facts of a report under a name and with a type, for tools that collect attributes.

An attribute that is not known is None: never 0, never "off", never a date.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from mdeinspect.errors import UsageError
from mdeinspect.views.outcome import exit_code
from mdeinspect.views.tools import Asked, counted
from mdeinspect.views.words import SEVERITIES

Kind = Literal["text", "integer", "date"]
Value = str | int | datetime | None
STATES = {0: "ok", 1: "found"}
NONE = "none"
HOUR = 3600


@dataclass(frozen=True, slots=True)
class Attribute:
    """One fact: its type, what it tells, and how it is had from a status object."""

    kind: Kind
    title: str
    value: Callable[[dict[str, Any], Asked], Value]


def find(name: str | None) -> Attribute:
    """The attribute called `name`; raises `UsageError` that lists them all."""
    found = ATTRIBUTES.get(name or "")
    if found is None:
        what = f"the attribute {name!r}" if name else "an attribute without its name"
        raise UsageError(f"cannot print {what}: --attribute is one of {', '.join(ATTRIBUTES)}")
    return found


# --- text ---------------------------------------------------------------------------------------


def _state(found: dict[str, Any], asked: Asked) -> Value:
    return STATES.get(exit_code(found, asked.fail_on))


def _codes(found: dict[str, Any], asked: Asked) -> Value:
    """The codes that count, worst first, each once."""
    codes = list(dict.fromkeys(one["code"] for one in counted(found, asked.fail_on)))
    return ", ".join(codes) or (None if found["cannot_tell"] else NONE)


def _worst(found: dict[str, Any], asked: Asked) -> Value:
    words = {one["severity"] for one in counted(found, asked.fail_on)}
    worst = next((word for word in SEVERITIES if word in words), None)
    return worst or (None if found["cannot_tell"] else NONE)


def _word(section: str, name: str) -> Callable[[dict[str, Any], Asked], Value]:
    """A word of the report; the word `unknown` is none."""

    def value(found: dict[str, Any], _asked: Asked) -> Value:
        told = found[section][name]
        if told is None or told == "unknown":
            return None
        return str(told) or NONE

    return value


def _switch(section: str, name: str, yes: str, no: str) -> Callable[[dict[str, Any], Asked], Value]:
    """A boolean in words; anything but true and false is not known."""

    def value(found: dict[str, Any], _asked: Asked) -> Value:
        told = found[section][name]
        return {True: yes, False: no}.get(told) if isinstance(told, bool) else None

    return value


def _effective(key: str) -> Callable[[dict[str, Any], Asked], Value]:
    """The effective value of one setting."""

    def value(found: dict[str, Any], _asked: Asked) -> Value:
        rows = [row for row in found["settings"] if row["key"] == key]
        told = rows[0]["effective"] if rows else None
        return told if isinstance(told, str) and told else None

    return value


# --- numbers and dates --------------------------------------------------------------------------


def _count(found: dict[str, Any], asked: Asked) -> Value:
    return len(counted(found, asked.fail_on)) or (None if found["cannot_tell"] else 0)


def settings_with(found: dict[str, Any], verdict: str) -> int | None:
    """How many settings have a verdict; None where none has it and some cannot be judged."""
    number = sum(row["verdict"] == verdict for row in found["settings"])
    verdicts = [row["verdict"] for row in found["settings"] if row["policy"] is not None]
    silent = found["cannot_tell"] or found["agent"]["state"] != "running"
    return number or (None if silent or "unknown" in verdicts else 0)


def _settings(verdict: str) -> Callable[[dict[str, Any], Asked], Value]:
    return lambda found, _asked: settings_with(found, verdict)


def definitions_hours(found: dict[str, Any]) -> int | None:
    """The age of the definitions in whole hours; None when not known or senseless."""
    minutes = found["protection"]["definitions_age_minutes"]
    if isinstance(minutes, bool) or not isinstance(minutes, int) or minutes < 0:
        return None
    return minutes // 60


def _checkin_hours(found: dict[str, Any], _asked: Asked) -> Value:
    seconds = found["checkin"]["age_seconds"]
    return None if seconds is None else int(seconds) // HOUR


def _moment(section: str | None, name: str) -> Callable[[dict[str, Any], Asked], Value]:
    def value(found: dict[str, Any], _asked: Asked) -> Value:
        told = (found[section] if section else found)[name]
        return datetime.fromisoformat(told).astimezone(UTC) if told else None

    return value


ATTRIBUTES: Mapping[str, Attribute] = {
    "state": Attribute("text", "ok, found or unknown, as the exit code of `status` has it", _state),
    "findings": Attribute("text", "the codes of what is found, worst first, or none", _codes),
    "worst-severity": Attribute("text", "the worst severity that counts, or none", _worst),
    "finding-count": Attribute("integer", "how many findings count", _count),
    "agent-state": Attribute("text", "running, unreachable or missing", _word("agent", "state")),
    "agent-version": Attribute("text", "the version of the agent", _word("agent", "version")),
    "healthy": Attribute(
        "text", "yes or no, by the agent's own word", _switch("agent", "healthy", "yes", "no")
    ),
    "onboarded": Attribute(
        "text", "yes or no: it works for a tenant", _switch("agent", "licensed", "yes", "no")
    ),
    "real-time-protection": Attribute(
        "text", "on or off", _switch("protection", "real_time", "on", "off")
    ),
    "passive-mode": Attribute("text", "on or off", _switch("protection", "passive", "on", "off")),
    "tamper-protection": Attribute(
        "text", "block, audit or disabled", _effective("tamperProtection.enforcementLevel")
    ),
    "governed-by": Attribute(
        "text",
        "mde_attach, mdm, managed_file, local or none",
        _word("authority", "channel"),
    ),
    "managed-by": Attribute(
        "text", "the agent's own managed_by, or none", _word("authority", "managed_by")
    ),
    "settings-not-enforced": Attribute(
        "integer", "how many settings are not as policy has them", _settings("not-enforced")
    ),
    "settings-shadowed": Attribute(
        "integer", "how many settings only an overridden channel sets", _settings("shadowed")
    ),
    "checkin-state": Attribute(
        "text",
        "fresh, late, stale, failing, never, clock-skew or not-applicable",
        _word("checkin", "state"),
    ),
    "checkin-last-success": Attribute(
        "date", "when SenseCM last checked in", _moment("checkin", "last_success")
    ),
    "checkin-age-hours": Attribute(
        "integer", "whole hours since SenseCM last checked in", _checkin_hours
    ),
    "definitions-updated": Attribute(
        "date", "when the definitions were updated", _moment("protection", "definitions_updated")
    ),
    "definitions-age-hours": Attribute(
        "integer",
        "the age of the definitions in whole hours",
        lambda found, _asked: definitions_hours(found),
    ),
    "inspected": Attribute("date", "when the host was inspected", _moment(None, "taken_at")),
}
