"""Delivery: one thread for each sink, so that none waits for another.

The cursor of a sink is the `seq` last handed to it, and nothing else needs to be remembered: it is
the `prev` of the next line, and where reading goes on after a restart. Lines that the filter holds
back are passed over, and at most read again after a restart.
"""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import structlog

from mdeinspect.errors import MdeinspectError
from mdeinspect.events import ALWAYS
from mdeinspect.formats import Format, native
from mdeinspect.model import Severity
from mdeinspect.sinks import Line, Rendered, Sink

BATCH = 100
FIRST_DELAY = 1.0  # seconds
LONGEST_DELAY = 60.0
IDLE_SECONDS = 60.0  # between looks without a wake-up: those are only hints
SILENT_SECONDS = 30.0  # a sink that works on one batch for longer does not answer

Acknowledge = Callable[[str, int], None]
log = structlog.get_logger()


class Read(Protocol):
    """The store's reader: lines by ascending `seq`. Called by the sink's own thread only."""

    def __call__(self, after_seq: int, limit: int, /) -> Sequence[Line]:
        """At most `limit` lines with a `seq` above `after_seq`; an empty answer: no more."""


@dataclass(frozen=True, slots=True)
class Status:
    """How a sink is doing. `error` is that of the outage that lasts; `handed` the cursor."""

    name: str
    state: Literal["ok", "retrying"]
    error: str | None
    handed: int | None


class Delivery:
    """Reads lines, filters, renders, hands over, acknowledges; tries again for as long as it takes.

    `handed` is the cursor of this sink as it was acknowledged last, None for a sink that never got
    anything; such a one starts behind `start`. Ends when `stop` is set and it is woken; until then
    it may look again within a minute. The thread is a daemon: nothing it waits for holds the
    process.
    """

    def __init__(
        self,
        name: str,
        sink: Sink,
        format: Format,  # noqa: A002 -- the word of the configuration
        min_severity: Severity,
        read: Read,
        acknowledge: Acknowledge,
        stop: threading.Event,
        *,
        handed: int | None = None,
        start: int = 0,
    ) -> None:
        self.name = name
        self._sink = sink
        self._format = format
        self._min_severity = min_severity
        self._read = read
        self._acknowledge = acknowledge
        self._stop = stop
        self._handed = handed
        self._acknowledged = handed
        self._passed = start if handed is None else handed
        self._batch: tuple[Rendered, ...] = ()  # rendered, and not yet handed over
        self._batch_seq = 0
        self._error: str | None = None
        self._failures = 0
        self._busy_since: float | None = None
        self._change = threading.Condition()
        self._asked = 0  # wake-ups so far,
        self._served = 0  # and the newest after which nothing was left to hand over
        self._hurry = False
        self._thread = threading.Thread(target=self._run, name=f"sink-{name}", daemon=True)

    def start(self) -> None:
        """Begin, with what is already there."""
        self._asked += 1
        self._thread.start()

    def wake(self) -> None:
        """There may be something new. Does not cut a back-off short, unless `stop` is set."""
        with self._change:
            self._asked += 1
            self._change.notify_all()

    def drain(self, deadline: float) -> bool:
        """Hand over all there is, until `time.monotonic()` reaches `deadline`; whether all went."""
        with self._change:
            self._asked += 1
            asked, self._hurry = self._asked, True
            self._change.notify_all()
            wait = max(0.0, deadline - time.monotonic())
            served = self._change.wait_for(lambda: self._served >= asked, timeout=wait)
            self._hurry = False
            return served

    def join(self, timeout: float) -> bool:
        """Wait for the end of the thread after `stop` was set; whether it has ended."""
        self.wake()
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def status(self) -> Status:
        """A snapshot. Never waits for the sink."""
        error, since = self._error, self._busy_since
        if error is None and since is not None and time.monotonic() - since > SILENT_SECONDS:
            error = f"cannot hand over: no answer for more than {SILENT_SECONDS:.0f} s"
        state: Literal["ok", "retrying"] = "retrying" if error else "ok"
        return Status(self.name, state, error, self._handed)

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                asked = self._asked
                try:
                    while self._step():
                        pass
                except Exception as error:  # noqa: BLE001 -- a thread that dies would lose silently
                    self._failed(error)
                else:
                    self._idle(asked)
        finally:
            self._sink.close()

    def _step(self) -> bool:
        """One batch, or a look at one; whether there may be more."""
        if self._stop.is_set():
            return False
        if self._handed is not None and self._handed != self._acknowledged:
            self._acknowledge(self.name, self._handed)
            self._acknowledged = self._handed
        if not self._batch:
            lines = self._read(self._passed, BATCH)
            if not lines:
                self._deliver(())
                self._recovered()
                return False
            self._render(lines)
        if self._batch:
            self._hand_over()
        return True

    def _render(self, lines: Sequence[Line]) -> None:
        """Make a batch of the lines that pass the filter."""
        prev, batch = self._handed, []
        for one in lines:
            if one.type in ALWAYS or Severity.of(one.severity) >= self._min_severity:
                event = json.loads(one.line)
                batch.append(Rendered(self._text(event, prev), event))
                prev = one.seq
        self._batch, self._batch_seq = tuple(batch), prev or 0
        self._passed = lines[-1].seq

    def _text(self, event: dict[str, Any], prev: int | None) -> str:
        try:
            return self._format(event, prev)
        except Exception:  # an event in another format is better than none ever after
            log.exception("format fails", sink=self.name, id=event.get("id"))
            return native.render(event, prev)

    def _deliver(self, batch: Sequence[Rendered]) -> None:
        self._busy_since = time.monotonic()
        try:
            self._sink.deliver(batch)
        finally:
            self._busy_since = None

    def _hand_over(self) -> None:
        self._deliver(self._batch)
        self._handed, self._batch = self._batch_seq, ()
        self._recovered()

    def _recovered(self) -> None:
        if self._error is not None:
            log.info("sink recovered", sink=self.name, failures=self._failures)
        self._error, self._failures = None, 0

    def _failed(self, error: Exception) -> None:
        known = isinstance(error, MdeinspectError)
        text = str(error) if known else f"cannot hand over: {error!r}"
        if self._error is None:
            log.warning("sink fails", sink=self.name, error=text, exc_info=not known)
        self._error = text
        delay = min(LONGEST_DELAY, FIRST_DELAY * 2**self._failures)
        self._failures = min(self._failures + 1, 30)
        self._wait(delay * random.uniform(0.5, 1.0))  # noqa: S311 -- jitter, not a secret

    def _wait(self, seconds: float) -> None:
        """Wait after a failure: to the end, unless the process does not wait any more."""
        with self._change:
            hurry = self._hurry
            self._change.wait_for(
                lambda: self._stop.is_set() or (self._hurry and not hurry),
                timeout=min(seconds, FIRST_DELAY) if hurry else seconds,
            )

    def _idle(self, asked: int) -> None:
        """Nothing is left of what was there at wake-up `asked`: wait for another."""
        with self._change:
            self._served = asked
            self._change.notify_all()
            self._change.wait_for(
                lambda: self._stop.is_set() or self._asked > asked, timeout=IDLE_SECONDS
            )
