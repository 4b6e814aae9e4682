"""Policy files as documents: the value, and what was odd about how it was written.

Nothing here opens a file: bytes come in, a `Document` or an `errors.ParseError` comes out. All
of it is hostile input, so every parser keeps within the limits below.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, SupportsIndex

Path = tuple[str | int, ...]
"""A key path into a document; ints are indices of lists."""

Form = Literal["json", "plist-xml", "plist-binary"]

MAX_DEPTH = 200
"""How many containers may lie inside each other."""

MAX_BYTES = 4 * 1024 * 1024
"""How large a file may be. Real policies are below 1 MiB, even with thousands of exclusions."""

MAX_NODES = 250_000
"""How many values one document may hold, shared ones counted wherever they are reached."""

MAX_DIGITS = 4000
"""How many digits an integer may have: Python itself refuses to print much longer ones."""

EXACT_DIGITS = 19
"""Integers of more digits may not fit 64 bits, so that many programs lose their last ones."""

MAX_ODDITIES = 1000
"""How many oddities of one document are listed."""

_BEYOND = "<not shown>"
_TOO_LONG = 10**MAX_DIGITS


@dataclass(frozen=True, slots=True)
class Oddity:
    """Something that a reader should know and that does not stop anyone from reading.

    `kind` is one of `duplicate-key`, `bom`, `not-a-number`, `giant-integer`, `empty-payload`,
    `more`. `line` and `column` count from 1 and are None in property lists.
    """

    kind: str
    path: Path
    line: int | None
    column: int | None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Document:
    """One file that could be read.

    `positions` says where each object key and each list element stands (line and column, from 1;
    the empty path is the root); it is empty for property lists. `digest` is the SHA-256 of the
    bytes of the file, as 64 hex digits.
    """

    value: Any
    form: Form
    oddities: tuple[Oddity, ...]
    positions: Mapping[Path, tuple[int, int]] = field(repr=False)
    digest: str

    def position(self, path: Path) -> tuple[int, int] | None:
        """Line and column of the key or list element at `path`, or None where not known."""
        return self.positions.get(path)


def capped(oddities: Sequence[Oddity]) -> tuple[Oddity, ...]:
    """The first `MAX_ODDITIES`; when there are more, a last one of kind `more` says so."""
    if len(oddities) <= MAX_ODDITIES:
        return tuple(oddities)
    detail = f"only the first {MAX_ODDITIES} oddities are listed"
    return (*oddities[:MAX_ODDITIES], Oddity("more", (), None, None, detail))


def plain(value: Any) -> Any:
    """Any parsed value as data that `json.dumps(..., allow_nan=False)` and UTF-8 can carry.

    Non-finite floats become "NaN", "Infinity", "-Infinity"; times RFC 3339 in UTC; bytes
    "<N bytes>"; plist UIDs their integer; keys text. What lies deeper than `MAX_DEPTH`, or after
    the first `MAX_NODES` values, becomes "<not shown>". Never raises on what a parser returns.
    """
    return _plain(value, 0, _Budget(MAX_NODES))


@dataclass(slots=True)
class _Budget:
    left: int


def _plain(value: Any, depth: int, budget: _Budget) -> Any:
    budget.left -= 1
    if not isinstance(value, dict | list | tuple):
        return _plain_scalar(value)
    if depth >= MAX_DEPTH:
        return _BEYOND
    if isinstance(value, dict):
        return {
            _plain_text(str(key)): _plain(value.get(key, _BEYOND), depth + 1, budget)
            for key in _within(value, budget)
        }
    return [_plain(item, depth + 1, budget) for item in _within(value, budget)]


def _within(items: Iterable[Any], budget: _Budget) -> Iterable[Any]:
    """The items for which the budget, spent by the caller in between, still has room."""
    for item in items:
        if budget.left <= 0:
            yield _BEYOND
            return
        yield item


def _plain_scalar(value: Any) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _plain_text(value)
    if isinstance(value, float):
        return _plain_float(value)
    if isinstance(value, bytes | bytearray):
        return f"<{len(value)} bytes>"
    if isinstance(value, datetime):
        return _plain_time(value)
    # Integers and plist UIDs alike, without this module having to know about property lists.
    if isinstance(value, SupportsIndex):
        return _plain_integer(value.__index__())
    return _plain_text(str(value))


def _plain_text(value: str) -> str:
    """Lone surrogates, which JSON escapes can spell and UTF-8 cannot carry, as visible text."""
    return value if value.isascii() else value.encode("utf-8", "backslashreplace").decode("utf-8")


def _plain_float(value: float) -> float | str:
    if value != value:
        return "NaN"
    if value in (float("inf"), float("-inf")):
        return "Infinity" if value > 0 else "-Infinity"
    return value


def _plain_integer(value: int) -> int | str:
    return value if abs(value) < _TOO_LONG else f"<integer of {value.bit_length()} bits>"


def _plain_time(value: datetime) -> str:
    """Property lists hold UTC without saying so; anything else says its zone."""
    aware = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    return aware.isoformat().replace("+00:00", "Z")
