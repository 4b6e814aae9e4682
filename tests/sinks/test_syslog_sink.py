"""The syslog sink: RFC 5424 by the letter, and what each transport promises."""

from __future__ import annotations

import errno
import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sink_support import STREAM, Shelf, event, line, made, rendered, seqs, until
from syslog_support import Server, bound, bound_unix, deframed, free_port, parsed, port_of

from mdeinspect.formats import native
from mdeinspect.model import Severity
from mdeinspect.sinks import SinkError, _rfc5424, _transport
from mdeinspect.sinks import delivery as delivery_module
from mdeinspect.sinks.delivery import Delivery
from mdeinspect.sinks.syslog import SyslogSink

DGRAM, STREAM_KIND = socket.SOCK_DGRAM, socket.SOCK_STREAM


@pytest.fixture
def tcp() -> Iterator[Server]:
    """A TCP server on loopback."""
    with Server(bound(STREAM_KIND)) as server:
        yield server


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits that end within a test."""
    monkeypatch.setattr(_transport, "WRITE_SECONDS", 0.3)
    monkeypatch.setattr(_transport, "CONNECT_SECONDS", 2.0)


def to(server: Server, transport: str, **more: Any) -> SyslogSink:
    """A sink that sends to this server."""
    options = {"host": "127.0.0.1", "port": port_of(server.listener), **more}
    sink = made("syslog", transport=transport, **options)
    assert isinstance(sink, SyslogSink)
    return sink


def numbers(messages: list[str]) -> list[int]:
    """The numbers of the events in these messages, each of which must be by the RFC."""
    return seqs([parsed(one)["msg"] for one in messages])


def arrived(server: Server, count: int) -> list[int]:
    """The numbers of the events once so many messages have come."""
    until(lambda: len(server.messages) >= count, f"{count} messages")
    return numbers(server.messages)


# --- the message ----------------------------------------------------------------------------------


def header(found: Any, **more: Any) -> str:
    """The header of one event."""
    options = {"facility": 16, "app_name": "mdeinspect", "pid": 812, "structured": False, **more}
    return _rfc5424.header(found, **options)


def test_the_parts_of_a_message() -> None:
    """Time and host are the event's own, the message id is its type, the message is the line."""
    found = event(7, severity="high")
    text = native.render(found, 6)
    assert parsed(header(found) + text) == {
        "pri": str(16 * 8 + 3),
        "version": "1",
        "timestamp": found["time"],
        "hostname": "web-07",
        "app_name": "mdeinspect",
        "procid": "812",
        "msgid": "finding.raised",
        "data": "-",
        "msg": text,
    }


@pytest.mark.parametrize(
    ("severity", "number"),
    [("critical", 2), ("high", 3), ("medium", 4), ("low", 5), ("info", 6)],
)
def test_severities(severity: str, number: int) -> None:
    """critical, error, warning, notice, informational; the facility counts eight-fold."""
    assert parsed(header(event(1, severity=severity), facility=3))["pri"] == str(24 + number)


def test_structured_data_carries_what_removes_doubles() -> None:
    """Where it is asked for, id and seq stand in structured data as well."""
    found = parsed(header(event(7), structured=True))
    assert found["data"] == f'[mdeinspect@32473 id="{STREAM}-7" seq="7"]'


def test_structured_data_is_escaped() -> None:
    """Quotes, backslashes and closing brackets in a value cannot end it."""
    found = parsed(header({**event(7), "id": 'a"b\\c]d'}, structured=True))
    assert found["data"] == r'[mdeinspect@32473 id="a\"b\\c\]d" seq="7"]'


@given(
    found=st.fixed_dictionaries(
        {},
        optional={
            name: st.text() | st.none() | st.integers()
            for name in ("time", "id", "seq", "type", "severity")
        }
        | {"host": st.fixed_dictionaries({"name": st.text() | st.none()}) | st.none()},
    ),
    structured=st.booleans(),
)
def test_whatever_an_event_holds_its_header_is_by_the_rfc(found: Any, structured: bool) -> None:
    """No host name, type or id can break the header or slip something into it."""
    assert parsed(header(found, structured=structured) + "{}")["msg"] == "{}"


