"""Real syslog daemons, as Debian packages them, receive RFC 5424 without loss.

rsyslog and syslog-ng exclude each other as Debian packages: on one host, one half is skipped.
Each daemon runs in the foreground, with a configuration, a pid file and sockets of its own.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sink_support import PATIENCE, event, made, rendered, until
from syslog_support import free_port

COUNT = 300
PATHS = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])


@dataclass(frozen=True)
class Daemon:
    """A daemon to run, and where it listens."""

    folder: Path
    udp: int
    tcp: int

    @property
    def socket(self) -> Path:
        """Its local socket."""
        return self.folder / "log.sock"

    @property
    def output(self) -> Path:
        """What it received: one JSON object for each message."""
        return self.folder / "received"

    def options(self, transport: str) -> dict[str, Any]:
        """What a sink must know to reach it."""
        if transport == "unix":
            return {"path": str(self.socket)}
        return {"host": "127.0.0.1", "port": self.udp if transport == "udp" else self.tcp}

    def received(self) -> list[list[str]]:
        """The fields of every message that is whole in its output."""
        with contextlib.suppress(FileNotFoundError):
            lines = self.output.read_text().split("\n")[:-1]
            return [line.split("\t") for line in lines]
        return []


RSYSLOG = """
global(workDirectory="{folder}")
module(load="imuxsock" SysSock.Use="off")
module(load="imudp")
module(load="imtcp")
input(type="imuxsock" Socket="{socket}" UseSpecialParser="off" ParseHostname="on"
      IgnoreTimestamp="off" RateLimit.Interval="0")
input(type="imudp" Address="127.0.0.1" Port="{udp}")
input(type="imtcp" Address="127.0.0.1" Port="{tcp}")
template(name="fields" type="string" string="%timereported:::date-rfc3339%\\t%hostname%\
\\t%app-name%\\t%procid%\\t%msgid%\\t%structured-data%\\t%syslogpriority%\\t%syslogfacility-text%\\t%msg%\\n")
action(type="omfile" file="{output}" template="fields")
"""
IMUXSOCK = """
input(type="imuxsock" Socket="{socket}.system")
"""
IMFILE = """
module(load="imfile")
input(type="imfile" File="{log}" Tag="mdeinspect" Facility="local0" Severity="info"
      reopenOnTruncate="on")
"""
SYSLOG_NG = """@version: {version}
options {{ keep-hostname(yes); use-dns(no); stats-freq(0); flush-lines(1); }};
source local {{ unix-dgram("{socket}" flags(syslog-protocol)); }};
source udp {{ syslog(transport("udp") ip("127.0.0.1") port({udp})); }};
source tcp {{ syslog(transport("tcp") ip("127.0.0.1") port({tcp})); }};
destination all {{ file("{output}" template("$S_ISODATE\\t$HOST\\t$PROGRAM\\t$PID\\t$MSGID\\t$SDATA\
\\t$LEVEL_NUM\\t$FACILITY\\t$MSG\\n") frac-digits(3)); }};
log {{ source(local); source(udp); source(tcp); destination(all); }};
"""


def rsyslog(at: Daemon) -> list[str]:
    """How to run rsyslogd."""
    config = at.folder / "rsyslog.conf"
    config.write_text(RSYSLOG.format(folder=at.folder, **fields(at)))
    return [program("rsyslogd"), "-n", "-f", str(config), "-i", str(at.folder / "pid")]


def syslog_ng(at: Daemon) -> list[str]:
    """How to run syslog-ng."""
    found = program("syslog-ng")
    told = subprocess.run(
        [found, "--version"], capture_output=True, text=True, timeout=PATIENCE, check=True
    )
    version = next(
        line.split(":")[1].strip()
        for line in told.stdout.splitlines()
        if line.startswith("Config version")
    )
    config = at.folder / "syslog-ng.conf"
    config.write_text(SYSLOG_NG.format(version=version, **fields(at)))
    places = {"-f": config.name, "-p": "pid", "-c": "control", "-R": "persist"}
    flags = [part for flag, name in places.items() for part in (flag, str(at.folder / name))]
    return [found, "-F", "--no-caps", *flags]


def fields(at: Daemon) -> dict[str, Any]:
    """What both configurations name."""
    return {"socket": at.socket, "udp": at.udp, "tcp": at.tcp, "output": at.output}


def program(name: str) -> str:
    """Where a daemon is installed; skips where it is not."""
    found = shutil.which(name, path=PATHS)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


@contextlib.contextmanager
def running(command: list[str], at: Daemon) -> Iterator[subprocess.Popen[bytes]]:
    """A daemon in the foreground, from the moment it listens on TCP to its end."""
    with (
        (at.folder / "diagnostics").open("ab") as said,
        subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=said, stderr=said, cwd=at.folder
        ) as process,
    ):
        try:
            until(lambda: process.poll() is not None or listens(at), "the daemon")
            assert process.poll() is None, (at.folder / "diagnostics").read_text()
            yield process
        finally:
            process.terminate()
            try:
                process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()


def listens(at: Daemon) -> bool:
    """Whether its local socket is there and somebody accepts on its port."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", at.tcp)) == 0 and at.socket.exists()


