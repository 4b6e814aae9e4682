"""One event as a syslog message by RFC 5424. Pure.

    <134>1 2026-11-22T11:04:00.000Z web-07 mdeinspect 812 finding.raised - {"time":...}

The message is JSON in ASCII and carries no byte order mark: receivers would have to cut it off
before they could read the JSON, and the RFC asks for none where the encoding is not declared.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from mdeinspect.model import Severity

NIL = "-"
FACILITIES = {
    word: code
    for code, word in enumerate(
        (
            *("kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron"),
            *("authpriv", "ftp", "ntp", "audit", "alert", "clock"),
            *(f"local{number}" for number in range(8)),
        )
    )
}
SEVERITIES = {
    Severity.CRITICAL.word: 2,  # critical
    Severity.HIGH.word: 3,  # error
    Severity.MEDIUM.word: 4,  # warning
    Severity.LOW.word: 5,  # notice
    Severity.INFO.word: 6,  # informational
}
ENTERPRISE = "mdeinspect@32473"  # the number kept for examples: it names nobody's data
_TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)")
_NOT_PRINTABLE = re.compile(r"[^!-~]")


def header(
    event: Mapping[str, Any], *, facility: int, app_name: str, pid: int, structured: bool
) -> str:
    """Everything before the message, with the blank that ends it."""
    host = event.get("host")
    name = host.get("name") if isinstance(host, Mapping) else None
    when = str(event.get("time"))
    parts = (
        f"<{priority(event, facility)}>1",
        when if _TIMESTAMP.fullmatch(when) else NIL,
        word(name, 255),
        word(app_name, 48),
        str(pid),
        word(event.get("type"), 32),
        _structured(event) if structured else NIL,
    )
    return " ".join(parts) + " "


def local_header(event: Mapping[str, Any], *, facility: int, app_name: str, pid: int) -> str:
    """What the C library's syslog() writes, without a time: journald and rsyslog add their own.

    On their local socket both expect this by default, and take an RFC 5424 header for text.
    """
    return f"<{priority(event, facility)}>{app_name}[{pid}]: "


def priority(event: Mapping[str, Any], facility: int) -> int:
    """Facility and severity as one number."""
    return facility * 8 + SEVERITIES.get(str(event.get("severity")), 6)


def word(value: object, longest: int) -> str:
    """`value` as a field of the header: printable ASCII without blanks, or the nil value."""
    return _NOT_PRINTABLE.sub("_", str(value))[:longest] if value else NIL


def smaller(text: str) -> str | None:
    """`text` without its largest part, for a transport that refuses it; None when nothing is left.

    What is missing is said: the object gets `"truncated": true`.
    """
    found = json.loads(text)
    parts = {key: len(json.dumps(value)) for key, value in found.items() if key != "truncated"}
    largest = max(parts, key=lambda key: parts[key], default=None)
    if largest is None:
        return None
    del found[largest]
    found["truncated"] = True
    return json.dumps(found, separators=(",", ":"))


def _structured(event: Mapping[str, Any]) -> str:
    values = {name: event.get(name) for name in ("id", "seq")}
    params = "".join(f' {name}="{_escaped(value)}"' for name, value in values.items())
    return f"[{ENTERPRISE}{params}]"


def _escaped(value: object) -> str:
    return re.sub(r'(["\\\]])', r"\\\1", str(value))
