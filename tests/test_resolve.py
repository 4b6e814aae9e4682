"""Verdicts: what policy wants, what the agent does, and how much the evidence weighs."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from mdeinspect import catalogue, rules
from mdeinspect.config.model import Config, Duration, Schedule
from mdeinspect.host.recorded import RecordedHost
from mdeinspect.inspect import Plan, take
from mdeinspect.model import Report, Snapshot
from mdeinspect.report import report
from mdeinspect.resolve import is_global
from support import (
    ATTACH,
    CORE_LOG,
    DAY,
    HOUR,
    LOCAL,
    MAC_ATTACH,
    MAC_LOCAL,
    MAC_MANAGED,
    MANAGED,
    MINUTE,
    NOW,
    HostFolder,
    row,
    verdict,
)

SECOND = timedelta(seconds=1)
LEVEL = "antivirusEngine.enforcementLevel"
ENABLED = "antivirusEngine.enableRealTimeProtection"
PASSIVE = "antivirusEngine.passiveMode"
CLOUD = "cloudService.enabled"
CONSENT = "cloudService.automaticSampleSubmissionConsent"
UPDATES = "cloudService.automaticDefinitionUpdateEnabled"
DIAGNOSTICS = "cloudService.diagnosticLevel"
NETWORK = "networkProtection.enforcementLevel"
BLOCK_LEVEL = "cloudService.cloudBlockLevel"
ARCHIVES = "antivirusEngine.scanArchives"
EXCLUSIONS = "antivirusEngine.exclusions"
EVERYWHERE = "exclusionSettings.exclusions"
PROXY = "cloudService.proxy"
EXTENSION = "/Library/Managed Preferences/com.microsoft.wdav.ext.plist"

# What health shows while the agent is passive, and while it only scans on demand.
IS_PASSIVE = {"realTimeProtectionEnabled": False, "passiveModeEnabled": True}
ON_DEMAND = {"realTimeProtectionEnabled": False, "passiveModeEnabled": False}
LEVEL_FLAGS = ["realTimeProtectionEnabled", "passiveModeEnabled"]


def policy(**keys: Any) -> dict[str, Any]:
    """Nested settings from dotted keys."""
    tree: dict[str, Any] = {}
    for key, value in keys.items():
        *path, last = key.split(".")
        here = tree
        for part in path:
            here = here.setdefault(part, {})
        here[last] = value
    return tree


def sets(key: str, value: Any) -> dict[str, Any]:
    """A policy of one setting."""
    return policy(**{key: value})


def snapshot(host: HostFolder) -> Snapshot:
    """What was read from a recorded host."""
    return take(RecordedHost(str(host.root)), Plan())


def changed(seen: Snapshot, **readings: dict[str, Any]) -> Report:
    """A report where these readings came out differently."""
    new = {name: replace(seen[name], **change) for name, change in readings.items()}
    seen = replace(seen, readings={**seen.readings, **new})
    return report(seen, Config(), catalogue.load(), tuple(rules.load().values()), NOW)


def read_at(host: HostFolder, moment: datetime) -> Report:
    """A report where health was read at `moment`."""
    return changed(snapshot(host), health={"taken_at": moment})


# --- enforced and not enforced ------------------------------------------------------------------

SHOWN: list[tuple[str, Any, dict[str, Any]]] = [
    (LEVEL, "real_time", {}),
    (LEVEL, "passive", IS_PASSIVE),
    (LEVEL, "on_demand", ON_DEMAND),
    (ENABLED, True, {}),
    (ENABLED, False, {"realTimeProtectionEnabled": False}),
    (PASSIVE, False, {}),
    (PASSIVE, True, {"passiveModeEnabled": True}),
    ("antivirusEngine.behaviorMonitoring", "enabled", {}),
    ("antivirusEngine.behaviorMonitoring", "disabled", {"behaviorMonitoring": "disabled"}),
    ("antivirusEngine.behaviorMonitoring", "enabled", {"behaviorMonitoring": "Enabled"}),
    (CLOUD, True, {}),
    (CLOUD, False, {"cloudEnabled": False}),
    (CLOUD, True, {"cloudEnabled": "True"}),
    (CONSENT, "safe", {}),
    (CONSENT, "none", {"cloudAutomaticSampleSubmissionConsent": "none"}),
    (DIAGNOSTICS, "required", {}),
    (DIAGNOSTICS, "optional", {"cloudDiagnosticEnabled": True}),
    (UPDATES, True, {}),
    (NETWORK, "block", {"networkProtectionEnforcementLevel": "block"}),
    ("features.ebpfSupplementaryEventProvider", "enabled", {}),
    ("edr.groupIds", "g", {"edrGroupIds": "g"}),
]
# The same settings, contradicted by every field that shows them.
CONTRADICTED: list[tuple[str, Any, dict[str, Any], Any]] = [
    (LEVEL, "real_time", IS_PASSIVE, "passive"),
    (LEVEL, "passive", {}, "real_time"),
    (ENABLED, True, {"realTimeProtectionEnabled": False}, False),
    (PASSIVE, False, {"passiveModeEnabled": True}, True),
    ("antivirusEngine.behaviorMonitoring", "disabled", {}, "enabled"),
    (CLOUD, True, {"cloudEnabled": False}, False),
    (CONSENT, "all", {}, "safe"),
    (UPDATES, True, {"automaticDefinitionUpdateEnabled": False}, False),
    (NETWORK, "block", {"networkProtectionEnforcementLevel": "audit"}, "audit"),
    ("edr.groupIds", "g", {}, ""),
]
EVERY_FLAG = [
    "automaticDefinitionUpdateEnabled",
    "cloudAutomaticSampleSubmissionConsent",
    "cloudEnabled",
    "passiveModeEnabled",
    "realTimeProtectionEnabled",
]


@pytest.mark.parametrize(("key", "value", "shown"), SHOWN)
def test_a_setting_that_health_shows_is_enforced(
    host: HostFolder, key: str, value: Any, shown: dict[str, Any]
) -> None:
    """Every main-view field, letter case and the two spellings of a switch apart."""
    told = host.health(**shown, managed=EVERY_FLAG).file(MANAGED, sets(key, value)).report()
    found = row(told, key)
    assert found.verdict == "enforced"
    assert (found.policy, found.channel, found.because) == (value, "managed_file", None)
    assert found.observed_in[0].startswith("health.")


@pytest.mark.parametrize(("key", "value", "shown", "effective"), CONTRADICTED)
def test_a_setting_that_health_contradicts_is_not_enforced(
    host: HostFolder, key: str, value: Any, shown: dict[str, Any], effective: Any
) -> None:
    """Policy older than the grace time, health newer than policy, and another value."""
    told = host.health(**shown, managed=EVERY_FLAG).file(MANAGED, sets(key, value)).report()
    found = row(told, key)
    assert found.verdict == "not-enforced"
    assert (found.policy, found.effective) == (value, effective)


@pytest.mark.parametrize("path", [MANAGED, ATTACH])
def test_every_channel_that_governs_is_judged(host: HostFolder, path: str) -> None:
    """The file that governs, whichever it is."""
    host.health(cloudEnabled=False).file(path, sets(CLOUD, True))
    assert verdict(host.report(), CLOUD) == "not-enforced"


@pytest.mark.parametrize("path", [MAC_MANAGED, EXTENSION, MAC_ATTACH])
def test_every_channel_of_a_mac_is_judged(mac: HostFolder, path: str) -> None:
    """Machine profile, its extension, or MDE Attach."""
    mac.health(cloudEnabled=False).file(path, sets(CLOUD, True))
    assert verdict(mac.report(), CLOUD) == "not-enforced"


def test_older_agents_are_judged_by_the_managed_file(host: HostFolder) -> None:
    """Attached without a file of MDE Attach: the row says that MDE Attach wants it."""
    host.health(managedBy="MDE", cloudEnabled=False).file(MANAGED, sets(CLOUD, True))
    found = row(host.report(), CLOUD)
    assert (found.verdict, found.channel, found.also) == ("not-enforced", "mde_attach", ())


# --- two fields ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("real_time", "passive", "expected"),
    [
        (True, False, "enforced"),
        (False, True, "not-enforced"),
        (True, True, "unknown"),
        (False, False, "unknown"),
        (True, None, "unknown"),
        (None, False, "unknown"),
        (False, None, "unknown"),
        (None, True, "unknown"),
        (None, None, "unknown"),
        (True, "perhaps", "unknown"),
        ("perhaps", True, "unknown"),
    ],
)
def test_two_fields_must_say_the_same(
    host: HostFolder, real_time: Any, passive: Any, expected: str
) -> None:
    """Both agree, both contradict, or nobody knows; `unavailable` does neither."""
    host.health(
        realTimeProtectionEnabled=real_time, passiveModeEnabled=passive, managed=LEVEL_FLAGS
    )
    assert verdict(host.file(MANAGED, sets(LEVEL, "real_time")).report(), LEVEL) == expected


@pytest.mark.parametrize(
    ("missing", "shown", "expected"),
    [
        ("passiveModeEnabled", {}, "enforced"),
        ("passiveModeEnabled", {"realTimeProtectionEnabled": False}, "not-enforced"),
        ("realTimeProtectionEnabled", {}, "enforced"),
        ("realTimeProtectionEnabled", {"passiveModeEnabled": True}, "not-enforced"),
    ],
)
def test_a_field_that_an_agent_does_not_have_says_nothing(
    host: HostFolder, missing: str, shown: dict[str, Any], expected: str
) -> None:
    """Agents of 2020 show one of the two: then it is the only one."""
    host.health(**shown, without=[missing], managed=LEVEL_FLAGS)
    assert verdict(host.file(MANAGED, sets(LEVEL, "real_time")).report(), LEVEL) == expected


@pytest.mark.parametrize(
    ("level", "status", "expected"),
    [
        ("block", "started", "enforced"),
        ("audit", "started", "not-enforced"),  # started fits audit as well
        ("disabled", "started", "unknown"),
        ("block", "stopped", "unknown"),
        ("disabled", "stopped", "not-enforced"),
        ("block", "restarting", "unknown"),
        ("disabled", "starting", "unknown"),
    ],
)
def test_network_protection_of_a_mac_stands_in_two_fields(
    mac: HostFolder, level: str, status: str, expected: str
) -> None:
    """The level and the status; a status on its way is no answer."""
    mac.health(
        networkProtectionEnforcementLevel=level,
        networkProtectionStatus=status,
        managed=["networkProtectionEnforcementLevel"],
    )
    assert verdict(mac.file(MAC_MANAGED, sets(NETWORK, "block")).report(), NETWORK) == expected


# --- unproven -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "value", "field"),
    [
        (LEVEL, "real_time", "realTimeProtectionEnabled"),
        (LEVEL, "real_time", "passiveModeEnabled"),
        (CLOUD, True, "cloudEnabled"),
        (CONSENT, "safe", "cloudAutomaticSampleSubmissionConsent"),
        (UPDATES, True, "automaticDefinitionUpdateEnabled"),
    ],
)
def test_a_documented_flag_that_lacks_leaves_a_managed_file_unproven(
    host: HostFolder, key: str, value: Any, field: str
) -> None:
    """Linux: the five fields that Microsoft documents, each of those that show the setting."""
    flags = [name for name in EVERY_FLAG if name != field]
    found = row(host.health(managed=flags).file(MANAGED, sets(key, value)).report(), key)
    assert found.verdict == "unproven"
    assert "[managed]" in str(found.because)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (NETWORK, "disabled"),
        (DIAGNOSTICS, "required"),
        ("antivirusEngine.behaviorMonitoring", "enabled"),
        ("features.ebpfSupplementaryEventProvider", "enabled"),
    ],
)
def test_no_other_flag_is_expected_on_linux(host: HostFolder, key: str, value: Any) -> None:
    """What nobody documents is not missed."""
    assert verdict(host.health().file(MANAGED, sets(key, value)).report(), key) == "enforced"


@pytest.mark.parametrize(
    ("key", "value", "field"),
    [
        (CLOUD, True, "cloudEnabled"),
        (DIAGNOSTICS, "required", "cloudDiagnosticEnabled"),
        ("features.behaviorMonitoring", "enabled", "behaviorMonitoring"),
        ("tamperProtection.enforcementLevel", "block", "tamperProtection"),
        (NETWORK, "disabled", "networkProtectionEnforcementLevel"),
    ],
)
@pytest.mark.parametrize("flagged", [True, False])
def test_a_profile_flags_every_field_that_health_wraps(
    mac: HostFolder, key: str, value: Any, field: str, flagged: bool
) -> None:
    """macOS under MDM."""
    mac.health(managed=[field] if flagged else []).file(MAC_MANAGED, sets(key, value))
    assert verdict(mac.report(), key) == ("enforced" if flagged else "unproven")


@pytest.mark.parametrize("flags", [[], ["cloudEnabled"]])
@pytest.mark.parametrize("path", [ATTACH, MANAGED])
def test_mde_attach_neither_needs_nor_forbids_a_flag(
    host: HostFolder, path: str, flags: list[str]
) -> None:
    """Through its own file, or through the managed file of an older agent."""
    host.health(managedBy="MDE", managed=flags).file(path, sets(CLOUD, True))
    assert verdict(host.report(), CLOUD) == "enforced"


@pytest.mark.parametrize("flags", [[], ["cloudEnabled"]])
def test_mde_attach_on_a_mac_neither_needs_nor_forbids_a_flag(
    mac: HostFolder, flags: list[str]
) -> None:
    """The flag marks MDM, one source says; another shows it with MDE."""
    mac.health(managedBy="MDE", managed=flags).file(MAC_ATTACH, sets(CLOUD, True))
    assert verdict(mac.report(), CLOUD) == "enforced"


def test_a_lacking_flag_does_not_soften_a_contradiction(host: HostFolder) -> None:
    """Unproven means that the value agrees."""
    host.health(cloudEnabled=False).file(MANAGED, sets(CLOUD, True))
    assert verdict(host.report(), CLOUD) == "not-enforced"


# --- pending ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("age", "expected"),
    [
        (timedelta(), "pending"),
        (10 * MINUTE - SECOND, "pending"),
        (10 * MINUTE, "not-enforced"),
        (HOUR, "not-enforced"),
    ],
)
def test_a_contradiction_waits_for_the_grace_time(
    host: HostFolder, age: timedelta, expected: str
) -> None:
    """Ten minutes from the change of the file."""
    host.health(cloudEnabled=False).file(MANAGED, sets(CLOUD, True), age=age)
    assert verdict(host.report(), CLOUD) == expected


def test_the_grace_time_can_be_configured(host: HostFolder) -> None:
    """`schedule.grace`."""
    host.health(cloudEnabled=False).file(MANAGED, sets(CLOUD, True), age=HOUR)
    config = Config(schedule=Schedule(grace=Duration(hours=2)))
    assert verdict(host.report(config), CLOUD) == "pending"


def test_agreement_does_not_wait(host: HostFolder) -> None:
    """Health that was read after the change and agrees is enough at once."""
    host.health(managed=["cloudEnabled"]).file(MANAGED, sets(CLOUD, True), age=SECOND)
    assert verdict(host.report(), CLOUD) == "enforced"


@pytest.mark.parametrize("shown", [True, False])
@pytest.mark.parametrize(
    ("read", "expected"), [(2 * HOUR, "pending"), (HOUR + SECOND, "pending"), (HOUR, None)]
)
def test_older_health_proves_nothing(
    host: HostFolder, read: timedelta, expected: str | None, shown: bool
) -> None:
    """Neither for nor against a policy that changed after it was read."""
    host.health(cloudEnabled=shown, managed=["cloudEnabled"])
    host.file(MANAGED, sets(CLOUD, True), age=HOUR)
    told = expected or ("enforced" if shown else "not-enforced")
    assert verdict(read_at(host, NOW - read), CLOUD) == told


def test_a_file_a_little_ahead_of_the_clock_is_newer_than_health(host: HostFolder) -> None:
    """Within five minutes clocks may differ."""
    host.health(cloudEnabled=False).file(MANAGED, sets(CLOUD, True), age=-4 * MINUTE)
    assert verdict(host.report(), CLOUD) == "pending"


def test_what_nothing_shows_is_never_pending(host: HostFolder) -> None:
    """Newer health would not show it either."""
    host.health().file(MANAGED, sets(BLOCK_LEVEL, "high"), age=HOUR)
    assert verdict(read_at(host, NOW - 2 * HOUR), BLOCK_LEVEL) == "unobservable"


@pytest.mark.parametrize(
    ("about", "expected"),
    [
        ({}, "pending"),
        ({"boot_time": None}, "pending"),
        ({"boot_time": (NOW - HOUR).isoformat()}, "not-enforced"),
        ({"processes": [{"pid": 1, "name": "wdavdaemon"}]}, "pending"),
        (
            {"processes": [{"pid": 1, "name": "wdavdaemon", "started": (NOW - HOUR).isoformat()}]},
            "not-enforced",
        ),
        (
            {
                "processes": [
                    {"pid": 1, "name": "wdavdaemon", "started": (NOW - 3 * HOUR).isoformat()},
                    {
                        "pid": 2,
                        "name": "wdavdaemon",
                        "cmdline": ["wdavdaemon", "edr"],
                        "started": (NOW - HOUR).isoformat(),
                    },
                ]
            },
            "pending",
        ),
    ],
)
def test_diagnostics_wait_for_a_restart_on_linux(
    host: HostFolder, about: dict[str, Any], expected: str
) -> None:
    """Documented: until the daemon is known to have started after the change."""
    host.health(cloudDiagnosticEnabled=False).about(**about)
    host.file(MANAGED, sets(DIAGNOSTICS, "optional"), age=2 * HOUR)
    assert verdict(host.report(), DIAGNOSTICS) == expected


def test_diagnostics_do_not_wait_on_a_mac(mac: HostFolder) -> None:
    """The restart is documented for Linux."""
    mac.health(cloudDiagnosticEnabled=False).file(MAC_MANAGED, sets(DIAGNOSTICS, "optional"))
    assert verdict(mac.report(), DIAGNOSTICS) == "not-enforced"


# --- unmanaged ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "shown", "local", "channel", "effective"),
    [
        (NETWORK, {}, None, "default", "disabled"),
        (NETWORK, {"networkProtectionEnforcementLevel": "audit"}, None, None, "audit"),
        (NETWORK, {"networkProtectionEnforcementLevel": "audit"}, "audit", "local", "audit"),
        (NETWORK, {"networkProtectionEnforcementLevel": "audit"}, "block", None, "audit"),
        (NETWORK, {}, "disabled", "local", "disabled"),
        (NETWORK, {}, "block", None, "disabled"),
        (LEVEL, IS_PASSIVE, None, "default", "passive"),
        (LEVEL, {}, None, None, "real_time"),
        (LEVEL, {"appVersion": "101.23052.0009"}, None, "default", "real_time"),
        (LEVEL, {**IS_PASSIVE, "appVersion": "101.23052.0009"}, None, None, "passive"),
        (LEVEL, {**IS_PASSIVE, "appVersion": None}, None, None, "passive"),
        (LEVEL, ON_DEMAND, "on_demand", "local", "on_demand"),
    ],
)
def test_a_value_without_policy_is_unmanaged_and_has_an_origin(
    host: HostFolder,
    key: str,
    shown: dict[str, Any],
    local: Any,
    channel: str | None,
    effective: Any,
) -> None:
    """Local where it is set so, the default of that version where it is that; else not known."""
    host.health(**shown)
    if local is not None:
        host.file(LOCAL, sets(key, local))
    found = row(host.report(), key)
    assert (found.verdict, found.policy, found.managed) == ("unmanaged", None, False)
    assert (found.channel, found.effective) == (channel, effective)


def test_a_policy_without_the_key_leaves_it_unmanaged(host: HostFolder) -> None:
    """Other settings of the governing file do not matter."""
    host.health().file(MANAGED, sets(CLOUD, True)).file(LOCAL, sets(NETWORK, "disabled"))
    found = row(host.report(), NETWORK)
    assert (found.verdict, found.channel) == ("unmanaged", "local")


def test_policy_beats_the_local_setting(host: HostFolder) -> None:
    """The local value is told beside it."""
    host.health(managed=["cloudEnabled"]).file(MANAGED, sets(CLOUD, True))
    found = row(host.file(LOCAL, sets(CLOUD, False)).report(), CLOUD)
    assert (found.verdict, found.policy, found.channel) == ("enforced", True, "managed_file")
    assert [(wish.channel, wish.policy) for wish in found.also] == [("local", False)]


# --- foreign ------------------------------------------------------------------------------------


@pytest.mark.parametrize("files", [{}, {MANAGED: {}}, {LOCAL: sets(CLOUD, True)}])
def test_a_flag_that_nothing_accounts_for_is_foreign(
    host: HostFolder, files: dict[str, Any]
) -> None:
    """Local settings set no flag."""
    host.health(managed=["cloudEnabled"])
    for path, content in files.items():
        host.file(path, content)
    found = row(host.report(), CLOUD)
    assert (found.verdict, found.managed, found.policy) == ("foreign", True, None)


@pytest.mark.parametrize(
    ("files", "word", "expected"),
    [
        ({ATTACH: {}}, "MDE", "unmanaged"),
        ({ATTACH: {}}, "", "unmanaged"),
        ({MANAGED: {}}, "MDE", "unmanaged"),
        ({MANAGED: "{"}, "", "unknown"),
        ({MANAGED: {}, ATTACH: "{"}, "MEM", "unknown"),
        ({ATTACH: {}}, "MEM", "unknown"),
        ({MANAGED: {}, ATTACH: sets(CLOUD, True)}, "MEM", "unmanaged"),
    ],
)
def test_a_flag_with_an_account_or_a_doubt_is_not_foreign(
    host: HostFolder, files: dict[str, Any], word: str, expected: str
) -> None:
    """MDE Attach governs, a file cannot be read, the governor is not known, or a file sets it."""
    host.health(managed=["cloudEnabled"], managedBy=word)
    for path, content in files.items():
        host.file(path, content)
    assert verdict(host.report(), CLOUD) == expected


@pytest.mark.parametrize("key", [ENABLED, PASSIVE])
def test_a_flag_is_accounted_for_by_any_setting_of_its_field(host: HostFolder, key: str) -> None:
    """The old switches show in the fields of the new one."""
    host.health(managed=LEVEL_FLAGS).file(MANAGED, sets(key, key == ENABLED))
    told = host.report()
    assert verdict(told, key) == "enforced"
    assert "foreign" not in {one.verdict for one in told.settings}


def test_a_field_is_foreign_once(host: HostFolder) -> None:
    """Superseded settings of the same field get no row of their own."""
    told = host.health(managed=LEVEL_FLAGS).report()
    assert [one.key for one in told.settings if one.verdict == "foreign"] == [LEVEL]
    assert {ENABLED, PASSIVE}.isdisjoint(one.key for one in told.settings)


def test_a_flag_is_foreign_whatever_its_fields_amount_to(host: HostFolder) -> None:
    """Two fields that contradict each other: somebody manages it, with an effect not known."""
    told = host.health(passiveModeEnabled=True, managed=LEVEL_FLAGS).report()
    found = row(told, LEVEL)
    assert (found.verdict, found.effective) == ("foreign", None)


# --- shadowed, and what is merged all the same --------------------------------------------------


@pytest.mark.parametrize("word", ["MDE", ""])
def test_a_key_that_only_the_shadowed_file_sets_is_shadowed(host: HostFolder, word: str) -> None:
    """Policy and channel are null, and the lost value stands beside."""
    host.health(managedBy=word).file(ATTACH, {}).file(MANAGED, sets(NETWORK, "block"))
    found = row(host.report(), NETWORK)
    assert (found.verdict, found.policy, found.channel) == ("shadowed", None, None)
    assert [(wish.channel, wish.policy) for wish in found.also] == [("managed_file", "block")]
    assert found.effective == "disabled"


@pytest.mark.parametrize("key", [CLOUD, PROXY, "antivirusEngine.offlineDefinitionUpdate"])
def test_a_profile_is_shadowed_wholly(mac: HostFolder, key: str) -> None:
    """macOS knows no exceptions."""
    value: Any = {CLOUD: True, PROXY: "http://proxy:3128"}.get(key, "enabled")
    mac.health(managedBy="MDE").file(MAC_ATTACH, {}).file(MAC_MANAGED, sets(key, value))
    found = row(mac.report(), key)
    assert (found.verdict, found.policy, found.channel) == ("shadowed", None, None)
    assert [(wish.channel, wish.policy) for wish in found.also] == [("mdm", value)]


@pytest.mark.parametrize("shown", [True, False])
def test_a_shadowed_value_without_a_flag_stays_shadowed(host: HostFolder, shown: bool) -> None:
    """It may just as well be the default."""
    host.health(managedBy="MDE", cloudEnabled=shown).file(ATTACH, {})
    assert verdict(host.file(MANAGED, sets(CLOUD, True)).report(), CLOUD) == "shadowed"


@pytest.mark.parametrize(
    ("value", "read", "expected"),
    [
        (True, timedelta(), "enforced"),
        (False, timedelta(), "shadowed"),
        (True, 2 * DAY, "shadowed"),
    ],
)
def test_a_shadowed_value_that_health_shows_with_a_flag_is_in_force(
    host: HostFolder, value: bool, read: timedelta, expected: str
) -> None:
    """That value, by health newer than the file: the host outranks the documents, and says so."""
    host.health(managedBy="MDE", managed=["cloudEnabled"]).file(ATTACH, {})
    found = row(read_at(host.file(MANAGED, sets(CLOUD, value)), NOW - read), CLOUD)
    assert found.verdict == expected
    if expected == "enforced":
        assert (found.policy, found.channel, found.also) == (True, "managed_file", ())
        assert "[managed]" in str(found.because)


def test_a_key_that_both_set_is_judged_by_the_governor(host: HostFolder) -> None:
    """The shadowed value stands beside."""
    host.health(managedBy="MDE").file(ATTACH, sets(CLOUD, True))
    found = row(host.file(MANAGED, sets(CLOUD, False)).report(), CLOUD)
    assert (found.verdict, found.policy, found.channel) == ("enforced", True, "mde_attach")
    assert [(wish.channel, wish.policy) for wish in found.also] == [("managed_file", False)]


MERGED = [
    "antivirusEngine.offlineDefinitionUpdate",
    "antivirusEngine.offlineDefinitionUpdateUrl",
    "antivirusEngine.offlineDefinitionUpdateFallbackToCloud",
    "features.offlineDefinitionUpdateVerifySig",
    PROXY,
]


@pytest.mark.parametrize("key", MERGED)
def test_the_named_exceptions_are_still_merged_on_linux(host: HostFolder, key: str) -> None:
    """Offline updates and the proxy: the managed file is their channel."""
    host.health(managedBy="MDE").file(ATTACH, {}).file(MANAGED, sets(key, "x"))
    found = row(host.report(), key)
    assert found.verdict == "unobservable"
    assert (found.policy, found.channel, found.also) == ("x", "managed_file", ())


def test_an_exception_can_be_enforced(host: HostFolder) -> None:
    """The view of definitions supports it."""
    host.health(managedBy="MDE").file(ATTACH, {})
    host.file(MANAGED, sets("antivirusEngine.offlineDefinitionUpdate", "enabled"))
    host.command("health-details-definitions", "offline_definition_update  : enabled\n")
    found = row(host.report(), "antivirusEngine.offlineDefinitionUpdate")
    assert (found.verdict, found.channel) == ("enforced", "managed_file")


def test_an_exception_that_mde_attach_sets_is_its_own(host: HostFolder) -> None:
    """The portal beats the file there as well."""
    host.health(managedBy="MDE").file(ATTACH, sets(PROXY, "http://one:1"))
    found = row(host.file(MANAGED, sets(PROXY, "http://two:2")).report(), PROXY)
    assert (found.policy, found.channel) == ("http://one:1", "mde_attach")
    assert [wish.policy for wish in found.also] == ["http://two:2"]


def test_an_exception_in_a_file_that_cannot_be_read_is_unknown(host: HostFolder) -> None:
    """What the managed file says of it would be in force."""
    host.health(managedBy="MDE").file(ATTACH, {}).file(MANAGED, "{")
    host.command("health-details-definitions", "offline_definition_update  : enabled\n")
    told = host.report()
    assert verdict(told, "antivirusEngine.offlineDefinitionUpdate") == "unknown"
    assert verdict(told, NETWORK) == "unmanaged"


EPP = {"$type": "excludedPath", "path": "/a", "isDirectory": True, "scopes": ["epp"]}
GLOBAL = {"$type": "excludedPath", "path": "/b", "isDirectory": True, "scopes": ["global"]}
BARE = {"$type": "excludedPath", "path": "/c", "isDirectory": True}
BOTH = {"$type": "excludedPath", "path": "/d", "isDirectory": True, "scopes": ["epp", "global"]}


@pytest.mark.parametrize(
    ("attach", "managed", "wanted", "channel"),
    [
        (None, [GLOBAL], [GLOBAL], "managed_file"),
        (None, [BARE], [BARE], "managed_file"),
        (None, [EPP, GLOBAL, BARE, BOTH], [GLOBAL, BARE, BOTH], "managed_file"),
        (None, [EPP], None, None),
        ([EPP], [GLOBAL], [EPP, GLOBAL], "mde_attach"),
        ([EPP, GLOBAL], [GLOBAL], [EPP, GLOBAL], "mde_attach"),
        ([GLOBAL], [EPP], [GLOBAL], "mde_attach"),
    ],
)
def test_only_global_exclusions_are_merged(
    host: HostFolder, attach: Any, managed: Any, wanted: Any, channel: str | None
) -> None:
    """Without scopes an entry of the managed file is global; entries for epp alone are lost."""
    host.health(managedBy="MDE").file(ATTACH, {} if attach is None else sets(EVERYWHERE, attach))
    found = row(host.file(MANAGED, sets(EVERYWHERE, managed)).report(), EVERYWHERE)
    assert (found.policy, found.channel) == (wanted, channel)
    assert found.verdict == ("shadowed" if wanted is None else "unobservable")


def test_other_exclusions_are_not_merged(host: HostFolder) -> None:
    """The older list is always of epp."""
    host.health(managedBy="MDE").file(ATTACH, {}).file(MANAGED, sets(EXCLUSIONS, [BARE]))
    assert verdict(host.report(), EXCLUSIONS) == "shadowed"


@pytest.mark.parametrize(
    ("item", "everywhere"),
    [
        (GLOBAL, True),
        (BARE, True),
        (BOTH, True),
        ({**BARE, "scopes": []}, True),
        (EPP, False),
        ({**BARE, "scopes": "epp"}, False),
        ("/a", False),
        (None, False),
    ],
)
def test_an_entry_without_scopes_is_global(item: Any, everywhere: bool) -> None:
    """As documented for managed files."""
    assert is_global(item) is everywhere


# --- unobservable -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (BLOCK_LEVEL, "high"),
        (PROXY, "http://proxy:3128"),
        (ARCHIVES, True),
        (EXCLUSIONS, [BARE]),
        ("antivirusEngine.scheduledScan", "enabled"),
    ],
)
def test_what_nothing_shows_is_unobservable(host: HostFolder, key: str, value: Any) -> None:
    """No field at all, or one of a view that was not asked for."""
    found = row(host.health().file(MANAGED, sets(key, value)).report(), key)
    assert (found.verdict, found.effective, found.observed_in) == ("unobservable", None, ())
    assert (found.policy, found.channel) == (value, "managed_file")


def test_a_local_setting_that_nothing_shows_is_unobservable(host: HostFolder) -> None:
    """Without policy, from the local file."""
    found = row(host.health().file(LOCAL, sets(BLOCK_LEVEL, "high")).report(), BLOCK_LEVEL)
    assert (found.verdict, found.channel, found.policy) == ("unobservable", "local", None)


@pytest.mark.parametrize("known", [True, False])
def test_a_local_setting_that_nothing_shows_needs_no_governor(mac: HostFolder, known: bool) -> None:
    """Whoever governs, no policy sets it."""
    mac.health().file(MAC_LOCAL, sets(BLOCK_LEVEL, "high"))
    if not known:
        mac.file(MAC_ATTACH, {}).file(MAC_MANAGED, {})
    assert verdict(mac.report(), BLOCK_LEVEL) == "unobservable"


# --- unknown, by every cause --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "wanted", "shown"),
    [
        (CLOUD, True, {"cloudEnabled": None}),
        (CLOUD, True, {"cloudEnabled": "unavailable"}),
        (CLOUD, True, {"cloudEnabled": "partly"}),
        (CLOUD, True, {"cloudEnabled": 17}),
        (CLOUD, True, {"cloudEnabled": []}),
        (CLOUD, "yes", {}),
        (CLOUD, "true", {}),
        (CLOUD, 1, {}),
        (NETWORK, "block", {"networkProtectionEnforcementLevel": "starting"}),
        (NETWORK, "block", {"networkProtectionEnforcementLevel": True}),
        (NETWORK, "blok", {}),
        (NETWORK, True, {}),
        (NETWORK, ["block"], {}),
        ("antivirusEngine.behaviorMonitoring", "diabled", {}),
        ("antivirusEngine.behaviorMonitoring", True, {}),
        (LEVEL, "audit", {}),
        (LEVEL, "realtime", {}),
        ("features.ebpfSupplementaryEventProvider", "disabled", {"appVersion": None}),
        (
            "features.ebpfSupplementaryEventProvider",
            "enabled",
            {"supplementaryEventsSubsystem": "netlink"},
        ),
    ],
)
def test_words_outside_the_vocabulary_are_unknown(
    host: HostFolder, key: str, wanted: Any, shown: dict[str, Any]
) -> None:
    """Of health or of policy: what is not understood neither agrees nor contradicts."""
    host.health(**shown, managed=EVERY_FLAG).file(MANAGED, sets(key, wanted))
    found = row(host.report(), key)
    assert found.verdict == "unknown"
    assert found.because


@pytest.mark.parametrize("output", ["broken", "missing"])
def test_without_health_a_setting_that_it_would_show_is_unknown(
    host: HostFolder, output: str
) -> None:
    """Broken or not recorded; what it would not show stays unobservable."""
    if output == "broken":
        host.command("health-json", "nonsense")
    told = host.file(MANAGED, policy(**{CLOUD: True, BLOCK_LEVEL: "high"})).report()
    assert (verdict(told, CLOUD), verdict(told, BLOCK_LEVEL)) == ("unknown", "unobservable")


@pytest.mark.parametrize("ahead", [5 * MINUTE + SECOND, HOUR, 400 * DAY])
def test_a_file_from_the_future_accuses_nobody(host: HostFolder, ahead: timedelta) -> None:
    """Its age is not known, so neither whether health is newer."""
    host.health(cloudEnabled=False).file(MANAGED, sets(CLOUD, True), age=-ahead)
    assert verdict(host.report(), CLOUD) == "unknown"


def test_a_file_of_unknown_age_accuses_nobody(host: HostFolder) -> None:
    """A time outside the calendar is no time."""
    seen = snapshot(host.health(cloudEnabled=False).file(MANAGED, sets(CLOUD, True)))
    file = seen["mdatp_managed"].file
    assert file is not None
    told = changed(seen, mdatp_managed={"file": replace(file, mtime=None, changed=None)})
    assert verdict(told, CLOUD) == "unknown"


@pytest.mark.parametrize("kind", ["denied", "malformed"])
@pytest.mark.parametrize("seen_there", [True, False])
def test_a_plain_user_is_told_what_cannot_be_told(
    host: HostFolder, kind: str, seen_there: bool
) -> None:
    """The managed file cannot be read: nothing is unmanaged, foreign, enforced or accused."""
    host.health(managed=["cloudEnabled"]).file(MANAGED, sets(CLOUD, False))
    seen = snapshot(host)
    change: dict[str, Any] = {"state": "broken", "value": None, "kind": kind}
    change["reason"] = "cannot read it: permission denied; run with sudo"
    if not seen_there:
        change["file"] = None
    told = changed(seen, mdatp_managed=change)
    assert verdict(told, CLOUD) == "unknown"
    assert {one.verdict for one in told.settings} == {"unknown"}


def test_an_unknown_governor_leaves_what_any_channel_sets_unknown(mac: HostFolder) -> None:
    """Two channels, no word: even where both say the same as health."""
    mac.health().file(MAC_ATTACH, sets(CLOUD, True)).file(MAC_MANAGED, sets(CLOUD, True))
    told = mac.report()
    found = row(told, CLOUD)
    assert (found.verdict, found.policy, found.channel) == ("unknown", None, None)
    assert {wish.channel for wish in found.also} == {"mde_attach", "mdm"}
    assert verdict(told, UPDATES) == "unmanaged"


def test_a_part_of_a_policy_that_cannot_be_read_accuses_nobody(mac: HostFolder) -> None:
    """The stronger file may say something else about the same key."""
    mac.health(cloudEnabled=False).file(MAC_MANAGED, "no property list")
    assert verdict(mac.file(EXTENSION, sets(CLOUD, True)).report(), CLOUD) == "unknown"


# --- spellings ----------------------------------------------------------------------------------


MONITORING = "features.behaviorMonitoring"
OTHER = "antivirusEngine.behaviorMonitoring"


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({MONITORING: "enabled"}, "enforced"),
        ({OTHER: "enabled"}, "enforced"),
        ({MONITORING: "enabled", OTHER: "enabled"}, "enforced"),
        ({MONITORING: "disabled"}, "not-enforced"),
        ({OTHER: "disabled"}, "not-enforced"),
        ({MONITORING: "enabled", OTHER: "disabled"}, "unknown"),
        ({MONITORING: "disabled", OTHER: "enabled"}, "unknown"),
    ],
)
def test_behaviour_monitoring_has_two_spellings_on_a_mac(
    mac: HostFolder, settings: dict[str, str], expected: str
) -> None:
    """Editions of the documentation differ: one row, and two values are nobody's value."""
    told = mac.health(managed=["behaviorMonitoring"]).file(MAC_MANAGED, policy(**settings)).report()
    assert verdict(told, MONITORING) == expected
    assert verdict(told, OTHER) is None


