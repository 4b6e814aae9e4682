"""What the service says of itself: JSON lines on standard error, which nobody need ever read.

A pipe that nobody empties must not stop the main thread: what finds no room is dropped, and counted
in the next line that does.
"""

from __future__ import annotations

import contextlib
import os
import select

import structlog

# A pipe that poll(2) calls writable takes this much at once without blocking (POSIX: PIPE_BUF).
MOST = 4096


class Stderr:
    """A file for a logger that writes whole lines, one thread at a time; `write` never waits."""

    def __init__(self, descriptor: int = 2) -> None:
        self._descriptor = descriptor
        self._dropped = 0

    def write(self, text: str) -> None:
        """Write one line, cut where it is longer than a pipe takes at once; or count it."""
        data = text.encode("utf-8", "backslashreplace")
        data = data if len(data) <= MOST else data[: MOST - 4] + b"...\n"
        if self._dropped:
            told = b'{"event": "diagnostics dropped", "count": %d}\n' % self._dropped
            if not self._put(told):
                self._dropped += 1
                return
            self._dropped = 0
        self._dropped += not self._put(data)

    def flush(self) -> None:
        """Nothing is kept back."""

    def _put(self, data: bytes) -> bool:
        poller = select.poll()
        with contextlib.suppress(OSError, ValueError):
            poller.register(self._descriptor, select.POLLOUT)
            room = [flags for _, flags in poller.poll(0)]
            if room and room[0] & select.POLLOUT:
                os.write(self._descriptor, data)
                return True
        return False


def configure() -> None:
    """Own diagnostics are not events: they go to stderr, one JSON object a line."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.dict_tracebacks,
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.WriteLoggerFactory(Stderr()),  # type: ignore[arg-type]
    )
