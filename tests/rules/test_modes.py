"""Is the agent in a mode, or in company, that its owner should know of?"""

from __future__ import annotations

from typing import Any

import pytest

from mdeinspect.model import Severity
from support import HostFolder, codes, found, unknown

PASSIVE: dict[str, Any] = {"realTimeProtectionEnabled": False, "passiveModeEnabled": True}


@pytest.mark.parametrize(
    ("platform", "severity"), [("darwin", Severity.MEDIUM), ("linux", Severity.LOW)]
)
def test_troubleshooting_mode_is_told(
    host: HostFolder, mac: HostFolder, platform: str, severity: Severity
) -> None:
    """Medium where it unlocks tamper protection; low where that is not documented."""
    told = (host if platform == "linux" else mac).health(troubleshootingMode=True).report()
    (finding,) = found(told, "troubleshooting-mode")
    assert (finding.severity, finding.subject, finding.facts) == (severity, "host", {})


def test_an_agent_that_does_not_know_the_mode_is_not_judged(mac: HostFolder) -> None:
    """Older agents do not print the field."""
    told = mac.health(without=["troubleshootingMode"]).report()
    assert "troubleshooting-mode" not in (*codes(told), *unknown(told))


@pytest.mark.parametrize("shown", ["enabled", True])
def test_the_early_preview_is_info(host: HostFolder, shown: object) -> None:
    """In either spelling."""
    (finding,) = found(host.health(edrEarlyPreviewEnabled=shown).report(), "edr-early-preview")
    assert (finding.severity, finding.facts) == (Severity.INFO, {"shown": "enabled"})


@pytest.mark.parametrize("shown", ["disabled", False])
def test_no_early_preview_is_none(host: HostFolder, shown: object) -> None:
    """In either spelling."""
    told = host.health(edrEarlyPreviewEnabled=shown).report()
    assert "edr-early-preview" not in (*codes(told), *unknown(told))


@pytest.mark.parametrize(
    "listed",
    [
        ["Beta AV", "Alpha AV"],
        [{"name": "Beta AV"}, {"name": "Alpha AV"}],
        [["Beta AV"], "Alpha AV"],
    ],
)
def test_conflicting_applications_are_named_in_any_shape(host: HostFolder, listed: Any) -> None:
    """Low, sorted; the shape of an entry was never seen."""
    told = host.health(conflictingApplications=listed).report()
    (finding,) = found(told, "conflicting-applications")
    assert (finding.severity, finding.subject) == (Severity.LOW, "host")
    assert finding.facts == {"applications": ["Alpha AV", "Beta AV"]}


def test_beside_a_passive_agent_they_are_info(host: HostFolder) -> None:
    """That is how two products should live together."""
    told = host.health(**PASSIVE, conflictingApplications=["Other AV"]).report()
    assert found(told, "conflicting-applications")[0].severity is Severity.INFO


def test_a_secret_in_a_name_is_masked(host: HostFolder) -> None:
    """Whatever the other product calls itself."""
    told = host.health(conflictingApplications=["http://u:hunter2@av/"]).report()
    assert "hunter2" not in repr(found(told, "conflicting-applications"))
