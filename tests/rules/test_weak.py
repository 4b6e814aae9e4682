"""Policies that ask for less than the agent gives by itself."""

from __future__ import annotations

from typing import Any

import pytest
from about_files import denied, only, raised
from clean_policies import linux, mac

from mdeinspect import catalogue
from mdeinspect.model import Severity
from support import ATTACH, MAC_MANAGED, MANAGED, HostFolder, found, unknown

CODE = ("weak-setting",)
THREATS = "antivirusEngine.threatTypeSettings"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("cloudService.enabled", False),
        ("cloudService.automaticSampleSubmissionConsent", "none"),
        ("cloudService.automaticDefinitionUpdateEnabled", False),
        ("antivirusEngine.scanArchives", False),
        ("antivirusEngine.nonExecMountPolicy", "mute"),
        ("features.ebpfSupplementaryEventProvider", "disabled"),
    ],
)
def test_what_is_weaker_than_the_default_is_low(host: HostFolder, key: str, value: Any) -> None:
    """One finding, which says what it costs."""
    report = host.file(MANAGED, only(key, value)).report()
    assert raised(report) == {("weak-setting", f"key:{key}")}
    (finding,) = found(report, "weak-setting")
    assert finding.severity is Severity.LOW
    assert finding.facts["value"] == value
    assert finding.line is not None


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("antivirusEngine.exclusionsMergePolicy", "merge"),
        ("antivirusEngine.behaviorMonitoring", "disabled"),
        ("cloudService.cloudBlockLevel", "normal"),
        ("cloudService.cloudBlockLevel", "moderate"),
        ("networkProtection.enforcementLevel", "audit"),
        ("scheduledScan.weeklyConfiguration.scanType", "quick"),
        ("scheduledScan.runScanWhenIdle", True),
        ("antivirusEngine.offlineDefinitionUpdateFallbackToCloud", False),
        ("antivirusEngine.enforcementLevel", "passive"),
    ],
)
def test_what_the_default_says_as_well_or_is_stronger_is_not_told(
    host: HostFolder, key: str, value: Any
) -> None:
    """Nor where no default is known, nor what other rules tell of a host."""
    assert raised(host.file(MANAGED, only(key, value)).report()) == set()


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("tamperProtection.enforcementLevel", "disabled", True),
        ("tamperProtection.enforcementLevel", "audit", False),
        ("networkProtection.enforcementLevel", "disabled", False),
        ("networkProtection.disableTlsParsing", True, True),
    ],
)
def test_where_the_default_is_disputed_only_what_is_below_all_of_them_is_told(
    mac: HostFolder, key: str, value: Any, told: bool
) -> None:
    """Block or audit, audit or disabled: documents disagree."""
    expected = {("weak-setting", f"key:{key}")} if told else set()
    assert raised(mac.file(MAC_MANAGED, only(key, value)).report()) == expected


def test_a_kind_of_threat_that_is_switched_off_is_told_by_its_name(host: HostFolder) -> None:
    """Auditing is the default."""
    kinds = [
        {"key": "potentially_unwanted_application", "value": "off"},
        {"key": "archive_bomb", "value": "audit"},
    ]
    report = host.file(MANAGED, only(THREATS, kinds)).report()
    assert raised(report) == {("weak-setting", f"key:{THREATS}#potentially_unwanted_application")}


def test_the_recommended_profiles_and_every_default_are_silent(
    host: HostFolder, mac: HostFolder
) -> None:
    """What the agent does by itself is no weakening, whatever the catalogue thinks of it."""
    assert raised(host.file(MANAGED, linux()).report(), CODE) == set()
    assert raised(mac.file(MAC_MANAGED, mac_policy()).report(), CODE) == set()
    for one in catalogue.load().preferences:
        for platform, there, where in (("linux", host, MANAGED), ("darwin", mac, MAC_MANAGED)):
            for default in one.defaults[platform] if one.managed(platform) else ():
                policy = only(one.key(platform) or "", default.value)
                assert raised(there.file(where, policy).report(), CODE) == set(), one.id


def mac_policy() -> dict[str, Any]:
    """The clean profile."""
    return mac()


def test_what_nobody_applies_is_not_told(host: HostFolder) -> None:
    """A shadowed file makes nothing weaker."""
    host.file(ATTACH, {}).file(MANAGED, only("cloudService.enabled", False)).health(managedBy="MDE")
    assert raised(host.report(), CODE) == set()


def test_a_file_that_may_not_be_read_leaves_the_rule_unsure(host: HostFolder) -> None:
    """Not knowing is neither a finding nor a pass."""
    report = denied(host.file(MANAGED, only("cloudService.enabled", False)), "mdatp_managed")
    assert raised(report) == set()
    assert "weak-setting" in unknown(report)
