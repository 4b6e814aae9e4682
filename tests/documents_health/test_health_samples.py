"""What real output says, worked out by hand for each sample; skipped where they are missing."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from mdeinspect.documents import health as parsers
from mdeinspect.errors import ParseError

SAMPLES = Path(__file__).resolve().parents[2] / ".." / "shared" / "samples" / "health"
NOTICE = ("ATTENTION: No license found. Contact your administrator for help.",)


def words(text: str) -> list[str]:
    return text.split()


MAIN_2022 = words(
    """
healthy health_issues licensed engine_version app_version org_id log_level machine_guid
release_ring product_expiration cloud_enabled cloud_automatic_sample_submission_consent
cloud_diagnostic_enabled passive_mode_enabled real_time_protection_enabled
real_time_protection_available real_time_protection_subsystem
automatic_definition_update_enabled definitions_updated definitions_updated_minutes_ago
definitions_version definitions_status edr_early_preview_enabled edr_device_tags
edr_group_ids edr_configuration_version edr_machine_id conflicting_applications
network_protection_status tamper_protection
"""
)
LINUX_2023 = [
    *MAIN_2022,
    *["behavior_monitoring", "supplementary_events_subsystem", "troubleshooting_mode"],
    "network_protection_enforcement_level",
]
MAC_2022 = [
    *MAIN_2022,
    *["network_events_subsystem", "device_control_enforcement_level"],
    *["data_loss_prevention_status", "full_disk_access_enabled"],
]
MAC_2026 = [
    *(name for name in MAC_2022 if name != "product_expiration"),
    *["engine_load_status", "cloud_pin_certificate_thumbs", "behavior_monitoring", "managed_by"],
    *["network_protection_enforcement_level", "troubleshooting_mode", "ecs_configuration_ids"],
]
DEFINITIONS = words(
    """
automatic_definition_update_enabled definitions_updated definitions_updated_minutes_ago
definitions_version definitions_status definitions_update_source_uri
definitions_update_fail_reason offline_definition_url_configured
offline_definition_update offline_definition_update_verify_sig
offline_definition_update_fallback_to_cloud
"""
)
EXTENSIONS = [
    "network_extension_enabled",
    "network_extension_installed",
    "endpoint_security_extension_ready",
    "endpoint_security_extension_installed",
]
FROM_MIRROR = {
    "automatic_definition_update_enabled",
    "offline_definition_url_configured",
    "offline_definition_update",
}
FALLBACK = "offline_definition_update_fallback_to_cloud"


@dataclass
class View:
    """What one sample must read as."""

    names: list[str]
    values: dict[str, Any]
    managed: set[str] = field(default_factory=set)
    unavailable: set[str] = field(default_factory=set)
    attention: tuple[str, ...] = ()
    form: str = "text"


HEALTH = {
    "linux-100.87.66-legacycli-health-2020.txt": View(
        words(
            """
cloud_automatic_sample_submission cloud_diagnostic_enabled cloud_enabled
definitions_updated definitions_updated_minutes_ago definitions_version edr_device_tags
edr_early_preview_enabled edr_machine_id healthy licensed log_level
real_time_protection_available real_time_protection_enabled release_ring app_version
"""
        ),
        {
            "cloud_automatic_sample_submission": True,
            "definitions_updated": 1583323429305,
            "definitions_updated_minutes_ago": 47,
            "definitions_version": "79932",
            "edr_device_tags": [],
            "healthy": True,
            "release_ring": "Dogfood",
            "app_version": "100.87.66",
        },
        form="legacy",
    ),
    "linux-101.02.55-table-unlicensed-2020-TRUNCATED.txt": View(
        words(
            """
healthy licensed engine_version app_version org_id log_level machine_guid release_ring
product_expiration cloud_enabled cloud_automatic_sample_submission_consent
cloud_diagnostic_enabled real_time_protection_enabled real_time_protection_available
real_time_protection_subsystem definitions_updated
"""
        ),
        {
            "healthy": False,
            "licensed": False,
            "engine_version": "3.0",
            "app_version": "101.02.55",
            "org_id": None,
            "real_time_protection_enabled": False,
            "real_time_protection_available": True,
            "definitions_updated": "Jul 01, 2020 at 12:27:",
        },
        unavailable={"org_id", "product_expiration"},
        attention=NOTICE,
    ),
    "linux-101.23062.0010-json-glpi-agent.json": View(
        [*LINUX_2023, "functionality_mode", "managed_by", "proxy", "telemetry_client"],
        {
            "healthy": True,
            "health_issues": [],
            "passive_mode_enabled": True,
            "real_time_protection_enabled": False,
            "behavior_monitoring": "disabled",
            "definitions_status": "up_to_date",
            "definitions_updated_minutes_ago": 20,
            "product_expiration": 1712756068000,
            "managed_by": "",
            "edr_device_tags": [],
            "supplementary_events_subsystem": "ebpf",
        },
        form="json",
    ),
    "linux-101.23062.0010-table-ubuntu2004azure.txt": View(
        LINUX_2023,
        {
            "healthy": True,
            "health_issues": [],
            "app_version": "101.23062.0010",
            "passive_mode_enabled": False,
            "real_time_protection_enabled": True,
            "behavior_monitoring": "enabled",
            "product_expiration": "Apr 10, 2024 at 01:34:28 PM",
            "definitions_updated_minutes_ago": 159,
            "definitions_status": "up_to_date",
            "edr_group_ids": "",
            "network_protection_enforcement_level": "disabled",
            "troubleshooting_mode": False,
        },
    ),
    "linux-101.85.27-table-unlicensed-2022-EXCERPT.txt": View(
        words(
            """
