"""Events, sinks and waits for the tests of delivery."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from mdeinspect import events, fitting, sinks
from mdeinspect.formats import native
from mdeinspect.model import Severity
from mdeinspect.sinks import Line, Rendered, Sink, SinkError

START = datetime(2026, 11, 22, 11, 4, tzinfo=UTC)
STREAM = "5f0e7a7e-3a53-4d9f-8a52-0f6c9e0f2b11"
HOST = events.EventHost("web-07", "7d1c", "linux")
DATA = {"last_success": "2026-11-21T03:40:00Z"}
PATIENCE = 20.0  # seconds: how long a test waits for what must come


def event(
    seq: int,
    kind: Any = "finding.raised",
    severity: str = "medium",
    data: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The native object of one event."""
    one = events.Event(
        type=kind,
        time=START + timedelta(seconds=seq % 10**6),
        severity=Severity.of(severity),
        code="checkin-stale",
        subject="host",
        data=DATA if data is None else data,
    )
    return events.native(one, stream=STREAM, seq=seq, host=HOST)


def line(seq: int, kind: Any = "finding.raised", severity: str = "medium") -> Line:
    """One event as the store keeps it."""
    return Line(seq, kind, severity, fitting.line(event(seq, kind, severity)))


def rendered(*numbers: int, data: Mapping[str, Any] | None = None) -> list[Rendered]:
    """Events of these numbers as a sink gets them."""
    found = [event(seq, data=data) for seq in numbers]
    return [Rendered(native.render(one, one["seq"] - 1 or None), one) for one in found]


def made(kind: str, **options: Any) -> Sink:
    """A sink of that kind."""
    return sinks.make("siem", {"type": kind, **options})


def seqs(text: str | Sequence[str]) -> list[int]:
    """The numbers of the events in these lines; fails at a torn one."""
    lines = text.splitlines() if isinstance(text, str) else text
    return [json.loads(one)["seq"] for one in lines]


def until(condition: Callable[[], Any], what: str) -> Any:
    """What `condition` gives once it is true; fails when it never is."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(0.01)
    raise AssertionError(f"waited in vain for {what}")


class Shelf:
    """A store in memory: what is put there can be read and acknowledged."""

    def __init__(self, *lines: Line) -> None:
        self.lines = list(lines)
        self.acknowledged: list[int] = []

    def read(self, after_seq: int, limit: int, /) -> list[Line]:
        """As the store's reader."""
        return [one for one in list(self.lines) if one.seq > after_seq][:limit]

    def acknowledge(self, name: str, seq: int) -> None:
        """As the service."""
        self.acknowledged.append(seq)


class Basket:
    """A sink in memory, which fails as often as it is told, and can be blocked."""

    def __init__(self, failures: int = 0) -> None:
        self.failures = failures
        self.got: list[dict[str, Any]] = []
        self.open = threading.Event()
        self.open.set()
        self.closed = False
        self.tries = 0

    def deliver(self, lines: Sequence[Rendered]) -> None:
        """Take the lines."""
        self.tries += 1
        self.open.wait(PATIENCE)
        if self.failures:
            self.failures -= 1
            raise SinkError("cannot put anything into the basket")
        self.got += [json.loads(one.text) for one in lines]

    def close(self) -> None:
        """Be closed."""
        self.closed = True