def test_a_line_too_large_for_its_transport_loses_its_largest_parts_and_says_so() -> None:
    """What cannot be sent whole is sent smaller, still JSON, id and time last to go."""
    found = event(7, data={"text": "x" * 5000})
    smaller = json.loads(_rfc5424.smaller(native.render(found, 6)) or "")
    assert smaller.pop("truncated") is True
    assert smaller == {key: value for key, value in found.items() if key != "data"} | {"prev": 6}
    text: str | None = native.render(found, 6)
    for _ in range(30):
        assert text is not None
        text = _rfc5424.smaller(text)
        if text is None:
            break
    assert text is None


# --- unix -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [DGRAM, STREAM_KIND])
def test_a_local_socket_gets_every_line(tmp_path: Path, kind: socket.SocketKind) -> None:
    """Datagrams or a stream, whichever the daemon offers."""
    path = tmp_path / "log"
    with Server(bound_unix(kind, path)) as server:
        sink = made("syslog", path=str(path))
        sink.deliver(rendered(*range(1, 51)))
        sink.deliver(rendered(51))
        assert arrived(server, 51) == list(range(1, 52))
        sink.close()
    assert parsed(server.messages[0])["procid"] == str(os.getpid())


@pytest.mark.parametrize("kind", [DGRAM, STREAM_KIND])
def test_a_daemon_that_restarts_is_found_again(tmp_path: Path, kind: socket.SocketKind) -> None:
    """While the daemon is away lines are errors to be tried again, then they arrive."""
    path = tmp_path / "log"
    sink = made("syslog", path=str(path))
    with pytest.raises(SinkError, match=str(path)):
        sink.deliver(rendered(1))
    with Server(bound_unix(kind, path)) as first:
        sink.deliver(rendered(1))
        arrived(first, 1)
    with pytest.raises(SinkError):
        sink.deliver(rendered(2))
    path.unlink()
    with Server(bound_unix(kind, path)) as second:
        sink.deliver(rendered(2))
        assert arrived(second, 1) == [2]
        sink.close()


def test_a_local_daemon_that_does_not_read_is_an_error_and_nothing_is_doubled(
    tmp_path: Path,
) -> None:
    """A full socket holds the sink for a bounded time; what went in before goes only once."""
    path = tmp_path / "log"
    batch = rendered(*range(1, 2001))
    with Server(bound_unix(DGRAM, path)) as server:
        sink = made("syslog", path=str(path))
        server.reading.clear()
        with pytest.raises(SinkError):
            sink.deliver(batch)
        server.reading.set()
        sink.deliver(list(batch))
        assert arrived(server, 2000) == list(range(1, 2001))
        sink.close()


