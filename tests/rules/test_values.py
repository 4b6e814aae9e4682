"""Values of the wrong type, and values that the setting cannot have."""

from __future__ import annotations

from typing import Any

import pytest
from about_files import denied, only, raised

from mdeinspect.model import Severity
from support import ATTACH, LOCAL, MAC_MANAGED, MANAGED, HostFolder, found, unknown

PATH = "antivirusEngine.exclusions"


@pytest.mark.parametrize(
    ("key", "value", "expected", "kind", "suggestion"),
    [
        ("antivirusEngine.scanArchives", "true", "boolean", "string", True),
        ("antivirusEngine.enableFileHashComputation", "disabled", "boolean", "string", False),
        ("cloudService.enabled", 1, "boolean", "integer", True),
        ("cloudService.enabled", "perhaps", "boolean", "string", None),
        ("cloudService.enabled", None, "boolean", "null", None),
        ("networkProtection.enforcementLevel", True, "string", "boolean", None),
        ("antivirusEngine.behaviorMonitoring", True, "string", "boolean", "enabled"),
        ("scheduledScan.randomizeScanStartTime", "3", "integer", "string", 3),
        ("scheduledScan.randomizeScanStartTime", 3.0, "integer", "number", 3),
        ("scheduledScan.randomizeScanStartTime", True, "integer", "boolean", None),
        ("scheduledScan.randomizeScanStartTime", 1e300, "integer", "number", None),
        ("antivirusEngine.scanResultsRetentionDays", "ninety", "integer", "string", None),
        ("cloudService", "prod", "object", "string", None),
        ("scheduledScan.weeklyConfiguration", [], "object", "array", None),
        (
            "antivirusEngine.unmonitoredFilesystems",
            ["nfs,fuse", "cifs"],
            "array<string>",
            "joined string",
            ["nfs", "fuse", "cifs"],
        ),
        (
            "antivirusEngine.unmonitoredFilesystems",
            "nfs, fuse",
            "array<string>",
            "string",
            ["nfs", "fuse"],
        ),
        (
            "antivirusEngine.disallowedThreatActions",
            ["allow,restore"],
            "array<string>",
            "joined string",
            ["allow", "restore"],
        ),
        ("antivirusEngine.allowedThreats", [1], "array<string>", "array<integer>", None),
        (PATH, "/srv/a", "array<object>", "string", None),
        (PATH, ["/srv/a"], "array<object>", "array<string>", None),
        ("edr.tags", {"key": "GROUP", "value": "a"}, "array<object>", "object", None),
    ],
)
def test_a_value_of_another_type_is_told_with_what_was_meant(
    host: HostFolder, key: str, value: Any, expected: str, kind: str, suggestion: Any
) -> None:
    """One medium finding for the setting, and a suggestion only where it is evident."""
    report = host.file(MANAGED, only(key, value)).report()
    (finding,) = found(report, "wrong-type")
    assert (finding.subject, finding.severity) == (f"key:{key}", Severity.MEDIUM)
    facts = finding.facts
    assert (facts["expected"], facts["found"], facts["suggestion"]) == (expected, kind, suggestion)
    assert type(facts["suggestion"]) is type(suggestion)
    assert (facts["file"], facts["channel"]) == (MANAGED, "managed_file")
    assert finding.line is not None
    assert found(report, "value-not-allowed") == []


def test_a_member_of_an_entry_has_a_type_too(host: HostFolder) -> None:
    """Told once for the list, where it is wrong first."""
    entries = [
        {"$type": "excludedPath", "path": f"/srv/{i}", "isDirectory": "true"} for i in range(5)
    ]
    (finding,) = found(host.file(MANAGED, only(PATH, entries)).report(), "wrong-type")
    assert finding.subject == f"key:{PATH}.isDirectory"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("antivirusEngine.scanResultsRetentionDays", "90"),
        ("antivirusEngine.maximumOnDemandScanThreads", "2"),
        ("scheduledScan.dailyConfiguration.interval", "0"),
        ("antivirusEngine.MemoryScan", True),
        ("antivirusEngine.MemoryScan", "enabled"),
        ("antivirusEngine.unmonitoredFilesystems", ["Fuse"]),
        ("antivirusEngine.allowedThreats", []),
        ("antivirusEngine.scanCacheMaximum", "anything"),
    ],
)
def test_what_is_documented_or_not_known_better_is_fine(
    host: HostFolder, key: str, value: Any
) -> None:
    """Numbers as text where Microsoft writes them so; open and uncertain values."""
    assert raised(host.file(MANAGED, only(key, value)).report()) == set()


@pytest.mark.parametrize(
    ("key", "value", "nearest"),
    [
        ("antivirusEngine.enforcementLevel", "realtime", "real_time"),
        ("antivirusEngine.enforcementLevel", "Passive", "passive"),
        ("antivirusEngine.behaviorMonitoring", "diabled", "disabled"),
        ("antivirusEngine.behaviorMonitoring", "true", "enabled"),
        ("networkProtection.enforcementLevel", "enabled", None),
        ("antivirusEngine.scanResultsRetentionDays", 365, 180),
        ("antivirusEngine.scanHistoryMaximumItems", "100", 5000),
        ("scheduledScan.weeklyConfiguration.dayOfWeek", -1, 0),
        ("scheduledScan.weeklyConfiguration.dayOfWeek", 10**30, 8),
    ],
)
def test_a_value_that_the_setting_cannot_have_is_told_with_the_nearest(
    host: HostFolder, key: str, value: Any, nearest: Any
) -> None:
    """Words that are not documented, and numbers out of range."""
    (finding,) = found(host.file(MANAGED, only(key, value)).report(), "value-not-allowed")
    assert (finding.subject, finding.severity) == (f"key:{key}", Severity.MEDIUM)
    assert finding.facts["nearest"] == nearest
    assert finding.facts["allowed"]


