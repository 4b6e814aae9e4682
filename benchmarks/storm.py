"""What the service costs while something writes the policy file all the time."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.figure import Broken, Figure, figure
from benchmarks.running import POLICY, policy, service, simulated, tells

SECONDS = 10.0
RATE = 10_000  # writes a second
TICK = 0.01  # seconds between bursts of writes
KINDS = 97  # policies in turn; no divisor of a burst, so that each rest shows another
LAST = 99_999_999
PATIENCE = 30.0  # seconds for the last state to be told


def measure(top: Path) -> Sequence[Figure]:
    """Writes in place, each a whole policy; the last one must be told afterwards."""
    place = simulated(top / "host").folder / POLICY.lstrip("/")
    with service(top / "host", top) as running:
        used = running.processor()
        writes, seconds = _write(place)
        end = time.perf_counter()
        share = (running.processor() - used) / seconds * 100
        told = running.told(tells(LAST), seconds=PATIENCE)
        lines = running.taken
    if told is None:
        raise Broken(f"the last state of a storm was not told within {PATIENCE:.0f} s")
    note = (
        f"{writes / seconds:,.0f} writes/s to the policy file for {seconds:.0f} s; "
        f"{lines} lines told, the last state {max(0.0, told - end) * 1000:.0f} ms after"
    )
    return [figure("storm-cpu", share, "% core", note)]


def _write(place: Path) -> tuple[int, float]:
    """How many writes there were, in how many seconds; the last one differs from all others."""
    bodies = [policy(number) for number in range(1, KINDS + 1)]
    burst, writes = int(RATE * TICK), 0
    file = os.open(place, os.O_WRONLY | os.O_TRUNC)  # all that follows is of one length
    try:
        began = time.perf_counter()
        while (gone := time.perf_counter() - began) < SECONDS:
            if writes < RATE * (gone + TICK):
                for number in range(writes, writes + burst):
                    os.pwrite(file, bodies[number % KINDS], 0)
                writes += burst
            else:
                time.sleep(TICK / 10)
        os.pwrite(file, policy(LAST), 0)
        return writes + 1, time.perf_counter() - began
    finally:
        os.close(file)
