"""`plain`: whatever a parser returned can be written as JSON."""

from __future__ import annotations

import json
import plistlib
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mdeinspect.documents import MAX_DEPTH, MAX_DIGITS, MAX_NODES, plain
from mdeinspect.plist import Data, Uid

EAST = timezone(timedelta(hours=2))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (float("nan"), "NaN"),
        (float("inf"), "Infinity"),
        (float("-inf"), "-Infinity"),
        (1.5, 1.5),
        (True, True),
        (None, None),
        (datetime(2026, 1, 2, 3, 4, 5), "2026-01-02T03:04:05Z"),
        (datetime(2026, 1, 2, 3, 4, 5, 600000, tzinfo=EAST), "2026-01-02T01:04:05.600000Z"),
        (datetime(1, 1, 1, tzinfo=UTC), "0001-01-01T00:00:00Z"),
        (b"abc", "<3 bytes>"),
        (Data(b""), "<0 bytes>"),
        (plistlib.UID(7), 7),
        (Uid(8), 8),
        ((1, (2,)), [1, [2]]),
        ({1: {"a": (b"",)}}, {"1": {"a": ["<0 bytes>"]}}),
        ("\ud800é", "\\ud800é"),
        ({"\udfff": 1}, {"\\udfff": 1}),
        (10**MAX_DIGITS, "<integer of 13288 bits>"),
        (10**MAX_DIGITS - 1, 10**MAX_DIGITS - 1),
    ],
)
def test_each_kind_of_value(value, expected):
    """Values that JSON lacks become text or numbers that a person understands."""
    assert plain(value) == expected


anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters())
    | st.binary()
    | st.datetimes()
    | st.integers(0, 2**64 - 1).map(Uid),
    lambda inner: (
        st.lists(inner)
        | st.tuples(inner)
        | st.dictionaries(st.text(st.characters()) | st.integers(), inner)
    ),
)


@given(anything)
def test_plain_data_is_json(value):
    """Strict JSON in UTF-8 can carry any plain value, and brings it back unchanged."""
    found = plain(value)
    assert json.loads(json.dumps(found, allow_nan=False, ensure_ascii=False).encode()) == found


@given(st.recursive(st.none() | st.integers() | st.text(), st.lists))
def test_what_is_plain_stays_as_it_is(value):
    """Plain data is not touched."""
    assert plain(value) == value


def test_depth_and_number_are_bounded():
    """What holds itself, lies too deep or unfolds without end is cut and says so."""
    loop: list[object] = []
    loop.append(loop)
    assert json.dumps(plain(loop)).count("[") == MAX_DEPTH
    bomb: object = 0
    for _ in range(60):
        bomb = [bomb, bomb]
    assert "<not shown>" in json.dumps(plain(bomb))
    wide = plain(dict.fromkeys(range(MAX_NODES + 10)))
    assert wide["<not shown>"] == "<not shown>"
    assert len(wide) <= MAX_NODES + 1
