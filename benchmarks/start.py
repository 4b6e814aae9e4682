"""How long the service takes from exec until it says that it is ready."""

from __future__ import annotations

import contextlib
import socket
import statistics
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.figure import Broken, Figure, figure
from benchmarks.measure import one_run
from benchmarks.running import PATIENCE, command, notified, said, simulated, started

TURNS = 9
ENOUGH = 25.0  # seconds
READY = b"READY=1"
AIM = "from exec to READY=1, its store being there; aim: under 600 ms"


def measure(top: Path) -> Sequence[Figure]:
    """Starts in turns with a bare interpreter; the first makes the store and does not count."""
    wanted, errors = command(simulated(top / "host").folder, top / "state"), top / "stderr"
    place = top / "notify"
    bare: list[float] = []
    taken: list[float] = []
    begun = time.monotonic()
    with notified(place) as listener:
        while len(taken) <= TURNS and (len(taken) < 2 or time.monotonic() - begun < ENOUGH):
            bare.append(one_run(["-c", "pass"]))
            moment = time.perf_counter()
            with started(wanted, errors, notify=str(place)) as process:
                _await(listener, process, errors)
                taken.append((time.perf_counter() - moment) * 1000)
            _drain(listener)
    note = f"{AIM}; the first of all took {taken[0]:.0f} ms"
    value = statistics.median(taken[1:])
    return [figure("start-to-ready", value, "ms", note, base=statistics.median(bare[1:]))]


def _await(listener: socket.socket, process: subprocess.Popen[bytes], errors: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(TimeoutError):
            if READY in listener.recv(4096):
                return
    raise Broken(f"the service never told that it is ready: {said(errors)}")


def _drain(listener: socket.socket) -> None:
    """Drop what was told since; nothing of one start may count for the next."""
    patience = listener.gettimeout()
    listener.settimeout(0.0)
    with contextlib.suppress(BlockingIOError):
        while True:
            listener.recv(4096)
    listener.settimeout(patience)
