"""Keys that are repeated, unknown, misplaced, of the other platform, or old."""

from __future__ import annotations

from typing import Any

import pytest
from about_files import denied, only, raised, set_at
from clean_policies import linux, mac

from mdeinspect.model import Severity
from support import ATTACH, LOCAL, MAC_ATTACH, MAC_MANAGED, MANAGED, HostFolder, found, unknown

CODES = (
    "duplicate-key",
    "unknown-key",
    "misplaced-key",
    "other-platform-key",
    "deprecated-key",
    "old-and-new-keys",
)


def test_clean_policies_raise_nothing(host: HostFolder) -> None:
    """Every documented key in its place is fine, in every file that can hold it."""
    host.file(MANAGED, linux()).file(ATTACH, linux()).file(LOCAL, linux())
    host.health(managedBy="MDE", appVersion="101.26082.0001")  # which knows all of them
    assert raised(host.report()) == set()


@pytest.mark.parametrize("code", CODES)
def test_a_file_that_may_not_be_read_leaves_every_rule_unsure(host: HostFolder, code: str) -> None:
    """Not knowing is neither a finding nor a pass."""
    report = denied(host.file(MANAGED, only("antivirusEngine.typo", 1)), "mdatp_managed")
    assert raised(report) == set()
    assert code in unknown(report)


# --- repeated keys ------------------------------------------------------------------------------


def test_a_repeated_setting_is_told_where_it_is_repeated_first(host: HostFolder) -> None:
    """Medium, because the value that a reader sees first is lost."""
    host.file(MANAGED, '{"edr": {\n"groupIds": "a",\n"groupIds": "b",\n"groupIds": "c"}}')
    (finding,) = found(host.report(), "duplicate-key")
    assert finding.subject == "key:edr.groupIds"
    assert finding.severity is Severity.MEDIUM
    assert (finding.line, finding.column) == (3, 1)
    assert finding.facts["times"] == 3
    assert (finding.facts["path"], finding.facts["file"]) == ("edr.groupIds", MANAGED)


@pytest.mark.parametrize(
    ("text", "subject"),
    [
        ('{"edr": {"groupIds": "a"}, "edr": {}}', "key:edr"),
        (
            '{"edr": {"tags": [{"key": "GROUP", "value": "a", "value": "b"}]}}',
            "key:edr.tags.value",
        ),
    ],
    ids=["a whole section", "a member of a list entry"],
)
def test_a_repeated_section_or_member_loses_as_much(
    host: HostFolder, text: str, subject: str
) -> None:
    """Both are medium."""
    (finding,) = found(host.file(MANAGED, text).report(), "duplicate-key")
    assert (finding.subject, finding.severity) == (subject, Severity.MEDIUM)


def test_a_repeated_comment_loses_nothing(host: HostFolder) -> None:
    """Low: nobody but people reads it. The same key once in each entry is no repeat."""
    entry = '{"key": "GROUP", "value": "a", "info": 1}'
    host.file(MANAGED, f'{{"info": 1, "info": 2, "edr": {{"tags": [{entry}, {entry}]}}}}')
    findings = found(host.report(), "duplicate-key")
    assert [(one.subject, one.severity) for one in findings] == [("key:info", Severity.LOW)]


def test_repeats_in_a_profile_are_found_without_a_place(mac: HostFolder) -> None:
    """Property lists tell no lines."""
    body = "<dict><key>edr</key><dict/><key>edr</key><dict/></dict>"
    mac.file(MAC_MANAGED, f'<?xml version="1.0"?><plist version="1.0">{body}</plist>')
    (finding,) = found(mac.report(), "duplicate-key")
    assert (finding.subject, finding.line) == ("key:edr", None)


# --- unknown keys -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "nearest"),
    [
        (
            "antivirusEngine.offlineDefintionUpdateFallbackToCloud",
            "antivirusEngine.offlineDefinitionUpdateFallbackToCloud",
        ),
        ("cloudService.defintionUpdatesInterval", "cloudService.definitionUpdatesInterval"),
        ("antivirusEngine.EnforcementLevel", "antivirusEngine.enforcementLevel"),
    ],
)
def test_a_misspelt_key_comes_with_the_key_that_was_meant(
    host: HostFolder, key: str, nearest: str
) -> None:
    """Medium: somebody believes in a protection that is not there."""
    (finding,) = found(host.file(MANAGED, only(key, True)).report(), "unknown-key")
    assert (finding.subject, finding.severity) == (f"key:{key}", Severity.MEDIUM)
    assert finding.facts["nearest"] == nearest
    assert finding.line is not None


