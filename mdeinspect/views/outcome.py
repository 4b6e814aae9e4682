"""What a status object comes to: a line of JSON, an exit code. Knows no noun behind it."""

from __future__ import annotations

import json
from typing import Any

from mdeinspect.severity import Severity
from mdeinspect.views.tools import Asked, Printed


def line(found: dict[str, Any]) -> str:
    """The object as one readable JSON document, the same wherever it is printed."""
    return json.dumps(found, indent=2, ensure_ascii=True, allow_nan=False)


def exit_code(found: dict[str, Any], fail_on: Severity) -> int:
    """0 nothing found at or above `fail_on`, 1 something, 3 nothing and not able to tell."""
    counted = [f for f in found["findings"] if f["accepted"] is None]
    if any(Severity.of(f["severity"]) >= fail_on for f in counted):
        return 1
    return 3 if found["cannot_tell"] else 0


def show(found: dict[str, Any], asked: Asked) -> Printed:
    """`status --format json`, which is `--json`."""
    return Printed(line(found), exit_code(found, asked.fail_on))
