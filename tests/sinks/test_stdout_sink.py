"""Standard output: every line whole, and a reader that does not read holds nobody."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sink_support import PATIENCE, rendered, seqs

from mdeinspect.sinks import SinkError
from mdeinspect.sinks.stdout import StdoutSink

HERE = str(Path(__file__).parent)
# Writes until it is told to end, as the service does: one thread, a stop event, no join.
PROGRAM = f"""
import signal, sys, threading
sys.path.insert(0, {HERE!r})
from mdeinspect import sinks
from mdeinspect.sinks.delivery import Delivery
from sink_support import Shelf, line
stop = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: stop.set())
(one,) = sinks.chosen({{}}, stop)
shelf = Shelf(*(line(seq) for seq in range(1, int(sys.argv[1]) + 1)))
delivery = Delivery(one.name, one.sink, one.format, one.min_severity, shelf.read,
                    shelf.acknowledge, stop)
delivery.start()
print("ready", file=sys.stderr, flush=True)
stop.wait()
delivery.drain(0)
print(*shelf.acknowledged[-1:], file=sys.stderr, flush=True)
"""


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """A pipe; its ends may be closed by the test."""
    ends = os.pipe()
    yield ends
    for end in ends:
        with contextlib.suppress(OSError):
            os.close(end)


def drained(reader: int) -> str:
    """All that is in the pipe now."""
    os.set_blocking(reader, False)
    found = b""
    try:
        while piece := os.read(reader, 65536):
            found += piece
    except BlockingIOError:
        pass
    return found.decode()


def filled(writer: int) -> int:
    """Fill the pipe to the last byte; how many went in."""
    os.set_blocking(writer, False)
    count = 0
    try:
        while True:
            count += os.write(writer, b"\n" * 4096)
    except BlockingIOError:
        os.set_blocking(writer, True)
        return count


def test_each_line_is_written_whole(pipe: tuple[int, int]) -> None:
    """One event, one line, at once, without a buffer in between."""
    reader, writer = pipe
    sink = StdoutSink(threading.Event(), writer)
    sink.deliver(rendered(1, 2))
    assert seqs(drained(reader)) == [1, 2]
    sink.deliver(rendered(3))
    assert seqs(drained(reader)) == [3]


def test_a_reader_that_has_gone_is_an_error(pipe: tuple[int, int]) -> None:
    """A closed pipe is told, and does not end the process by a signal."""
    reader, writer = pipe
    os.close(reader)
    with pytest.raises(SinkError, match="standard output"):
        StdoutSink(threading.Event(), writer).deliver(rendered(1))


def test_a_line_that_was_begun_is_finished_first(pipe: tuple[int, int]) -> None:
    """Blocked in the middle of a line, the retry goes on there: nothing is torn or doubled."""
    reader, writer = pipe
    sink = StdoutSink(threading.Event(), writer, patience=1)
    os.write(writer, b"\n")  # one page of the pipe: an odd number is left for lines of two
    batch = rendered(*range(1, 61), data={"text": "x" * 5000})
    text = ""
    for _ in range(100):
        try:
            sink.deliver(list(batch))
            break
        except SinkError:
            text += drained(reader)
    else:
        pytest.fail("never got through")
    assert not text.endswith("\n")  # it was blocked in the middle of a line
    assert seqs((text + drained(reader)).strip()) == list(range(1, 61))


def test_another_batch_after_a_torn_line_still_begins_on_its_own_line(
    pipe: tuple[int, int],
) -> None:
    """Whatever comes next, the line that was begun ends first."""
    reader, writer = pipe
    sink = StdoutSink(threading.Event(), writer, patience=1)
    os.write(writer, b"\n")
    with pytest.raises(SinkError):
        sink.deliver(rendered(*range(1, 61), data={"text": "x" * 5000}))
    text = drained(reader)
    sink.deliver(rendered(99))
    assert not text.endswith("\n")
    found = seqs((text + drained(reader)).strip())
    assert found == [*range(1, found[-2] + 1), 99]


def test_stop_ends_the_wait_for_a_reader(pipe: tuple[int, int]) -> None:
    """When the service ends, a sink that waits for its reader gives up."""
    _, writer = pipe
    filled(writer)
    stop = threading.Event()
    stop.set()
    with pytest.raises(SinkError, match="the service ends"):
        StdoutSink(stop, writer, patience=25).deliver(rendered(1))


def test_a_descriptor_that_does_not_block_is_waited_for(pipe: tuple[int, int]) -> None:
    """Whoever started us may have left standard output in non-blocking mode."""
    reader, writer = pipe
    filled(writer)
    os.set_blocking(writer, False)
    sink = StdoutSink(threading.Event(), writer)
    thread = threading.Thread(target=sink.deliver, args=(rendered(1),), daemon=True)
    thread.start()
    os.set_blocking(reader, True)
    found = b""
    while b"}\n" not in found:
        found += os.read(reader, 4096)
    thread.join(PATIENCE)
    assert seqs(found.decode().strip()) == [1]


@pytest.mark.parametrize("count", [20_000, 10])
def test_a_reader_that_never_reads_does_not_hold_the_process(count: int) -> None:
    """A blocked pipe and SIGTERM: the process ends, by itself and with 0."""
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(count)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        try:
            assert process.stderr.readline() == "ready\n"
            process.send_signal(signal.SIGTERM)
            assert process.wait(PATIENCE) == 0
        finally:
            process.kill()


def test_what_is_acknowledged_has_been_written() -> None:
    """Everything the service counts as handed over comes out at the other end."""
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, "1000"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            lines = [process.stdout.readline() for _ in range(1000)]
            process.send_signal(signal.SIGTERM)
            assert process.wait(PATIENCE) == 0
        finally:
            process.kill()
        assert seqs(lines) == list(range(1, 1001))
        assert [json.loads(one)["prev"] for one in lines] == [None, *range(1, 1000)]
