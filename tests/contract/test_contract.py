"""The published contract: its schema, its page, and that it refuses what it does not name."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, get_args

import pytest
from events_doc import document
from hypothesis import HealthCheck, given, settings
from jsonschema import Draft202012Validator

from contract_check import fault
from hostile import events
from mdeinspect.contract import EVENTS, schema
from mdeinspect.events import SCHEMA, EventType
from mdeinspect.fitting import cut
from mdeinspect.formats import native
from played import every, examples

pytestmark = pytest.mark.slow
DOCS = Path(__file__).parents[2] / "docs"
STATUS = DOCS / "schema" / "mdeinspect.status-1.json"
GOLDEN = Path(__file__).parents[1] / "golden" / "expected"
COPY = DOCS / "schema" / "mdeinspect.event-1.json"
PLENTY = settings(suppress_health_check=list(HealthCheck), deadline=None, max_examples=40)
TYPES = get_args(EventType)


def kept(path: Path, text: str, request: pytest.FixtureRequest) -> str:
    """What is committed, rewritten first with --update-golden."""
    if request.config.getoption("--update-golden"):
        path.write_text(text, encoding="utf-8")
    return path.read_text(encoding="utf-8")


def printed(*args: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "mdeinspect", "schema", *args]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


# --- what is committed --------------------------------------------------------------------------


def test_the_committed_schema_is_the_one_of_the_models(request: pytest.FixtureRequest) -> None:
    """A change of a contract shows as a difference of its file."""
    for path, found in ((COPY, schema.of_all()), (STATUS, schema.of_status())):
        text = json.dumps(found, indent=2) + "\n"
        assert text == kept(path, text, request)


def test_the_page_of_events_is_generated(request: pytest.FixtureRequest) -> None:
    """Its tables come from the models, its examples from a simulated host."""
    text = document(examples())
    assert text == kept(DOCS / "events.md", text, request)


def test_the_command_prints_the_schema() -> None:
    """All of it, or that of one type; versioned by its `$id`."""
    whole, one = printed(), printed("finding.raised")
    assert (whole.returncode, one.returncode) == (0, 0)
    assert json.loads(whole.stdout) == json.loads(COPY.read_text())
    assert json.loads(one.stdout)["$id"] == "urn:mdeinspect:event/1:finding.raised"
    assert json.loads(printed("status").stdout) == json.loads(STATUS.read_text())
    wrong = printed("finding.rose")
    assert wrong.returncode == 2
    assert "finding.raised" in wrong.stderr


# --- what it is ---------------------------------------------------------------------------------


def test_every_type_has_its_model() -> None:
    """Neither a type without a shape, nor a shape without a type."""
    assert tuple(EVENTS) == TYPES
    for name in TYPES:
        found = schema.of_type(name)
        assert found["properties"]["type"]["const"] == name
        assert found["properties"]["schema"]["const"] == SCHEMA
        assert found["$schema"] == "https://json-schema.org/draft/2020-12/schema"
        Draft202012Validator.check_schema(found)
    Draft202012Validator.check_schema(schema.of_all())


def test_no_object_of_the_contract_is_open() -> None:
    """Every object either names its keys and allows no other, or says what all its values are."""
    free = []
    for name, found in schema.of_all()["$defs"].items():
        for where, one in _objects(found, name):
            if one.get("additionalProperties") is True:
                free.append(where)
            else:
                assert one.get("additionalProperties") is not None, where
    assert {where.rpartition(".")[2] for where in free} == {"facts"}


def _objects(value: Any, where: str) -> Iterable[tuple[str, dict[str, Any]]]:
    if isinstance(value, dict):
        if value.get("type") == "object":
            yield where, value
        for key, inner in value.items():
            inside = key in ("properties", "anyOf", "items")
            yield from _objects(inner, where if inside else f"{where}.{key}")
    elif isinstance(value, list):
        for inner in value:
            yield from _objects(inner, where)


# --- what it takes, and what not ----------------------------------------------------------------


def test_every_event_names_its_evidence() -> None:
    """A reader can go and look: no event rests on nothing, the daemon's own included."""
    lacking = {one["type"] for one in every() if not one["evidence"]}
    assert lacking == set()


def test_every_real_event_is_within_it() -> None:
    """As it is stored, as it is delivered, and by the schema of its type as by that of all."""
    whole = Draft202012Validator(schema.of_all())
    assert {one["type"] for one in every()} == set(TYPES)
    for found in every():
        assert fault(found) is None
        assert fault(json.loads(native.render(found, None))) is None
        assert whole.is_valid(json.loads(native.render(found, 7)))


@PLENTY
@given(found=events(forms=False))
def test_hostile_events_are_within_it(found: dict[str, Any]) -> None:
    """Whatever a policy file says, and however much had to be cut to fit any format."""
    smaller: dict[str, Any] | None = found
    while smaller is not None:
        assert fault(smaller) is None
        smaller = cut(smaller)


def _set(*path: str, value: Any) -> Callable[[dict[str, Any]], None]:
    def spoil(found: dict[str, Any]) -> None:
        for name in path[:-1]:
            found = found[name]
        found[path[-1]] = value

    return spoil


def _drop(*path: str) -> Callable[[dict[str, Any]], None]:
    def spoil(found: dict[str, Any]) -> None:
        for name in path[:-1]:
            found = found[name]
        del found[path[-1]]

    return spoil


SPOILED = {
    "a key that is not named": _set("colour", value="red"),
    "a key of the data that is not named": _set("data", "colour", value="red"),
    "a key of the host that is not named": _set("host", "ip", value="::1"),
    "another version": _set("schema", value="mdeinspect.event/2"),
    "a type that is another's": _set("type", value="finding.cleared"),
    "a severity that is a number": _set("severity", value=3),
    "a number that is text": _set("seq", value="3"),
    "a number that counts from nothing": _set("seq", value=0),
    "a time that is not UTC": _set("time", value="2026-11-22T11:04:00.000+01:00"),
    "no id": _drop("id"),
    "no title": _drop("data", "title"),
    "no subject": _drop("subject"),
    "a null where a key is left out": _set("because", value=None),
    "a flag that is not true": _set("truncated", value=False),
}


@pytest.mark.parametrize("what", SPOILED)
def test_what_is_not_in_the_contract_is_refused(what: str) -> None:
    """Each of these is a fault, so that the tests above can fail."""
    found = copy.deepcopy(next(one for one in every() if one["type"] == "finding.raised"))
    assert fault(found) is None
    SPOILED[what](found)
    assert fault(found) is not None


def test_what_status_prints_is_within_its_contract() -> None:
    """Every golden host, and nothing that the contract does not name."""
    judge = Draft202012Validator(schema.of_status())
    found = [json.loads(path.read_text()) for path in sorted(GOLDEN.glob("*.json"))]
    assert len(found) > 20
    for one in found:
        assert [error.message for error in judge.iter_errors(one)] == []
        assert not judge.is_valid({**one, "colour": "red"})
        assert not judge.is_valid({**one, "taken_at": None})
