"""Formats: what every delivered line promises to whoever reads it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sink_support import event

from mdeinspect import formats
from mdeinspect.errors import ConfigError
from mdeinspect.events import MAX_LINE
from mdeinspect.fitting import line

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)
EVERY = sorted(formats.load())


@pytest.mark.parametrize("name", EVERY)
@given(data=st.dictionaries(st.text(), JSON, max_size=5), prev=st.none() | st.integers(0, 2**63))
def test_a_line_is_one_json_object_below_8_kb(name: str, data: dict[str, Any], prev: Any) -> None:
    """Whatever an event tells: one line, UTF-8, one JSON object, below 8 KB."""
    text = formats.get(name)(event(2**40, data=data), prev)
    assert "\n" not in text
    assert len(text.encode()) < formats.LIMIT
    assert isinstance(json.loads(text), dict)


@pytest.mark.parametrize("name", EVERY)
def test_even_the_largest_event_fits(name: str) -> None:
    """An event that fills the store's limit to the last byte still fits with everything added."""
    found = event(2**62, data={"text": ""})
    found["data"]["text"] = "x" * (MAX_LINE - len(line(found)))
    assert len(line(found)) == MAX_LINE
    assert len(formats.get(name)(found, 2**62)) < formats.LIMIT


@pytest.mark.parametrize("name", EVERY)
def test_time_and_id_come_first(name: str) -> None:
    """A reader that looks at 256 bytes sees the id, and no two files begin alike."""
    found = event(2**62)
    head = formats.get(name)(found, 2**62)[:256]
    assert found["id"] in head


@pytest.mark.parametrize("name", EVERY)
def test_rendering_changes_nothing(name: str) -> None:
    """The event that is rendered stays as it is."""
    found = event(7)
    before = line(found)
    formats.get(name)(found, 3)
    assert line(found) == before


def test_native_is_the_public_object_with_prev_behind_seq() -> None:
    """Native adds `prev` right after `seq`, null before the first, and changes nothing else."""
    found = event(7)
    names = list(json.loads(formats.get("native")(found, 5)))
    assert names[names.index("seq") + 1] == "prev"
    assert json.loads(formats.get("native")(found, 5)) == {**found, "prev": 5}
    assert json.loads(formats.get("native")(found, None)) == {**found, "prev": None}
    assert found["time"] in formats.get("native")(found, None)[:64]


def test_an_unknown_format_is_refused_and_the_known_ones_are_named() -> None:
    """A format that does not exist is an error that says what there is."""
    with pytest.raises(ConfigError, match="native"):
        formats.get("morse")
