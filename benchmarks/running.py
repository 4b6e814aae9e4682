"""A service in a process of its own on a simulated host: what it tells, what it costs, its end."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import psutil

from benchmarks.figure import Broken
from mdeinspect.simulator import policies
from mdeinspect.simulator.host import SimulatedHost
from mdeinspect.simulator.places import PLACES

PATIENCE = 30.0  # seconds for whatever a service that works does in one
END = 8.0  # seconds between asking for the end and making it
POLICY = PLACES["linux"].managed
SYSTEMD = ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID")


class Running:
    """A service that has made its first report."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._known = psutil.Process(process.pid)
        self.taken = 0  # lines that `told` has looked at
        self._lines: queue.SimpleQueue[tuple[float, bytes]] = queue.SimpleQueue()
        threading.Thread(target=self._read, daemon=True).start()

    def told(
        self, wanted: Callable[[Mapping[str, Any]], bool], seconds: float = PATIENCE
    ) -> float | None:
        """When the first event that is wanted stood on stdout (`perf_counter`); None: not in time.

        Those before it are dropped.
        """
        deadline = time.perf_counter() + seconds
        while (left := deadline - time.perf_counter()) > 0:
            with contextlib.suppress(queue.Empty):
                moment, line = self._lines.get(timeout=left)
                self.taken += 1
                if wanted(json.loads(line)):
                    return moment
        return None

    def processor(self) -> float:
        """Seconds of a processor that it has used so far, user and system."""
        return _processor(self._known)

    def resident(self) -> float:
        """MiB of memory that it holds."""
        return float(self._known.memory_info().rss) / 1024**2

    def _read(self) -> None:
        pipe = self._process.stdout
        for line in pipe or ():
            self._lines.put((time.perf_counter(), line))


def simulated(root: Path) -> SimulatedHost:
    """A host on the real clock with a managed policy, and what its commands say to it."""
    host = SimulatedHost(root, now=None)
    host.managed(json.loads(policy(0)))
    host.record()
    return host


def policy(mark: int) -> bytes:
    """A managed policy that differs from others only by its mark; all are of one length."""
    wanted = policies.hardened("linux")
    wanted["edr"]["tags"] = [{"key": "GROUP", "value": f"{mark:08d}"}]
    return json.dumps(wanted).encode()


def tells(mark: int) -> Callable[[Mapping[str, Any]], bool]:
    """Whether an event is the `policy.changed` to the policy with that mark."""

    def wanted(event: Mapping[str, Any]) -> bool:
        if event["type"] != "policy.changed":
            return False
        changed = event["data"]["difference"]["changed"]
        return any(one["new"] == {"key": "GROUP", "value": f"{mark:08d}"} for one in changed)

    return wanted


def command(root: Path, state: Path, *options: str) -> list[str]:
    """The service on a recorded host, with a state of its own."""
    where = ["--root", str(root), "--state", str(state)]
    return [sys.executable, "-m", "mdeinspect", *where, *options, "run"]


@contextlib.contextmanager
def started(
    wanted: list[str], errors: Path, *, notify: str = ""
) -> Iterator[subprocess.Popen[bytes]]:
    """The process of a service; however this ends, it is gone afterwards."""
    environment = {name: value for name, value in os.environ.items() if name not in SYSTEMD}
    if notify:
        environment["NOTIFY_SOCKET"] = notify
    with errors.open("ab") as file:
        process = subprocess.Popen(
            wanted,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=file,
            env=environment,
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(END)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextlib.contextmanager
def service(root: Path, top: Path, *options: str) -> Iterator[Running]:
    """A service that has told that it works, and made its first report; its state is in `top`."""
    top.mkdir(parents=True, exist_ok=True)
    errors, state = top / "stderr", top / "state"
    with started(command(root, state, *options), errors) as process:
        running = Running(process)
        deadline = time.monotonic() + PATIENCE
        while not (state / "report.json").exists():
            if process.poll() is not None or time.monotonic() > deadline:
                raise Broken(f"the service made no report: {said(errors)}")
            time.sleep(0.05)
        yield running


@contextlib.contextmanager
def notified(place: Path) -> Iterator[socket.socket]:
    """A socket such as systemd listens on."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as found:
        found.bind(str(place))
        found.settimeout(1.0)
        yield found


def said(errors: Path) -> str:
    """The end of what a service complained of."""
    return errors.read_text("utf-8", "replace")[-2000:] or "it said nothing"


def _processor(known: psutil.Process) -> float:
    if psutil.LINUX:  # the clock that clock_getcpuclockid(3) names; /proc rounds the same to 10 ms
        return time.clock_gettime((~known.pid << 3) | 2)
    used = known.cpu_times()
    return float(used.user + used.system)