@pytest.mark.parametrize("shown", [IS_PASSIVE, ON_DEMAND])
def test_behaviour_monitoring_needs_real_time_protection(
    host: HostFolder, shown: dict[str, Any]
) -> None:
    """Its being off while the agent is passive accuses nobody."""
    key = "antivirusEngine.behaviorMonitoring"
    host.health(**shown, behaviorMonitoring="disabled").file(MANAGED, sets(key, "enabled"))
    assert verdict(host.report(), key) == "unknown"


@pytest.mark.parametrize(
    ("settings", "shown", "expected"),
    [
        (
            {LEVEL: "real_time", PASSIVE: False, ENABLED: True},
            {},
            {LEVEL: "enforced", PASSIVE: "enforced", ENABLED: "enforced"},
        ),
        (
            {LEVEL: "real_time", ENABLED: True},
            IS_PASSIVE,
            {LEVEL: "not-enforced", ENABLED: "not-enforced"},
        ),
        (
            {LEVEL: "real_time", PASSIVE: True},
            {},
            {LEVEL: "enforced", PASSIVE: "unknown"},
        ),
        (
            {LEVEL: "real_time", PASSIVE: True},
            IS_PASSIVE,
            {LEVEL: "unknown", PASSIVE: "enforced"},
        ),
        (
            {LEVEL: "passive", ENABLED: True},
            {},
            {LEVEL: "unknown", ENABLED: "enforced"},
        ),
        (
            {LEVEL: "passive", ENABLED: True},
            IS_PASSIVE,
            {LEVEL: "enforced", ENABLED: "unknown"},
        ),
    ],
)
def test_old_and_new_switches_that_disagree_accuse_nobody(
    host: HostFolder, settings: dict[str, Any], shown: dict[str, Any], expected: dict[str, str]
) -> None:
    """Which of them wins is not documented; where they agree they are judged as ever."""
    host.health(**shown, managed=LEVEL_FLAGS)
    told = host.file(MANAGED, policy(**settings)).report()
    assert {key: verdict(told, key) for key in expected} == expected


