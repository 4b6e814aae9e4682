"""The catalogue tells the truth that was written down, and nothing where nothing is known."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from mdeinspect.catalogue import (
    MDE_ATTACH_MINIMUM,
    NO_DEFAULT,
    PLATFORMS,
    Preference,
    at_least,
    load,
    same_value,
    version_key,
)
from mdeinspect.catalogue.spelling import distance

REPOSITORY = Path(__file__).parents[2]
DATA = REPOSITORY / "mdeinspect" / "catalogue" / "preferences.json"
NUMBERS = {"linux": 78, "darwin": 68}

CATALOGUE = load()
BY_ID = {preference.id: preference for preference in CATALOGUE.preferences}
EVERY_ONE = [pytest.param(one, id=one.id) for one in CATALOGUE.preferences]


# --- the data file ------------------------------------------------------------------------------

Platform = Literal["linux", "darwin"]
Type = Literal[
    "string", "boolean", "integer", "object", "array<object>", "array<string>", "unknown"
]
Version = Field(default=None, pattern=r"^\d+(\.\d+){2,3}$")


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class DefaultRecord(Strict):
    value: Any
    since: str | None = Version
    channel: Literal["managed_file", "mde_attach", "local"] | None = None
    stated_by: str | None = None


class SinceRecord(Strict):
    version: str | None = Version
    released: str | None = Field(default=None, pattern=r"^20\d\d-\d\d$")
    for_value: str | None = None
    ring: Literal["preview", "insiders", "insiders-slow"] | None = None


class MapRecord(Strict):
    when: str | bool | None = None
    any: Literal[True] | None = None
    expect: list[str | bool] = Field(min_length=1)
    since: str | None = Version
    before: str | None = Version
    platform: Platform | None = None


class HealthRecord(Strict):
    field: str = Field(pattern=r"^[a-z0-9_]+(\.[a-z0-9_]+)*$")
    view: Literal["antivirus", "definitions", "features", "scheduled_scan", "device_control"] = (
        Field(default="main", validate_default=False)
    )
    platforms: list[Platform] | None = Field(default=None, min_length=1)
    weight: Literal["prove", "support", "tell"]
    rule: Literal["same", "map"] | None = None
    part: str | None = None
    map: list[MapRecord] | None = Field(default=None, min_length=1)
    note: str | None = None


class ItemRecord(Strict):
    type: Type
    allowed: list[str] | None = None
    required: Literal[True] | None = None
    with_: str | None = Field(default=None, alias="with")
    default: Any = None
    note: str | None = None


class Record(Strict):
    id: str
    linux: list[str] | None = Field(default=None, min_length=1)
    darwin: list[str] | None = Field(default=None, min_length=1)
    local_only: Literal[True] | None = None
    linux_local_only: Literal[True] | None = None
    type: Type
    also_types: list[Type] | None = None
    json_text: Literal[True] | None = None
    allowed: list[str] | None = None
    allowed_darwin: list[str] | None = None
    range: list[int] | None = Field(default=None, min_length=2, max_length=2)
    default_linux: list[DefaultRecord] | None = None
    disputed_linux: Literal[True] | None = None
    default_darwin: list[DefaultRecord] | None = None
    disputed_darwin: Literal[True] | None = None
    since_linux: list[SinceRecord] | None = None
    since_darwin: list[SinceRecord] | None = None
    ended_linux: str | None = Version
    ended_darwin: str | None = Version
    deprecated: Literal[True] | None = None
    deprecated_note: str | None = None
    replaced_by: str | None = None
    health: list[HealthRecord] | None = None
    other_cli: str | None = Field(default=None, pattern="^mdatp ")
    weak_values: list[str | bool | int] | None = None
    strength: list[str] | None = None
    weak_conditions: list[str] | None = None
    sensitivity: Literal["exclusions", "tags", "ids", "url"] | None = None
    impact: str = Field(min_length=4)
    item: dict[str, ItemRecord] | None = None
    notes: str | None = None
    grade: Literal["CERTAIN", "ONE SOURCE", "ASSUMED"]
    sources: list[str] = Field(min_length=1)


def test_data_has_no_member_that_is_not_known() -> None:
    """A misspelt member of a record would otherwise silently mean its default."""
    records = TypeAdapter(list[Record]).validate_json(DATA.read_bytes())
    assert len(records) == 104


def test_data_leaves_defaults_out_and_keeps_its_order() -> None:
    """One way to write a record, so that a diff shows what changed and nothing else."""
    order = list(Record.model_fields)
    for record in json.loads(DATA.read_bytes()):
        assert list(record) == [name for name in order if name in record]
        empty = [name for name, value in record.items() if value in (None, False, [], {}, "")]
        assert not empty, record["id"]


# --- what every record must keep ----------------------------------------------------------------


def test_numbers() -> None:
    """All 104 records load; thirteen are keys of the local file that nobody manages."""
    assert len(CATALOGUE.preferences) == len(BY_ID) == 104
    assert sum(one.local_only for one in CATALOGUE.preferences) == 13
    for platform in PLATFORMS:
        here = [one for one in CATALOGUE.preferences if one.keys(platform)]
        assert len(here) == NUMBERS[platform]


@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_spelling_belongs_to_one_preference(platform: Any) -> None:
    """Otherwise a key of a policy file would be two settings."""
    spellings = [key for one in CATALOGUE.preferences for key in one.keys(platform)]
    assert len(spellings) == len(set(spellings)) == len(CATALOGUE.keys(platform))
    assert not set(spellings) & CATALOGUE.sections(platform)


@pytest.mark.parametrize("one", EVERY_ONE)
def test_a_preference_is_found_by_every_name(one: Preference) -> None:
    """By id, and by any spelling on its platform."""
    assert CATALOGUE.get(one.id) is one
    assert one.platforms
    for platform in one.platforms:
        assert one.key(platform) == one.keys(platform)[0]
        for key in one.keys(platform):
            assert CATALOGUE.find(key, platform) is CATALOGUE.keys(platform)[key] is one


@pytest.mark.parametrize("one", EVERY_ONE)
def test_a_replacement_is_another_preference(one: Preference) -> None:
    """Advice to use another key must name one that exists and is not itself out of date."""
    if one.replaced_by is not None:
        other = CATALOGUE.get(one.replaced_by)
        assert other is not None
        assert one.deprecated
        assert not other.deprecated
    assert one.deprecated or one.deprecated_note is None


@pytest.mark.parametrize("one", EVERY_ONE)
def test_values_fit_the_type(one: Preference) -> None:
    """Defaults, weak values and map rows are values that the preference can have."""
    for platform in one.platforms:
        for rule in one.defaults[platform]:
            assert possible(one, platform, rule.value), rule.value
        if one.range:
            assert one.type == "integer"
            assert one.range[0] < one.range[1]
    anywhere = {*one.allowed("linux"), *one.allowed("darwin")}
    for value in one.weak_values:
        assert value in anywhere or one.type == "integer"


@pytest.mark.parametrize("one", EVERY_ONE)
def test_map_rows_speak_of_values_that_exist(one: Preference) -> None:
    """A row about a value that the preference cannot have would never apply."""
    for field in one.health:
        allowed = {*one.allowed("linux"), *one.allowed("darwin")}
        allowed |= set(one.item[field.part]["allowed"]) if field.part else set()
        for row in field.map:
            assert row.any != (row.when is not None)
            assert row.any or row.when in allowed
        assert (field.rule == "map") == bool(field.map)


@pytest.mark.parametrize("one", EVERY_ONE)
def test_only_the_main_view_may_accuse(one: Preference) -> None:
    """Details support a verdict and never make one; what only tells expects nothing."""
    for field in one.health:
        assert set(field.platforms) <= set(one.platforms)
        assert field.weight != "prove" or field.view == "main"
        assert (field.weight == "tell") == (field.rule == "tell")
        for platform in PLATFORMS:
            if field.weight == "tell" or platform not in field.platforms:
                assert field.expects("enabled", platform, "101.26090.0001") is None
                assert field.vocabulary(platform, None) is None


@pytest.mark.parametrize("one", EVERY_ONE)
def test_what_is_expected_is_in_the_vocabulary(one: Preference) -> None:
    """A word that policy can lead to must be a known word, in every version."""
    for platform in one.platforms:
        for field in one.shown(platform):
            known = field.vocabulary(platform, None)
            for version in (None, "101.23052.0009", "101.26090.0001"):
                for value in one.allowed(platform):
                    expected = field.expects(value, platform, version)
                    assert known is None or set(expected or ()) <= set(known)


def possible(one: Preference, platform: Any, value: Any) -> bool:
    kinds = {"string": str, "boolean": bool, "integer": int, "object": dict}
    if one.type.startswith("array"):
        inner = kinds[one.type[6:-1]]
        return isinstance(value, list) and all(type(entry) is inner for entry in value)
    if one.range and not one.range[0] <= value <= one.range[1]:
        return False
    allowed = one.allowed(platform)
    return type(value) is kinds[one.type] and (not allowed or value in allowed)


# --- defaults and versions ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("id_", "platform", "version", "channel", "expected"),
    [
        ("av.enforcementLevel", "linux", "101.23062.0001", None, "passive"),
        ("av.enforcementLevel", "linux", "101.25082.0003", None, "passive"),
        ("av.enforcementLevel", "linux", "101.23052.0009", None, "real_time"),
        ("av.enforcementLevel", "linux", "101.85.27", None, "real_time"),
        ("av.enforcementLevel", "linux", None, None, NO_DEFAULT),
        ("av.enforcementLevel", "linux", "newest", None, NO_DEFAULT),
        ("av.enforcementLevel", "darwin", None, None, "real_time"),
        ("cloud.diagnosticLevel", "linux", None, "managed_file", "required"),
        ("cloud.diagnosticLevel", "linux", None, "mde_attach", "optional"),
        ("cloud.diagnosticLevel", "linux", None, "portal", "optional"),
        ("cloud.diagnosticLevel", "linux", "101.25082.0003", None, NO_DEFAULT),
        ("cloud.diagnosticLevel", "linux", None, "local", NO_DEFAULT),
        ("cloud.diagnosticLevel", "darwin", None, None, "optional"),
        ("scheduledScan.weeklyConfiguration.timeOfDay", "darwin", None, "mdm", 0),
        ("scheduledScan.weeklyConfiguration.timeOfDay", "darwin", None, "cli", 120),
        ("scheduledScan.weeklyConfiguration.timeOfDay", "darwin", None, "local", 120),
        ("scheduledScan.weeklyConfiguration.timeOfDay", "darwin", None, None, NO_DEFAULT),
        ("scheduledScan.weeklyConfiguration.timeOfDay", "linux", None, None, 120),
        ("av.behaviorMonitoring", "darwin", "101.26032.0001", None, NO_DEFAULT),
        ("av.behaviorMonitoring", "linux", None, None, "disabled"),
        ("av.unmonitoredFilesystems", "linux", "101.26032.0001", None, NO_DEFAULT),
        ("av.scheduledScan", "darwin", "101.26032.0001", None, NO_DEFAULT),
        ("np.enforcementLevel", "darwin", "101.26032.0001", None, NO_DEFAULT),
        ("tamper.enforcementLevel", "darwin", "101.26032.0001", None, NO_DEFAULT),
        ("tamper.enforcementLevel", "linux", "101.26032.0001", None, NO_DEFAULT),
        ("cloud.proxy", "linux", "101.26032.0001", None, NO_DEFAULT),
        ("av.exclusions", "linux", None, None, []),
        ("cloud.enabled", "linux", None, None, True),
    ],
)
def test_default(id_: str, platform: Any, version: str, channel: str, expected: Any) -> None:
    """A default is named only where version and channel leave one, and no source objects."""
    assert BY_ID[id_].default(platform, version, channel) == expected


def test_a_default_that_is_changed_by_the_caller_stays_as_it_was() -> None:
    """The catalogue is shared by everything in the process."""
    preference = BY_ID["av.threatTypeSettings"]
    preference.default("linux", None)[0]["value"] = "off"
    preference.default("linux", None).append("more")
    assert [entry["value"] for entry in preference.default("linux", None)] == ["audit", "audit"]


@pytest.mark.parametrize(
    ("id_", "platform", "version", "value", "expected"),
    [
        ("av.scanArchives", "linux", "101.44.99", None, True),
        ("av.scanArchives", "linux", "101.45.00", None, False),
        ("av.scanArchives", "linux", None, None, False),
        ("av.scanArchives", "linux", "unavailable", None, False),
        ("av.enforcementLevel", "linux", "101.25082.0003", "audit", True),
        ("av.enforcementLevel", "linux", "101.25082.0003", "passive", False),
        ("av.enforcementLevel", "linux", "101.25082.0003", None, False),
        ("av.enforcementLevel", "linux", "101.26062.0007", "audit", False),
        ("av.behaviorMonitoring", "darwin", "101.24041.0001", None, True),
        ("av.behaviorMonitoring", "darwin", "101.24052.0001", None, False),  # sources differ
        ("exclusionSettings.mergePolicy", "linux", "100.1.1", None, False),  # only a month
        ("cloud.enabled", "linux", "100.1.1", None, False),  # nothing stated
    ],
)
def test_surely_unsupported(
    id_: str, platform: Any, version: str | None, value: Any, expected: bool
) -> None:
    """Only a version below everything that is stated is surely too old."""
    assert BY_ID[id_].surely_unsupported(platform, version, value) is expected


# --- health -------------------------------------------------------------------------------------

OLD, NEW = "101.23062.0010", "101.26072.0001"


@pytest.mark.parametrize(
    ("id_", "field", "platform", "version", "policy", "expected"),
    [
        (
            "av.enforcementLevel",
            "real_time_protection_enabled",
            "linux",
            None,
            "real_time",
            (True,),
        ),
        ("av.enforcementLevel", "real_time_protection_enabled", "linux", None, "passive", (False,)),
        ("av.enforcementLevel", "real_time_protection_enabled", "linux", None, "audit", None),
        ("av.enforcementLevel", "real_time_protection_enabled", "linux", None, "rael_time", None),
        ("av.enforcementLevel", "passive_mode_enabled", "darwin", None, "passive", (True,)),
        ("av.enforcementLevel", "passive_mode_enabled", "darwin", None, "on_demand", (False,)),
        ("av.enforcementLevel", "antivirus_enforcement_level", "linux", NEW, "audit", ("audit",)),
        ("av.enforcementLevel", "antivirus_enforcement_level", "darwin", NEW, "passive", None),
        ("av.enforcementLevel", "engine_load_status", "linux", NEW, "real_time", None),
        ("cloud.diagnosticLevel", "cloud_diagnostic_enabled", "linux", None, "optional", (True,)),
        ("cloud.diagnosticLevel", "cloud_diagnostic_enabled", "linux", None, "required", (False,)),
        ("cloud.enabled", "cloud_enabled", "linux", None, True, (True,)),
        ("cloud.enabled", "cloud_enabled", "linux", None, 1, None),
        ("cloud.enabled", "cloud_enabled", "linux", None, "true", None),
        (
            "features.ebpfSupplementaryEventProvider",
            "supplementary_events_subsystem",
            "linux",
            None,
            "enabled",
            ("ebpf",),
        ),
        (
            "features.ebpfSupplementaryEventProvider",
            "supplementary_events_subsystem",
            "linux",
            "101.24072.0001",
            "disabled",
            ("auditd",),
        ),
        (
            "features.ebpfSupplementaryEventProvider",
            "supplementary_events_subsystem",
            "linux",
            "101.24082.0004",
            "disabled",
            None,
        ),
        (
            "features.ebpfSupplementaryEventProvider",
            "supplementary_events_subsystem",
            "linux",
            None,
            "disabled",
            None,
        ),
        (
            "features.offlineDefinitionUpdateVerifySig",
            "offline_definition_update_verify_sig",
            "linux",
            "101.26062.0005",
            "enabled",
            ("DEPRECATED",),
        ),
        (
            "features.offlineDefinitionUpdateVerifySig",
            "offline_definition_update_verify_sig",
            "linux",
            "101.26052.0009",
            "enabled",
            ("enabled",),
        ),
        (
            "features.offlineDefinitionUpdateVerifySig",
            "offline_definition_update_verify_sig",
            "linux",
            None,
            "enabled",
            None,
        ),
        (
            "features.offlineDefinitionUpdateVerifySig",
            "offline_definition_update_verify_sig",
            "darwin",
            None,
            "disabled",
            ("disabled",),
        ),
        (
            "features.offlineDefinitionUpdateVerifySig",
            "engine_signature_verification",
            "linux",
            OLD,
            "enabled",
            None,
        ),
        ("av.scanResultsRetentionDays", "scan_results_retention_days", "linux", None, 30, (30,)),
        (
            "av.scanResultsRetentionDays",
            "scan_results_retention_days",
            "linux",
            None,
            "30",
            (30, "30"),
        ),
        ("av.scanResultsRetentionDays", "scan_results_retention_days", "linux", None, 181, None),
        ("av.scanResultsRetentionDays", "scan_results_retention_days", "linux", None, True, None),
        (
            "av.scanResultsRetentionDays",
            "scan_results_retention_days",
            "linux",
            None,
            "9" * 9999,
            None,
        ),
        ("edr.groupIds", "edr_group_ids", "linux", None, "", ("",)),
        ("edr.groupIds", "edr_group_ids", "linux", None, ["a"], None),
        ("edr.tags", "edr_device_tags", "linux", None, [{"key": "GROUP", "value": "a"}], None),
        ("np.enforcementLevel", "network_protection_status", "darwin", None, "audit", ("started",)),
        ("np.enforcementLevel", "network_protection_status", "linux", None, "audit", None),
        (
            "deviceControl.removableMediaPolicy",
            "v1_enforcement_level",
            "darwin",
            None,
            {"enforcementLevel": "audit"},
            ("audit",),
        ),
        ("deviceControl.removableMediaPolicy", "v1_enforcement_level", "darwin", None, {}, None),
        ("deviceControl.removableMediaPolicy", "v1_enforcement_level", "darwin", None, "x", None),
        ("deviceControl.policy", "v2_state", "darwin", None, "{}", ("enabled",)),
        ("deviceControl.policy", "v2_state", "darwin", None, None, None),
    ],
)
def test_expects(
    id_: str, field: str, platform: Any, version: str | None, policy: Any, expected: Any
) -> None:
    """What health should show; nothing where the value or the version leaves that open."""
    found = next(one for one in BY_ID[id_].health if one.field == field)
    actual = found.expects(policy, platform, version)
    assert actual == expected
    assert all(same_value(*pair) for pair in zip(actual or (), expected or (), strict=True))


@pytest.mark.parametrize(
    ("id_", "field", "platform", "expected"),
    [
        ("av.enforcementLevel", "real_time_protection_enabled", "linux", {True, False}),
        (
            "av.enforcementLevel",
            "antivirus_enforcement_level",
            "linux",
            {"real_time", "audit", "on_demand", "passive"},
        ),
        ("av.enforcementLevel", "antivirus_enforcement_level", "darwin", None),
        (
            "av.enforcementLevel",
            "enforcement_level",
            "darwin",
            {"real_time", "on_demand", "passive"},
        ),
        ("cloud.diagnosticLevel", "cloud_diagnostic_enabled", "darwin", {True, False}),
        (
            "features.ebpfSupplementaryEventProvider",
            "supplementary_events_subsystem",
            "linux",
            {"ebpf", "auditd"},
        ),
        (
            "features.offlineDefinitionUpdateVerifySig",
            "offline_definition_update_verify_sig",
            "linux",
            {"DEPRECATED", "enabled", "disabled"},
        ),
        (
            "features.offlineDefinitionUpdateVerifySig",
            "offline_definition_update_verify_sig",
            "darwin",
            {"enabled", "disabled"},
        ),
        ("edr.groupIds", "edr_group_ids", "linux", None),
        ("edr.tags", "edr_device_tags", "linux", None),
    ],
)
def test_vocabulary(id_: str, field: str, platform: Any, expected: set[Any] | None) -> None:
    """Known words stay known in versions that no longer, or do not yet, use them."""
    found = next(one for one in BY_ID[id_].health if one.field == field)
    for version in (None, OLD, NEW):
        actual = found.vocabulary(platform, version)
        assert (actual if actual is None else set(actual)) == expected


def test_a_main_view_field_names_all_it_shows() -> None:
    """Several preferences may stand behind one field, and a details view behind none."""
    linux = CATALOGUE.fields("linux")
    assert [one.id for one, _ in linux["passive_mode_enabled"]] == [
        "av.enforcementLevel",
        "av.passiveMode",
    ]
    assert "scan_archives" not in linux
    assert "tamper_protection" not in linux
    assert "tamper_protection" in CATALOGUE.fields("darwin")


@pytest.mark.parametrize(
    ("id_", "field", "view", "platform", "weight"),
    [
        ("av.behaviorMonitoring", "behavior_monitoring", "main", "darwin", "prove"),
        ("av.behaviorMonitoring", "behavior_monitoring", "features", "darwin", "support"),
        ("av.behaviorMonitoring", "behavior_monitoring", "main", "linux", "prove"),
        ("av.enforcementLevel", "engine_load_status", "main", "linux", "tell"),
        ("np.enforcementLevel", "network_protection_status", "main", "darwin", "prove"),
        (
            "cloud.automaticSampleSubmission",
            "cloud_automatic_sample_submission_consent",
            "main",
            "darwin",
            "support",
        ),
        ("edr.earlyPreview", "edr_early_preview_enabled", "main", "darwin", "support"),
        ("features.dataLossPrevention", "data_loss_prevention_status", "main", "darwin", "support"),
        ("deviceControl.policy", "v2_state", "device_control", "darwin", "support"),
        ("edr.tags", "edr_device_tags", "main", "linux", "tell"),
    ],
)
def test_weight(id_: str, field: str, view: str, platform: Any, weight: str) -> None:
    """Inferred translations and details views can never accuse anybody."""
    shown = BY_ID[id_].shown(platform)
    assert [one.weight for one in shown if (one.field, one.view) == (field, view)] == [weight]


# --- names --------------------------------------------------------------------------------------


def test_find_is_exact_and_of_one_platform() -> None:
    """The same setting has another key on the other system; case counts."""
    assert CATALOGUE.find("features.scheduledScan", "darwin") is BY_ID["av.scheduledScan"]
    assert CATALOGUE.find("features.scheduledScan", "linux") is None
    assert CATALOGUE.get("features.scheduledScan") is BY_ID["av.scheduledScan"]
    assert CATALOGUE.find("antivirusengine.enforcementlevel", "linux") is None
    assert CATALOGUE.get("nothing") is None


def test_sections() -> None:
    """Every object on the way to a key, and no key itself."""
    linux = CATALOGUE.sections("linux")
    assert {"antivirusEngine", "scheduledScan", "scheduledScan.weeklyConfiguration"} <= linux
    assert "tamperProtection" not in linux
    assert "tamperProtection" in CATALOGUE.sections("darwin")


def test_managed() -> None:
    """Policy cannot set what only the agent's own file holds."""
    due = BY_ID["cloud.definitionUpdateDue"]
    assert due.managed("darwin")
    assert not due.managed("linux")
    assert not BY_ID["local.cloudService.serviceUri"].managed("linux")
    assert not BY_ID["tamper.enforcementLevel"].managed("linux")


