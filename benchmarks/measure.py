"""Medians of whole runs, measured in turns so that a busy moment touches all of them alike."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

TURNS = 15
PATIENCE = 40.0  # seconds
BATCHES = 11
BATCH = 200


@dataclass(frozen=True, slots=True)
class Runs:
    """Milliseconds of each run of each command, turn by turn."""

    taken: Mapping[str, Sequence[float]]

    def median(self, name: str) -> float:
        """The usual run of one command."""
        return statistics.median(self.taken[name])

    def beyond(self, name: str, other: str) -> float:
        """How much longer one command usually takes than another in the same turn."""
        pairs = zip(self.taken[name], self.taken[other], strict=True)
        return statistics.median(one - two for one, two in pairs)


def whole_runs(commands: Mapping[str, Sequence[str]], turns: int = TURNS) -> Runs:
    """Every command once a turn: `turns` times, or fewer where the machine is too busy for that.

    One turn before, not counted, warms the caches.
    """
    taken: dict[str, list[float]] = {name: [] for name in commands}
    started = time.perf_counter()
    for turn in range(turns + 1):
        for name, command in commands.items():
            milliseconds = one_run(command)
            if turn:
                taken[name].append(milliseconds)
        if turn and time.perf_counter() - started > PATIENCE:
            break
    return Runs(taken)


def in_process(act: Callable[[], object]) -> float:
    """Milliseconds of one call: the median over batches."""
    taken = []
    for _ in range(BATCHES):
        started = time.perf_counter()
        for _ in range(BATCH):
            act()
        taken.append((time.perf_counter() - started) / BATCH * 1000)
    return statistics.median(taken)


def one_run(command: Sequence[str]) -> float:
    """Milliseconds of one run; raises RuntimeError where it did not work."""
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
