"""OCSF 1.8.0 by the schemas of ocsf-json-schema: no unknown attribute, no other enumeration."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from contract_check import HOST, STREAM
from hostile import events
from mdeinspect.events import Event, native
from mdeinspect.formats import ocsf
from mdeinspect.model import Severity
from mdeinspect.simulator.scenarios import SCENARIOS
from oracles import ORACLE, SOURCE
from oracles import ocsf_fault as fault
from played import every
from support import NOW

pytestmark = pytest.mark.slow
PLENTY = settings(suppress_health_check=list(HealthCheck), deadline=None, max_examples=40)


def rendered(found: dict[str, Any]) -> dict[str, Any]:
    event: dict[str, Any] = json.loads(ocsf.render(found, 1))
    return event


def told(kind: Any, data: Any, **more: Any) -> dict[str, Any]:
    event = Event(kind, NOW, data=data, **more)
    return rendered(native(event, stream=STREAM, seq=1, host=HOST))


def test_every_real_event_is_ocsf() -> None:
    """Every type of event, and every finding of every scenario, is valid by the oracle."""
    assert [fault(rendered(one)) for one in every() if fault(rendered(one))] == []
    codes = {one["code"] for one in every() if "code" in one}
    assert {
        code for one in SCENARIOS.values() for some in one.raises.values() for code in some
    } <= codes


@PLENTY
@given(found=events())
def test_hostile_events_are_ocsf_as_well(found: dict[str, Any]) -> None:
    """What a policy file says cannot bend an attribute."""
    assert fault(rendered(found)) is None


def test_the_oracle_can_say_no() -> None:
    """An attribute that is not in the schema, a wrong number, a missing device: each is refused."""
    event = rendered(next(one for one in every() if one["type"] == "finding.raised"))
    assert fault(event) is None
    assert fault({**event, "old_value": 1}) is not None
    assert fault({**event, "status_id": 7}) is not None
    assert fault({**event, "type_uid": 500201}) is not None
    changed = rendered(next(one for one in every() if one["type"] == "policy.changed"))
    del changed["device"]
    assert fault(changed) is not None


def test_no_deprecated_attribute_is_used() -> None:
    """Deprecated attributes still validate, so they are looked for by name."""
    for found in every():
        event = rendered(found)
        assert _deprecated(SOURCE["classes"][_class(event)], event, "") == []


def _class(event: dict[str, Any]) -> str:
    name: str = ORACLE.lookup_class_name_from_uid(event["class_uid"])
    return name


def _deprecated(shape: dict[str, Any], value: dict[str, Any], path: str) -> list[str]:
    found = []
    for name, inner in value.items():
        attribute = shape["attributes"].get(name, {})
        if "@deprecated" in attribute:
            found.append(f"{path}.{name}")
        below = SOURCE["objects"].get(attribute.get("object_type"))
        for one in inner if isinstance(inner, list) else [inner]:
            if below and below["attributes"] and isinstance(one, dict):
                found += _deprecated(below, one, f"{path}.{name}")
    return found


CLASSES = [
    ("finding.raised", {}, {"code": "a", "subject": "host"}, 200301),
    ("finding.changed", {}, {"code": "a", "subject": "host"}, 200302),
    ("finding.cleared", {}, {"code": "a", "subject": "host", "because": "resolved"}, 200303),
    ("policy.changed", {"kind": "values"}, {"subject": "file:/a"}, 501901),
    ("setting.changed", {"settings": []}, {"subject": "host"}, 501901),
    ("authority.changed", {}, {"subject": "host"}, 501901),
    ("checkin.changed", {"before": "fresh", "after": "stale"}, {"subject": "host"}, 501901),
    ("agent.changed", {"after": {"state": "unreachable"}}, {"subject": "agent"}, 501901),
    ("agent.changed", {"after": {"version": "101.1"}}, {"subject": "agent"}, 600208),
    ("source.changed", {"after": "broken"}, {"subject": "file:/a"}, 501901),
    ("source.changed", {"state": "broken"}, {"because": "config-invalid"}, 600299),
    ("heartbeat", {}, {}, 600299),
    ("daemon.started", {}, {}, 600203),
    ("daemon.stopped", {}, {"because": "SIGTERM"}, 600204),
    ("events.dropped", {}, {"because": "retention"}, 600299),
]


@pytest.mark.parametrize(("kind", "data", "more", "type_uid"), CLASSES)
def test_class_and_activity(kind: Any, data: Any, more: Any, type_uid: int) -> None:
    """Which class and which activity an event is; `Other` always has a name."""
    event = told(kind, data, **more)
    assert event["type_uid"] == type_uid == event["class_uid"] * 100 + event["activity_id"]
    assert event["activity_name"]
    assert fault(event) is None


CLOSED = [
    ("resolved", "Resolved", "Pass"),
    ("subject-gone", "Resolved", "Pass"),
    ("accepted", "Suppressed", "Not judged"),
    ("rule-off", "Suppressed", "Not judged"),
]


@pytest.mark.parametrize(("because", "status", "verdict"), CLOSED)
def test_a_finding_that_is_closed_says_why(because: str, status: str, verdict: str) -> None:
    """What somebody does not want to see is suppressed; it did not pass."""
    event = told("finding.cleared", {}, code="a", subject="host", because=because)
    assert (event["status"], event["compliance"]["status"]) == (status, verdict)
    assert event["status_code"] == because


def test_a_finding_keeps_its_uid_from_raised_to_cleared() -> None:
    """It depends on host, code and subject, and on nothing that changes."""

    def uid(kind: Any, subject: str, severity: Severity) -> str:
        event = told(kind, {"title": kind}, code="a", subject=subject, severity=severity)
        found: str = event["finding_info"]["uid"]
        return found

    long = "file:/" + "x" * 5000
    for subject in ("key:a", long):
        raised = uid("finding.raised", subject, Severity.LOW)
        assert uid("finding.cleared", subject, Severity.HIGH) == raised
    assert uid("finding.raised", "key:a", Severity.LOW) != uid(
        "finding.raised", "key:b", Severity.LOW
    )


def test_a_security_state_is_named_only_where_the_event_shows_it() -> None:
    """A setting that is not in force is a policy mismatch; nothing is ever called secure."""
    row = {"key": "a", "before": {"verdict": "enforced"}, "after": {"verdict": "not-enforced"}}
    event = told("setting.changed", {"settings": [row], "count": 1}, subject="host")
    assert event["security_states"] == [{"state_id": 2, "state": "Policy mismatch"}]
    assert (event["security_level"], event["prev_security_level"]) == ("At Risk", "Unknown")
    assert "security_level" not in told("authority.changed", {}, subject="host")
    levels = {rendered(one).get("security_level_id") for one in every()}
    assert levels == {None, 0, 2}
