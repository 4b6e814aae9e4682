"""One line for a person, in every format but native."""

from __future__ import annotations

import json

import pytest

from mdeinspect.formats import ecs, flat, ocsf
from mdeinspect.formats._words import LONGEST, headline
from played import examples

MANAGED = "/etc/opt/microsoft/mdatp/managed/mdatp_managed.json"
SAID = {
    "finding.raised": "Real-time protection is passive although policy wants it",
    "finding.changed": "Real-time protection is off although policy wants it",
    "finding.cleared": "Real-time protection is off although policy wants it",
    "policy.changed": f"Policy file changed: {MANAGED}",
    "setting.changed": "Settings that changed: 1 (antivirusEngine.enforcementLevel)",
    "authority.changed": "Governing channel changed from managed_file to mde_attach",
    "checkin.changed": "Check-in changed from not-applicable to fresh",
    "agent.changed": "Agent changed: state unreachable",
    "source.changed": "Source mdatp_managed changed from present to broken",
    "heartbeat": "mdeinspect is alive",
    "daemon.started": "mdeinspect started",
    "daemon.stopped": "mdeinspect stopped",
    "events.dropped": "7 events never reached the sink alerts",
}


def test_every_type_has_one() -> None:
    """So that nobody has to read JSON in a list of alerts."""
    assert {kind: headline(found) for kind, found in examples().items()} == SAID


@pytest.mark.parametrize("kind", SAID)
def test_the_formats_say_the_same(kind: str) -> None:
    """In the field where each of them has it."""
    found = examples()[kind]
    assert json.loads(ecs.render(found, 1))["message"] == SAID[kind]
    assert json.loads(ocsf.render(found, 1))["message"] == SAID[kind]
    assert json.loads(flat.render(found, 1))["Message"] == SAID[kind]


def test_a_long_one_is_cut() -> None:
    """The whole title stays where the data is."""
    long = {"type": "finding.raised", "data": {"title": "x" * 5000}}
    assert len(headline(long)) < LONGEST
    assert headline(long).startswith("xxx")
    assert headline({"type": "finding.raised", "data": {"title": 5}}) == "finding.raised"
    assert headline({"type": "no.such", "data": None}) == "no.such"
