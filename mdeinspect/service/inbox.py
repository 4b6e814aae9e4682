"""What wakes the main thread. Hints of one kind coalesce, so that it can never be flooded."""

from __future__ import annotations

import queue
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mdeinspect.model import Reading


@dataclass(frozen=True, slots=True)
class Mail:
    """Everything that came since the last look."""

    files: bool = False  # a policy file may have changed
    stop: str | None = None  # the signal that asked for the end
    reload: bool = False
    readings: tuple[Mapping[str, Reading[Any]], ...] = ()  # of commands, oldest first
    acknowledged: Mapping[str, int] = field(default_factory=dict)  # sink -> seq

    def __bool__(self) -> bool:
        """True when there is anything."""
        return bool(self.files or self.stop or self.reload or self.readings or self.acknowledged)


class Inbox:
    """Filled by any thread and by signal handlers, emptied by the main thread."""

    def __init__(self) -> None:
        # A SimpleQueue may be filled from a signal handler; a lock must not be taken there.
        self._bell: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._files = self._reload = False
        self._stop: str | None = None
        self._readings: list[Mapping[str, Reading[Any]]] = []
        self._acknowledged: dict[str, int] = {}

    def hint(self) -> None:
        """A policy file may have changed."""
        if not self._files:
            self._files = True
            self._bell.put(None)

    def stop(self, why: str) -> None:
        """The service is to end. Safe in a signal handler."""
        self._stop = why
        self._bell.put(None)

    def reload(self) -> None:
        """The configuration is to be read again. Safe in a signal handler."""
        self._reload = True
        self._bell.put(None)

    def post(self, readings: Mapping[str, Reading[Any]]) -> None:
        """What the agent thread read."""
        with self._lock:
            self._readings.append(readings)
        self._bell.put(None)

    def acknowledge(self, sink: str, seq: int) -> None:
        """A sink has everything up to `seq`."""
        with self._lock:
            first = not self._acknowledged
            self._acknowledged[sink] = seq
        if first:
            self._bell.put(None)

    def wait(self, seconds: float) -> Mail:
        """All that came, at once if there is anything, else after `seconds` at the latest."""
        try:
            self._bell.get(timeout=max(0.0, seconds))
            while True:
                self._bell.get_nowait()
        except queue.Empty:
            pass
        files, self._files = self._files, False
        reload, self._reload = self._reload, False
        with self._lock:
            readings, self._readings = tuple(self._readings), []
            acknowledged, self._acknowledged = self._acknowledged, {}
        return Mail(files, self._stop, reload, readings, acknowledged)
