"""Medians of whole runs, measured in turns so that a busy moment touches all of them alike."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence

RUNS = 15
BATCHES = 11
BATCH = 200


def whole_runs(commands: Mapping[str, Sequence[str]], runs: int = RUNS) -> dict[str, float]:
    """Milliseconds of one run of each command: the median of `runs`, taken in turns.

    One turn before, not counted, warms the caches.
    """
    taken: dict[str, list[float]] = {name: [] for name in commands}
    for turn in range(runs + 1):
        for name, command in commands.items():
            milliseconds = _run(command)
            if turn:
                taken[name].append(milliseconds)
    return {name: statistics.median(times) for name, times in taken.items()}


def in_process(act: Callable[[], object]) -> float:
    """Milliseconds of one call: the median over batches."""
    taken = []
    for _ in range(BATCHES):
        started = time.perf_counter()
        for _ in range(BATCH):
            act()
        taken.append((time.perf_counter() - started) / BATCH * 1000)
    return statistics.median(taken)


def _run(command: Sequence[str]) -> float:
    started = time.perf_counter()
    result = subprocess.run(
        [sys.executable, *command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        timeout=60,
        check=False,
    )
    elapsed = (time.perf_counter() - started) * 1000
    if b"Traceback" in result.stderr or result.returncode == 2:
        raise RuntimeError(result.stderr.decode("utf-8", "replace"))
    return elapsed
