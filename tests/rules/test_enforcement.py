"""Is policy in force? The verdicts that call for somebody to act."""

from __future__ import annotations

from typing import Any

import pytest

from mdeinspect.model import Severity
from support import (
    ATTACH,
    MAC_MANAGED,
    MANAGED,
    MINUTE,
    NOW,
    HostFolder,
    codes,
    found,
)

BLOCK = {"networkProtection": {"enforcementLevel": "block"}}


# --- not-enforced -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("policy", "shown", "key", "wanted", "effective", "field", "severity"),
    [
        (
            BLOCK,
            {"networkProtectionEnforcementLevel": "audit"},
            "networkProtection.enforcementLevel",
            "block",
            "audit",
            "network_protection_enforcement_level",
            Severity.HIGH,
        ),
        (
            {"cloudService": {"enabled": True}},
            {"cloudEnabled": False},
            "cloudService.enabled",
            True,
            False,
            "cloud_enabled",
            Severity.HIGH,
        ),
        (
            {"cloudService": {"enabled": False}},
            {"cloudEnabled": True},
            "cloudService.enabled",
            False,
            True,
            "cloud_enabled",
            Severity.MEDIUM,
        ),
        (
            {"cloudService": {"automaticSampleSubmissionConsent": "all"}},
            {"cloudAutomaticSampleSubmissionConsent": "safe"},
            "cloudService.automaticSampleSubmissionConsent",
            "all",
            "safe",
            "cloud_automatic_sample_submission_consent",
            Severity.MEDIUM,
        ),
    ],
)
def test_a_setting_that_health_contradicts_is_a_finding(
    host: HostFolder,
    policy: dict[str, Any],
    shown: dict[str, Any],
    key: str,
    wanted: Any,
    effective: Any,
    field: str,
    severity: Severity,
) -> None:
    """Medium, and high where what is effective is a weak value; both values in the facts."""
    (finding,) = found(host.health(**shown).file(MANAGED, policy).report(), "not-enforced")
    assert (finding.severity, finding.subject) == (severity, f"key:{key}")
    assert finding.facts == {
        "policy": wanted,
        "effective": effective,
        "channel": "managed_file",
        "observed_in": [f"health.{field}"],
    }


@pytest.mark.parametrize(
    ("shown", "age"),
    [
        ({"networkProtectionEnforcementLevel": "block"}, 60 * MINUTE),
        ({"networkProtectionEnforcementLevel": "audit"}, 9 * MINUTE),
        ({"networkProtectionEnforcementLevel": None}, 60 * MINUTE),
        ({"networkProtectionEnforcementLevel": "starting"}, 60 * MINUTE),
        ({"networkProtectionEnforcementLevel": "audit"}, -60 * MINUTE),
        ({"without": ["networkProtectionEnforcementLevel"]}, 60 * MINUTE),
    ],
)
def test_nothing_but_a_contradiction_is_a_finding(
    host: HostFolder, shown: dict[str, Any], age: Any
) -> None:
    """In force, within the grace time, unavailable, not understood, of unknown age, not shown."""
    assert found(host.health(**shown).file(MANAGED, BLOCK, age=age).report(), "not-enforced") == []


def test_protection_that_is_off_is_told_by_its_own_finding(host: HostFolder) -> None:
    """One cause, one finding: the critical one."""
    host.health(realTimeProtectionEnabled=False, passiveModeEnabled=True)
    told = host.file(MANAGED, {"antivirusEngine": {"enforcementLevel": "real_time"}}).report()
    assert codes(told, Severity.MEDIUM) == ["protection-off"]


def test_each_setting_is_a_finding_of_its_own(host: HostFolder) -> None:
    """Two settings not enforced are two subjects."""
    host.health(cloudEnabled=False, networkProtectionEnforcementLevel="disabled")
    told = host.file(MANAGED, {**BLOCK, "cloudService": {"enabled": True}}).report()
    assert [finding.subject for finding in found(told, "not-enforced")] == [
        "key:cloudService.enabled",
        "key:networkProtection.enforcementLevel",
    ]


def test_without_health_nothing_is_accused(host: HostFolder) -> None:
    """Broken health proves nothing."""
    told = host.command("health-json", "nonsense").file(MANAGED, BLOCK).report()
    assert found(told, "not-enforced") == []


# --- foreign-managed ----------------------------------------------------------------------------


@pytest.mark.parametrize("platform", ["linux", "darwin"])
def test_a_flag_that_no_policy_accounts_for_is_low(
    host: HostFolder, mac: HostFolder, platform: str
) -> None:
    """[managed], and every policy file readable without that key."""
    one = host if platform == "linux" else mac
    told = one.health(managed=["cloudEnabled"]).report()
    (finding,) = found(told, "foreign-managed")
    assert (finding.severity, finding.subject) == (Severity.LOW, "key:cloudService.enabled")
    assert finding.facts == {"effective": True, "observed_in": ["health.cloud_enabled"]}


@pytest.mark.parametrize(
    ("path", "content", "managed_by"),
    [
        (MANAGED, {"cloudService": {"enabled": True}}, ""),
        (MANAGED, "{ not json", ""),
        (ATTACH, {}, "MDE"),
        (ATTACH, {}, ""),
        (MANAGED, {}, "MDE"),
    ],
)
def test_a_flag_with_an_account_or_a_doubt_is_no_finding(
    host: HostFolder, path: str, content: Any, managed_by: str
) -> None:
    """Set by a readable file, perhaps set by an unreadable one, or MDE Attach governs."""
    told = host.health(managed=["cloudEnabled"], managedBy=managed_by).file(path, content).report()
    assert found(told, "foreign-managed") == []


def test_a_user_profile_that_cannot_be_read_leaves_a_doubt(mac: HostFolder) -> None:
    """Any policy file of the platform may be the one."""
    mac.file(MAC_MANAGED, {})
    mac.file("/Library/Managed Preferences/ada/com.microsoft.wdav.plist", "no property list")
    told = mac.health(managed=["cloudEnabled"]).report()
    assert found(told, "foreign-managed") == []


def test_findings_of_settings_hold_no_moment(host: HostFolder) -> None:
    """The same state a day later is the same finding: facts hold no ages."""
    first = host.health(cloudEnabled=False).file(MANAGED, {"cloudService": {"enabled": True}})
    before = found(first.report(), "not-enforced")[0].facts
    host.about(now=(NOW + 24 * 60 * MINUTE).isoformat())
    assert found(host.report(), "not-enforced")[0].facts == before
