"""Full disks, blocked readers, servers that fail: told late, told whole, and never in the way."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self

import pytest
from service_support import (
    END,
    MANAGED,
    QUICK,
    SLOW,
    Daemon,
    check_delivered,
    check_findings,
    check_stream,
    digest,
    read_lines,
    until,
)

from mdeinspect.simulator.host import SimulatedHost

pytestmark = pytest.mark.slow
Make = Callable[..., Daemon]


def edited(host: SimulatedHost, number: int, size: int = 1) -> str:
    """Another policy, which is told with about `size` tags; its digest."""
    tags = [{"key": "GROUP", "value": f"{number}-{k}-{'x' * 60}"} for k in range(size)]
    policy = {"antivirusEngine": {"enforcementLevel": "real_time"}, "edr": {"tags": tags}}
    host.managed(policy)
    return digest((host.folder / MANAGED.lstrip("/")).read_bytes())


# --- a full disk --------------------------------------------------------------------------------


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 3 MiB, unmounted whatever happens."""
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("a small file system needs Linux and root")
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=3m,mode=0755", "none", str(place)],
        capture_output=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip(f"this machine does not let us mount: {mounted.stderr.decode().strip()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def fill(disk: Path) -> Path:
    """Use up every byte that is left."""
    filler = disk / "filler"
    with filler.open("ab", buffering=0) as file:
        for size in (65536, 4096, 1):
            with contextlib.suppress(OSError):
                while True:
                    file.write(b"x" * size)
    return filler


def test_store_full(governed: SimulatedHost, daemon_of: Make, small_disk: Path) -> None:
    """While the store is full nothing is told and nothing is lost.

    Afterwards the net change is told, once, with since when nothing could be.
    """
    daemon = daemon_of(governed)
    daemon.state = small_disk / "state"
    daemon.start().assessed()
    filler = fill(small_disk)
    told = []
    for number in range(40):
        told.append(edited(governed, number, size=30))
        time.sleep(0.15)
    until(
        lambda: "commit" in daemon.stderr.read_text() or "fails" in daemon.stderr.read_text(),
        "the store to be full",
    )
    last = edited(governed, 99, size=30)
    assert daemon.busy(3.0) < 0.5, "it spins"
    assert daemon.told("policy.changed", new_digest=last) == []
    filler.unlink()
    (late,) = daemon.until_told("policy.changed", new_digest=last)
    assert "blind_since" in late["data"]
    assert daemon.stop() == 0
    stored = daemon.told()
    check_stream(stored)
    check_findings(stored)
    check_delivered(daemon.lines(), stored)
    changes = [one["data"]["new_digest"] for one in stored if one["type"] == "policy.changed"]
    assert changes[-1] == last
    assert len(changes) == len(set(changes))
    assert set(changes) <= {*told, last}


def test_log_full(governed: SimulatedHost, daemon_of: Make, small_disk: Path) -> None:
    """While the disk of the log is full other sinks go on; afterwards the log gets everything."""
    path = small_disk / "log" / "events.ndjson"
    sinks = f'[sinks.log]\ntype = "file"\npath = "{path}"\n[sinks.out]\ntype = "stdout"\n'
    daemon = daemon_of(governed, config=QUICK + sinks)
    daemon.start().assessed()
    until(path.exists, "the log")
    filler = fill(small_disk)
    for number in range(6):
        new = edited(governed, number, size=60)
        daemon.until_told("policy.changed", new_digest=new)
        until(lambda: len(daemon.lines()) == len(daemon.told()), "the other sink")
    until(lambda: "sink fails" in daemon.stderr.read_text(), "the log to be full")
    assert len(read_lines(path)) < len(daemon.told())
    filler.unlink()
    until(lambda: len(read_lines(path)) >= len(daemon.told()), "the log to catch up")
    assert daemon.stop() == 0
    stored = daemon.told()
    check_stream(stored)
    assert check_delivered(read_lines(path), stored) == 0
    assert check_delivered(daemon.lines(), stored) == 0


def test_full_at_start(governed: SimulatedHost, daemon_of: Make, small_disk: Path) -> None:
    """Where not even a store can be made it ends with one line; later it starts as if new."""
    filler = fill(small_disk)
    daemon = daemon_of(governed)
    daemon.state = small_disk / "state"
    refused = daemon.call("run")
    assert refused.returncode == 3
    assert len(refused.stderr.splitlines()) == 1
    assert "space" in refused.stderr
    filler.unlink()
    daemon.start().assessed()
    assert daemon.stop() == 0
    check_stream(daemon.told())


# --- a blocked reader ---------------------------------------------------------------------------


def test_blocked_stdout(governed: SimulatedHost, daemon_of: Make, tmp_path: Path) -> None:
    """A reader that stops reading delays no other sink, and not the end."""
    path = tmp_path / "log" / "events.ndjson"
    sinks = f'[sinks.log]\ntype = "file"\npath = "{path}"\n[sinks.out]\ntype = "stdout"\n'
    daemon = daemon_of(governed, config=QUICK + sinks)
    reader, writer = os.pipe()
    try:
        fcntl.fcntl(writer, getattr(fcntl, "F_SETPIPE_SZ", 1031), 4096)
        daemon.start(stdout=writer).assessed()
        os.close(writer)
        for number in range(8):
            new = edited(governed, number, size=60)
            daemon.until_told("policy.changed", new_digest=new)

            def there(new: str = new) -> bool:
                return any(one["data"].get("new_digest") == new for one in read_lines(path))

            until(there, "the other sink", 15.0)
        began = time.monotonic()
        assert daemon.stop() == 0
        assert time.monotonic() - began < END + SLOW
        assert check_delivered(read_lines(path), daemon.told()) == 0
        os.set_blocking(reader, False)
        data = b""
        with contextlib.suppress(BlockingIOError):
            while piece := os.read(reader, 65536):
                data += piece
    finally:
        os.close(reader)
    *whole, _torn = data.split(b"\n")
    stored = daemon.told()
    assert [json.loads(line)["seq"] for line in whole] == list(range(1, len(whole) + 1))
    assert len(whole) < len(stored), "it was never blocked"
    daemon.start().assessed()
    assert daemon.stop() == 0
    again = [one["seq"] for one in daemon.lines()]
    assert again == list(range(again[0], len(daemon.told()) + 1))
    assert again[0] <= len(whole) + 1, "what was not read to its end is written again"


def test_closed_stdout(governed: SimulatedHost, daemon_of: Make) -> None:
    """A reader that goes away ends nothing: the events are kept, and the policy is watched."""
    daemon = daemon_of(governed)
    reader, writer = os.pipe()
    daemon.start(stdout=writer)
    os.close(reader)
    os.close(writer)
    daemon.assessed()
    new = edited(governed, 1)
    daemon.until_told("policy.changed", new_digest=new)
    assert daemon.stop() == 0


def test_no_stderr(governed: SimulatedHost, daemon_of: Make) -> None:
    """Diagnostics that nobody can take end nothing."""
    daemon = daemon_of(governed)
    reader, writer = os.pipe()
    os.close(reader)
    code = (
        "import os, runpy, sys; os.dup2(int(sys.argv[1]), 2); sys.argv = sys.argv[4:]; "
        "runpy.run_module('mdeinspect', run_name='__main__')"
    )
    os.set_inheritable(writer, True)
    daemon.wrap = [sys.executable, "-c", code, str(writer)]
    daemon.launch(pass_fds=(writer,))
    os.close(writer)
    daemon.assessed()  # what changes before the first report is no change
    for wrong in ("[nothing]\n", "[schedule]\nx = 1\n"):
        daemon.configure(wrong)
        daemon.signal(signal.SIGHUP)
        time.sleep(0.3)
    daemon.until_told("source.changed", 1, because="config-invalid")
    new = edited(governed, 1)
    daemon.until_told("policy.changed", new_digest=new)
    assert daemon.stop() == 0


# --- a syslog server ----------------------------------------------------------------------------

SYSLOG = '[sinks.siem]\ntype = "syslog"\ntransport = "tcp"\nhost = "127.0.0.1"\nport = {port}\n'


class Server:
    """A syslog server over TCP, with octet counting. It can be slow, or cut connections."""

    def __init__(self, port: int = 0, *, pace: float = 0.0, cut_after: int | None = None) -> None:
        self._listener = socket.socket()
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        self._listener.bind(("127.0.0.1", port))
        self._listener.listen()
        self._listener.settimeout(0.05)
        self.port: int = self._listener.getsockname()[1]
        self.pace, self.cut_after = pace, cut_after
        self.events: list[dict[str, Any]] = []
        self.connections = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(30)
        self._listener.close()

    def ids(self) -> list[str]:
        return [one["id"] for one in list(self.events)]

    def _serve(self) -> None:
        while not self._over.is_set():
            with contextlib.suppress(TimeoutError):
                connection, _ = self._listener.accept()
                self.connections += 1
                with connection, contextlib.suppress(OSError):
                    self._take(connection)

    def _take(self, connection: socket.socket) -> None:
        connection.settimeout(0.05)
        data, taken = b"", 0
        while not self._over.is_set():
            try:
                piece = connection.recv(512 if self.pace else 65536)
            except TimeoutError:
                continue
            if not piece:
                return
            time.sleep(self.pace)
            taken += len(piece)
            data = self._parse(data + piece)
            if self.cut_after is not None and taken >= self.cut_after:
                linger = struct.pack("ii", 1, 0)  # a reset: what is under way is lost
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                return

    def _parse(self, data: bytes) -> bytes:
        while match := re.match(rb"([1-9]\d*) ", data):
            end = match.end() + int(match[1])
            if len(data) < end:
                break
            message = data[match.end() : end].decode()
            self.events.append(json.loads(message[message.index("{") :]))
            data = data[end:]
        return data


def free_port() -> int:
    with socket.socket() as made:
        made.bind(("127.0.0.1", 0))
        port: int = made.getsockname()[1]
        return port


def whole(server: Server, daemon: Daemon) -> bool:
    """Whether the server has every stored event."""
    return set(server.ids()) >= {one["id"] for one in daemon.told()}


def check_received(server: Server, daemon: Daemon) -> int:
    """What was received is what was stored, doubles with equal ids only; how many doubles."""
    stored = {one["id"]: one for one in daemon.told()}
    for one in server.events:
        assert {name: value for name, value in one.items() if name != "prev"} == stored[one["id"]]
    assert set(server.ids()) == set(stored)
    return len(server.events) - len(stored)


def test_syslog_down(governed: SimulatedHost, daemon_of: Make) -> None:
    """A server that is down at first gets everything once it is there, and in order."""
    port = free_port()
    daemon = daemon_of(governed, config=QUICK + SYSLOG.format(port=port))
    daemon.start().assessed()
    for number in range(3):
        daemon.until_told("policy.changed", new_digest=edited(governed, number))
    with Server(port) as server:
        until(lambda: whole(server, daemon), "every event")
        assert daemon.stop() == 0
        until(lambda: whole(server, daemon), "the last events")
        assert check_received(server, daemon) == 0
        assert [one["seq"] for one in server.events] == sorted(one["seq"] for one in server.events)


def test_syslog_down_at_end(governed: SimulatedHost, daemon_of: Make) -> None:
    """A server that is down delays the end no longer than promised; a later start catches up."""
    port = free_port()
    daemon = daemon_of(governed, config=QUICK + SYSLOG.format(port=port))
    daemon.start().assessed()
    daemon.until_told("policy.changed", new_digest=edited(governed, 1))
    assert daemon.stop() == 0
    with Server(port) as server:
        daemon.start().assessed()
        until(lambda: whole(server, daemon), "every event")
        assert daemon.stop() == 0
        until(lambda: whole(server, daemon), "the last events")
        check_received(server, daemon)


def test_syslog_slow(governed: SimulatedHost, daemon_of: Make, tmp_path: Path) -> None:
    """A slow server delays no other sink, and gets everything in the end, once."""
    path = tmp_path / "log" / "events.ndjson"
    with Server(pace=0.02) as server:
        log = f'[sinks.log]\ntype = "file"\npath = "{path}"\n'
        daemon = daemon_of(governed, config=QUICK + SYSLOG.format(port=server.port) + log)
        daemon.start().assessed()
        for number in range(6):
            daemon.until_told("policy.changed", new_digest=edited(governed, number, size=50))
        until(lambda: len(read_lines(path)) == len(daemon.told()), "the other sink")
        until(lambda: whole(server, daemon), "the slow one")
        server.pace = 0.0
        assert daemon.stop() == 0
        until(lambda: whole(server, daemon), "the last events")
        assert check_received(server, daemon) == 0


def test_syslog_cutting(governed: SimulatedHost, daemon_of: Make) -> None:
    """A server that cuts connections loses nothing: what it got twice has equal ids."""
    with Server(cut_after=15_000) as server:
        daemon = daemon_of(governed, config=QUICK + SYSLOG.format(port=server.port))
        daemon.start().assessed()
        for number in range(12):
            daemon.until_told("policy.changed", new_digest=edited(governed, number, size=40))
        until(lambda: server.connections > 1, "a cut")
        server.cut_after = None
        daemon.until_told("policy.changed", new_digest=edited(governed, 99))
        until(lambda: whole(server, daemon), "every event")
        assert daemon.stop() == 0
        until(lambda: whole(server, daemon), "the last events")
        assert check_received(server, daemon) > 0
