"""ECS by the field list of its release 9.4.0, which lies beside this file with its source."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from contract_check import HOST, STREAM
from hostile import events
from mdeinspect.events import Event, native
from mdeinspect.formats import ecs
from mdeinspect.model import Severity
from oracles import ALLOWED, FIELDS, LIST, ecs_faults, fits
from played import every
from support import NOW

pytestmark = pytest.mark.slow
PLENTY = settings(suppress_health_check=list(HealthCheck), deadline=None, max_examples=40)


def document(found: dict[str, Any]) -> dict[str, Any]:
    rendered: dict[str, Any] = json.loads(ecs.render(found, 1))
    return rendered


def test_every_real_event_is_ecs() -> None:
    """Each field outside `mdeinspect` is in the list, of its type, with allowed values."""
    assert [ecs_faults(document(one)) for one in every() if ecs_faults(document(one))] == []


@PLENTY
@given(found=events())
def test_hostile_events_are_ecs_as_well(found: dict[str, Any]) -> None:
    """What a policy file says cannot bend a field."""
    assert ecs_faults(document(found)) == []


def test_the_oracle_can_say_no() -> None:
    """A field that ECS does not have, a wrong type and a wrong word are each noticed."""
    assert LIST["release"] == ecs.VERSION
    assert "event.type" in FIELDS
    assert "event.old_value" not in FIELDS
    assert not fits("long", "3")
    assert not fits("keyword[]", "configuration")
    assert "drift" not in ALLOWED["event.category"]


def _type(value: Any) -> str | None:
    """The type that Elasticsearch would take a value for; None of what tells it nothing."""
    if isinstance(value, list):
        kinds = {_type(one) for one in value} - {None}
        assert len(kinds) <= 1, "a list of two types"
        return next(iter(kinds), None)
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    return {str: "text", dict: "object", type(None): None}[type(value)]


def _own_types(value: Any, path: str, known: dict[str, str]) -> None:
    """Note the type of every field; fail for one that has another than before."""
    for one in value if isinstance(value, list) else [value]:
        kind = _type(one)
        if kind is not None:
            assert known.setdefault(path, kind) == kind, f"{path} has two types"
        if isinstance(one, dict):
            for key, inner in one.items():
                _own_types(inner, f"{path}.{key}", known)


KNOWN: dict[str, str] = {}


@PLENTY
@given(found=events())
def test_no_field_has_two_types(found: dict[str, Any]) -> None:
    """Elasticsearch refuses a document with another type of a field than it saw first.

    So no value of a policy may decide the type of a field; `KNOWN` lasts from example to example.
    """
    if not KNOWN:
        for one in every():
            _own_types(document(one), "", KNOWN)
    _own_types(document(found), "", KNOWN)


def test_own_fields_are_few() -> None:
    """No name comes from a host: an index has a limit of fields."""
    for found in every():
        _own_types(document(found), "", KNOWN)
    own = {name for name in KNOWN if name.startswith(".mdeinspect.")}
    assert 60 < len(own) < 150


SORTED = [
    ("finding.raised", Severity.CRITICAL, {}, "protection-off", "host", "alert", "change"),
    ("finding.raised", Severity.LOW, {}, "unknown-key", "key:a", "event", "change"),
    ("finding.raised", Severity.HIGH, {"initial": True}, "not-enforced", "key:a", "alert", "info"),
    ("finding.cleared", Severity.HIGH, {}, "not-enforced", "key:a", "event", "change"),
    ("policy.changed", Severity.INFO, {"kind": "added"}, None, "file:/a", "event", "creation"),
    ("policy.changed", Severity.MEDIUM, {"kind": "removed"}, None, "file:/a", "event", "deletion"),
    ("policy.changed", Severity.INFO, {"kind": "form"}, None, "file:/a", "event", "change"),
    ("heartbeat", Severity.INFO, {}, None, None, "state", "info"),
    ("daemon.started", Severity.INFO, {}, None, None, "event", "start"),
    ("daemon.stopped", Severity.INFO, {}, None, None, "event", "end"),
    ("events.dropped", Severity.MEDIUM, {}, None, None, "alert", "info"),
]


@pytest.mark.parametrize(("kind", "severity", "data", "code", "subject", "sort", "what"), SORTED)
def test_kind_and_type(
    kind: Any, severity: Severity, data: Any, code: Any, subject: Any, sort: str, what: str
) -> None:
    """What detections select by: alerts are findings of medium or more, and losses."""
    event = Event(kind, NOW, severity, data, code, subject)
    told = document(native(event, stream=STREAM, seq=1, host=HOST))["event"]
    assert (told["kind"], told["type"]) == (sort, [what])
    assert told["action"] == kind.replace(".", "-")
    assert told["severity"] == severity + 1


def test_a_file_and_its_digest_are_where_ecs_has_them() -> None:
    """Path, name, folder and the new SHA-256 of a policy file."""
    changed = next(one for one in every() if one["type"] == "policy.changed")
    told = document(changed)["file"]
    assert told["path"] == changed["data"]["file"] == f"{told['directory']}/{told['name']}"
    assert told["hash"]["sha256"] == changed["data"]["new_digest"]


def test_what_cannot_be_read_is_an_error() -> None:
    """The reason and its kind are in `error`, and the outcome is a failure."""
    broken = next(
        one
        for one in every()
        if one["type"] == "source.changed" and one["data"].get("after") == "broken"
    )
    told = document(broken)
    assert told["error"] == {"message": broken["data"]["reason"], "type": broken["data"]["kind"]}
    assert told["event"]["outcome"] == "failure"


def test_a_source_without_a_path_is_no_file() -> None:
    """What has no path is not given one."""
    event = Event("policy.changed", NOW, data={"kind": "removed"}, subject="file:mdatp_managed")
    assert "file" not in document(native(event, stream=STREAM, seq=1, host=HOST))
