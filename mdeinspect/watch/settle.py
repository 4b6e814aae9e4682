"""One thread that waits for hints, lets them settle, and then acts once; idle, it only sleeps."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

STUCK = 30.0  # seconds after which an act is taken to hang


class Settler:
    """Calls `act(structural)` from one thread, never twice at a time.

    An act begins `debounce` seconds after the last hint, or `ceiling` seconds after the first.
    What is hinted during an act leads to another one. `last` is called as the thread ends.
    """

    def __init__(
        self,
        act: Callable[[bool], None],
        last: Callable[[], None],
        *,
        debounce: float,
        ceiling: float,
    ) -> None:
        self._act, self._last = act, last
        self._debounce, self._ceiling = debounce, ceiling
        self._changed = threading.Condition()
        self._hinted: float | None = None  # when the last hint came that is not acted upon
        self._structural = False
        self._acting: float | None = None  # since when
        self._ended = False
        self._thread = threading.Thread(target=self._run, name="mdeinspect-watch", daemon=True)

    @property
    def ended(self) -> bool:
        """True after `end`: nobody waits for an act any more."""
        return self._ended

    @property
    def busy(self) -> bool:
        """True while a hint waits or an act runs."""
        with self._changed:
            return self._hinted is not None or self._acting is not None

    def alive(self) -> bool:
        """False when the thread has died, or hangs in an act."""
        acting = self._acting
        stuck = acting is not None and time.monotonic() - acting > STUCK
        return self._thread.is_alive() and not stuck

    def start(self) -> None:
        self._thread.start()

    def hint(self, *, structural: bool = False) -> None:
        """Something happened. Cheap, from any thread."""
        with self._changed:
            first = self._hinted is None
            self._hinted = time.monotonic()
            self._structural |= structural
            if first:
                self._changed.notify_all()

    def end(self, timeout: float) -> None:
        """No further act begins; the thread has ended, or `timeout` seconds have passed."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(timeout)

    def _run(self) -> None:
        try:
            while self._settled():
                self._act(self._taken())
                self._acting = None
        finally:
            self._last()

    def _settled(self) -> bool:
        """Wait for a hint and for quiet after it; False when all is over."""
        with self._changed:
            self._changed.wait_for(lambda: self._ended or self._hinted is not None)
            until = time.monotonic() + self._ceiling
            while self._hinted is not None and not self._ended:
                left = min(self._hinted + self._debounce, until) - time.monotonic()
                if left <= 0:
                    break
                self._changed.wait(left)  # only the end cuts this short
            return not self._ended

    def _taken(self) -> bool:
        with self._changed:
            structural, self._structural = self._structural, False
            self._hinted = None
            self._acting = time.monotonic()
            return structural