# --- weaker evidence ----------------------------------------------------------------------------


def logged(host: HostFolder, settings: dict[str, Any], age: timedelta | None) -> HostFolder:
    """The line of the daemon's log with what it merged, written that long ago (None: no time)."""
    stamp = "" if age is None else f"[{NOW - age:%Y-%m-%d %H:%M:%S.000001} UTC]"
    line = f"[1][2]{stamp}[info]: Features merged with capabilities: {json.dumps(settings)}\n"
    return host.file(CORE_LOG, line, age=timedelta())


@pytest.mark.parametrize(
    ("shown", "expected"),
    [("true", "enforced"), ("false", "unknown"), ("unavailable", "unknown"), ("odd", "unknown")],
)
def test_details_support_and_never_accuse(host: HostFolder, shown: str, expected: str) -> None:
    """`--details antivirus`."""
    host.health().file(MANAGED, sets(ARCHIVES, True))
    host.command("health-details-antivirus", f"scan_archives      : {shown}\n")
    assert verdict(host.report(), ARCHIVES) == expected


@pytest.mark.parametrize(
    ("value", "age", "expected"),
    [
        ("high", HOUR, "enforced"),
        ("normal", HOUR, "unknown"),
        ("high", 3 * HOUR, "unknown"),
        ("normal", 3 * HOUR, "unknown"),
        ("high", None, "unknown"),
    ],
)
def test_the_merged_log_supports_when_it_is_newer(
    host: HostFolder, value: str, age: timedelta | None, expected: str
) -> None:
    """A line from before the change, or of no time, is not counted."""
    host.health().file(MANAGED, sets(BLOCK_LEVEL, "high"), age=2 * HOUR)
    logged(host, sets(BLOCK_LEVEL, value), age)
    assert verdict(host.report(), BLOCK_LEVEL) == expected


