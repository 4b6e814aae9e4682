"""Standard output: one line each, flushed. Promised: handed over to whoever reads.

A reader that stops reading never holds the process: a line is written in pieces that the pipe has
room for, and every wait is short. A line that was begun is finished before anything else.
"""

from __future__ import annotations

import os
import select
import threading
from collections.abc import Sequence
from dataclasses import dataclass

from mdeinspect.sinks import Needs, Rendered, SinkError
from mdeinspect.sinks._progress import Progress
from mdeinspect.sinks.options import Common

STDOUT = 1
PIECE = select.PIPE_BUF  # a pipe that polls as writable takes that much without blocking
WAIT_MS = 200
PATIENCE = 50  # waits without any progress, until the sink says that nobody reads


@dataclass(frozen=True, slots=True, kw_only=True)
class Options(Common):
    """Standard output has no options of its own."""


def create(_options: Options, stop: threading.Event) -> StdoutSink:
    """The sink. The descriptor stays in blocking mode: that is shared with other processes."""
    return StdoutSink(stop)


def needs(_options: Options) -> Needs:
    """Nothing: whoever started the service has its output."""
    return Needs("standard output; under systemd the journal")


class StdoutSink:
    """Writes to a file descriptor that it neither opened nor closes."""

    def __init__(self, stop: threading.Event, fd: int = STDOUT, patience: int = PATIENCE) -> None:
        self._stop = stop
        self._fd = fd
        self._patience = patience
        self._progress = Progress()
        self._text = ""  # the line that is being written,
        self._rest = b""  # and what of it is not yet out

    def deliver(self, lines: Sequence[Rendered]) -> None:
        """Write every line to the end; raises `SinkError` when nobody reads, or nobody is there."""
        self._finish()
        for one in self._progress.left(lines):
            self._text, self._rest = one.text, one.text.encode() + b"\n"
            self._finish()
        self._progress.clear()

    def close(self) -> None:
        """Nothing to let go of: a line that was begun is still to be finished."""

    def _finish(self) -> None:
        if not self._rest:
            return
        while self._rest:
            self._wait()
            self._rest = self._rest[self._write(self._rest[:PIECE]) :]
        self._progress.add(self._text)

    def _wait(self) -> None:
        poller = select.poll()
        poller.register(self._fd, select.POLLOUT)
        for _ in range(self._patience):
            if poller.poll(WAIT_MS):
                return
            if self._stop.is_set():
                raise SinkError("cannot write to standard output: blocked while the service ends")
        raise SinkError("cannot write to standard output: nobody reads it; see what it leads to")

    def _write(self, piece: bytes) -> int:
        try:
            return os.write(self._fd, piece)
        except BlockingIOError:  # whoever started us left the descriptor in non-blocking mode
            return 0
        except OSError as error:
            raise SinkError(f"cannot write to standard output: {error.strerror}") from error
