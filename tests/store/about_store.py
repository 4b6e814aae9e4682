"""What the tests of the store share. Run as a program it commits until it is killed."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mdeinspect.events import Event, EventHost
from mdeinspect.model import Severity
from mdeinspect.store.writer import Store

NOW = datetime(2026, 11, 22, 11, 4, tzinfo=UTC)
HOST = EventHost(name="web-07", id="5a9f", platform="linux")
NOBODY = 65534


def event(number: int = 0, **data: Any) -> Event:
    """One event about a file; `number` and `data` tell it from others."""
    return Event(
        type="finding.raised",
        time=NOW,
        severity=Severity.HIGH,
        code="not-enforced",
        subject="file:/etc/opt/policy",
        data={"n": number, **data},
    )


def heartbeat(**data: Any) -> Event:
    """An event about nothing in particular."""
    return Event(type="heartbeat", time=NOW, data=data)


def put(store: Store, count: int = 1, now: datetime = NOW, **data: Any) -> list[int]:
    """Commit events only."""
    return store.commit({}, [event(number, **data) for number in range(count)], HOST, now)


@contextlib.contextmanager
def plain_user() -> Iterator[None]:
    """As a user who is nobody in particular, where we are root."""
    root = os.geteuid() == 0
    if root:
        os.setegid(NOBODY)
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)
            os.setegid(0)


def commit_for_ever(folder: Path) -> None:
    """Commit transactions of one to seven events; print the last number of each that is safe."""
    with Store.open(folder) as store:
        number = int(store.memory().get("number", 0))
        while True:
            number += 1
            size = 1 + number % 7
            events = [event(number, of=size, place=place, fill="x" * 900) for place in range(size)]
            rows = {"number": number, f"row {number % 5}": {"number": number}}
            last = store.commit(rows, events, HOST, NOW)[-1]
            print(last, flush=True)
            if number % 3 == 0:
                store.acknowledge("file", last)


if __name__ == "__main__":
    commit_for_ever(Path(sys.argv[1]))