@pytest.mark.parametrize(
    ("listed", "expected"),
    [
        ('Path: "/a"\nPath: "/b"\n', "enforced"),
        ('Path: "/a/"\nPath: "/b"\n', "enforced"),
        ('Path: "/a"\n', "unknown"),
        ("No exclusions\n", "unknown"),
        ('Path: "/abc"\nPath: "/b"\n', "unknown"),
    ],
)
def test_the_list_of_exclusions_supports_and_never_accuses(
    host: HostFolder, listed: str, expected: str
) -> None:
    """Every entry must be listed; one that is not may be shown in another shape."""
    wanted = [{**BARE, "path": "/a"}, {**BARE, "path": "/b"}]
    host.health().file(MANAGED, sets(EXCLUSIONS, wanted)).command("exclusion-list", listed)
    assert verdict(host.report(), EXCLUSIONS) == expected


def test_a_list_that_lacks_an_entry_does_not_outweigh_the_log(host: HostFolder) -> None:
    """It says nothing; the log supports."""
    host.health().file(MANAGED, sets(EXCLUSIONS, [BARE])).command("exclusion-list", "None\n")
    told = logged(host, sets(EXCLUSIONS, [BARE]), HOUR).report()
    assert verdict(told, EXCLUSIONS) == "enforced"


