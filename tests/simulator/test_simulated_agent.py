"""The simulated agent follows the documented rules of merging, and shows what comes of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mdeinspect.model import Platform
from mdeinspect.simulator.agent import LEVEL, UNAVAILABLE, SimulatedAgent
from mdeinspect.simulator.merging import BROKEN, PolicyFiles

NOW = datetime(2026, 11, 22, 11, 4, tzinfo=UTC)
NEWEST = "101.25082.0003"
REAL_TIME = {"antivirusEngine": {"enforcementLevel": "real_time"}}
ON_DEMAND = {"antivirusEngine": {"enforcementLevel": "on_demand"}}
PASSIVE = {"antivirusEngine": {"enforcementLevel": "passive"}}


def agent(platform: Platform = "linux", version: str = NEWEST, **files: Any) -> SimulatedAgent:
    return SimulatedAgent(platform, version, PolicyFiles(**files))


def path(name: str, *scopes: str) -> dict[str, Any]:
    entry: dict[str, Any] = {"$type": "excludedPath", "path": name, "isDirectory": True}
    return {**entry, "scopes": list(scopes)} if scopes else entry


LEVELS: list[tuple[Platform, dict[str, Any], str, str]] = [
    ("linux", {}, "passive", "default"),
    ("linux", {"local": ON_DEMAND}, "on_demand", "local"),
    ("linux", {"managed": REAL_TIME, "local": ON_DEMAND}, "real_time", "managed_file"),
    ("linux", {"attach": ON_DEMAND, "managed": REAL_TIME}, "on_demand", "mde_attach"),
    ("linux", {"attach": {}, "managed": REAL_TIME}, "passive", "default"),
    ("linux", {"attach": {}, "managed": REAL_TIME, "local": ON_DEMAND}, "on_demand", "local"),
    ("linux", {"managed": BROKEN, "local": ON_DEMAND}, "on_demand", "local"),
    ("linux", {"attach": BROKEN, "managed": REAL_TIME}, "passive", "default"),
    ("darwin", {}, "real_time", "default"),
    ("darwin", {"managed": PASSIVE, "local": REAL_TIME}, "passive", "mdm"),
    ("darwin", {"attach": ON_DEMAND, "managed": PASSIVE}, "on_demand", "mde_attach"),
    ("darwin", {"attach": {}, "managed": PASSIVE}, "real_time", "default"),
    ("darwin", {"attach": {}, "managed": PASSIVE, "local": ON_DEMAND}, "on_demand", "local"),
]


@pytest.mark.parametrize(("platform", "files", "value", "source"), LEVELS)
def test_the_strongest_channel_that_sets_a_key_decides(
    platform: Platform, files: dict[str, Any], value: str, source: str
) -> None:
    """MDE Attach hides the administrator's policy even where it says nothing itself."""
    setting = agent(platform, **files).configuration[LEVEL]
    assert (setting.value, setting.source) == (value, source)


def test_an_attached_linux_host_still_takes_the_named_exceptions_from_the_managed_file() -> None:
    """Offline updates, the proxy and global exclusions; an entry without scopes is global."""
    managed = {
        "antivirusEngine": {
            "offlineDefinitionUpdate": "enabled",
            "offlineDefinitionUpdateUrl": "http://mirror.example/",
            "offlineDefinitionUpdateFallbackToCloud": False,
            "exclusions": [path("/lost")],
            "scanArchives": False,
        },
        "features": {"offlineDefinitionUpdateVerifySig": "enabled", "moduleLoad": "enabled"},
        "cloudService": {"proxy": "http://proxy.example:3128", "enabled": False},
        "exclusionSettings": {
            "exclusions": [path("/all"), path("/both", "epp", "global"), path("/epp", "epp")],
            "mergePolicy": "admin_only",
        },
    }
    attach = {"exclusionSettings": {"exclusions": [path("/portal", "global")]}}
    attached = agent(attach=attach, managed=managed)
    taken = {k: s.value for k, s in attached.configuration.items() if s.source == "managed_file"}
    assert taken == {
        "antivirusEngine.offlineDefinitionUpdate": "enabled",
        "antivirusEngine.offlineDefinitionUpdateUrl": "http://mirror.example/",
        "antivirusEngine.offlineDefinitionUpdateFallbackToCloud": False,
        "features.offlineDefinitionUpdateVerifySig": "enabled",
        "cloudService.proxy": "http://proxy.example:3128",
    }
    everywhere = attached.setting("exclusionSettings.exclusions")
    assert [entry["path"] for entry in everywhere] == ["/portal", "/all", "/both"]
    assert attached.setting("exclusionSettings.mergePolicy") == "merge"
    assert attached.setting("antivirusEngine.exclusions") == []


