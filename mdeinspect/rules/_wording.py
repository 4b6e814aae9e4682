"""Templates filled with facts, as a person writes them."""

from __future__ import annotations

import string
from collections.abc import Mapping
from datetime import datetime
from typing import Any


def rendered(template: str, words: Mapping[str, Any]) -> str:
    """A template filled with words."""
    return _Words().vformat(template, (), words)


def wording(value: Any) -> str:
    """A value in plain words: true, nothing, a, b and c."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M} UTC"
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {wording(inner)}" for key, inner in value.items()) or "nothing"
    if isinstance(value, list | tuple):
        return ", ".join(wording(inner) for inner in value) or "nothing"
    return str(value)


class _Words(string.Formatter):
    """Fills templates with values as a person writes them; `{keys:count setting}` counts."""

    def format_field(self, value: Any, spec: str) -> str:
        if spec.startswith("count "):
            noun = spec.removeprefix("count ")
            return f"{len(value)} {noun}" if len(value) == 1 else f"{len(value)} {noun}s"
        return wording(value) if not spec else str(super().format_field(value, spec))