healthy health_issues licensed engine_version app_version org_id log_level
network_protection_status network_protection_enforcement_level
"""
        ),
        {
            "healthy": False,
            "health_issues": ["missing license"],
            "licensed": False,
            "org_id": None,
            "network_protection_status": "stopped",
        },
        unavailable={"org_id"},
        attention=NOTICE,
    ),
    "macos-101.26032.0016-keyvalue-macoslab-SANITISED.txt": View(
        MAC_2026,
        {
            "healthy": True,
            "engine_load_status": "Engine load succeeded",
            "app_version": "101.26032.0016",
            "cloud_pin_certificate_thumbs": False,
            "passive_mode_enabled": False,
            "tamper_protection": "block",
            "definitions_updated_minutes_ago": 146,
            "edr_device_tags": [],
            "managed_by": "MDM",
            "full_disk_access_enabled": True,
        },
        managed={
            "cloud_enabled",
            "cloud_automatic_sample_submission_consent",
            "passive_mode_enabled",
            "real_time_protection_enabled",
            "tamper_protection",
            "automatic_definition_update_enabled",
        },
    ),
    "macos-101.70.19-table-msdocs-tamper-audit.txt": View(
        MAC_2022,
        {
            "healthy": True,
            "org_id": "...",
            "tamper_protection": "audit",
            "device_control_enforcement_level": "audit",
            "product_expiration": "Dec 29, 2022 at 09:48:37 PM",
            "definitions_updated_minutes_ago": 5,
            "full_disk_access_enabled": True,
        },
    ),
    "macos-101.70.19-table-msdocs-tamper-block.txt": View(
        MAC_2022,
        {"healthy": True, "tamper_protection": "block", "edr_group_ids": ""},
    ),
    "macos-2021-table-kext-notapproved-msdocs-EXCERPT.txt": View(
        ["real_time_protection_enabled", "real_time_protection_available"],
        {"real_time_protection_enabled": False, "real_time_protection_available": True},
    ),
    "macos-2026-table-sysext-notapproved-msdocs-EXCERPT.txt": View(
        words(
            """
healthy health_issues real_time_protection_enabled real_time_protection_available
full_disk_access_enabled
"""
        ),
        {
            "healthy": False,
            "health_issues": [
                "no active event provider",
                "network event provider not running",
                "full disk access has not been granted",
            ],
            "real_time_protection_enabled": True,
            "real_time_protection_available": False,
            "full_disk_access_enabled": False,
        },
    ),
}
DETAILS = {
    "linux-101.26062-details-definitions-msdocs-deprecated.txt": View(
        [*DEFINITIONS, "engine_signature_verification"],
        {
            "automatic_definition_update_enabled": True,
            "definitions_updated_minutes_ago": 2,
            "offline_definition_update_verify_sig": "DEPRECATED",
            "definitions_update_fail_reason": "",
            FALLBACK: False,
        },
        managed=FROM_MIRROR | {FALLBACK},
    ),
    "linux-2024-details-definitions-msdocs-v1.txt": View(
        DEFINITIONS,
        {
            "offline_definition_url_configured": "http://172.22.199.67:8000/linux/production/",
            "offline_definition_update": "enabled",
            "definitions_updated": "Mar 14, 2024 at 12:13:17 PM",
            FALLBACK: False,
        },
        managed=FROM_MIRROR,
    ),
    "linux-2026-details-definitions-scriptcomment-SECONDARY.txt": View(
        [
            *FROM_MIRROR,
            "definitions_status",
            FALLBACK,
            "offline_definition_update_verify_sig",
        ],
        {"offline_definition_update_verify_sig": "enabled", FALLBACK: False},
        managed=FROM_MIRROR | {FALLBACK},
    ),
    "macos-2022-details-edr-msdocs.txt": View(
        words(
            """
edr_early_preview_enabled edr_device_tags edr_group_ids edr_configuration_version
edr_machine_id edr_sense_guid edr_preferred_geo
"""
        ),
        {"edr_preferred_geo": "unitedstates", "edr_device_tags": [], "edr_group_ids": ""},
    ),
    "macos-2023-details-system_extensions-notapproved-msdocs-TABS.txt": View(
        EXTENSIONS, dict(zip(EXTENSIONS, (False, True, False, True), strict=True))
    ),
    "macos-2024-details-antivirus-ANNOTATED.txt": View(
        words(
            """
