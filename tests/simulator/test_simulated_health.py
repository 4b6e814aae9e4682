"""What the simulated agent prints has the real one's shapes: our own readers understand it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mdeinspect.documents.health import (
    moment,
    parse_details,
    parse_field,
    parse_health,
    parse_strings,
    parse_version,
)
from mdeinspect.model import Platform
from mdeinspect.simulator import details, health
from mdeinspect.simulator.agent import SimulatedAgent
from mdeinspect.simulator.merging import PolicyFiles
from mdeinspect.simulator.policies import hardened

NOW = datetime(2026, 11, 22, 11, 4, tzinfo=UTC)
NEWEST = "101.26072.0001"
VERSIONS = ["101.02.55", "101.70.19", "101.23052.0009", "101.23062.0010", "101.25082.0003", NEWEST]
TIMES = {"definitions_updated", "product_expiration"}
HIDDEN = {"functionality_mode", "proxy", "telemetry_client"}


def agent(platform: Platform = "linux", version: str = NEWEST, **files: Any) -> SimulatedAgent:
    return SimulatedAgent(
        platform,
        version,
        PolicyFiles(**files),
        definitions_updated=NOW - timedelta(hours=3),
        product_expiration=NOW + timedelta(days=200),
    )


CHANNELS: list[dict[str, Any]] = [{}, {"managed": 1}, {"attach": 1}, {"local": 1}]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("platform", ["linux", "darwin"])
@pytest.mark.parametrize("channels", CHANNELS)
@pytest.mark.parametrize("onboarded", [True, False])
def test_json_and_text_of_one_host_are_equal(
    platform: Platform, version: str, channels: dict[str, Any], onboarded: bool
) -> None:
    """Value, flag and availability, for every field that both print; times mean the same."""
    files = dict.fromkeys(channels, hardened(platform))
    one = replace(agent(platform, version, **files), onboarded=onboarded)
    line = parse_health(health.as_json(one, NOW).encode())
    text = parse_health(health.as_text(one, NOW).encode())
    assert (line.form, text.form) == ("json", "text")
    assert line.attention == text.attention
    assert (line.retyped, text.retyped) == ((), ())
    missing = line.fields.keys() - text.fields.keys()
    assert missing <= HIDDEN | {"managed_by"}
    assert not text.fields.keys() - line.fields.keys()
    for name in text.fields.keys() - TIMES:
        first, second = line.fields[name], text.fields[name]
        told = (first.value, first.managed, first.available)
        assert told == (second.value, second.managed, second.available), name
    for name in TIMES & text.fields.keys():
        assert moment(line.fields[name])[0] == moment(text.fields[name])[0]


def test_json_is_one_line_of_typed_and_wrapped_members() -> None:
    """As the one raw capture has it."""
    printed = health.as_json(agent(managed=hardened("linux")), NOW)
    body = json.loads(printed)
    assert printed.count("\n") == 1
    assert list(body) == sorted(body)
    assert body["$type"] == "getHealthAllResult"
    assert body["cloudEnabled"] == {"displayValue": True, "isManaged": True, "value": True}
    assert body["managedBy"] == {"displayValue": False, "isManaged": False, "value": ""}
    assert body["definitionsStatus"] == {"$type": "upToDate"}
    assert body["definitionsUpdated"] == str(int((NOW - timedelta(hours=3)).timestamp()) * 1000)


def test_the_table_is_padded_to_its_column() -> None:
    """Keys to column 44, flags after the value, dates without quotes."""
    lines = health.as_text(agent(managed=hardened("linux")), NOW).splitlines()
    assert {line.index(": ") for line in lines} == {44}
    assert f"{'passive_mode_enabled':<44}: false [managed]" in lines
    assert f'{"cloud_automatic_sample_submission_consent":<44}: "safe" [managed]' in lines
    assert f"{'definitions_updated':<44}: Nov 22, 2026 at 08:04:00 AM" in lines


@pytest.mark.parametrize(
    ("hour", "shown"), [(0, "12:30:00 AM"), (12, "12:30:00 PM"), (23, "11:30:00 PM")]
)
def test_dates_are_english_with_twelve_hours(hour: int, shown: str) -> None:
    """Midnight and noon are twelve."""
    printed = health.printed(datetime(2026, 2, 3, hour, 30, tzinfo=UTC))
    assert printed == f"Feb 03, 2026 at {shown}"


ABSENT = [
    ("linux", "101.02.55", {"passive_mode_enabled", "health_issues", "behavior_monitoring"}),
    ("linux", "101.23052.0009", {"behavior_monitoring", "managed_by", "tamper_protection"}),
    ("linux", "101.25082.0003", {"antivirus_enforcement_level", "full_disk_access_enabled"}),
    ("darwin", "101.70.19", {"network_protection_enforcement_level", "managed_by"}),
    ("darwin", NEWEST, {"supplementary_events_subsystem", "antivirus_enforcement_level"}),
]


@pytest.mark.parametrize(("platform", "version", "names"), ABSENT)
def test_an_old_version_lacks_what_came_later(
    platform: Platform, version: str, names: set[str]
) -> None:
    """And a platform what it never had."""
    shown = parse_health(health.as_json(agent(platform, version), NOW).encode())
    assert not names & shown.fields.keys()


def test_the_linux_table_hides_an_empty_owner() -> None:
    """MDE is shown; nothing is not."""
    assert "managed_by" not in health.as_text(agent(), NOW)
    assert f'{"managed_by":<44}: "MDE"\n' in health.as_text(agent(attach={}), NOW)


def test_the_legacy_form_is_camel_case() -> None:
    """Padded to column 40, versions under their old name, and no JSON."""
    printed = health.as_text(agent(version="100.87.66"), NOW)
    found = parse_health(printed.encode())
    assert {line.index(": ") for line in printed.splitlines()} == {40}
    assert found.form == "legacy"
    assert found.value("app_version") == "100.87.66"
    assert found.value("real_time_protection_enabled") is True
    assert found.value("definitions_updated_minutes_ago") == 180


@pytest.mark.parametrize("version", ["100.87.66", *VERSIONS])
def test_an_unlicensed_agent_says_so_first(version: str) -> None:
    """In every form, before anything else."""
    one = replace(agent(version=version), onboarded=False)
    printed = [health.as_text(one, NOW), health.as_json(one, NOW), details.details(one, "edr", NOW)]
    for text in printed:
        assert text is not None
        assert text.startswith("ATTENTION: No license found.")
    shown = parse_health(printed[0].encode())  # type: ignore[union-attr]
    assert len(shown.attention) == 1
    assert shown.value("licensed") is False


def test_one_field_is_printed_as_in_the_table() -> None:
    """With its quotes and its flag; a field that the version has not is refused."""
    one = agent(managed=hardened("linux"))
    assert health.one_field(one, "app_version", NOW) == f'"{NEWEST}"\n'
    assert health.one_field(one, "passive_mode_enabled", NOW) == "false [managed]\n"
    assert health.one_field(one, "cloud_nonsense", NOW) is None
    unlicensed = replace(one, onboarded=False)
    issues = health.one_field(unlicensed, "health_issues", NOW)
    assert issues is not None
    assert parse_field(issues.encode()).value == ["missing license"]


FEATURES = ["antivirus", "definitions", "edr", "features", "scheduled_scan", "permissions"]


@pytest.mark.parametrize("platform", ["linux", "darwin"])
@pytest.mark.parametrize("feature", FEATURES)
def test_views_of_details_can_be_read(platform: Platform, feature: str) -> None:
    """Every view but the one of permissions, which Linux has not."""
    printed = details.details(agent(platform, managed=hardened(platform)), feature, NOW)
    if printed is None:
        assert (platform, feature) == ("linux", "permissions")
    else:
        assert parse_details(printed.encode()).fields


def test_details_show_what_the_main_view_lacks() -> None:
    """With flags where the administrator decided."""
    policy = {
        "antivirusEngine": {"scanArchives": False, "offlineDefinitionUpdateUrl": "http://m/"},
        "scheduledScan": {"weeklyConfiguration": {"dayOfWeek": 4}},
    }
    one = agent("darwin", managed=policy)
    views = {
        name: parse_details((details.details(one, name, NOW) or "").encode()) for name in FEATURES
    }
    archives = views["antivirus"].fields["scan_archives"]
    assert (archives.value, archives.managed) == (False, True)
    assert views["definitions"].value("offline_definition_url_configured") == "http://m/"
    assert views["scheduled_scan"].value("weekly_scan_configuration.day_of_week") == 4
    assert details.details(one, "nonsense", NOW) is None


def test_signatures_are_always_verified_since_the_version_that_dropped_the_switch() -> None:
    """Linux prints DEPRECATED from 101.26062.0005 on."""
    field = "offline_definition_update_verify_sig"
    policy = {"features": {"offlineDefinitionUpdateVerifySig": "enabled"}}
    new = details.details(agent(managed=policy), "definitions", NOW) or ""
    old = details.details(agent(version="101.25082.0003", managed=policy), "definitions", NOW) or ""
    assert parse_details(new.encode()).value(field) == "DEPRECATED"
    assert parse_details(old.encode()).value(field) == "enabled"


def test_lists_name_every_entry_in_force() -> None:
    """Whatever its kind; an empty list says so in words."""
    exclusions = [
        {"$type": "excludedPath", "path": "/var/lib/x", "isDirectory": True},
        {"$type": "excludedFileExtension", "extension": "log"},
        {"$type": "excludedFileName", "name": "postgres"},
    ]
    anywhere = [{"$type": "excludedPath", "path": "/opt/all", "scopes": ["global"]}]
    policy = {
        "antivirusEngine": {"exclusions": exclusions, "allowedThreats": ["Threat A"]},
        "exclusionSettings": {"exclusions": anywhere},
    }
    one = agent(managed=policy)
    listed = parse_strings(details.exclusions(one).encode())
    assert {"/var/lib/x", "log", "postgres", "/opt/all"} <= listed
    assert "Threat A" in parse_strings(details.allowed_threats(one).encode())
    assert "No exclusions" in details.exclusions(agent())
    assert parse_version(details.version(one).encode()) == NEWEST
