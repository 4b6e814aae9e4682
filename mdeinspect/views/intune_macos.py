"""`status --format intune-macos --attribute NAME`: a custom attribute of Intune for a Mac.

Intune takes what the script prints, 20 KB at most, as String, Integer or Date (ISO 8601, UTC as
`2026-11-22T11:04:00Z`); a script that ends with anything but 0 is shown as failed (Microsoft
Learn, "Use shell scripts on macOS devices in Intune", section "Custom attributes for macOS").

    on

What is not known is the word `unknown` in a String. An Integer or a Date has no word for it:
nothing is printed and the exit code is 3, so that no value takes its place.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from mdeinspect.views import words
from mdeinspect.views.attributes import find
from mdeinspect.views.tools import Asked, Printed

UNKNOWN = "unknown"
CANNOT_TELL = 3
MAX_TEXT = 1000


def show(found: dict[str, Any], asked: Asked) -> Printed:
    """One attribute on one line; raises `UsageError` for one that does not exist."""
    attribute = find(asked.attribute)
    value = attribute.value(found, asked)
    if value is None:
        return Printed(UNKNOWN) if attribute.kind == "text" else Printed("", CANNOT_TELL)
    if isinstance(value, datetime):
        return Printed(f"{value:%Y-%m-%dT%H:%M:%SZ}")
    return Printed(str(words.safe(str(value)))[:MAX_TEXT])
