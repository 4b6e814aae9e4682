"""Flat: a table whose columns never change their name or type."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from hostile import events
from mdeinspect.formats import flat
from played import every

pytestmark = pytest.mark.slow
PLENTY = settings(suppress_health_check=list(HealthCheck), deadline=None, max_examples=40)
# Of a Log Analytics table, and what the agent fills in by itself.
RESERVED = {"tenantid", "type", "uniqueid", "title", "id", "_resourceid", "_subscriptionid"}
FILLED = {"computer", "filepath", "rawdata", "sourcesystem"}
TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "datetime": (str,),
    "long": (int,),
    "boolean": (bool,),
}
DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def check(row: dict[str, Any]) -> None:
    assert list(row) == list(flat.COLUMNS)
    for name, value in row.items():
        kind = flat.COLUMNS[name]
        assert value is None or type(value) in TYPES[kind], name
        assert kind != "datetime" or value is None or DATE.fullmatch(value)
    assert row["TimeGenerated"] is not None
    assert isinstance(json.loads(row["Data"]), dict)


def test_names_are_such_that_a_table_takes_them() -> None:
    """Letters, digits and underscores, at most 45, none that is reserved."""
    for name in flat.COLUMNS:
        assert re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,44}", name)
        assert name.lower() not in RESERVED | FILLED
    assert len({name.lower() for name in flat.COLUMNS}) == len(flat.COLUMNS)


def test_every_real_event_has_every_column() -> None:
    """In the same order, each of its type or null, and no value is nested."""
    for found in every():
        check(json.loads(flat.render(found, found["seq"] - 1 or None)))


@PLENTY
@given(found=events())
def test_hostile_events_do_not_change_a_column(found: dict[str, Any]) -> None:
    """What a policy file says cannot add a column, nor change a type."""
    check(json.loads(flat.render(found, None)))


def test_a_finding_has_its_words_in_columns() -> None:
    """Title, detail, remedy, since and initial are not hidden in text."""
    found = next(one for one in every() if one["type"] == "finding.raised")
    row = json.loads(flat.render(found, 1))
    shown = {name: row[column] for name, column in flat.OWN.items() if row[column] is not None}
    assert shown == {name: found["data"][name] for name in flat.OWN if name in found["data"]}
    assert json.loads(row["Data"]) == {"facts": found["data"]["facts"]}