def test_a_line_that_the_local_socket_refuses_goes_smaller(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where datagrams are small, as on macOS, an event arrives without its details."""
    sent: list[str] = []

    class Small:
        may_have_lost = False

        def begin(self) -> None: ...
        def finish(self) -> None: ...
        def tend(self) -> None: ...
        def close(self) -> None: ...
        def send(self, message: bytes) -> None:
            if len(message) > 2048:
                raise OSError(errno.EMSGSIZE, os.strerror(errno.EMSGSIZE))
            sent.append(message.decode())

    sink = made("syslog")
    assert isinstance(sink, SyslogSink)
    monkeypatch.setattr(sink, "_transport", Small())
    sink.deliver(rendered(1, 2, data={"text": "x" * 5000}))
    assert numbers(sent) == [1, 2]
    assert json.loads(parsed(sent[0])["msg"])["truncated"] is True


# --- UDP ------------------------------------------------------------------------------------------


def test_udp_sends_one_datagram_for_each_line() -> None:
    """Every datagram is one whole message."""
    with Server(bound(DGRAM)) as server:
        sink = to(server, "udp", structured_data=True, facility="daemon")
        sink.deliver(rendered(*range(1, 51)))
        assert arrived(server, 50) == list(range(1, 51))
        sink.close()


def test_udp_notices_that_nobody_listens() -> None:
    """A refusal that comes back is an error; once somebody listens, the lines go again."""
    port = free_port(DGRAM)
    sink = made("syslog", transport="udp", host="127.0.0.1", port=port)
    for _ in range(3):
        with pytest.raises(SinkError, match="udp://127"):
            sink.deliver(rendered(1, 2))
    with Server(bound(DGRAM, port)) as server:
        sink.deliver(rendered(1, 2))
        assert arrived(server, 2) == [1, 2]
        sink.close()


def test_a_host_that_has_no_address_is_an_error_to_be_tried_again() -> None:
    """A name that cannot be looked up may be there later."""
    for transport in ("udp", "tcp"):
        sink = made("syslog", transport=transport, host="no-such-host.invalid")
        with pytest.raises(SinkError, match="no-such-host"):
            sink.deliver(rendered(1))


# --- TCP ------------------------------------------------------------------------------------------


def test_tcp_counts_octets(tcp: Server) -> None:
    """Each message is preceded by its length in bytes, and one connection takes them all."""
    sink = to(tcp, "tcp")
    for start in range(1, 101, 10):
        sink.deliver(rendered(*range(start, start + 10)))
    assert arrived(tcp, 100) == list(range(1, 101))
    sink.close()
    until(lambda: tcp.rests, "the end of the connection")
    assert (len(tcp.connections), tcp.rests) == (1, [b""])


def test_a_server_that_is_down_is_an_error_and_gets_everything_later() -> None:
    """Nobody listening: tried again; then the same lines arrive once."""
    port = free_port()
    sink = made("syslog", transport="tcp", host="127.0.0.1", port=port)
    for _ in range(3):
        with pytest.raises(SinkError, match=f"tcp://127.0.0.1:{port}"):
            sink.deliver(rendered(1, 2))
    with Server(bound(STREAM_KIND, port)) as server:
        sink.deliver(rendered(1, 2))
        assert arrived(server, 2) == [1, 2]
        sink.close()


def test_after_a_reconnect_the_last_lines_come_again_with_equal_ids(tcp: Server) -> None:
    """A cut is noticed before writing; what was sent last is sent again, as it was."""
    sink = to(tcp, "tcp")
    sink.deliver(rendered(1, 2))
    arrived(tcp, 2)
    tcp.cut()
    until(lambda: len(tcp.rests) == 1, "the cut")
    sink.deliver(rendered(3))
    assert arrived(tcp, 5) == [1, 2, 1, 2, 3]
    assert tcp.connections[0] == tcp.connections[1][:2]
    sink.close()


def test_only_the_last_half_minute_is_sent_again(
    tcp: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counted back from the newest line, however long ago that was: a cut may be noticed late."""
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    sink = to(tcp, "tcp")
    for seq in range(1, 8):
        sink.deliver(rendered(seq))
        now[0] += 10
    monkeypatch.undo()
    arrived(tcp, 7)
    tcp.cut()
    until(lambda: len(tcp.rests) == 1, "the cut")
    monkeypatch.setattr(time, "monotonic", lambda: 90_000.0)
    sink.deliver(rendered(8))
    monkeypatch.undo()
    assert arrived(tcp, 12)[7:] == [4, 5, 6, 7, 8]
    sink.close()


def test_what_was_sent_again_counts_from_then(tcp: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that stalls and cuts more than once, half a minute apart, still loses nothing."""
    now = [1000.0]
    sink = to(tcp, "tcp")
    for seq, cuts in ((1, 1), (2, 2), (3, 3), (4, 0)):
        monkeypatch.setattr(time, "monotonic", lambda: now[0])
        sink.deliver(rendered(seq))
        monkeypatch.undo()
        until(lambda seq=seq: seq in numbers(tcp.messages), "the line")
        if cuts:
            tcp.cut()
            until(lambda cuts=cuts: len(tcp.rests) == cuts, "the cut")
        now[0] += 20
    assert numbers(tcp.messages) == [1, 1, 2, 1, 2, 3, 1, 2, 3, 4]
    sink.close()


def test_what_is_sent_again_is_bounded(tcp: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """However much was sent within the half minute, only so much of it is kept."""
    monkeypatch.setattr(_transport, "RESEND_BYTES", 10_000)
    sink = to(tcp, "tcp")
    sink.deliver(rendered(*range(1, 201)))
    arrived(tcp, 200)
    tcp.cut()
    until(lambda: len(tcp.rests) == 1, "the cut")
    sink.deliver(rendered(201))
    until(lambda: 201 in numbers(tcp.messages), "the last line")
    again = numbers(tcp.connections[1])
    assert again == list(range(again[0], 202))
    assert 1 < len(again) < 40
    sink.close()


@pytest.mark.parametrize("limit", [0, 1, 700, 5_000, 20_011])
def test_a_server_that_keeps_cutting_loses_nothing_in_the_end(
    limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cut at any byte again and again: once the server behaves, every line has arrived whole."""
    monkeypatch.setattr(delivery_module, "FIRST_DELAY", 0.005)
    monkeypatch.setattr(delivery_module, "LONGEST_DELAY", 0.02)
    shelf = Shelf(*map(line, range(1, 301)))
    with Server(bound(STREAM_KIND), limit=limit) as server:
        stop = threading.Event()
        sink = to(server, "tcp")
        one = Delivery("s", sink, native.render, Severity.INFO, shelf.read, shelf.acknowledge, stop)
        one.start()

        def more() -> bool:
            shelf.lines.append(line(len(shelf.lines) + 1))
            one.wake()
            return False

        until(lambda: len(server.rests) > 3 or more(), "some cuts")
        server.limit = None
        server.cut()
        more()
        every = set(range(1, len(shelf.lines) + 1))
        until(lambda: shelf.acknowledged[-1:] == [len(every)], "the last acknowledgement")
        one.wake()
        until(lambda: set(numbers(server.messages)) == every, "every line")
        stop.set()
        assert one.join(20)
    by_id: dict[int, set[str]] = {}
    for message in server.messages:
        by_id.setdefault(numbers([message])[0], set()).add(message)
    assert all(len(same) == 1 for same in by_id.values())  # sent again as it was


def test_a_server_that_does_not_read_holds_the_sink_for_a_bounded_time(tcp: Server) -> None:
    """A full connection is an error after a while; afterwards everything is there, whole."""
    sink = to(tcp, "tcp")
    sink.deliver(rendered(1))
    arrived(tcp, 1)
    tcp.reading.clear()
    batch = rendered(*range(2, 2502), data={"text": "x" * 7000})
    with pytest.raises(SinkError):
        sink.deliver(batch)
    tcp.reading.set()
    for _ in range(50):
        try:
            sink.deliver(list(batch))
            break
        except SinkError:
            continue
    until(lambda: set(numbers(tcp.messages)) == set(range(1, 2502)), "every line")
    sink.close()


def test_a_cut_is_noticed_in_quiet_times_and_once_only(tcp: Server) -> None:
    """Lines on a connection that was cut come again before the next event, but not for ever."""
    sink = to(tcp, "tcp")
    sink.deliver(())
    assert tcp.connections == []  # nothing to look after, no connection
    sink.deliver(rendered(1, 2))
    arrived(tcp, 2)
    sink.deliver(())
    for _ in range(3):
        tcp.cut()
        until(lambda: len(tcp.rests) == len(tcp.connections), "the cut")
        sink.deliver(())
        assert arrived(tcp, 4) == [1, 2, 1, 2]
    sink.deliver(rendered(3))
    until(lambda: 3 in numbers(tcp.messages), "the next line")
    assert numbers(tcp.messages) == [1, 2, 1, 2, 1, 2, 3]
    assert len(tcp.connections) == 3
    sink.close()


def test_what_the_server_says_is_ignored(tcp: Server) -> None:
    """A server that talks is not taken for one that has gone."""
    sink = to(tcp, "tcp")
    sink.deliver(rendered(1))
    arrived(tcp, 1)
    tcp._open[0].sendall(b"welcome\n")
    sink.deliver(rendered(2))
    assert arrived(tcp, 2) == [1, 2]
    assert len(tcp.connections) == 1
    sink.close()


def test_the_servers_of_these_tests_see_a_bad_frame() -> None:
    """The parser of the tests itself: a wrong length is not read as a message."""
    assert deframed(b"5 hello3 hey2") == (["hello", "hey"], b"2")
    with pytest.raises(AssertionError, match="no frame"):
        deframed(b"4 hello")
