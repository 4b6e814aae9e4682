"""Every format: nothing is lost, nothing is too large, whatever a host has to tell."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contract_check import HOST, STREAM
from hostile import events
from inverse import INVERSE
from mdeinspect import formats
from mdeinspect.events import Event, native
from mdeinspect.fitting import MARK, cut, is_cut, line
from mdeinspect.sinks import Rendered, make
from mdeinspect.sinks._rfc5424 import smaller
from oracles import ecs_faults, ocsf_fault
from played import every, examples
from support import NOW

pytestmark = pytest.mark.slow
NAMES = sorted(formats.load())
PLENTY = settings(suppress_health_check=list(HealthCheck), deadline=None, max_examples=30)


def cuts(found: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """An event, and what is left of it cut by cut."""
    smaller: dict[str, Any] | None = found
    while smaller is not None:
        yield smaller
        smaller = cut(smaller)


def test_every_format_has_its_inverse() -> None:
    """A format that is added is proven here, or this fails."""
    assert sorted(INVERSE) == NAMES == ["ecs", "flat", "native", "ocsf"]


@pytest.mark.parametrize("name", NAMES)
def test_every_real_event_comes_back_whole(name: str) -> None:
    """From the line alone the native object is got back, equal in all it says."""
    for number, found in enumerate(every()):
        prev = number or None
        assert INVERSE[name](formats.get(name)(found, prev)) == (found, prev)


@pytest.mark.parametrize("name", NAMES)
@PLENTY
@given(found=events(), prev=st.none() | st.integers(1, 2**53))
def test_hostile_events_are_cut_and_nothing_else(
    name: str, found: dict[str, Any], prev: int | None
) -> None:
    """One line of ASCII JSON below 8 KB, and back comes the event, or the event cut and flagged."""
    text = formats.get(name)(found, prev)
    assert text.isascii()
    assert not set(text) & {"\n", "\r", "\x00", "\x1b"}
    assert len(text) + 1 < formats.LIMIT
    assert isinstance(json.loads(text), dict)
    text.encode("utf-8")
    json.loads(text.encode()).__repr__().encode("utf-8")  # no lone surrogate, however escaped
    assert STREAM in text[:256]
    assert found["id"] in text[:256]
    back, seen = INVERSE[name](text)
    assert seen == prev
    assert any(back == one for one in cuts(found))
    assert back == found or back["truncated"] is True
    if len(line(found)) < 3000:
        assert back == found, "cut without need"


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", sorted(examples()))
def test_an_event_of_which_only_the_frame_is_left(name: str, kind: str) -> None:
    """Data that was cut as a whole is still a valid line of every format, and says so."""
    mark = {"truncated": True, "digest": "sha256:0123456789ab", "start": '{"a":'}
    found = {**examples()[kind], "data": mark, "evidence": mark, "truncated": True}
    assert is_cut(mark)
    text = formats.get(name)(found, 1)
    assert INVERSE[name](text) == (found, 1)
    assert name != "ecs" or ecs_faults(json.loads(text)) == []
    assert name != "ocsf" or ocsf_fault(json.loads(text)) is None


@pytest.mark.parametrize("name", NAMES)
def test_time_comes_first(name: str) -> None:
    """A reader that looks at the beginning of a line finds its time: ISO 8601 or milliseconds."""
    for found in every():
        text = formats.get(name)(found, 1)
        first = next(iter(json.loads(text).values()))
        assert text.index(str(first)) < 32
        assert first == found["time"] or isinstance(first, int)


@pytest.mark.parametrize("name", NAMES)
def test_no_two_files_begin_alike(name: str) -> None:
    """Shippers know files by their first 256 bytes: those differ even for one event told twice."""
    (found, *_) = every()
    again = {**found, "id": f"{STREAM}-{found['seq'] + 1}", "seq": found["seq"] + 1}
    heads = {formats.get(name)(one, None)[:256] for one in (found, again)}
    assert len(heads) == 2


@pytest.mark.parametrize("name", NAMES)
def test_the_first_line_of_a_file_is_filled_up_and_still_whole(name: str, tmp_path: Path) -> None:
    """Filebeat wants 1024 bytes of a new file; blanks inside the object change nothing."""
    small = min(every(), key=lambda one: len(line(one)))
    text = formats.get(name)(small, None)
    path = tmp_path / "events.ndjson"
    sink = make("siem", {"type": "file", "path": str(path), "format": name})
    sink.deliver([Rendered(text, small), Rendered(text, small)])
    sink.close()
    first, second = path.read_bytes().splitlines(keepends=True)
    assert 1024 < len(first) < formats.LIMIT
    assert json.loads(first) == json.loads(second) == json.loads(text)
    assert INVERSE[name](first.decode()) == (small, None)


@pytest.mark.parametrize("name", NAMES)
@PLENTY
@given(found=events())
def test_what_a_small_datagram_takes_still_has_its_id(name: str, found: dict[str, Any]) -> None:
    """macOS takes 2048 bytes on its local socket: less is told there, and it is known what of."""
    text: str | None = formats.get(name)(found, 1)
    while text is not None and len(text) > 1900:
        text = smaller(text)
    assert text is not None
    assert found["id"] in text[:256]


# --- cutting ------------------------------------------------------------------------------------


@PLENTY
@given(found=events())
def test_cutting_ends_and_each_cut_makes_smaller(found: dict[str, Any]) -> None:
    """However large, an event becomes small enough for every format in the end."""
    sizes = [len(line(one)) for one in cuts(found)]
    assert sizes == sorted(sizes, reverse=True)
    assert len(set(sizes)) == len(sizes)
    assert sizes[-1] < 5000


def test_what_is_cut_shows_its_beginning_and_its_digest() -> None:
    """A text stays a text, a list becomes a mark; the rest is untouched, and so is the original."""
    found = {"data": {"a": "x" * 3000, "b": ["y" * 50] * 20, "c": 1}, "evidence": []}
    once = cut(found)
    assert once is not None
    twice = cut(once)
    assert twice is not None
    assert once["data"]["a"].startswith("x" * 200 + " [cut sha256:")
    assert twice["data"]["b"].keys() == MARK
    assert is_cut(twice["data"]["b"])
    assert twice["data"]["b"]["start"].startswith('["yyy')
    assert (twice["data"]["c"], twice["truncated"]) == (1, True)
    assert cut(twice) is None
    assert len(found["data"]["a"]) == 3000


def test_equal_details_have_equal_digests_wherever_they_were_cut() -> None:
    """So a receiver can compare what it does not see."""
    one, other = ({"data": {"a": ["z" * 100] * 9, "n": n}, "evidence": []} for n in (1, 2))
    marks = [after["data"]["a"] for after in (cut(one), cut(other)) if after]
    assert marks[0] == marks[1]
    assert len(marks) == 2


def test_many_small_details_go_together() -> None:
    """Where no part stands out, the whole is cut."""
    found = {"data": {f"k{number}": "v" * 20 for number in range(400)}, "evidence": []}
    after = cut(found)
    assert after is not None
    assert is_cut(after["data"])


def test_a_long_subject_is_cut_the_same_in_every_event() -> None:
    """A subject identifies a finding: how it is cut depends on nothing else, and is flagged."""

    def told(subject: str, data: dict[str, Any]) -> dict[str, Any]:
        event = Event("finding.raised", NOW, data=data, code="a", subject=subject)
        return native(event, stream=STREAM, seq=1, host=HOST)

    long = "file:/" + "😀" * 500
    raised, cleared, other = told(long, {}), told(long, {"a": "x" * 9000}), told(long + "x", {})
    assert raised["subject"] == cleared["subject"] != other["subject"]
    assert len(json.dumps(raised["subject"])) <= 600
    assert raised["truncated"] is True
    plain = told("file:/etc/mdatp", {})
    assert plain["subject"] == "file:/etc/mdatp"
    assert "truncated" not in plain