passive_mode_enabled real_time_protection_enabled real_time_protection_available
real_time_protection_subsystem network_events_subsystem scan_archives
scan_after_definition_update scan_history_cleanup_interval_hours
scan_results_retention_days scan_history_maximum_items enable_file_hash_computation
last_on_demand_scan_start_time last_on_demand_scan_end_time last_on_demand_scan_type
last_on_demand_scan_threat_count last_on_demand_scan_files_scanned
maximum_on_demand_scan_threads enforcement_level
"""
        ),
        {
            "real_time_protection_enabled": True,
            "scan_archives": True,
            "scan_history_maximum_items": 10000,
            "last_on_demand_scan_end_time": "Dec 02, 2024 at 11:50:23 AM",
            "last_on_demand_scan_threat_count": 0,
            "enforcement_level": "on_demand",
        },
    ),
    "macos-2024-details-system_extensions-netfilter-off-ANNOTATED.txt": View(
        EXTENSIONS, dict(zip(EXTENSIONS, (False, True, True, True), strict=True))
    ),
    "macos-2024-details-system_extensions-ok-ANNOTATED.txt": View(
        EXTENSIONS, dict.fromkeys(EXTENSIONS, True)
    ),
    "macos-2025-details-definitions-msdocs-nospace-managed.txt": View(
        DEFINITIONS,
        {
            "automatic_definition_update_enabled": True,
            "offline_definition_update_verify_sig": "enabled",
            "definitions_status": "up_to_date",
            FALLBACK: False,
        },
        managed=FROM_MIRROR | {FALLBACK},
    ),
}
FIELDS: dict[str, Any] = {
    "linux-unknown-field-health_issues-offboarded-msdocs.txt": ["missing license"],
    "linux-unknown-field-three-fields-preonboarding-rhel8.txt": ParseError,  # three, not one
    "macos-2025-field-definitions_updated.txt": "Jul 29, 2025 at 11:51:57 AM",
    "macos-2025-field-healthy.txt": True,
}
VERSIONS = {"linux-101.23052.0009-version.txt": "101.23052.0009"}
NO_HEALTH = [
    "linux-2020-service-status-mdatp-msdocs.txt",
    "linux-2023-systemctl-status-mdatp-centos8.txt",
    "linux-legacycli-error-failedtoconnect-2020-TRUNCATED.txt",
]


def sample(name: str) -> bytes:
    path = SAMPLES / name
    if not path.is_file():
        pytest.skip("the samples of real output are not at hand")
    return path.read_bytes()


def check(health: parsers.Health, view: View) -> None:
    assert sorted(health.fields) == sorted(view.names)
    assert {name: health.value(name) for name in view.values} == view.values
    assert {name for name, f in health.fields.items() if f.managed} == view.managed
    assert {name for name, f in health.fields.items() if not f.available} == view.unavailable
    assert health.attention == view.attention
    assert health.form == view.form
    assert health.retyped == ()


@pytest.mark.parametrize("name", HEALTH)
def test_main_views(name):
    """Every main view seen in the wild reads as a person reads it."""
    check(parsers.parse_health(sample(name)), HEALTH[name])


@pytest.mark.parametrize("name", DETAILS)
def test_views_of_details(name):
    """Every view of details seen in the wild reads as a person reads it."""
    check(parsers.parse_details(sample(name)), DETAILS[name])


@pytest.mark.parametrize("name", FIELDS)
def test_single_fields(name):
    """Every single field seen in the wild gives its value, and three values give none."""
    expected = FIELDS[name]
    if expected is ParseError:
        with pytest.raises(ParseError):
            parsers.parse_field(sample(name))
    else:
        assert parsers.parse_field(sample(name)).value == expected


@pytest.mark.parametrize("name", VERSIONS)
def test_versions(name):
    """Every `mdatp version` seen in the wild gives the version."""
    assert parsers.parse_version(sample(name)) == VERSIONS[name]


@pytest.mark.parametrize("name", [*NO_HEALTH, *FIELDS, *VERSIONS])
def test_what_is_no_health_is_refused(name):
    """Service states, errors, versions and single values are no health and no details."""
    for parse in (parsers.parse_health, parsers.parse_details):
        with pytest.raises(ParseError):
            parse(sample(name))


@pytest.mark.parametrize("name", NO_HEALTH)
def test_service_states_are_no_values(name):
    """Nor are they a single field or a version."""
    for parse in (parsers.parse_field, parsers.parse_version):
        with pytest.raises(ParseError):
            parse(sample(name))


def test_a_wrapped_line_is_whole_again():
    """The configuration version that a terminal wrapped is one value of one piece."""
    health = parsers.parse_health(sample("linux-101.23062.0010-table-ubuntu2004azure.txt"))
    version = health.value("edr_configuration_version")
    assert version.startswith("30.199999.")
    assert len(version.rpartition("-")[2]) == 64  # the digest, whole


def test_every_sample_is_worked_out():
    """No sample is left out of the tables above."""
    if not SAMPLES.is_dir():
        pytest.skip("the samples of real output are not at hand")
    told = {*HEALTH, *DETAILS, *FIELDS, *VERSIONS, *NO_HEALTH, "SOURCES.md"}
    assert {path.name for path in SAMPLES.iterdir()} == told