@pytest.mark.parametrize(
    ("tags", "expected"), [(["GROUP/prod", "prod"], "enforced"), ([], "unknown")]
)
def test_the_tags_of_health_support_and_never_accuse(
    host: HostFolder, tags: list[str], expected: str
) -> None:
    """The shape of a tag in health was never seen."""
    host.health(edrDeviceTags=tags)
    host.file(MANAGED, sets("edr.tags", [{"key": "GROUP", "value": "prod"}]))
    assert verdict(host.report(), "edr.tags") == expected


@pytest.mark.parametrize("value", [True, False])
def test_main_view_health_outweighs_the_log(host: HostFolder, value: bool) -> None:
    """Weaker evidence neither rescues nor accuses what health proves."""
    host.health(cloudEnabled=value, managed=["cloudEnabled"]).file(MANAGED, sets(CLOUD, True))
    logged(host, sets(CLOUD, not value), MINUTE)
    assert verdict(host.report(), CLOUD) == ("enforced" if value else "not-enforced")


def test_weaker_evidence_needs_no_health(host: HostFolder) -> None:
    """The log alone can support a setting where health is silent or cannot be read."""
    host.command("health-json", "nonsense").file(MANAGED, sets(CLOUD, True))
    assert verdict(logged(host, sets(CLOUD, True), HOUR).report(), CLOUD) == "enforced"
    assert verdict(logged(host, sets(CLOUD, False), HOUR).report(), CLOUD) == "unknown"


# --- rows ---------------------------------------------------------------------------------------


def test_rows_come_in_order_and_once(host: HostFolder) -> None:
    """One row for a preference, by its primary key."""
    host.health().file(MANAGED, sets(CLOUD, True)).file(LOCAL, sets(CLOUD, False))
    keys = [one.key for one in host.report().settings]
    assert keys == sorted(set(keys))


def test_a_verdict_that_is_no_plain_yes_says_why(host: HostFolder) -> None:
    """Unknown, pending, unproven, foreign and shadowed rows carry a reason."""
    host.health(managedBy="MDE", cloudEnabled=None).file(ATTACH, sets(CLOUD, True), age=MINUTE)
    host.file(MANAGED, sets(NETWORK, "block"))
    for one in host.report().settings:
        if one.verdict in ("unknown", "pending", "unproven", "foreign", "shadowed"):
            assert one.because, one.key


def test_nothing_is_said_of_what_nobody_sets_and_nothing_shows(host: HostFolder) -> None:
    """No row without a value of any kind."""
    told = host.health().report()
    assert verdict(told, BLOCK_LEVEL) is None
    assert all(one.effective is not None for one in told.settings)
