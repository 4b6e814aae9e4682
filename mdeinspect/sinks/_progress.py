"""Which lines of a batch that failed are done, so that its retry does not double them."""

from __future__ import annotations

from collections.abc import Sequence

from mdeinspect.sinks import Rendered


class Progress:
    """Remembers the first lines of one batch. Another batch makes it forget."""

    def __init__(self) -> None:
        self._done: list[str] = []

    def left(self, lines: Sequence[Rendered]) -> Sequence[Rendered]:
        """The lines of this batch that are not done."""
        count = len(self._done)
        if [one.text for one in lines[:count]] != self._done:
            self.clear()
        return lines[len(self._done) :]

    def add(self, *texts: str) -> None:
        """These are done too."""
        self._done += texts

    def clear(self) -> None:
        """The batch is done, or all of it must go again."""
        self._done = []