def test_an_attached_mac_takes_nothing_from_the_profile() -> None:
    """There the exclusion is whole."""
    managed = {"cloudService": {"proxy": "http://proxy.example:3128"}, **PASSIVE}
    sources = {s.source for s in agent("darwin", attach={}, managed=managed).configuration.values()}
    assert sources == {"default"}


MERGES: list[tuple[dict[str, Any], list[str]]] = [
    ({}, ["/policy", "/local"]),
    ({"antivirusEngine": {"exclusionsMergePolicy": "merge"}}, ["/policy", "/local"]),
    ({"antivirusEngine": {"exclusionsMergePolicy": "admin_only"}}, ["/policy"]),
    ({"exclusionSettings": {"mergePolicy": "admin_only"}}, ["/policy"]),
]


@pytest.mark.parametrize(("policy", "paths"), MERGES)
def test_local_exclusions_are_added_unless_policy_wants_its_own_alone(
    policy: dict[str, Any], paths: list[str]
) -> None:
    """`admin_only` of either merge policy keeps the local list out."""
    engine = {**policy.get("antivirusEngine", {}), "exclusions": [path("/policy")]}
    local = {"antivirusEngine": {"exclusions": [path("/local")]}}
    found = agent(managed={**policy, "antivirusEngine": engine}, local=local)
    assert [one["path"] for one in found.setting("antivirusEngine.exclusions")] == paths


def test_admin_only_without_entries_leaves_none() -> None:
    """Managed only means managed only, be it nothing; the local file has no say in that."""
    key, local = "antivirusEngine.exclusions", {"antivirusEngine": {"exclusions": [path("/x")]}}
    alone = {"antivirusEngine": {"exclusionsMergePolicy": "admin_only"}}
    assert agent(managed=alone, local=local).setting(key) == []
    local["antivirusEngine"]["exclusionsMergePolicy"] = "admin_only"  # type: ignore[assignment]
    assert agent(local=local).setting(key) == [path("/x")]


def test_threat_types_merge_by_type_and_policy_wins() -> None:
    """One entry for each type of threat."""
    policy = [{"key": "archive_bomb", "value": "block"}]
    local = [
        {"key": "archive_bomb", "value": "off"},
        {"key": "potentially_unwanted_application", "value": "off"},
    ]
    found = agent(
        managed={"antivirusEngine": {"threatTypeSettings": policy}},
        local={"antivirusEngine": {"threatTypeSettings": local}},
    )
    assert found.setting("antivirusEngine.threatTypeSettings") == [*policy, local[1]]


def test_a_value_that_came_later_is_passed_over() -> None:
    """The level `audit` is known from 101.26062.0007 on."""
    policy = {"antivirusEngine": {"enforcementLevel": "audit"}}
    assert agent(managed=policy).setting(LEVEL) == "passive"
    assert agent(version="101.26062.0007", managed=policy).setting(LEVEL) == "audit"


@pytest.mark.parametrize("value", ["diabled", True, 1, None])
def test_a_value_that_the_agent_does_not_know_is_passed_over(value: Any) -> None:
    """The next weaker source decides."""
    wrong = {"antivirusEngine": {"enforcementLevel": value}}
    assert agent(managed=wrong, local=ON_DEMAND).setting(LEVEL) == "on_demand"


