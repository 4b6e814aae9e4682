"""The views that `status --format` offers to other tools, by name; each is loaded when asked for.

A view is a module with `show(found, asked) -> Printed`, a function of the `mdeinspect.status/1`
object. It may have `failed(message, asked) -> Printed` as well: what it prints without an object.
What is not known must read there as neither good nor bad.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, cast

from mdeinspect.severity import Severity

FORMATS: Mapping[str, str] = {
    "json": "mdeinspect.views.outcome",
    "sarif": "mdeinspect.views.sarif",
    "nagios": "mdeinspect.views.nagios",
    "prometheus": "mdeinspect.views.prometheus",
    "jamf": "mdeinspect.views.jamf",
    "intune-linux": "mdeinspect.views.intune_linux",
    "intune-macos": "mdeinspect.views.intune_macos",
}


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line wants of a view: the threshold, and one attribute by its name."""

    fail_on: Severity = Severity.MEDIUM
    attribute: str | None = None


@dataclass(frozen=True, slots=True)
class Printed:
    """What goes to standard output, and the exit code that the tool is to see."""

    text: str
    code: int = 0


class View(Protocol):
    """What a module of the table above has."""

    def show(self, found: dict[str, Any], asked: Asked) -> Printed:
        """The view of a status object; raises `UsageError` for an attribute it does not have."""


def load(name: str) -> View:
    """The view called `name`; raises KeyError for any other name."""
    return cast("View", importlib.import_module(FORMATS[name]))


def failed(view: View, message: str, asked: Asked) -> Printed | None:
    """What a view prints when there is nothing to show; None when the error itself is enough."""
    say = getattr(view, "failed", None)
    return cast("Printed", say(message, asked)) if say else None


def counted(found: dict[str, Any], fail_on: Severity) -> list[dict[str, Any]]:
    """The findings that count: at or above the threshold, and not accepted."""
    return [
        finding
        for finding in found["findings"]
        if finding["accepted"] is None and Severity.of(finding["severity"]) >= fail_on
    ]
