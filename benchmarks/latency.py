"""From a policy file being replaced to the line on the service's stdout that tells it."""

from __future__ import annotations

import contextlib
import math
import os
import queue
import statistics
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from watchdog.events import FileMovedEvent, FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer

from benchmarks.figure import Broken, Figure, figure
from benchmarks.running import POLICY, Running, policy, service, simulated, tells

COUNT = 60
ENOUGH = 45.0  # seconds
SPACE = 0.25  # seconds from a line to the next change: debounce must not merge two
BARE_PATIENCE = 1.0
MISSES = 3

Heard = queue.SimpleQueue[float]


def measure(top: Path) -> Sequence[Figure]:
    """Changes one by one; beside the service a bare watchdog callback hears of the same ones."""
    place = simulated(top / "host").folder.resolve() / POLICY.lstrip("/")
    told: list[float] = []
    bare: list[float] = []
    begun, tried = time.monotonic(), 0
    with service(top / "host", top) as running, _callback(place) as heard:
        while tried < COUNT and time.monotonic() - begun < ENOUGH:
            tried += 1
            time.sleep(SPACE)
            _change(place, running, heard, tried, told, bare)
            if tried == MISSES and not told:
                raise Broken("the service tells no change of the policy")
    if not told or not bare:
        raise Broken("no change of the policy was told")
    return _figures(told, bare, tried)


def _change(
    place: Path,
    running: Running,
    heard: Heard,
    mark: int,
    told: list[float],
    bare: list[float],
) -> None:
    """Replace the policy as tools do, and wait for both to tell it."""
    draft = place.with_name(f".{place.name}.new")
    draft.write_bytes(policy(mark))
    draft.chmod(0o644)
    start = time.perf_counter()
    draft.replace(place)
    line = running.told(tells(mark), seconds=5.0)
    if line is not None:
        told.append((line - start) * 1000)
    with contextlib.suppress(queue.Empty):
        bare.append((heard.get(timeout=BARE_PATIENCE) - start) * 1000)


def _figures(told: Sequence[float], bare: Sequence[float], tried: int) -> Sequence[Figure]:
    middle = statistics.median(bare)
    counted = f"n={len(told)}" + (f", {tried - len(told)} not told in 5 s" * (tried > len(told)))
    p99 = sorted(told)[math.ceil(len(told) * 0.99) - 1]
    what = "rename of a policy file to policy.changed on stdout"
    return [
        figure(
            "latency-p50",
            statistics.median(told),
            "ms",
            f"{what}; aim: under 100 ms; {counted}; ratio to latency-inotify",
            base=middle,
        ),
        figure("latency-p99", p99, "ms", "the same; aim: under 300 ms", base=middle),
        figure(
            "latency-inotify", middle, "ms", f"the same to a bare watchdog callback; n={len(bare)}"
        ),
    ]


@contextlib.contextmanager
def _callback(place: Path) -> Iterator[Heard]:
    """When a bare callback heard of each replacement of a file."""
    heard = Heard()

    class Ear(FileSystemEventHandler):
        def dispatch(self, event: FileSystemEvent) -> None:
            if os.fsdecode(event.dest_path) == str(place):
                heard.put(time.perf_counter())

    observer = Observer()
    observer.schedule(Ear(), str(place.parent), event_filter=[FileMovedEvent])
    observer.start()
    try:
        yield heard
    finally:
        observer.stop()
        observer.join(5.0)
