"""The installed stand-in answers like `mdatp`: run as a program, by the state of the moment."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mdeinspect.documents.health import parse_details, parse_health, parse_version
from mdeinspect.simulator.host import SimulatedHost

PATIENCE = 20.0


@pytest.fixture
def host(tmp_path: Path) -> SimulatedHost:
    """A Linux host in a folder whose name needs quoting."""
    return SimulatedHost(tmp_path / "it's a host", "linux")


@pytest.fixture
def program(host: SimulatedHost, tmp_path: Path) -> Path:
    """Its stand-in."""
    return host.install(tmp_path / "mdatp")


def run(program: Path, *args: str, timeout: float = PATIENCE) -> subprocess.CompletedProcess[bytes]:
    """As a service runs it: a clean environment, another folder, no stdin."""
    return subprocess.run(
        [str(program), *args],
        capture_output=True,
        check=False,
        timeout=timeout,
        cwd="/",
        env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"},
        stdin=subprocess.DEVNULL,
    )


def test_it_prints_what_is_recorded(host: SimulatedHost, program: Path) -> None:
    """Live and recorded answers are the same, byte for byte."""
    host.managed({"antivirusEngine": {"enforcementLevel": "real_time"}})
    commands = host.record() / "commands"
    for name, args in {
        "health-json": "health --output json",
        "health-text": "health",
        "health-details-antivirus": "health --details antivirus",
        "version": "version",
        "exclusion-list": "exclusion list",
        "threat-allowed-list": "threat allowed list",
    }.items():
        said = run(program, *args.split())
        assert said.stdout == (commands / f"{name}.stdout").read_bytes()
        assert (said.stderr, said.returncode) == (b"", 0)


def test_it_follows_the_files(host: SimulatedHost, program: Path) -> None:
    """Policy that arrives now counts at the next call, without recording anything."""
    ask = ("health", "--field", "real_time_protection_enabled")
    assert run(program, *ask).stdout == b"false\n"
    host.managed({"antivirusEngine": {"enforcementLevel": "real_time"}})
    assert run(program, *ask).stdout == b"true [managed]\n"


def test_it_can_be_run_as_a_module(host: SimulatedHost) -> None:
    """`python -m mdeinspect.simulator --host DIR ...`; no host there is an error of usage."""
    call = [sys.executable, "-m", "mdeinspect.simulator", "--host"]
    said = subprocess.run([*call, str(host.folder), "version"], capture_output=True, check=True)
    assert parse_version(said.stdout) == "101.25082.0003"
    lost = subprocess.run([*call, str(host.folder / "none"), "version"], capture_output=True)
    bare = subprocess.run(call[:3], capture_output=True)
    assert (lost.returncode, bare.returncode) == (2, 2)


def test_it_is_a_program(program: Path) -> None:
    """Executable, and its own name for nobody else."""
    assert os.access(program, os.X_OK)
    said = run(program, "health", "--details", "definitions")
    assert parse_details(said.stdout).value("definitions_status") == "up_to_date"


@pytest.mark.parametrize(
    "args",
    [
        ("health", "--details", "nonsense"),
        ("health", "--field", "nonsense"),
        ("config", "real-time-protection", "--value", "disabled"),
        (),
    ],
)
def test_it_refuses_what_it_does_not_know(program: Path, args: tuple[str, ...]) -> None:
    """Verbs that would change something above all."""
    said = run(program, *args)
    assert said.returncode != 0
    assert said.stdout == b""


def test_a_stopped_daemon_is_an_error(host: SimulatedHost, program: Path) -> None:
    """A word on stderr, and a status that is not 0."""
    host.daemon("down")
    said = run(program, "health", "--output", "json")
    assert said.returncode != 0
    assert said.stdout == b""
    assert said.stderr


def test_garbage_is_garbage(host: SimulatedHost, program: Path) -> None:
    """Status 0, and nothing that could be read."""
    host.daemon("garbage")
    said = run(program, "health", "--output", "json")
    assert said.returncode == 0
    with pytest.raises(Exception, match="cannot"):
        parse_health(said.stdout)


def test_a_slow_daemon_takes_its_time(host: SimulatedHost, program: Path) -> None:
    """Longer than anybody waits, or as long as it was told to."""
    host.daemon("slow")
    with pytest.raises(subprocess.TimeoutExpired):
        run(program, "health", timeout=1.0)
    host.daemon("slow", slow_seconds=0.2)
    assert parse_health(run(program, "health").stdout).value("healthy") is True