@pytest.mark.parametrize(
    ("key", "platform", "meant"),
    [
        (
            "antivirusEngine.offlineDefintionUpdateFallbackToCloud",
            "linux",
            "antivirusEngine.offlineDefinitionUpdateFallbackToCloud",
        ),
        (
            "offlineDefintionUpdateFallbackToCloud",
            "darwin",
            "antivirusEngine.offlineDefinitionUpdateFallbackToCloud",
        ),
        ("defintionUpdatesInterval", "linux", "cloudService.definitionUpdatesInterval"),
        (
            "cloudService.defintionUpdatesInterval",
            "linux",
            "cloudService.definitionUpdatesInterval",
        ),
        ("antivirusEngine.enforcmentLevel", "linux", "antivirusEngine.enforcementLevel"),
        ("networkprotection.enforcementlevel", "linux", "networkProtection.enforcementLevel"),
        ("cloudService.enbaled", "linux", "cloudService.enabled"),
        ("scanResultsRetentionDays", "linux", "antivirusEngine.scanResultsRetentionDays"),
        ("antivirusEngine.scheduledScan", "darwin", "features.scheduledScan"),
        ("behaviorMonitoring", "darwin", "features.behaviorMonitoring"),
        ("antivirusEngine.behaviorMonitorng", "darwin", "features.behaviorMonitoring"),
        ("enforcementLevel", "darwin", None),  # of which of three sections?
        ("foo.bar", "linux", None),
        ("", "linux", None),
        ("antivirusEngine.scanCacheMaximun", "linux", None),  # a local key is no advice
        ("antivirusEngine." + "a" * 100_000, "linux", None),
    ],
)
def test_nearest(key: str, platform: Any, meant: str | None) -> None:
    """Misspelt and misplaced keys are recognised; anything less sure is not guessed at."""
    assert CATALOGUE.nearest(key, platform) == meant


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [("", "", 0), ("", "abc", 3), ("abc", "abd", 1), ("abc", "acb", 1), ("kitten", "sitting", 3)],
)
def test_distance(one: str, other: str, expected: int) -> None:
    """A swap of neighbours is one mistake, like a letter too many, too few or wrong."""
    assert distance(one, other) == distance(other, one) == expected


