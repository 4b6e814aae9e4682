"""rsyslog and syslog-ng with the configurations of packaging/shippers, on places of a test.

Of a shipped configuration only addresses and folders are replaced; each must occur in it.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from sink_support import PATIENCE, until
from syslog_support import free_port

SHIPPERS = Path(__file__).resolve().parents[2] / "packaging" / "shippers"
PATHS = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])
# As Debian's rsyslog.conf, with the one line that the limits ask for and no sources of the system.
RSYSLOG = """\
global(maxMessageSize="16k")
module(load="imuxsock" SysSock.Use="off")
global(workDirectory="{folder}")
include(file="{parts}/*.conf")
"""
SYSLOG_NG = """\
@version: {version}
options {{ use-dns(no); stats-freq(0); flush-lines(1); }};
@include "{parts}/*.conf"
"""


@dataclass
class Place:
    """Where a daemon of a test reads, listens and writes."""

    folder: Path
    port: int = field(default_factory=free_port)

    @property
    def log(self) -> Path:
        """The file that mdeinspect writes."""
        return self.folder / "log" / "events.ndjson"

    @property
    def socket(self) -> Path:
        """The local socket."""
        return self.folder / "mdeinspect.sock"

    @property
    def output(self) -> Path:
        """The folder of what was received."""
        return self.folder / "received"

    def lines(self, host: str = "*") -> list[str]:
        """Every whole line received from a host, from all of them unless named."""
        found: list[str] = []
        for file in sorted(self.output.glob(f"{host}.ndjson")):
            found += file.read_text().split("\n")[:-1]
        return found

    def events(self, host: str = "*") -> list[dict[str, Any]]:
        """The same as objects."""
        return [json.loads(line) for line in self.lines(host)]

    def rest(self) -> str:
        """What was received and is no event."""
        file = self.output / "not-json.log"
        return file.read_text() if file.exists() else ""


Kind = Callable[[Place], list[str]]


def rsyslog(place: Place) -> list[str]:
    """rsyslogd with all that is shipped for it."""
    found = program("rsyslogd")
    parts = _shipped(place, "rsyslog", '"6514"', f'"{place.port}"')
    config = place.folder / "rsyslog.conf"
    config.write_text(RSYSLOG.format(folder=place.folder, parts=parts))
    subprocess.run(
        [found, "-N1", "-f", str(config)], check=True, capture_output=True, timeout=PATIENCE
    )
    return [found, "-n", "-f", str(config), "-i", str(place.folder / "pid")]


def syslog_ng(place: Place) -> list[str]:
    """syslog-ng with all that is shipped for it."""
    found = program("syslog-ng")
    told = subprocess.run(
        [found, "--version"], capture_output=True, text=True, timeout=PATIENCE, check=True
    )
    version = next(
        line.split(":")[1].strip()
        for line in told.stdout.splitlines()
        if line.startswith("Config version")
    )
    parts = _shipped(place, "syslog-ng", "port(6514)", f'port({place.port}) ip("127.0.0.1")')
    file = parts / "mdeinspect-file.conf"  # a destination has no address to listen on
    text = file.read_text().replace(' ip("127.0.0.1")', "")
    file.write_text(text.replace("disk-buffer(", f'disk-buffer(dir("{place.folder}") '))
    config = place.folder / "syslog-ng.conf"
    config.write_text(SYSLOG_NG.format(version=version, parts=parts))
    places = {"-f": config.name, "-p": "pid", "-c": "control", "-R": "persist"}
    flags = [part for flag, name in places.items() for part in (flag, str(place.folder / name))]
    return [found, "-F", "--no-caps", *flags]


@contextlib.contextmanager
def running(kind: Kind, place: Place) -> Iterator[subprocess.Popen[bytes]]:
    """A daemon in the foreground, from the moment it listens to its end."""
    place.log.parent.mkdir(exist_ok=True)
    command = kind(place)
    said = place.folder / "diagnostics"
    with (
        said.open("ab") as out,
        subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=place.folder
        ) as process,
    ):
        try:
            until(lambda: process.poll() is not None or _listens(place), "the daemon")
            assert process.poll() is None, said.read_text()
            yield process
        finally:
            process.terminate()
            try:
                process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()


def program(name: str) -> str:
    """Where a daemon is installed; skips where it is not."""
    found = shutil.which(name, path=PATHS)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


def _listens(place: Place) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", place.port)) == 0 and place.socket.exists()


def _shipped(place: Place, shipper: str, port: str, here: str) -> Path:
    """A copy of the shipped configuration, on the places of a test; the folder of its parts."""
    changes = {
        "/var/log/mdeinspect-received": str(place.output),
        "/var/log/mdeinspect": str(place.log.parent),
        "/run/mdeinspect.sock": str(place.socket),
        "siem.example.org": "127.0.0.1",
        port: here,
    }
    parts = place.folder / "conf.d"
    parts.mkdir(exist_ok=True)
    seen: set[str] = set()
    for file in sorted((SHIPPERS / shipper).glob("*.conf")):
        text = file.read_text()
        for old, new in changes.items():
            seen |= {old} if old in text else set()
            text = text.replace(old, new)
        (parts / file.name).write_text(text)
    assert seen == set(changes), f"no longer in packaging/shippers/{shipper}: {set(changes) - seen}"
    return parts
