"""What health does not say is unknown: it never clears a finding that was raised."""

from __future__ import annotations

from typing import Any

import pytest
from engine_support import Machine

from support import HOUR, MINUTE

RAISED: dict[str, tuple[str, dict[str, Any]]] = {
    "engine-not-loaded": ("engineLoadStatus", {"engineLoadStatus": "Engine not loaded"}),
    "network-protection-failed": (
        "networkProtectionStatus",
        {
            "networkProtectionEnforcementLevel": "block",
            "networkProtectionStatus": "failed_to_start",
        },
    ),
    "full-disk-access-missing": ("fullDiskAccessEnabled", {"fullDiskAccessEnabled": False}),
    "troubleshooting-mode": ("troubleshootingMode", {"troubleshootingMode": True}),
    "edr-early-preview": ("edrEarlyPreviewEnabled", {"edrEarlyPreviewEnabled": "enabled"}),
    "conflicting-applications": ("conflictingApplications", {"conflictingApplications": ["AV"]}),
    "definitions-not-current": (
        "definitionsStatus",
        {"definitionsStatus": {"$type": "updating"}, "definitionsUpdatedMinutesAgo": 3000},
    ),
}


@pytest.mark.parametrize("how", ["unavailable", "absent"])
@pytest.mark.parametrize("code", RAISED)
def test_a_field_that_is_silent_clears_nothing(code: str, how: str) -> None:
    """Said to be unavailable, or not printed any more: the finding stays until it is known."""
    name, fields = RAISED[code]
    machine = Machine(platform="darwin")
    machine.healthy().step()
    for _ in range(3):
        machine.later(15 * MINUTE).healthy(**fields).step()
    assert [one.type for one in machine.told if one.code == code] == ["finding.raised"]
    silent = {**fields, name: None} if how == "unavailable" else {**fields, "without": [name]}
    for _ in range(3):
        machine.later(HOUR).healthy(**silent).restart().step()
    assert [one.type for one in machine.told if one.code == code] == ["finding.raised"]
    machine.later(HOUR).healthy(engineLoadStatus="Engine load succeeded").step()
    assert [one.because for one in machine.told if one.code == code] == [None, "resolved"]


def test_another_form_of_health_may_leave_fields_out() -> None:
    """What JSON showed the table need not: nothing is unknown for that."""
    machine = Machine()
    machine.step()
    machine.later(HOUR).health = b"healthy : true\nlicensed : true\n"
    machine.health_at = machine.now
    unsure = {one.code for one in machine.report().unknown}
    assert not unsure & RAISED.keys()