@given(st.text("abcd", max_size=9), st.text("abcd", max_size=9), st.integers(0, 4))
def test_a_limit_changes_only_what_is_beyond_it(one: str, other: str, limit: int) -> None:
    """The short cut never turns a near key into a far one, or the other way round."""
    true = distance(one, other)
    cut = distance(one, other, limit)
    assert cut == true if true <= limit else cut > limit


@given(st.text(max_size=200), st.sampled_from(PLATFORMS))
def test_nearest_never_raises(key: str, platform: Any) -> None:
    """Keys of a hostile file are no reason to fail."""
    meant = CATALOGUE.nearest(key, platform)
    assert meant is None or CATALOGUE.find(meant, platform) is not None


# --- versions -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("101.23062.0010", (101, 23062, 10)),
        ("101.85.27", (101, 85, 27)),
        ("1.1.23070.1002", (1, 1, 23070, 1002)),
        ("3.0", (3, 0)),
        ("101", None),
        ("", None),
        ("101.23062.", None),
        ("101.23062.0010-rc1", None),
        ("101.23062.0010\n", None),
        ("-101.1", None),
        ("\u0661\u0660\u0661.\u0661", None),
        ("1." + "9" * 5000, None),
        (".".join("1" * 5000), None),
    ],
)
def test_version_key(text: str, expected: Any) -> None:
    """Dotted numbers of a sensible size, in ASCII digits, and nothing else."""
    assert version_key(text) == expected


