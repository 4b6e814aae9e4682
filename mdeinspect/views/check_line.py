"""`check`: one line that says it all, for scripts and monitoring."""

from __future__ import annotations

from collections import Counter
from typing import Any

from mdeinspect.views import words

WORDS = {0: "OK", 1: "FOUND", 3: "UNKNOWN"}


def check_line(status: dict[str, Any], code: int) -> str:
    """The line for a `mdeinspect.status/1` object with this exit code."""
    status = words.safe(status)
    name = status["host"]["name"] or "host"
    return f"{WORDS[code]} {name}: {_what(status, code)}"


def _what(status: dict[str, Any], code: int) -> str:
    counted = [finding for finding in status["findings"] if finding["accepted"] is None]
    if code == 3:
        source = status["cannot_tell"][0]
        reason = (status["sources"].get(source) or {}).get("reason")
        return f"cannot tell: {reason or f'{source} is not there'}"
    if not counted:
        return f"nothing found, {words.CHANNELS[status['authority']['channel']]} governs"
    severities = Counter(finding["severity"] for finding in counted)
    tally = ", ".join(f"{severities[s]} {s}" for s in words.SEVERITIES if severities[s])
    return f"{counted[0]['title']} ({tally})"
