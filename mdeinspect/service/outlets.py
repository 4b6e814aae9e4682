"""The sinks of the configuration, each with its thread, its cursor and its own reader."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from mdeinspect.service.ledger import BROKEN
from mdeinspect.sinks import Line, opened
from mdeinspect.sinks.delivery import Delivery, Status
from mdeinspect.sinks.options import Common
from mdeinspect.store.errors import StoreError
from mdeinspect.store.reader import Reader
from mdeinspect.store.writer import Store


class Outlets:
    """All deliveries. Opened, woken and closed by the main thread."""

    def __init__(
        self, folder: Path, acknowledge: Callable[[str, int], None], doubt: Callable[[], None]
    ) -> None:
        self._folder = folder
        self._acknowledge = acknowledge
        self._doubt = doubt
        self._stop = threading.Event()
        self._deliveries: tuple[Delivery, ...] = ()

    @property
    def names(self) -> list[str]:
        """The names of the sinks."""
        return [delivery.name for delivery in self._deliveries]

    def open(self, options: Mapping[str, Common], store: Store) -> None:
        """Start every sink where it left off.

        Raises `ConfigError` and `StoreError`; then none is open.
        """
        self._stop = threading.Event()
        self._deliveries = tuple(
            Delivery(
                one.name,
                one.sink,
                one.format,
                one.min_severity,
                _Lines(self._folder, self._doubt),
                self._acknowledge,
                self._stop,
                handed=store.cursor(one.name) or None,
            )
            for one in opened(options, self._stop)
        )
        for delivery in self._deliveries:
            delivery.start()

    def wake(self) -> None:
        """There is something new."""
        for delivery in self._deliveries:
            delivery.wake()

    def status(self) -> Sequence[Status]:
        """How each is doing."""
        return [delivery.status() for delivery in self._deliveries]

    def close(self, seconds: float) -> None:
        """Hand over what there is and end every thread, within about `seconds`."""
        deadline = time.monotonic() + seconds
        waiting = [
            threading.Thread(target=delivery.drain, args=(deadline,), daemon=True)
            for delivery in self._deliveries
        ]
        for thread in waiting:  # side by side: a dead sink must not use up the time of the others
            thread.start()
        for thread in waiting:
            thread.join(max(0.0, deadline - time.monotonic()))
        self._stop.set()
        for delivery in self._deliveries:
            delivery.wake()
        for delivery in self._deliveries:
            delivery.join(max(0.1, min(1.0, deadline + 0.5 - time.monotonic())))
        self._deliveries = ()


class _Lines:
    """The store as a sink reads it: a connection of its own, made in the sink's own thread."""

    def __init__(self, folder: Path, doubt: Callable[[], None]) -> None:
        self._folder = folder
        self._doubt = doubt
        self._reader: Reader | None = None

    def __call__(self, after_seq: int, limit: int, /) -> Sequence[Line]:
        """The next lines; raises `StoreError`, and starts with a new connection after that."""
        try:
            self._reader = self._reader or Reader(self._folder)
            lines = self._reader.after(after_seq, limit)
        except StoreError as error:
            if self._reader is not None:
                self._reader.close()
            self._reader = None
            if error.kind in BROKEN:
                self._doubt()
            raise
        return [Line(one.seq, one.type, one.severity.word, one.line) for one in lines]