@given(st.text() | st.from_regex(r"[0-9.]{0,40}"))
def test_version_key_never_raises(text: str) -> None:
    """Whatever the agent prints is a version or is not."""
    key = version_key(text)
    assert key is None or all(number >= 0 for number in key)


@pytest.mark.parametrize(
    ("version", "floor", "expected"),
    [
        ("101.23062.0010", "101.23062.0010", True),
        ("101.23062.0009", "101.23062.0010", False),
        ("101.23062.10", "101.23062.9", True),
        ("101.85.27", "101.23062.0010", False),
        ("101.23062.0010", "101.85.27", True),
        ("101.23062", "101.23062.0000", True),
        ("101.23062", "101.23062.0001", False),
        (None, "101.23062.0010", None),
        ("unavailable", "101.23062.0010", None),
    ],
)
def test_at_least(version: str | None, floor: str, expected: bool | None) -> None:
    """The old three-part form is older than the one coded by year and month."""
    assert at_least(version, floor) is expected


def test_the_first_agents_that_attach() -> None:
    """One minimum per platform, itself a version that can be compared with."""
    assert set(MDE_ATTACH_MINIMUM) == set(PLATFORMS)
    assert all(at_least(floor, "101.23052.0004") for floor in MDE_ATTACH_MINIMUM.values())