def test_a_number_out_of_range_tells_the_range(host: HostFolder) -> None:
    """Both ends are allowed."""
    key = "antivirusEngine.scanResultsRetentionDays"
    (finding,) = found(host.file(MANAGED, only(key, 181)).report(), "value-not-allowed")
    assert finding.facts["range"] == [1, 180]
    for edge in (1, 180):
        assert raised(host.file(MANAGED, only(key, edge)).report()) == set()


@pytest.mark.parametrize(
    ("key", "value", "items"),
    [
        ("antivirusEngine.disallowedThreatActions", ["allow", "restor", "x"], {"restor", "x"}),
        (PATH, [{"$type": "folder", "path": "/srv/a"}] * 2, {"$type:folder"}),
        (PATH, [{"path": "/srv/a"}], {"$type:missing"}),
        (
            "antivirusEngine.threatTypeSettings",
            [{"key": "pua", "value": "Block"}],
            {"key:pua", "value:Block"},
        ),
        (
            "exclusionSettings.exclusions",
            [{"$type": "excludedPath", "path": "/srv/a", "scopes": ["epp", "all"]}],
            {"scopes:all"},
        ),
        ("edr.tags", [{"key": "Group", "value": "a"}], {"key:Group"}),
    ],
)
def test_in_a_list_every_different_wrong_value_is_a_finding(
    host: HostFolder, key: str, value: Any, items: set[str]
) -> None:
    """The subject is the setting, and which value of it."""
    findings = found(host.file(MANAGED, only(key, value)).report(), "value-not-allowed")
    assert {one.subject for one in findings} == {f"key:{key}#{item}" for item in items}
    assert len(findings) == len(items)


def test_a_value_of_linux_is_not_allowed_on_macos(host: HostFolder, mac: HostFolder) -> None:
    """Auditing instead of protecting exists on Linux only."""
    policy = only("antivirusEngine.enforcementLevel", "audit")
    assert raised(host.file(MANAGED, policy).report()) == set()
    assert raised(mac.file(MAC_MANAGED, policy).report()) == {
        ("value-not-allowed", "key:antivirusEngine.enforcementLevel")
    }


@pytest.mark.parametrize(("text", "fine"), [('{"groups": []}', True), ("{groups: []}", False)])
def test_a_policy_inside_a_text_must_be_json(mac: HostFolder, text: str, fine: bool) -> None:
    """Device control is switched off by a missing quote."""
    report = mac.file(MAC_MANAGED, only("deviceControl.policy", text)).report()
    expected = set() if fine else {("value-not-allowed", "key:deviceControl.policy")}
    assert raised(report) == expected


def test_values_that_may_be_secret_are_never_suggested(host: HostFolder) -> None:
    """A type says enough."""
    host.file(MANAGED, only(PATH, "/srv/very-secret-project"))
    (finding,) = found(host.report(), "wrong-type")
    assert "very-secret" not in repr(finding)


def test_what_the_agent_wrote_itself_is_low_at_most(host: HostFolder) -> None:
    """More likely this program does not know the word."""
    host.file(LOCAL, only("antivirusEngine.enforcementLevel", "turbo"))
    (finding,) = found(host.report(), "value-not-allowed")
    assert finding.severity is Severity.LOW


@pytest.mark.parametrize(
    ("key", "value", "severity"),
    [
        ("antivirusEngine.scanArchives", "yes", Severity.LOW),
        ("cloudService.proxy", 8080, Severity.MEDIUM),
        ("exclusionSettings.exclusions", [{"isDirectory": 1}], Severity.MEDIUM),
        ("exclusionSettings.exclusions", [{"isDirectory": 1, "scopes": ["epp"]}], Severity.LOW),
    ],
    ids=["shadowed", "proxy", "global exclusion", "epp exclusion"],
)
def test_what_is_still_merged_from_a_shadowed_file_keeps_its_weight(
    host: HostFolder, key: str, value: Any, severity: Severity
) -> None:
    """The documented exceptions are in force under MDE Attach, all else is not."""
    host.file(ATTACH, {}).file(MANAGED, only(key, value)).health(managedBy="MDE")
    (finding,) = found(host.report(), "wrong-type")
    assert finding.severity is severity


def test_what_the_portal_sets_as_well_is_not_merged(host: HostFolder) -> None:
    """Its proxy wins, so that the file's does no harm."""
    host.file(ATTACH, only("cloudService.proxy", "http://proxy.example.net/"))
    host.file(MANAGED, only("cloudService.proxy", 8080)).health(managedBy="MDE")
    (finding,) = found(host.report(), "wrong-type")
    assert finding.severity is Severity.LOW


def test_the_entry_that_matters_most_grades_the_finding(host: HostFolder) -> None:
    """Of two entries of a shadowed file only the second is in force."""
    entries = [{"isDirectory": 1, "scopes": ["epp"]}, {"isDirectory": 1, "scopes": ["global"]}]
    host.file(ATTACH, {}).file(MANAGED, only("exclusionSettings.exclusions", entries))
    (finding,) = found(host.health(managedBy="MDE").report(), "wrong-type")
    assert (finding.severity, finding.facts["in_force"]) == (Severity.MEDIUM, True)


@pytest.mark.parametrize("code", ["wrong-type", "value-not-allowed"])
def test_a_file_that_may_not_be_read_leaves_the_rules_unsure(host: HostFolder, code: str) -> None:
    """Not knowing is neither a finding nor a pass."""
    report = denied(host.file(MANAGED, only("cloudService.enabled", "on")), "mdatp_managed")
    assert raised(report) == set()
    assert code in unknown(report)