LEGACY = [
    ({"enableRealTimeProtection": True}, "real_time"),
    ({"enableRealTimeProtection": False}, "on_demand"),
    ({"passiveMode": True}, "passive"),
    ({"passiveMode": True, "enableRealTimeProtection": True}, "passive"),
    ({"passiveMode": True, "enforcementLevel": "real_time"}, "real_time"),
]


@pytest.mark.parametrize(("engine", "level"), LEGACY)
def test_old_keys_decide_where_the_new_one_is_not_used(engine: dict[str, Any], level: str) -> None:
    """The new key wins within one file; a stronger file wins over a weaker one's new key."""
    assert agent(managed={"antivirusEngine": engine}, local=ON_DEMAND).setting(LEVEL) == level


@pytest.mark.parametrize(
    ("version", "level"),
    [("101.02.55", "real_time"), ("101.23052.0009", "real_time"), ("101.23062.0001", "passive")],
)
def test_the_default_on_linux_depends_on_the_version(version: str, level: str) -> None:
    """Passive since 101.23062.0001."""
    assert agent(version=version).setting(LEVEL) == level


SHOWN = [
    ("real_time", True, False, "enabled"),
    ("on_demand", False, False, "disabled"),
    ("passive", False, True, "disabled"),
]


@pytest.mark.parametrize(("level", "real_time", "passive", "behaviour"), SHOWN)
@pytest.mark.parametrize("platform", ["linux", "darwin"])
def test_the_level_shows_in_two_fields_and_behaviour_needs_real_time(
    platform: Platform, level: str, real_time: bool, passive: bool, behaviour: str
) -> None:
    """As Microsoft documents it."""
    policy = {
        "antivirusEngine": {"enforcementLevel": level, "behaviorMonitoring": "enabled"},
        "features": {"behaviorMonitoring": "enabled"},
    }
    fields = agent(platform, managed=policy).fields(NOW)
    assert fields["real_time_protection_enabled"] is real_time
    assert fields["passive_mode_enabled"] is passive
    assert fields["behavior_monitoring"] == behaviour


def test_the_other_fields_follow_their_preferences() -> None:
    """Cloud, network and tags."""
    policy = {
        "cloudService": {
            "enabled": False,
            "diagnosticLevel": "optional",
            "automaticSampleSubmissionConsent": "all",
            "automaticDefinitionUpdateEnabled": False,
        },
        "networkProtection": {"enforcementLevel": "audit"},
        "edr": {"tags": [{"key": "GROUP", "value": "Web"}], "groupIds": "a,b"},
    }
    fields = agent(managed=policy).fields(NOW)
    assert fields["cloud_enabled"] is False
    assert fields["cloud_diagnostic_enabled"] is True
    assert fields["cloud_automatic_sample_submission_consent"] == "all"
    assert fields["automatic_definition_update_enabled"] is False
    assert fields["network_protection_enforcement_level"] == "audit"
    assert fields["network_protection_status"] == "started"
    assert fields["edr_device_tags"] == [{"key": "GROUP", "value": "Web"}]
    assert fields["edr_group_ids"] == "a,b"


TAMPER: list[tuple[dict[str, Any], bool, bool, str]] = [
    ({}, False, True, "audit"),
    ({}, False, False, "disabled"),
    ({}, True, True, "block"),
    ({"local": "disabled"}, True, True, "disabled"),
    ({"managed": "block", "local": "disabled"}, False, True, "block"),
]


@pytest.mark.parametrize(("levels", "switch", "onboarded", "shown"), TAMPER)
def test_tamper_protection_asks_profile_then_host_then_portal(
    levels: dict[str, str], switch: bool, onboarded: bool, shown: str
) -> None:
    """And audits where nobody says anything, if there is a licence."""
    files = {name: {"tamperProtection": {"enforcementLevel": v}} for name, v in levels.items()}
    mac = replace(agent("darwin", **files), tamper_switch=switch, onboarded=onboarded)
    assert mac.fields(NOW)["tamper_protection"] == shown
    assert agent("linux").fields(NOW)["tamper_protection"] == "disabled"