def test_a_misspelt_section_is_one_finding(host: HostFolder) -> None:
    """All that is in it is lost for one reason."""
    host.file(MANAGED, {"cloudservice": {"enabled": True, "proxy": ""}})
    (finding,) = found(host.report(), "unknown-key")
    assert (finding.subject, finding.facts["nearest"]) == ("key:cloudservice", "cloudService")
    assert finding.severity is Severity.MEDIUM


def test_a_misspelt_member_of_an_entry_is_told_once(host: HostFolder) -> None:
    """Thousands of entries written by one template are one mistake."""
    entries = [
        {"$type": "excludedPath", "path": f"/srv/{i}", "isDirectroy": True} for i in range(9)
    ]
    host.file(MANAGED, only("antivirusEngine.exclusions", entries))
    (finding,) = found(host.report(), "unknown-key")
    assert finding.subject == "key:antivirusEngine.exclusions.isDirectroy"
    assert finding.facts["nearest"] == "antivirusEngine.exclusions.isDirectory"


def test_the_value_of_an_unknown_key_never_travels(host: HostFolder) -> None:
    """It may be a secret in the wrong place: equal values have equal digests, and that is all."""
    host.file(MANAGED, only("cloudService.apiToken", "hunter2hunter2"))
    report = host.report()
    (finding,) = found(report, "unknown-key")
    assert "hunter2" not in repr(finding)
    assert finding.severity is Severity.LOW
    again = host.file(MANAGED, only("cloudService.apiToken", "other")).report()
    (changed,) = found(again, "unknown-key")
    assert changed.facts["value_digest"] != finding.facts["value_digest"]


@pytest.mark.parametrize("key", ["info", "possible values", "_comment", "$schema", "Description"])
def test_comments_in_disguise_are_called_that(host: HostFolder, key: str) -> None:
    """Low, wherever they stand: at the top, in a section, in an entry."""
    policy = {key: "why", "edr": {key: 1, "tags": [{"key": "GROUP", "value": "a", key: 1}]}}
    findings = found(host.file(MANAGED, policy).report(), "unknown-key")
    assert {one.subject for one in findings} == {
        f"key:{key}",
        f"key:edr.{key}",
        f"key:edr.tags.{key}",
    }
    assert {one.severity for one in findings} == {Severity.LOW}
    assert all(one.facts["pseudo_comment"] for one in findings)


def test_what_lies_inside_an_opaque_value_is_not_judged(mac: HostFolder) -> None:
    """The vendors of a device control policy are keys of the administrator's own."""
    policy = {"enforcementLevel": "block", "vendors": {"0951": {"products": {"16AE": {}}}}}
    mac.file(MAC_MANAGED, only("deviceControl.removableMediaPolicy", policy))
    assert {code for code, _ in raised(mac.report())} == {"deprecated-key"}


def test_the_keys_of_the_local_file_are_the_agents_own(host: HostFolder) -> None:
    """The agent writes it, in spellings that nobody documents."""
    host.file(LOCAL, {"cloudService": {"defintionUpdatesInterval": 1}, "machine": {"x": 1}})
    assert raised(host.report()) == set()


def test_a_new_key_of_the_portal_is_only_worth_a_note(host: HostFolder) -> None:
    """The portal writes its file, and may be newer than this program."""
    host.file(ATTACH, only("antivirusEngine.quantumShield", True)).health(managedBy="MDE")
    (finding,) = found(host.report(), "unknown-key")
    assert (finding.severity, finding.facts["channel"]) == (Severity.INFO, "mde_attach")


def test_a_flood_of_unknown_keys_is_cut_and_says_so(host: HostFolder) -> None:
    """A hostile file cannot fill a report."""
    host.file(MANAGED, {f"x{i:05}qqq": 0 for i in range(30_000)})
    report = host.report()
    assert len(found(report, "unknown-key")) == 200
    assert "unknown-key" in unknown(report)


