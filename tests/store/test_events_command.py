"""`mdeinspect events`: what is printed is what is kept."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from about_store import HOST, NOW, event, heartbeat, put
from click.testing import CliRunner, Result

from mdeinspect.cli import cli
from mdeinspect.events import Event
from mdeinspect.store.writer import Store


def run(folder: Path, *args: str) -> Result:
    """The command on a state folder."""
    return CliRunner().invoke(cli, ["--state", str(folder), "events", *args])


def start(folder: Path, *args: str) -> subprocess.Popen[str]:
    """The command as a process of its own."""
    command = [sys.executable, "-m", "mdeinspect", "--state", str(folder), "events", *args]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def seqs(result: Result) -> list[int]:
    """The numbers of what was printed as JSON."""
    assert result.exit_code == 0, result.output
    return [json.loads(line)["seq"] for line in result.output.splitlines()]


def test_all_of_them(folder: Path, store: Store) -> None:
    """`--json` prints every native line that is retained, by ascending number."""
    put(store, 700)
    assert seqs(run(folder, "--json")) == list(range(1, 701))
    store.retain(NOW + timedelta(days=2), timedelta(days=1), 2**26, [])
    put(store, 2)
    assert seqs(run(folder, "--json")) == [701, 702]


def test_none(folder: Path, store: Store) -> None:
    """A store without events prints nothing and is no error."""
    assert run(folder).output == ""
    assert run(folder, "--json").exit_code == 0


def test_selection(folder: Path, store: Store) -> None:
    """Time, type and code choose; an option given twice widens."""
    now = datetime.now(UTC)
    old = Event(type="policy.changed", time=now - timedelta(hours=3), code="other")
    store.commit({}, [old, Event(type="heartbeat", time=now), event()], HOST, NOW)
    assert seqs(run(folder, "--json", "--since", "1h", "--type", "heartbeat")) == [2]
    assert seqs(run(folder, "--json", "--since", "4h", "--code", "other")) == [1]
    assert seqs(run(folder, "--json", "--since", "999999d", "--code", "other")) == [1]
    wanted = ("--type", "heartbeat", "--type", "policy.changed")
    assert seqs(run(folder, "--json", *wanted)) == [1, 2]
    assert seqs(run(folder, "--json", "--since", now.isoformat(), *wanted)) == [2]


@pytest.mark.parametrize("since", ["yesterday", "", "5", "2026-11-22", "2026-11-22T11:04:00"])
def test_since_refused(folder: Path, store: Store, since: str) -> None:
    """A time without a zone, or none at all, is a usage error that shows how to write one."""
    result = run(folder, "--since", since)
    assert result.exit_code == 2
    assert "2026-11-22T11:04:00Z" in result.output


def test_readable(folder: Path, store: Store) -> None:
    """For a person one line an event, and nothing of the host reaches the terminal raw."""
    bad = Event(
        type="finding.raised",
        time=NOW,
        code="not-enforced",
        subject="file:/a\x1b[2J\nb\u202e",
        data={"title": "It is \x07 so"},
    )
    store.commit({}, [bad, heartbeat(), event(text="x" * 20_000)], HOST, NOW)
    lines = run(folder).output.splitlines()
    assert len(lines) == 3
    assert all(line.isprintable() for line in lines)
    for word in ("2026-11-22 11:04:00 UTC", "info", "finding.raised", "not-enforced", "It is "):
        assert word in lines[0]


def test_missing(folder: Path) -> None:
    """Without a store there is one clear line and exit code 3."""
    result = run(folder)
    assert result.exit_code == 3
    assert result.output.startswith(f"mdeinspect: cannot read the store in {folder}:")
    assert len(result.output.splitlines()) == 1


def test_recorded_host(folder: Path) -> None:
    """Asked about a recorded host it does not show the events of this machine."""
    result = CliRunner().invoke(cli, ["--root", str(folder), "events"])
    assert result.exit_code == 2


def test_follow(folder: Path, store: Store) -> None:
    """`--follow` prints what comes, and ends quietly when interrupted."""
    put(store, 2)
    with start(folder, "--json", "--follow") as child:
        assert child.stdout is not None
        assert child.stderr is not None
        assert [json.loads(child.stdout.readline())["seq"] for _ in range(2)] == [1, 2]
        put(store, 2)
        assert [json.loads(child.stdout.readline())["seq"] for _ in range(2)] == [3, 4]
        child.send_signal(signal.SIGINT)
        assert child.stderr.read() == ""
        assert child.wait(30) == 0


def test_broken_pipe(folder: Path, store: Store) -> None:
    """A reader that goes away is no fault."""
    for _ in range(20):
        put(store, 100, fill="x" * 1000)
    with start(folder, "--json") as child:
        assert child.stdout is not None
        assert child.stderr is not None
        assert json.loads(child.stdout.readline())["seq"] == 1
        child.stdout.close()
        assert child.stderr.read() == ""
        assert child.wait(30) == 141


def test_help_needs_no_store(folder: Path) -> None:
    """Help is there without a store."""
    result = run(folder, "--help")
    assert (result.exit_code, os.path.exists(folder)) == (0, False)
