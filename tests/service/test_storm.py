"""More than anybody can follow: a file that is written all the time, a queue that runs over."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from service_support import MANAGED, QUICK, Daemon, check_stream, digest, until

from mdeinspect.simulator.host import SimulatedHost
from mdeinspect.simulator.policies import hardened

pytestmark = pytest.mark.slow
Make = Callable[..., Daemon]
RATE = 10_000  # writes a second
LENGTH = 30.0  # seconds
BURST = 100
CEILING = 0.5  # seconds between two looks, however much happens
PATIENT = QUICK.replace('files = "1s"', 'files = "1h"')
QUEUE = Path("/proc/sys/fs/inotify/max_queued_events")
MOST_EVENTS = 200_000


def body(mark: int) -> bytes:
    """One of many policies of the same length."""
    wanted = hardened("linux")
    wanted["edr"]["tags"] = [{"key": "GROUP", "value": f"{mark:08d}"}]
    return json.dumps(wanted).encode()


def storm(place: Path, last: bytes) -> int:
    """Write in place for `LENGTH` seconds, `RATE` times a second, and `last` at the end."""
    bodies = [body(number) for number in range(97)]
    file, writes = os.open(place, os.O_WRONLY | os.O_TRUNC), 0
    try:
        began = time.monotonic()
        while (gone := time.monotonic() - began) < LENGTH:
            if writes < RATE * gone + BURST:
                for number in range(writes, writes + BURST):
                    os.pwrite(file, bodies[number % len(bodies)], 0)
                writes += BURST
            else:
                time.sleep(0.001)
        os.pwrite(file, last, 0)
    finally:
        os.close(file)
    return writes


def test_ten_thousand_writes_a_second(governed: SimulatedHost, daemon: Daemon) -> None:
    """It stays calm, tells a few times a second at most, and the last state when it is over."""
    place, last = governed.folder / MANAGED.lstrip("/"), body(99_999_999)
    daemon.start().assessed()
    writes = storm(place, last)
    final = daemon.until_told("policy.changed", new_digest=digest(last))[-1]
    changes = daemon.told("policy.changed")
    assert len(changes) <= LENGTH / CEILING * 2  # half of them after a look at a half-written file
    assert changes[-1] == final
    assert not daemon.told("finding.raised", code="policy-malformed")
    check_stream(daemon.told())
    assert daemon.stop() == 0
    if writes < RATE * LENGTH * 0.5:
        pytest.skip(f"this machine only managed {writes} writes: all held, but it was no storm")


def test_the_queue_of_the_kernel_runs_over(governed: SimulatedHost, daemon_of: Make) -> None:
    """What is lost with it is looked for at once, long before the next rescan."""
    limit = int(QUEUE.read_text()) if QUEUE.exists() else 0
    if not 0 < limit <= MOST_EVENTS // 2:
        pytest.skip(f"the queue of inotify holds {limit} events: too many, or there is none")
    place, last = governed.folder / MANAGED.lstrip("/"), body(1)
    daemon = daemon_of(governed, config=PATIENT)
    daemon.start().assessed()
    time.sleep(1.0)  # the looks that follow a start are over
    assert daemon.process is not None
    daemon.signal(signal.SIGSTOP)
    until(lambda: psutil.Process(daemon.process.pid).status() == "stopped", "it to stop")  # type: ignore[union-attr]
    beside = [place.with_name(f"beside-{number}") for number in (1, 2)]
    for number in range(limit):  # each of these makes several events; equal ones in a row merge
        beside[number % 2].touch()
        beside[number % 2].unlink()
    new = place.with_name(".new")
    new.write_bytes(last)
    new.replace(place)
    daemon.signal(signal.SIGCONT)
    told: list[dict[str, Any]] = daemon.until_told("policy.changed", new_digest=digest(last))
    assert len(told) == 1
    assert daemon.stop() == 0
