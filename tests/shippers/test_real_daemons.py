"""The shipped configurations of rsyslog and syslog-ng, run: what is sent arrives, and untouched.

Debian's packages exclude each other: on one host, one half is skipped.
"""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

import pytest
import siem
from daemons import Kind, Place, rsyslog, running, syslog_ng
from sink_support import event, made, rendered, until

pytestmark = pytest.mark.slow


@pytest.fixture(params=[rsyslog, syslog_ng])
def kind(request: pytest.FixtureRequest) -> Kind:
    """Each of the daemons."""
    found: Kind = request.param
    return found


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """Places for one, with room above them for what would escape."""
    folder = tmp_path / "above" / "here"
    folder.mkdir(parents=True)
    return Place(folder)


def ids(found: list[dict[str, Any]]) -> list[str]:
    """The ids of events, in order."""
    return [one["id"] for one in found]


def test_the_file_is_picked_up_through_rotations(kind: Kind, place: Place) -> None:
    """Picked up, forwarded over TCP, received, written: each line of a rotating file, once."""
    sink = made("file", path=str(place.log), max_size="64KiB", keep=99)
    with running(kind, place):
        for start in range(1, 401, 40):
            sink.deliver(rendered(*range(start, start + 40)))
            until(lambda: len(place.lines()) >= start + 39, "the lines")  # noqa: B023
        sink.close()
    assert len(list(place.log.parent.iterdir())) > 1, "nothing was rotated"
    assert [one["seq"] for one in place.events()] == list(range(1, 401))
    assert place.events()[6] == {**event(7), "prev": 6}
    assert place.rest() == ""


def test_where_it_left_off_is_kept(kind: Kind, place: Place) -> None:
    """A restart sends nothing again, and what was written meanwhile is not lost."""
    sink = made("file", path=str(place.log))
    with running(kind, place):
        sink.deliver(rendered(*range(1, 11)))
        until(lambda: len(place.lines()) >= 10, "the first lines")
    sink.deliver(rendered(*range(11, 21)))
    with running(kind, place):
        sink.deliver(rendered(*range(21, 31)))
        until(lambda: len(place.lines()) >= 30, "all lines")
    sink.close()
    assert [one["seq"] for one in place.events()] == list(range(1, 31))


def test_what_is_rotated_away_while_it_is_down_is_lost_and_told(kind: Kind, place: Place) -> None:
    """The limit that both name: those lines never come, and the query for loss shows the gap."""
    first = made("file", path=str(place.log))
    with running(kind, place):
        first.deliver(rendered(*range(1, 6)))
        until(lambda: len(place.lines()) >= 5, "the first lines")
    first.deliver(rendered(*range(6, 11)))
    first.close()
    place.log.rename(place.log.with_name("events.ndjson.1"))
    second = made("file", path=str(place.log))
    with running(kind, place):
        second.deliver(rendered(*range(11, 16)))
        until(lambda: 15 in [one["seq"] for one in place.events()], "the last lines")
    second.close()
    assert [one["seq"] for one in place.events()] == [*range(1, 6), *range(11, 16)]
    (gap,) = siem.asked("loss", place.lines())
    assert (gap["last_received"], gap["missing"], gap["received"]) == (5, 10, 11)


@pytest.mark.parametrize("transport", ["tcp", "unix"])
def test_rfc_5424_is_received(kind: Kind, place: Place, transport: str) -> None:
    """The sink's own lines, byte for byte, in a file with the name of the event's host."""
    where = {"host": "127.0.0.1", "port": place.port}
    options = where if transport == "tcp" else {"path": str(place.socket)}
    sent = rendered(*range(1, 101))
    with running(kind, place):
        sink = made("syslog", transport=transport, **options)
        sink.deliver(sent)
        until(lambda: len(place.lines("web-07")) >= 100, "the lines")
        sink.close()
    assert place.lines("web-07") == [one.text for one in sent]
    assert place.rest() == ""


@pytest.mark.parametrize("way", ["tcp", "file"])
def test_the_largest_event_arrives_whole(kind: Kind, place: Place, way: str) -> None:
    """Nearly 8 KB, header included and with what the receiver makes of it."""
    data = {f"key{number}": "x" * 70 for number in range(90)}
    sent = rendered(1, data=data)
    assert 7000 < len(sent[0].text) < 8192
    with running(kind, place):
        if way == "tcp":
            sink = made("syslog", transport="tcp", host="127.0.0.1", port=place.port)
        else:
            sink = made("file", path=str(place.log))
        sink.deliver(sent)
        until(place.lines, "the line")
        sink.close()
    assert place.events() == [json.loads(sent[0].text)]


def test_what_is_no_event_is_set_apart(kind: Kind, place: Place, tmp_path: Path) -> None:
    """A line that is no JSON is kept apart; a host that is a path leads nowhere else."""
    wrong = b"<13>1 2026-11-22T11:04:00Z web-07 other - - - nobody expects this"
    path = b'<13>1 2026-11-22T11:04:00Z ../../escaped mdeinspect - - - {"id":"x"}'
    with running(kind, place):
        with socket.create_connection(("127.0.0.1", place.port)) as sender:
            for message in (wrong, path):
                sender.sendall(b"%d %s" % (len(message), message))
        sink = made("syslog", transport="tcp", host="127.0.0.1", port=place.port)
        sink.deliver(rendered(1))
        until(lambda: place.lines("web-07"), "the event")
        until(place.rest, "the rest")
        sink.close()
    assert "nobody expects this" in place.rest()
    assert ids(place.events("web-07")) == ids([event(1)])
    escaped = [one for one in tmp_path.rglob("*escaped*") if place.output not in one.parents]
    assert escaped == []
