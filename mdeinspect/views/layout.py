"""Lines of columns for a terminal: cells are folded at blanks, and long words wherever they must.

Own, and small, because it is on the way of every answer: the usual library takes longer to import
than all the rest of `status --last` to run.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import NamedTuple

NARROWEST = 8  # columns that a foldable cell keeps, however little room there is
STYLES = {
    "bold": "1",
    "dim": "2",
    "red": "31",
    "bold red": "1;31",
    "yellow": "33",
    "cyan": "36",
}
_WORD = re.compile(r"^\s*\S+\s*|\S+\s*")


class Cell(NamedTuple):
    """A text and one of `STYLES`, or none."""

    text: str
    style: str = ""


class Column(NamedTuple):
    """A column of a grid; `width` fixes it, `most` bounds it; only one that folds is narrowed."""

    fold: bool = True
    width: int | None = None
    most: int | None = None


Line = tuple[Cell, ...]


def cells(text: str) -> int:
    """How many columns of a terminal a text takes."""
    return len(text) if text.isascii() else sum(map(_sign, text))


def grid(rows: Sequence[Sequence[Cell]], columns: Sequence[Column], room: int) -> Iterator[Line]:
    """Rows of cells as lines that fit `room`, one blank between columns."""
    widths = _widths(rows, columns, room)
    for row in rows:
        folded = [
            fold(cell.text, width) if column.fold else [cell.text]
            for cell, column, width in zip(row, columns, widths, strict=False)
        ]
        for number in range(max(map(len, folded), default=0)):
            parts = [part[number] if number < len(part) else "" for part in folded]
            padded = (
                text + " " * (width + 1 - cells(text))
                for text, width in zip(parts, widths, strict=False)
            )
            yield tuple(Cell(text, cell.style) for text, cell in zip(padded, row, strict=True))


def fold(text: str, width: int) -> list[str]:
    """A text as lines of at most `width` columns; always at least one line."""
    lines = [""]
    for word in _WORD.findall(text):
        if lines[-1] and cells(lines[-1] + word.rstrip()) > width:
            lines[-1] = lines[-1].rstrip()
            lines.append("")
        lines[-1] += word
        while rest := _over(lines[-1], width):
            lines[-1:] = [lines[-1][: -len(rest)], rest]
    lines[-1] = lines[-1].rstrip()
    return lines


def paint(lines: Sequence[Line], *, colour: bool) -> str:
    """The text of lines, without blanks at their ends."""
    return "\n".join(_painted(line) if colour else _plain(line) for line in lines)


def _plain(line: Line) -> str:
    return "".join(cell.text for cell in line).rstrip()


def _painted(line: Line) -> str:
    left, parts = len(_plain(line)), []
    for cell in line:
        text = cell.text[:left]
        left -= len(text)
        code = STYLES.get(cell.style)
        parts.append(f"\x1b[{code}m{text}\x1b[0m" if code and text.strip() else text)
    return "".join(parts)


def _widths(rows: Sequence[Sequence[Cell]], columns: Sequence[Column], room: int) -> list[int]:
    """As wide as the widest cell, then the widest that fold made narrower until all fits."""
    widths = []
    for at, column in enumerate(columns):
        natural = max((cells(row[at].text) for row in rows if at < len(row)), default=0)
        bounded = min(natural, column.most) if column.most else natural
        widths.append(bounded if column.width is None else column.width)
    shrinking = [at for at, one in enumerate(columns) if one.fold and one.width is None]
    while sum(widths) + len(widths) - 1 > room:
        widest = max(shrinking, key=widths.__getitem__, default=None)
        if widest is None or widths[widest] <= NARROWEST:
            break
        widths[widest] -= 1
    return widths


def _over(text: str, width: int) -> str:
    """What does not fit `width` columns, blanks at the end apart; the first sign always fits."""
    if cells(text.rstrip()) <= width:
        return ""
    taken = used = 0
    for sign in text:
        used += _sign(sign)
        if used > width and taken:
            break
        taken += 1
    return text[taken:]


def _sign(sign: str) -> int:
    if unicodedata.combining(sign):
        return 0
    return 2 if unicodedata.east_asian_width(sign) in "WF" else 1