SUPPLEMENTARY = [
    ("101.23052.0009", None, "auditd"),
    ("101.23062.0010", "enabled", "auditd"),
    ("101.23082.0006", None, "ebpf"),
    ("101.23082.0006", "disabled", "auditd"),
    (NEWEST, None, "ebpf"),
    (NEWEST, "disabled", "netlink"),
]


@pytest.mark.parametrize(("version", "told", "shown"), SUPPLEMENTARY)
def test_supplementary_events_come_from_what_the_version_has(
    version: str, told: str | None, shown: str
) -> None:
    """eBPF by default since 101.23082.0006; auditd was dropped a year later."""
    policy = {"features": {"ebpfSupplementaryEventProvider": told}} if told else {}
    fields = agent(version=version, managed=policy).fields(NOW)
    assert fields["supplementary_events_subsystem"] == shown


OWNERS: list[tuple[Platform, dict[str, Any], str]] = [
    ("linux", {"managed": REAL_TIME}, ""),
    ("linux", {"attach": {}, "managed": REAL_TIME}, "MDE"),
    ("darwin", {"managed": REAL_TIME}, "MDM"),
    ("darwin", {"attach": {}, "managed": REAL_TIME}, "MDE"),
    ("darwin", {"local": REAL_TIME}, ""),
]


@pytest.mark.parametrize(("platform", "files", "owner"), OWNERS)
def test_managed_by_names_the_owner(platform: Platform, files: dict[str, Any], owner: str) -> None:
    """Nothing on Linux without MDE Attach."""
    assert agent(platform, **files).fields(NOW)["managed_by"] == owner


def test_flags_come_from_the_administrator_alone() -> None:
    """Five documented fields on Linux; every wrapped one under a profile; none from MDE Attach."""
    policy = {
        **REAL_TIME,
        "cloudService": {"enabled": True, "diagnosticLevel": "optional"},
        "networkProtection": {"enforcementLevel": "block"},
    }
    linux, mac = agent(managed=policy), agent("darwin", managed=policy)
    names = [*linux.fields(NOW)]
    both = {"cloud_enabled", "passive_mode_enabled", "real_time_protection_enabled"}
    more = {"cloud_diagnostic_enabled", "network_protection_enforcement_level"}
    assert {name for name in names if linux.flagged(name)} == both
    assert {name for name in names if mac.flagged(name)} == both | more
    for quiet in (agent(attach=policy, managed=policy), agent(local=policy), agent()):
        assert not any(quiet.flagged(name) for name in names)


def test_without_a_tenant_or_past_its_date_it_is_unlicensed() -> None:
    """Both look alike from outside, except for the tenant's id."""
    offboarded = replace(agent(), onboarded=False).fields(NOW)
    expired = replace(agent(), product_expiration=NOW - timedelta(days=1)).fields(NOW)
    for fields in (offboarded, expired):
        assert (fields["healthy"], fields["licensed"]) == (False, False)
        assert fields["health_issues"] == ["missing license"]
    assert offboarded["org_id"] == UNAVAILABLE
    assert expired["org_id"] != UNAVAILABLE


def test_an_agent_may_insist() -> None:
    """On a preference, with all that follows from it, or on a single field."""
    stubborn = replace(agent(managed=REAL_TIME), overrides={LEVEL: "passive", "healthy": False})
    fields = stubborn.fields(NOW)
    assert fields["passive_mode_enabled"] is True
    assert fields["real_time_protection_enabled"] is False
    assert fields["healthy"] is False


def test_a_running_daemon_keeps_the_diagnostic_level_it_was_started_with() -> None:
    """On Linux a change waits for a restart."""
    changed = agent(managed={"cloudService": {"diagnosticLevel": "optional"}})
    assert changed.fields(NOW)["cloud_diagnostic_enabled"] is True
    running = replace(changed, diagnostic_level="required")
    assert running.fields(NOW)["cloud_diagnostic_enabled"] is False
