"""Where the keys and elements of a JSON text stand. Only offsets are kept while reading."""

from __future__ import annotations

import bisect
import re
from collections.abc import Iterator, Mapping
from typing import Any

from mdeinspect.documents import Path


class Lines:
    """Turns an offset into line and column; the table is made when first asked for."""

    __slots__ = ("_starts", "_text")

    def __init__(self, text: str) -> None:
        self._text = text
        self._starts: list[int] = []

    def at(self, offset: int) -> tuple[int, int]:
        if not self._starts:
            self._starts = [0, *(found.end() for found in re.finditer("\n", self._text))]
        line = bisect.bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1


# The offset of a key or an element, and the same for what is inside it: a dict for an object, a
# list for an array, None for anything else.
Mark = tuple[int, Any]


class Positions(Mapping[Path, tuple[int, int]]):
    """Positions by path. Only offsets are kept while reading; the rest is worked out on demand."""

    __slots__ = ("_lines", "_root")

    def __init__(self, lines: Lines, root: Mark) -> None:
        self._lines = lines
        self._root = root

    def __getitem__(self, path: Path) -> tuple[int, int]:
        mark = self._root
        for step in path:
            if isinstance(mark[1], dict) and step in mark[1]:
                mark = mark[1][step]
            elif isinstance(mark[1], list) and step in range(len(mark[1])):
                mark = mark[1][int(step)]
            else:
                raise KeyError(path)
        return self._lines.at(mark[0])

    def __iter__(self) -> Iterator[Path]:
        waiting: list[tuple[Path, Mark]] = [((), self._root)]
        while waiting:
            path, (_, inside) = waiting.pop()
            yield path
            steps = inside.items() if isinstance(inside, dict) else enumerate(inside or ())
            waiting.extend(reversed([((*path, step), mark) for step, mark in steps]))

    def __len__(self) -> int:
        return sum(1 for _ in self)
