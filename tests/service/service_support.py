"""A service as its own process over a simulated host, and what it told."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self, TypeVar

import psutil

from contract_check import fault
from mdeinspect.simulator.host import SimulatedHost
from mdeinspect.simulator.policies import hardened
from mdeinspect.store.errors import StoreError
from mdeinspect.store.reader import Reader

T = TypeVar("T")
PATIENCE = 40.0  # seconds: how long a test waits for what must come
END = 5.0  # seconds: the end is promised within these
SLOW = 4.0  # seconds more that a busy machine may take
MANAGED = "/etc/opt/microsoft/mdatp/managed/mdatp_managed.json"
QUICK = """\
[schedule]
files = "1s"
health = "1s"
settle = "1s"
grace = "2s"
"""
_number = itertools.count()


def until(condition: Callable[[], T | None], what: str, seconds: float = PATIENCE) -> T:
    """What `condition` gives once it is true; fails when it never is."""
    end = time.monotonic() + seconds
    while True:
        if found := condition():
            return found
        if time.monotonic() > end:
            raise AssertionError(f"waited in vain for {what}")
        time.sleep(0.02)


def digest(data: bytes) -> str:
    """The digest of a policy file, as `policy.changed` tells it."""
    return hashlib.sha256(data).hexdigest()


def simulated(folder: Path) -> SimulatedHost:
    """A host on the real clock, governed by a hardened managed file, and recorded."""
    host = SimulatedHost(folder, now=None)
    host.managed(hardened("linux"))
    host.restart()
    host.record()
    return host


class Mailbox:
    """The notification socket of a service manager, at an abstract address."""

    def __init__(self) -> None:
        self.name = f"@mdeinspect-test-{os.getpid()}-{next(_number)}"
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind("\0" + self.name[1:])
        self._socket.setblocking(False)
        self.messages: list[str] = []

    def read(self) -> list[str]:
        """Everything that came so far."""
        while True:
            try:
                self.messages.append(self._socket.recv(4096).decode())
            except BlockingIOError:
                return self.messages

    def close(self) -> None:
        """No more."""
        self._socket.close()


class Daemon:
    """`mdeinspect run` as a process. `place` holds its configuration, state and output.

    Used as a context it never outlives the test.
    """

    def __init__(
        self, place: Path, root: Path | None, config: str = QUICK, *, options: Sequence[str] = ()
    ) -> None:
        place.mkdir(parents=True, exist_ok=True)
        self.place = place
        self.root = root
        self.state = place / "state"
        self.config = place / "config.toml"
        self.stdout = place / "stdout"
        self.stderr = place / "stderr"
        self.options = options
        self.wrap: Sequence[str] = ()
        self.process: subprocess.Popen[bytes] | None = None
        self.mailbox = Mailbox()
        self.configure(config)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        self.mailbox.close()

    def configure(self, text: str) -> None:
        """Write the configuration."""
        self.config.write_text(text)

    def command(self, *arguments: str) -> list[str]:
        """A call of mdeinspect with the options of this service."""
        root = ["--root", str(self.root)] if self.root else []
        own = ["--state", str(self.state), "--config", str(self.config)]
        return [sys.executable, "-m", "mdeinspect", *root, *own, *self.options, *arguments]

    def call(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command beside the service, to its end."""
        return subprocess.run(
            self.command(*arguments), capture_output=True, text=True, timeout=PATIENCE, check=False
        )

    def launch(self, *, stdout: int | None = None, pass_fds: Sequence[int] = ()) -> Self:
        """Start it and wait for nothing."""
        self.mailbox.read()
        self.mailbox.messages.clear()
        with self.stdout.open("ab") as out, self.stderr.open("ab") as err:
            self.process = subprocess.Popen(
                [*self.wrap, *self.command("run")],
                stdin=subprocess.DEVNULL,
                stdout=out if stdout is None else stdout,
                stderr=err,
                env={**os.environ, "NOTIFY_SOCKET": self.mailbox.name},
                pass_fds=pass_fds,
            )
        return self

    def start(self, **given: Any) -> Self:
        """Start it, and wait until it says that it works."""
        self.launch(**given)
        until(self._ready, "READY")
        return self

    def assessed(self) -> Self:
        """Wait for the first report of this start."""
        until(lambda: [m for m in self.mailbox.read() if "governs" in m], "the first report")
        return self

    def signal(self, number: signal.Signals) -> None:
        """Send a signal."""
        assert self.process is not None
        self.process.send_signal(number)

    def stop(self) -> int:
        """End it on purpose; its exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(END + SLOW)
        self.process = None
        return code

    def kill(self) -> None:
        """End it at once, as a power failure would, with every program that it runs."""
        if self.process is not None:
            children = self.children()
            self.process.kill()
            self.process.wait(PATIENCE)
            self.process = None
            for child in children:
                with contextlib.suppress(psutil.NoSuchProcess):
                    child.kill()

    def children(self) -> list[psutil.Process]:
        """The programs that it runs."""
        assert self.process is not None
        try:
            return psutil.Process(self.process.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            return []

    def busy(self, seconds: float) -> float:
        """The share of a processor that it uses for so long."""
        assert self.process is not None
        watched = psutil.Process(self.process.pid)
        before = sum(watched.cpu_times()[:2])
        time.sleep(seconds)
        return (sum(watched.cpu_times()[:2]) - before) / seconds

    def told(self, kind: str | None = None, **fields: Any) -> list[dict[str, Any]]:
        """The events that the store holds, of one type and with these values."""
        found = []
        try:
            with Reader(self.state) as reader:
                for page in reader.pages():
                    found += [json.loads(one.line) for one in page]
        except StoreError:
            return []
        return [one for one in found if _fits(one, kind, fields)]

    def until_told(self, kind: str, count: int = 1, **fields: Any) -> list[dict[str, Any]]:
        """Wait until so many such events are in the store."""

        def enough() -> list[dict[str, Any]] | None:
            self._alive()
            found = self.told(kind, **fields)
            return found if len(found) >= count else None

        return until(enough, f"{count} x {kind} {fields}")

    def lines(self) -> list[dict[str, Any]]:
        """What came on standard output; fails for a line that is not whole."""
        return [json.loads(line) for line in self.stdout.read_text().splitlines()]

    def _ready(self) -> bool:
        self._alive()
        return any("READY=1" in message for message in self.mailbox.read())

    def _alive(self) -> None:
        ended = self.process is not None and self.process.poll() is not None
        assert not ended, f"it ended: {self.stderr.read_text()[-2000:]}"


def _fits(event: Mapping[str, Any], kind: str | None, fields: Mapping[str, Any]) -> bool:
    return (kind is None or event["type"] == kind) and all(
        event.get(name, event["data"].get(name)) == value for name, value in fields.items()
    )


def read_lines(path: Path) -> list[dict[str, Any]]:
    """The events of a file sink, its rotated files first; fails at a torn line."""
    files = sorted(path.parent.glob(f"{path.name}.*"), key=lambda one: -int(one.suffix[1:]))
    files += [path] if path.exists() else []
    return [json.loads(line) for file in files for line in file.read_text().splitlines()]


def check_delivered(lines: Sequence[Mapping[str, Any]], stored: Sequence[Mapping[str, Any]]) -> int:
    """What was delivered is what is stored, in order, doubles only as a whole; how many doubles."""
    first: dict[str, Mapping[str, Any]] = {}
    doubles = 0
    for one in lines:
        plain = {name: value for name, value in one.items() if name != "prev"}
        doubles += one["id"] in first
        assert first.setdefault(one["id"], plain) == plain, "one id, two events"
        assert one["prev"] == (one["seq"] - 1 or None), "a gap that `prev` shows"
    assert list(first.values()) == list(stored)
    return doubles


def check_stream(stored: Sequence[Mapping[str, Any]]) -> None:
    """`seq` counts without a gap within one stream, ids are made of both, the contract is kept."""
    assert len({one["stream"] for one in stored}) <= 1
    assert [one["seq"] for one in stored] == list(range(1, len(stored) + 1))
    assert all(one["id"] == f"{one['stream']}-{one['seq']}" for one in stored)
    assert [fault(one) for one in stored if fault(one)] == []


def check_findings(stored: Sequence[Mapping[str, Any]]) -> None:
    """Nothing that is raised is raised again, and only what is raised is cleared."""
    state: dict[tuple[str, str], bool] = {}
    flapping = set()
    for one in stored:
        key = (one.get("code", ""), one.get("subject", ""))
        if "flapping" in one["data"]:
            flapping.add(key)
        if key in flapping or one["type"] not in ("finding.raised", "finding.cleared"):
            continue
        raised = one["type"] == "finding.raised"
        assert state.get(key, False) != raised, f"{one['type']} twice: {key}"
        state[key] = raised
