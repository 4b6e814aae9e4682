"""Does the agent still say what the rules go by?"""

from __future__ import annotations

from typing import Any

import pytest
from engine_support import Machine, words

from mdeinspect.config.model import Config
from mdeinspect.model import Finding, Severity
from support import HOUR, MINUTE, HostFolder, codes, found

CODE = "health-field-lost"


def after(machine: Machine, **fields: Any) -> list[Finding]:
    """What is found of a host that an hour later shows other things."""
    machine.step()
    machine.later(HOUR).healthy(**fields)
    return found(machine.report(), CODE)


def test_a_field_that_vanished_is_low_and_names_who_is_blind() -> None:
    """With the version that no longer shows it."""
    (finding,) = after(Machine(), appVersion="101.26092.0001", without=["licensed", "healthy"])
    assert (finding.severity, finding.subject) == (Severity.LOW, "agent")
    assert finding.facts == {
        "fields": ["healthy", "licensed"],
        "vanished": ["healthy", "licensed"],
        "retyped": [],
        "rules": ["agent-not-onboarded", "agent-offboarded", "agent-unhealthy", "offboarding-file"],
        "version": "101.26092.0001",
    }


def test_a_field_that_shows_what_policy_does_is_needed_as_well() -> None:
    """The catalogue says which those are."""
    (finding,) = after(Machine(), without=["cloudEnabled"])
    assert finding.facts["vanished"] == ["cloud_enabled"]
    assert finding.facts["rules"] == ["not-enforced"]


@pytest.mark.parametrize("value", ["perhaps", 17, {"a": 1}])
def test_a_value_of_another_type_is_told_without_a_memory(host: HostFolder, value: Any) -> None:
    """It is there, and cannot be understood."""
    (finding,) = found(host.health(licensed=value).report(), CODE)
    assert (finding.facts["retyped"], finding.facts["vanished"]) == (["licensed"], [])


@pytest.mark.parametrize(
    "fields",
    [
        {"without": ["logLevel", "machineGuid", "releaseRing"]},
        {"without": ["edrDeviceTags"]},
        {"licensed": None, "healthy": "unavailable"},
        {"without": ["definitionsUpdated"]},
        {"newField": 1, "another": {"of": "any shape"}},
        {
            "licensed": False,
            "healthy": False,
            "healthIssues": ["missing license"],
            "without": ["cloudEnabled"],
        },
    ],
)
def test_what_nobody_needs_or_what_is_only_not_known_is_no_finding(fields: dict[str, Any]) -> None:
    """Not needed, unavailable, another field does as well, new, and an agent of nobody's."""
    assert after(Machine(), **fields) == []


def test_a_field_that_was_never_shown_has_not_vanished(host: HostFolder) -> None:
    """Older agents show less, and a first report has nothing to compare with."""
    assert CODE not in codes(host.health(without=["licensed", "healthy"]).report())
    machine = Machine().healthy(without=["licensed"])
    assert after(machine, without=["licensed"]) == []


def test_a_rule_that_is_off_needs_nothing() -> None:
    """Nobody would miss the field."""
    off = {"troubleshooting-mode": {"enabled": False}}
    assert len(after(Machine(), without=["troubleshootingMode"])) == 1
    assert after(Machine(config=Config(rules=off)), without=["troubleshootingMode"]) == []


def test_it_is_told_after_two_readings_and_over_when_the_field_is_back() -> None:
    """A single odd output is no news; neither is a restart of the service."""
    machine = Machine()
    machine.step()
    for _ in range(3):
        machine.later(15 * MINUTE).healthy(without=["healthy"]).restart().step()
    machine.later(15 * MINUTE).healthy().step()
    assert [word for word in words(machine.told) if CODE in word] == [
        f"finding.raised {CODE} agent",
        f"finding.cleared {CODE} agent resolved",
    ]
