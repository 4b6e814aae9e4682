"""`status --format nagios`: a plugin for Nagios, Icinga and all that speak their language.

After the Monitoring Plugins Development Guidelines (monitoring-plugins.org/doc/guidelines.html):
one line of text, `|`, performance data `'label'=value[UOM];[warn];[crit];[min];[max]` with the
literal `U` for what cannot be determined; further lines for people; exit code 0 OK, 1 WARNING,
2 CRITICAL, 3 UNKNOWN.

    MDEINSPECT CRITICAL - Real-time protection is off although policy wants it (1 critical) | ...

A finding of severity high or above is CRITICAL, any other that counts is a WARNING. Nothing found
and a needed source unreadable is UNKNOWN, as is a host that could not be inspected at all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from mdeinspect.model import Severity
from mdeinspect.views import words
from mdeinspect.views.attributes import settings_with
from mdeinspect.views.tools import Asked, Printed, counted

OK, WARNING, CRITICAL, UNKNOWN = range(4)
STATES = ("OK", "WARNING", "CRITICAL", "UNKNOWN")
MAX_LINES = 20
MAX_TEXT = 200


def show(found: dict[str, Any], asked: Asked) -> Printed:
    """The status line, performance data, and a line for each finding that counts."""
    findings = counted(found, asked.fail_on)
    code = _code(found, findings)
    first = f"MDEINSPECT {STATES[code]} - {_plain(_what(found, findings, code))}"
    lines = [f"{one['severity']} {one['code']}: {one['title']}" for one in findings]
    if len(lines) > MAX_LINES:
        lines[MAX_LINES:] = [f"and {len(lines) - MAX_LINES} more"]
    data = " ".join(_performance(found))
    return Printed("\n".join([f"{first} | {data}", *map(_plain, lines)]), code)


def failed(message: str, asked: Asked) -> Printed:
    """A host that could not be inspected is UNKNOWN, whatever the reason."""
    del asked
    return Printed(f"MDEINSPECT UNKNOWN - {_plain(message)}", UNKNOWN)


def _code(found: dict[str, Any], findings: list[dict[str, Any]]) -> int:
    if any(Severity.of(one["severity"]) >= Severity.HIGH for one in findings):
        return CRITICAL
    if findings:
        return WARNING
    return UNKNOWN if found["cannot_tell"] else OK


def _what(found: dict[str, Any], findings: list[dict[str, Any]], code: int) -> str:
    if code == UNKNOWN:
        source = found["cannot_tell"][0]
        reason = (found["sources"].get(source) or {}).get("reason")
        return f"cannot tell: {reason or f'{source} is not there'}"
    if not findings:
        return f"nothing found, {words.CHANNELS[found['authority']['channel']]} governs"
    tally = Counter(one["severity"] for one in findings)
    shown = ", ".join(f"{tally[word]} {word}" for word in words.SEVERITIES if tally[word])
    return f"{findings[0]['title']} ({shown})"


def _performance(found: dict[str, Any]) -> Iterator[str]:
    """The same labels in every run: a graph breaks when one is missing."""
    tally = Counter(one["severity"] for one in found["findings"] if one["accepted"] is None)
    for word in words.SEVERITIES:
        yield f"findings_{word}={tally[word]};;;0"
    for verdict in ("not-enforced", "shadowed"):
        yield _number(f"settings_{verdict.replace('-', '_')}", settings_with(found, verdict))
    minutes = found["protection"]["definitions_age_minutes"]
    yield _number("definitions_age", minutes * 60 if _whole(minutes) else None, "s")
    yield _number("checkin_age", found["checkin"]["age_seconds"], "s")


def _number(label: str, value: Any, unit: str = "") -> str:
    return f"{label}={value}{unit};;;0" if _whole(value) else f"{label}=U"


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _plain(text: str) -> str:
    """On one line, without the sign that begins performance data."""
    text = str(words.safe(text)).replace("|", "/")
    return text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 3] + "..."
