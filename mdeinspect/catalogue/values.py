"""What a preference may be, and when two values are the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mdeinspect.model import Platform

_PYTHON_TYPES: Mapping[str, type | tuple[type, ...]] = {
    "string": str,
    "boolean": bool,
    "integer": int,
    "object": dict,
    "array<object>": (list, tuple),
    "array<string>": (list, tuple),
}


@dataclass(frozen=True, slots=True, eq=False)
class Values:
    """What a preference may be. `range` is inclusive; no `allowed` values means any of the type."""

    type: str
    range: tuple[int, int] | None
    allowed: Mapping[Platform, tuple[Any, ...]]

    def shown_as(self, value: Any, platform: Platform) -> tuple[Any, ...] | None:
        """How health shows `value` where it shows it unchanged; None for one it cannot have."""
        allowed = self.allowed[platform]
        if allowed:
            return (value,) if any(same_value(value, one) for one in allowed) else None
        if self.type == "integer":
            return self._number(value)
        if self.type == "unknown" or isinstance(value, _PYTHON_TYPES[self.type]):
            return (value,)
        return None

    def _number(self, value: Any) -> tuple[Any, ...] | None:
        number = _whole(value)
        low, high = self.range or (None, None)
        if number is None or (low is not None and number < low):
            return None
        if high is not None and number > high:
            return None
        return (number,) if number is value else (number, value)


def same_value(one: Any, other: Any) -> bool:
    """Equality in which `true` is not 1 and 1 is not 1.0."""
    return type(one) is type(other) and bool(one == other)


def _whole(value: Any) -> int | None:
    if isinstance(value, str) and len(value) <= 9 and value.isascii() and value.isdigit():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None
