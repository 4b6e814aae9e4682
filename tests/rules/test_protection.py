"""Is real-time protection on, and if not, who decided so?"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from mdeinspect import catalogue, rules
from mdeinspect.config.model import Config
from mdeinspect.host.recorded import RecordedHost
from mdeinspect.inspect import Plan, take
from mdeinspect.model import Finding, Report, Severity
from mdeinspect.report import report
from support import (
    ATTACH,
    LOCAL,
    MAC_ATTACH,
    MAC_MANAGED,
    MANAGED,
    MINUTE,
    NOW,
    HostFolder,
    codes,
    found,
    unknown,
)

LEVEL = "antivirusEngine.enforcementLevel"
OFF: dict[str, Any] = {"realTimeProtectionEnabled": False, "passiveModeEnabled": False}
PASSIVE: dict[str, Any] = {"realTimeProtectionEnabled": False, "passiveModeEnabled": True}
FLAGS = ["realTimeProtectionEnabled", "passiveModeEnabled"]
FAMILY = {"protection-off", "protection-not-set", "protection-passive-by-policy", "not-enforced"}


def engine(**settings: Any) -> dict[str, Any]:
    """A policy about the antivirus engine."""
    return {"antivirusEngine": settings}


def only(told: Report, code: str) -> Finding:
    """The one finding of a code, and the only one about protection."""
    assert FAMILY & set(codes(told)) <= {code}
    (finding,) = found(told, code)
    return finding


def without_source(host: HostFolder, **changed: Any) -> Report:
    """A report where the managed file could not be seen as `changed` says."""
    seen = take(RecordedHost(str(host.root)), Plan())
    reading = replace(seen["mdatp_managed"], state="broken", value=None, **changed)
    seen = replace(seen, readings={**seen.readings, "mdatp_managed": reading})
    return report(seen, Config(), catalogue.load(), tuple(rules.load().values()), NOW)


# --- protection-off -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shown", "level"),
    [
        (PASSIVE, "passive"),
        (OFF, "off"),
        ({"realTimeProtectionEnabled": True, "passiveModeEnabled": True}, "passive"),
        ({"realTimeProtectionEnabled": False, "passiveModeEnabled": None}, "off"),
        ({"realTimeProtectionEnabled": None, "passiveModeEnabled": True}, "passive"),
    ],
)
def test_protection_that_policy_wants_and_is_off_is_critical(
    host: HostFolder, shown: dict[str, Any], level: str
) -> None:
    """Off or passive, by either field of health; one finding, whatever the verdicts are."""
    told = host.health(**shown).file(MANAGED, engine(enforcementLevel="real_time")).report()
    finding = only(told, "protection-off")
    assert (finding.severity, finding.subject) == (Severity.CRITICAL, "host")
    names = ("real_time_protection_enabled", "passive_mode_enabled")
    observed = {
        name: value for name, value in zip(names, shown.values(), strict=True) if value is not None
    }
    assert finding.facts == {
        "level": level,
        "key": LEVEL,
        "policy": "real_time",
        "channel": "managed_file",
        "observed": observed,
    }


@pytest.mark.parametrize("healthy", [True, False, None])
def test_an_agent_that_calls_itself_healthy_all_the_while_is_quoted(
    host: HostFolder, healthy: bool | None
) -> None:
    """`healthy` does not mean protected: whoever trusts it is told."""
    host.health(**PASSIVE, healthy=healthy).file(MANAGED, engine(enforcementLevel="real_time"))
    finding = only(host.report(), "protection-off")
    assert ("calls itself healthy" in finding.detail) is (healthy is True)


@pytest.mark.parametrize(
    ("platform", "path", "managed_by", "channel"),
    [
        ("linux", MANAGED, "", "managed_file"),
        ("linux", ATTACH, "MDE", "mde_attach"),
        ("linux", MANAGED, "MDE", "mde_attach"),
        ("darwin", MAC_MANAGED, "MEM", "mdm"),
        ("darwin", MAC_ATTACH, "MDE", "mde_attach"),
    ],
)
def test_every_channel_that_governs_counts(
    host: HostFolder, mac: HostFolder, platform: str, path: str, managed_by: str, channel: str
) -> None:
    """The finding names the channel whose will is not done."""
    one = host if platform == "linux" else mac
    one.health(**PASSIVE, managedBy=managed_by).file(path, engine(enforcementLevel="real_time"))
    assert only(one.report(), "protection-off").facts["channel"] == channel


def test_the_old_switch_is_policy_too(host: HostFolder) -> None:
    """`enableRealTimeProtection` asks for the same in the words of old agents."""
    told = host.health(**PASSIVE).file(MANAGED, engine(enableRealTimeProtection=True)).report()
    assert only(told, "protection-off").facts["key"] == "antivirusEngine.enableRealTimeProtection"


def test_protection_that_is_on_is_no_finding(host: HostFolder) -> None:
    """Wanted and on."""
    told = host.health(managed=FLAGS).file(MANAGED, engine(enforcementLevel="real_time")).report()
    assert codes(told) == []


def test_a_policy_that_is_being_applied_is_no_finding_yet(host: HostFolder) -> None:
    """Within the grace time the agent may still be applying it."""
    host.health(**PASSIVE)
    host.file(MANAGED, engine(enforcementLevel="real_time"), age=2 * MINUTE)
    assert FAMILY.isdisjoint(codes(host.report()))


@pytest.mark.parametrize(
    "shown", [{"realTimeProtectionEnabled": None}, {"passiveModeEnabled": "perhaps"}]
)
def test_a_field_that_says_nothing_accuses_nobody(host: HostFolder, shown: dict[str, Any]) -> None:
    """Unavailable is not off."""
    told = host.health(**shown).file(MANAGED, engine(enforcementLevel="real_time")).report()
    assert FAMILY.isdisjoint(codes(told))


@pytest.mark.parametrize(
    ("settings", "age"),
    [
        ({"enforcementLevel": "real_time", "passiveMode": True}, 60 * MINUTE),
        ({"enableRealTimeProtection": True, "passiveMode": True}, 60 * MINUTE),
        ({"enforcementLevel": "real_time"}, -60 * MINUTE),
    ],
)
def test_a_policy_of_doubtful_meaning_or_age_is_unknown(
    host: HostFolder, settings: dict[str, Any], age: Any
) -> None:
    """Old and new keys that contradict each other, or a file from the future: cannot tell."""
    told = host.health(**PASSIVE).file(MANAGED, engine(**settings), age=age).report()
    assert found(told, "protection-off") == found(told, "protection-not-set") == []
    if "enforcementLevel" in settings:
        assert "protection-off" in unknown(told)


@pytest.mark.parametrize("state", ["missing", "broken"])
def test_without_health_nothing_is_said(host: HostFolder, state: str) -> None:
    """No health: the rules say that they cannot tell."""
    host.file(MANAGED, engine(enforcementLevel="real_time"))
    if state == "broken":
        host.command("health-json", "nonsense")
    told = host.report()
    assert FAMILY.isdisjoint(codes(told))
    assert "protection-off" in unknown(told)


# --- protection-not-set -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("policy", "local", "cause"),
    [
        (None, None, "the default applies"),
        ({"cloudService": {"enabled": True}}, None, "the default applies"),
        (None, engine(enforcementLevel="passive"), "a local setting"),
        (None, engine(enforcementLevel="real_time"), "the default applies"),
    ],
)
def test_off_without_any_policy_is_medium(
    host: HostFolder, policy: Any, local: Any, cause: str
) -> None:
    """By the default or by hand: a policy that is not there, or is silent, is no excuse."""
    host.health(**PASSIVE)
    if policy:
        host.file(MANAGED, policy)
    if local:
        host.file(LOCAL, local)
    finding = only(host.report(), "protection-not-set")
    assert (finding.severity, finding.subject) == (Severity.MEDIUM, "host")
    assert finding.facts == {
        "level": "passive",
        "key": LEVEL,
        "cause": cause,
        "observed": {"real_time_protection_enabled": False, "passive_mode_enabled": True},
    }


def test_a_shadowed_policy_decides_nothing(host: HostFolder) -> None:
    """Attached with `{}`: the hardened file is not in force, and the default is passive."""
    host.health(**PASSIVE, managedBy="MDE").file(ATTACH, {})
    told = host.file(MANAGED, engine(enforcementLevel="real_time")).report()
    assert len(found(told, "protection-not-set")) == len(found(told, "policy-shadowed")) == 1
    assert found(told, "protection-off") == []


def test_on_without_any_policy_is_no_finding(host: HostFolder) -> None:
    """Protection that is on needs nobody who wants it."""
    assert codes(host.health().report()) == []


@pytest.mark.parametrize("kind", ["denied", "malformed"])
def test_off_with_a_policy_that_cannot_be_read_is_unknown(host: HostFolder, kind: str) -> None:
    """What cannot be read may be what decided."""
    host.health(**PASSIVE).file(MANAGED, {})
    told = without_source(host, kind=kind, reason="cannot read it")
    assert FAMILY.isdisjoint(codes(told))
    assert "protection-not-set" in unknown(told)


def test_off_with_nobody_known_to_govern_is_unknown(mac: HostFolder) -> None:
    """Two channels and no word of the agent: either may have decided."""
    mac.health(**PASSIVE).file(MAC_ATTACH, {}).file(MAC_MANAGED, {})
    told = mac.report()
    assert FAMILY.isdisjoint(codes(told))
    assert "protection-not-set" in unknown(told)


def test_a_policy_against_passive_mode_is_a_policy(host: HostFolder) -> None:
    """`passiveMode: false` and a passive agent: policy is not enforced, and that is said once."""
    told = host.health(**PASSIVE).file(MANAGED, engine(passiveMode=False)).report()
    finding = only(told, "not-enforced")
    assert finding.subject == "key:antivirusEngine.passiveMode"
    assert finding.severity is Severity.HIGH


# --- protection-passive-by-policy ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "shown", "level", "key"),
    [
        ({"enforcementLevel": "passive"}, PASSIVE, "passive", LEVEL),
        ({"enforcementLevel": "on_demand"}, OFF, "off", LEVEL),
        ({"passiveMode": True}, PASSIVE, "passive", "antivirusEngine.passiveMode"),
        (
            {"enableRealTimeProtection": False},
            OFF,
            "off",
            "antivirusEngine.enableRealTimeProtection",
        ),
    ],
)
def test_passive_by_policy_in_force_is_info(
    host: HostFolder, settings: dict[str, Any], shown: dict[str, Any], level: str, key: str
) -> None:
    """As wanted: worth knowing, and no more."""
    told = host.health(**shown, managed=FLAGS).file(MANAGED, engine(**settings)).report()
    finding = only(told, "protection-passive-by-policy")
    assert (finding.severity, finding.subject) == (Severity.INFO, "host")
    policy = next(iter(settings.values()))
    assert finding.facts == {
        "level": level,
        "key": key,
        "policy": policy,
        "channel": "managed_file",
    }


def test_more_protection_than_policy_wants_is_a_setting_not_enforced(host: HostFolder) -> None:
    """Policy says passive and the agent protects: not the matter of these rules."""
    told = host.health().file(MANAGED, engine(enforcementLevel="passive")).report()
    finding = only(told, "not-enforced")
    assert (finding.subject, finding.severity) == (f"key:{LEVEL}", Severity.MEDIUM)


# --- tamper-protection-off ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shown", "policy", "severity"),
    [
        ("disabled", None, Severity.MEDIUM),
        ("audit", None, Severity.LOW),
        ("disabled", "disabled", Severity.LOW),
        ("audit", "audit", Severity.LOW),
    ],
)
def test_tamper_protection_that_does_not_block_is_a_finding_on_a_mac(
    mac: HostFolder, shown: str, policy: str | None, severity: Severity
) -> None:
    """Medium when off by nobody's will; low when it audits, or is as policy wants it."""
    mac.health(tamperProtection=shown, managed=["tamperProtection"] if policy else [])
    if policy:
        mac.file(MAC_MANAGED, {"tamperProtection": {"enforcementLevel": policy}})
    (finding,) = found(mac.report(), "tamper-protection-off")
    assert (finding.severity, finding.subject) == (severity, "host")
    assert finding.facts == {"effective": shown, "policy": policy}


def test_tamper_protection_against_policy_is_told_once(mac: HostFolder) -> None:
    """A setting not enforced is that finding, with both values."""
    mac.health(tamperProtection="audit")
    told = mac.file(MAC_MANAGED, {"tamperProtection": {"enforcementLevel": "block"}}).report()
    assert found(told, "tamper-protection-off") == []
    (finding,) = found(told, "not-enforced")
    assert finding.severity is Severity.HIGH


@pytest.mark.parametrize("shown", ["block", None, "strange"])
def test_tamper_protection_that_blocks_or_is_not_known_is_no_finding(
    mac: HostFolder, shown: str | None
) -> None:
    """A word that is not known is not off."""
    assert codes(mac.health(tamperProtection=shown).report()) == []


def test_tamper_protection_means_nothing_on_linux(host: HostFolder) -> None:
    """Linux shows the field as disabled, and it is not judged."""
    assert codes(host.health(tamperProtection="disabled").report()) == []