# --- against the notes it was made from ---------------------------------------------------------


def research() -> list[dict[str, Any]]:
    """The research notes, where somebody keeps them beside the repository."""
    found = sorted(REPOSITORY.parent.glob("*/facts/preferences.json"))
    if not found:
        pytest.skip("no research notes (facts/preferences.json) in a folder beside the repository")
    notes: list[dict[str, Any]] = json.loads(found[0].read_bytes())
    return notes


def test_every_note_is_in_the_catalogue() -> None:
    """Paths, values, ranges and defaults are as researched; none is lost and none invented."""
    notes = {note["id"]: note for note in research()}
    assert set(notes) == set(BY_ID)
    for id_, note in notes.items():
        one = BY_ID[id_]
        for platform, name in (("linux", "linux"), ("darwin", "macos")):
            path = [note[f"{name}_path"]] if note[f"{name}_path"] else []
            assert list(one.keys(platform)) == path + (note[f"{name}_path_alternates"] or []), id_
            allowed = note["allowed_values"] or []
            if platform == "darwin":
                allowed = note["allowed_values_macos"] or allowed
            assert list(one.allowed(platform)) == allowed, id_
            assert researched_default(note, name) == stated_default(one, platform), id_
            assert (platform in one.disputed) == note[f"default_{name}_disputed"], id_
        assert list(one.range or ()) == (note["range"] or []), id_
        assert one.local_only == note["local_file_only"], id_
        assert one.type == note["type"], id_


def test_every_field_of_the_notes_is_in_the_catalogue() -> None:
    """No field of health that shows a preference was forgotten."""
    for note in research():
        shown = {(one.field, one.view) for one in BY_ID[note["id"]].health}
        for field in note["health"] or []:
            view = field["where"].partition("--details ")[2] or "main"
            assert (field["text_field"], view) in shown, note["id"]


def researched_default(note: dict[str, Any], name: str) -> list[Any]:
    channels = {"portal": "mde_attach", "cli": "local"}
    return [
        (rule["value"], rule.get("since"), channels.get(rule.get("channel"), rule.get("channel")))
        for rule in note[f"default_{name}"] or []
    ]


def stated_default(one: Preference, platform: Any) -> list[Any]:
    return [(rule.value, rule.since, rule.channel) for rule in one.defaults[platform]]
