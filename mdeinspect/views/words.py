"""Words and shapes that all views for a person share. Nothing from a host reaches a screen raw."""

from __future__ import annotations

import unicodedata
from datetime import datetime, timedelta
from typing import Any

CHANNELS = {
    "mde_attach": "MDE Attach",
    "mdm": "MDM profile",
    "managed_file": "managed file",
    "local": "local settings",
    "default": "default",
    "none": "nobody",
    "unknown": "not known",
}
CHECKINS = {"not-applicable": "not applicable", "unknown": "not known"}
SEVERITIES = ("critical", "high", "medium", "low", "info")
# Categories that could move the cursor, hide text or turn its direction.
_UNSAFE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def safe(value: Any) -> Any:
    """`value` with everything that is not plain text on a terminal written as an escape."""
    if isinstance(value, str):
        if value.isascii() and value.isprintable():
            return value
        return "".join(_escaped(sign) for sign in value)
    if isinstance(value, dict):
        return {safe(key): safe(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [safe(inner) for inner in value]
    return value


def _escaped(sign: str) -> str:
    if unicodedata.category(sign) not in _UNSAFE:
        return sign
    code = ord(sign)
    return (
        f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}" if code < 65536 else f"\\U{code:08x}"
    )


def moment(text: str | None) -> str:
    """`2026-11-22T11:04:00Z` as `2026-11-22 11:04 UTC`."""
    return f"{text[:10]} {text[11:16]} UTC" if text else "never"


def ago(text: str | None, now: str) -> str:
    """How long before `now` a moment was, in one unit: 20 min ago, 31 h ago, 9 d ago."""
    if not text:
        return "never"
    age = datetime.fromisoformat(now) - datetime.fromisoformat(text)
    return f"{length(-age)} ahead" if age < timedelta() else f"{length(age)} ago"


def length(age: timedelta) -> str:
    """A length of time in one unit."""
    minutes = int(age.total_seconds() // 60)
    if minutes < 100:
        return f"{minutes} min"
    if minutes < 72 * 60:
        return f"{minutes // 60} h"
    return f"{minutes // 1440} d"


def value(of: Any, width: int = 40) -> str:
    """A setting's value in one short line."""
    if of is None:
        return "-"
    if isinstance(of, bool):
        return "true" if of else "false"
    if isinstance(of, list):
        return "none" if not of else f"{len(of)} {'entry' if len(of) == 1 else 'entries'}"
    if isinstance(of, dict):
        return "{...}"
    text = str(of) or '""'
    return text if len(text) <= width else text[: width - 3] + "..."


def count(number: int, noun: str) -> str:
    """`1 finding`, `2 findings`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def file_name(path: str | None) -> str:
    """The last part of a path."""
    return (path or "").rsplit("/", 1)[-1]