def test_a_key_of_any_length_makes_a_short_subject(host: HostFolder) -> None:
    """And two long keys that start alike are still two."""
    host.file(MANAGED, {"k" * 100_000: 1, "k" * 100_001: 1})
    findings = found(host.report(), "unknown-key")
    assert len({one.subject for one in findings}) == 2
    assert all(len(one.subject) < 200 for one in findings)


def test_an_empty_key_can_be_named(host: HostFolder) -> None:
    """It has no letters, and is shown all the same."""
    report = host.file(MANAGED, {"edr": {"": 1}}).report()
    assert raised(report) == {("unknown-key", 'key:edr.""')}


# --- keys in the wrong place --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("policy", "subject", "right"),
    [
        ({"behaviorMonitoring": "enabled"}, "behaviorMonitoring", "antivirusEngine."),
        ({"scanResultsRetentionDays": 90}, "scanResultsRetentionDays", "antivirusEngine."),
        (
            {"features": {"behaviorMonitoring": "enabled"}},
            "features.behaviorMonitoring",
            "antivirusEngine.behaviorMonitoring",
        ),
        (
            {"weeklyConfiguration": {"dayOfWeek": 1}},
            "weeklyConfiguration",
            "scheduledScan.weeklyConfiguration",
        ),
        ({"wdav": {}, "settings": {"antivirusEngine": {}}}, None, None),
        (
            {"antivirusEngine.enforcementLevel": "real_time"},
            "antivirusEngine.enforcementLevel",
            "antivirusEngine.enforcementLevel",
        ),
        (
            {"networkProtection": {"cloudService": {"enabled": True}}},
            "networkProtection.cloudService",
            "cloudService",
        ),
        (
            only(
                "antivirusEngine.exclusions",
                [{"$type": "excludedPath", "path": "/srv/a", "scopes": ["epp"]}],
            ),
            "antivirusEngine.exclusions.scopes",
            "exclusionSettings.exclusions.scopes",
        ),
    ],
)
def test_a_known_key_in_the_wrong_place_is_told_with_the_right_one(
    host: HostFolder, policy: dict[str, Any], subject: str | None, right: str | None
) -> None:
    """Such a key is misplaced and not unknown; a section that is none of ours is unknown."""
    report = host.file(MANAGED, policy).report()
    findings = found(report, "misplaced-key")
    if subject is None:
        assert findings == []
        return
    assert [one.subject for one in findings] == [f"key:{subject}"]
    assert findings[0].severity is Severity.MEDIUM
    assert findings[0].facts["right"][0].startswith(str(right))
    assert found(report, "unknown-key") == []


def test_a_name_with_several_homes_names_them_all(host: HostFolder) -> None:
    """Which one was meant, only its author knows."""
    host.file(MANAGED, {"enforcementLevel": "block"})
    (finding,) = found(host.report(), "misplaced-key")
    homes = ["antivirusEngine.enforcementLevel", "networkProtection.enforcementLevel"]
    assert finding.facts["right"] == homes


def test_a_word_that_says_nothing_is_not_called_misplaced(host: HostFolder) -> None:
    """`networkProtection.enabled` was not meant to be `cloudService.enabled`."""
    host.file(MANAGED, only("networkProtection.enabled", True))
    report = host.report()
    assert raised(report) == {("unknown-key", "key:networkProtection.enabled")}
    assert found(report, "unknown-key")[0].facts["nearest"] is None


# --- keys of the other platform -----------------------------------------------------------------


def test_a_setting_of_macos_means_nothing_on_linux(host: HostFolder) -> None:
    """A section that only the other platform has is one finding, a single key another."""
    policy = {"userInterface": {"hideStatusMenuIcon": True, "x": 1}}
    set_at(policy, "networkProtection.disableDnsParsing", True)
    findings = found(host.file(MANAGED, policy).report(), "other-platform-key")
    assert {one.subject for one in findings} == {
        "key:userInterface",
        "key:networkProtection.disableDnsParsing",
    }
    assert {(one.severity, one.facts["platform"]) for one in findings} == {(Severity.LOW, "macOS")}


