"""Diagnostics never stop the service, and say what they had to leave out."""

from __future__ import annotations

import json
import os
import subprocess
import sys

from mdeinspect.service.diagnostics import MOST, Stderr


def test_a_pipe_that_nobody_reads_stops_nobody() -> None:
    """A full pipe takes no more lines; the first one that finds room again tells how many."""
    ear, mouth = os.pipe()
    try:
        stderr, line = Stderr(mouth), "x" * 1000 + "\n"
        for _ in range(200):
            stderr.write(line)
        read = os.read(ear, 1024 * 1024)
        kept = read.count(b"\n")
        assert read == line.encode() * kept
        stderr.write("again\n")
        told, again = os.read(ear, 65536).splitlines()
        assert json.loads(told) == {"event": "diagnostics dropped", "count": 200 - kept}
        assert again == b"again"
    finally:
        os.close(ear)
        os.close(mouth)


def test_a_long_line_is_cut_to_what_a_pipe_takes_at_once() -> None:
    """One write never waits for a reader half way."""
    ear, mouth = os.pipe()
    try:
        Stderr(mouth).write("é" * MOST + "\n")
        read = os.read(ear, 1024 * 1024)
        assert len(read) <= MOST
        assert read.endswith(b"...\n")
    finally:
        os.close(ear)
        os.close(mouth)


def test_a_closed_standard_error_is_no_error() -> None:
    """Neither is one whose reader has gone: what nobody could take is counted, and that is all."""
    ear, mouth = os.pipe()
    os.close(ear)
    stderr = Stderr(mouth)
    stderr.write("nobody\n")
    os.close(mouth)
    stderr.write("nowhere\n")
    assert stderr._dropped == 2


def test_lines_are_json() -> None:
    """What a person or a log collector finds on stderr: one object a line, with time and level."""
    code = (
        "import structlog; from mdeinspect.service import diagnostics as d; d.configure();"
        "structlog.get_logger().warning('watcher died', mode='events')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    told = json.loads(done.stderr)
    assert (told["event"], told["level"], told["mode"]) == ("watcher died", "warning", "events")
    assert "timestamp" in told
