"""What wakes the main thread. Hints of one kind coalesce, so that it can never be flooded."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mdeinspect.model import Reading


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of asking the agent: the readings, how many calls it took, and what was asked."""

    readings: Mapping[str, Reading[Any]] = field(default_factory=dict)
    calls: int = 0
    details: bool = False


@dataclass(frozen=True, slots=True)
class Mail:
    """Everything that came since the last look."""

    files: bool = False  # a policy file may have changed
    stop: str | None = None  # the signal that asked for the end
    reload: bool = False
    doubt: bool = False  # a sink finds no sound store any more
    answers: tuple[Answer, ...] = ()  # of the agent, oldest first
    acknowledged: Mapping[str, int] = field(default_factory=dict)  # sink -> seq


class Inbox:
    """Filled by any thread and by signal handlers, emptied by the main thread."""

    def __init__(self) -> None:
        # A pipe may be written to in a signal handler; a lock must not be taken there.
        self._ear, self._bell = os.pipe()
        os.set_blocking(self._ear, False)
        os.set_blocking(self._bell, False)
        self._lock = threading.Lock()
        self._files = self._doubt = False
        self._stop: str | None = None
        # Two counts: resetting one flag could lose a signal that comes in between.
        self._reloads = self._reloaded = 0
        self._answers: list[Answer] = []
        self._acknowledged: dict[str, int] = {}

    def listen(self) -> None:
        """Have every signal that has a handler wake the main thread.

        The kernel may hand a signal to any thread; a wait of the main one would not notice.
        """
        signal.set_wakeup_fd(self._bell, warn_on_full_buffer=False)

    def hint(self) -> None:
        """A policy file may have changed."""
        with self._lock:
            first, self._files = not self._files, True
        if first:
            self._ring()

    def doubt(self) -> None:
        """The store may be gone or broken."""
        with self._lock:
            first, self._doubt = not self._doubt, True
        if first:
            self._ring()

    def stop(self, why: str) -> None:
        """The service is to end. Safe in a signal handler."""
        self._stop = why
        self._ring()

    def reload(self) -> None:
        """The configuration is to be read again. Safe in a signal handler."""
        self._reloads += 1
        self._ring()

    def post(self, answer: Answer) -> None:
        """What the agent said."""
        with self._lock:
            self._answers.append(answer)
        self._ring()

    def acknowledge(self, sink: str, seq: int) -> None:
        """A sink has everything up to `seq`."""
        with self._lock:
            first = not self._acknowledged
            self._acknowledged[sink] = seq
        if first:
            self._ring()

    def acknowledgements(self) -> Mapping[str, int]:
        """What the sinks acknowledged, taken out; everything else stays for the next `wait`."""
        with self._lock:
            taken, self._acknowledged = self._acknowledged, {}
        return taken

    def wait(self, seconds: float) -> Mail:
        """All that came, at once if there is anything, else after `seconds` at the latest.

        Once the end was asked for it never waits.
        """
        poller = select.poll()
        poller.register(self._ear, select.POLLIN)
        if poller.poll(0 if self._stop else max(0.0, seconds) * 1000):
            with contextlib.suppress(BlockingIOError):
                while os.read(self._ear, 4096):
                    pass
        reloads = self._reloads
        reload, self._reloaded = reloads != self._reloaded, reloads
        with self._lock:
            files, self._files = self._files, False
            doubt, self._doubt = self._doubt, False
            answers, self._answers = tuple(self._answers), []
            acknowledged, self._acknowledged = self._acknowledged, {}
        return Mail(files, self._stop, reload, doubt, answers, acknowledged)

    def _ring(self) -> None:
        with contextlib.suppress(BlockingIOError):  # full: it rings already
            os.write(self._bell, b".")