def test_a_setting_of_linux_means_nothing_on_macos(mac: HostFolder) -> None:
    """Global exclusions exist on Linux only."""
    policy = {"exclusionSettings": {"mergePolicy": "merge"}, "features": {"moduleLoad": "enabled"}}
    findings = found(mac.file(MAC_MANAGED, policy).report(), "other-platform-key")
    assert {one.subject for one in findings} == {"key:exclusionSettings", "key:features.moduleLoad"}


# --- old keys -----------------------------------------------------------------------------------


def test_an_old_key_is_worth_a_note_with_what_took_its_place(host: HostFolder) -> None:
    """Info: it still works."""
    (finding,) = found(
        host.file(MANAGED, only("antivirusEngine.passiveMode", True)).report(), "deprecated-key"
    )
    assert (finding.subject, finding.severity) == ("key:antivirusEngine.passiveMode", Severity.INFO)
    assert finding.facts["replaced_by"] == "antivirusEngine.enforcementLevel"


def test_old_and_new_keys_together_are_one_finding_and_not_three(host: HostFolder) -> None:
    """Which of them wins is not documented."""
    policy = linux()
    set_at(policy, "antivirusEngine.passiveMode", False)
    set_at(policy, "antivirusEngine.enableRealTimeProtection", True)
    report = host.file(MANAGED, policy).report()
    assert raised(report) == {("old-and-new-keys", "key:antivirusEngine.enforcementLevel")}
    (finding,) = found(report, "old-and-new-keys")
    assert finding.severity is Severity.LOW
    assert finding.facts["old"] == [
        "antivirusEngine.enableRealTimeProtection",
        "antivirusEngine.passiveMode",
    ]


def test_old_keys_in_one_file_and_new_ones_in_another_are_not_together(host: HostFolder) -> None:
    """Only one file at a time decides."""
    host.file(ATTACH, only("antivirusEngine.enforcementLevel", "real_time"))
    host.file(MANAGED, only("antivirusEngine.passiveMode", False)).health(managedBy="MDE")
    assert found(host.report(), "old-and-new-keys") == []


# --- which file ---------------------------------------------------------------------------------


def test_a_mistake_in_a_shadowed_file_is_low(host: HostFolder) -> None:
    """It does no harm as long as it is not in force."""
    host.file(ATTACH, {}).file(MANAGED, {"behaviorMonitoring": "enabled"}).health(managedBy="MDE")
    (finding,) = found(host.report(), "misplaced-key")
    assert (finding.severity, finding.facts["in_force"]) == (Severity.LOW, False)
    assert (finding.facts["file"], finding.facts["channel"]) == (MANAGED, "managed_file")


def test_one_mistake_in_two_files_is_one_finding_of_the_file_that_matters(
    host: HostFolder,
) -> None:
    """The other file is named in it."""
    wrong = {"behaviorMonitoring": "enabled"}
    host.file(ATTACH, wrong).file(MANAGED, wrong).health(managedBy="MDE")
    (finding,) = found(host.report(), "misplaced-key")
    assert (finding.severity, finding.facts["file"]) == (Severity.MEDIUM, ATTACH)
    assert finding.facts["also_in"] == [MANAGED]


def test_who_governs_being_unknown_makes_no_mistake_smaller(mac: HostFolder) -> None:
    """Either of the two may be in force."""
    mac.file(MAC_ATTACH, {}).file(MAC_MANAGED, {"behaviorMonitoring": "enabled"})
    report = mac.report()
    assert report.authority.channel == "unknown"
    (finding,) = found(report, "misplaced-key")
    assert (finding.severity, finding.facts["in_force"]) == (Severity.MEDIUM, None)


def test_a_clean_profile_raises_nothing_in_any_place(mac: HostFolder) -> None:
    """For the machine and for a user alike."""
    clean = _mac_profile()
    mac.file(MAC_MANAGED, clean)
    mac.file("/Library/Managed Preferences/bob/com.microsoft.wdav.plist", clean)
    assert raised(mac.report()) == set()


def _mac_profile() -> dict[str, Any]:
    return mac()
