"""One line of the table, and the table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class Broken(Exception):
    """Something did not work at all: there is nothing to time."""


@dataclass(frozen=True, slots=True)
class Figure:
    """`value` in `unit`; `ratio` to what the note says, else to a bare interpreter, or None."""

    name: str
    value: float
    unit: str
    ratio: float | None
    note: str


def figure(name: str, value: float, unit: str, note: str, *, base: float | None = None) -> Figure:
    """A figure; `base` is what its ratio is to."""
    return Figure(name, round(value, 3), unit, round(value / base, 2) if base else None, note)


def table(found: Sequence[Figure]) -> str:
    """The figures for people."""
    head = f"{'':<24}{'':>10} {'':<8}{'ratio':>8}"
    return "\n".join([head, *(_line(one) for one in found)])


def _line(one: Figure) -> str:
    ratio = "" if one.ratio is None else f"{one.ratio:.2f}"
    value = f"{one.value:.3f}" if 0 < one.value < 0.1 else f"{one.value:.2f}"
    return f"{one.name:<24}{value:>10} {one.unit:<8}{ratio:>8}  {one.note}"