@pytest.fixture(params=[rsyslog, syslog_ng])
def kind(request: pytest.FixtureRequest) -> Callable[[Daemon], list[str]]:
    """Each of the daemons."""
    found: Callable[[Daemon], list[str]] = request.param
    return found


@pytest.fixture
def daemon(tmp_path: Path) -> Daemon:
    """Places for one."""
    return Daemon(tmp_path, free_port(socket.SOCK_DGRAM), free_port())


def messages(at: Daemon) -> list[dict[str, Any]]:
    """The events that it received."""
    return [json.loads(one[-1]) for one in at.received()]


@pytest.mark.slow
@pytest.mark.parametrize("transport", ["unix", "udp", "tcp"])
def test_a_real_daemon_gets_every_line(
    kind: Callable[[Daemon], list[str]], daemon: Daemon, transport: str
) -> None:
    """Every event once, in order, its JSON untouched, and the header read as it was meant."""
    with running(kind(daemon), daemon):
        sink = made(
            "syslog", transport=transport, structured_data=True, **daemon.options(transport)
        )
        for start in range(1, COUNT + 1, 10):
            sink.deliver(rendered(*range(start, start + 10)))
        until(lambda: len(daemon.received()) >= COUNT, f"{COUNT} messages")
        sink.close()
    assert [one["seq"] for one in messages(daemon)] == list(range(1, COUNT + 1))
    assert messages(daemon)[6] == {**event(7), "prev": 6}
    time, host, app, pid, kind_, data, severity, facility, _ = daemon.received()[6]
    assert time.startswith("2026-11-22T11:04:07")
    assert (host, app, pid) == ("web-07", "mdeinspect", str(os.getpid()))
    assert (kind_, severity, facility) == ("finding.raised", "4", "local0")
    assert 'seq="7"' in data


@pytest.mark.slow
def test_a_line_of_nearly_8_kb_arrives_whole(
    kind: Callable[[Daemon], list[str]], daemon: Daemon
) -> None:
    """The largest event is below what the daemons cut at, header included, over TCP."""
    large = event(1, data={f"key{number}": "x" * 70 for number in range(90)})
    with running(kind(daemon), daemon):
        sink = made("syslog", transport="tcp", **daemon.options("tcp"))
        sink.deliver(rendered(1, data=large["data"]))
        until(daemon.received, "the message")
        sink.close()
    assert 7000 < len(json.dumps(large)) < 8192
    assert messages(daemon) == [{**large, "prev": None}]


@pytest.mark.slow
@pytest.mark.parametrize("transport", ["unix", "tcp"])
def test_a_daemon_that_is_restarted_loses_nothing(
    kind: Callable[[Daemon], list[str]], daemon: Daemon, transport: str
) -> None:
    """Down between two batches: the second is tried again until it is up, and all arrives."""
    command = kind(daemon)
    sink = made("syslog", transport=transport, **daemon.options(transport))
    with running(command, daemon):
        sink.deliver(rendered(1, 2))
        until(lambda: len(daemon.received()) >= 2, "the first messages")
    with running(command, daemon):
        for _ in range(3):
            with contextlib.suppress(Exception):
                sink.deliver(rendered(3, 4))
                break
        until(lambda: {one["seq"] for one in messages(daemon)} >= {1, 2, 3, 4}, "all messages")
    sink.close()


@pytest.mark.slow
def test_the_socket_of_the_system_reads_the_local_protocol(daemon: Daemon) -> None:
    """With `protocol = "local"`, rsyslog as it reads /dev/log knows program and event."""
    command = rsyslog(daemon)
    config = Path(command[command.index("-f") + 1])
    config.write_text(config.read_text() + IMUXSOCK.format(socket=daemon.socket))
    with running(command, daemon):
        sink = made("syslog", path=f"{daemon.socket}.system", protocol="local")
        sink.deliver(rendered(1, 2))
        until(lambda: len(daemon.received()) >= 2, "the messages")
        sink.close()
    _, _, app, pid, _, _, severity, facility, _ = daemon.received()[0]
    assert (app, pid, severity, facility) == ("mdeinspect", str(os.getpid()), "4", "local0")
    assert [one["seq"] for one in messages(daemon)] == [1, 2]


@pytest.mark.slow
def test_a_real_shipper_follows_the_file_through_rotations(daemon: Daemon, tmp_path: Path) -> None:
    """rsyslog's imfile, looking for `*.ndjson`, gets each line of a rotating file exactly once."""
    log = tmp_path / "log" / "events.ndjson"
    command = rsyslog(daemon)
    config = Path(command[command.index("-f") + 1])
    config.write_text(config.read_text() + IMFILE.format(log=log.with_name("*.ndjson")))
    with running(command, daemon):
        sink = made("file", path=str(log), max_size="64KiB", keep=99)
        for start in range(1, 801, 40):
            sink.deliver(rendered(*range(start, start + 40)))
            until(lambda: len(daemon.received()) >= start + 39, "the lines")  # noqa: B023
        sink.close()
    assert len(list(log.parent.iterdir())) > 3
    assert [one["seq"] for one in messages(daemon)] == list(range(1, 801))
