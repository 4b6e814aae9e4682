"""Is the host as the organisation wants it? For each rule: raised, close by and not, not known."""

from __future__ import annotations

from typing import Any

import pytest

from mdeinspect.config.model import BaselineConfig, Config
from mdeinspect.model import Report, Severity
from support import ATTACH, MANAGED, MINUTE, HostFolder, found, unknown

NETWORK = "networkProtection.enforcementLevel"
BLOCK = "cloudService.cloudBlockLevel"  # nothing shows it
CODES = ("baseline-policy-drift", "baseline-not-in-policy", "baseline-effective-drift")


def wanting(host: HostFolder, wanted: dict[str, Any]) -> Report:
    """The report where this is wanted."""
    return host.report(Config(baseline=BaselineConfig(settings=wanted)))


def raised(report: Report) -> list[tuple[str, str]]:
    return sorted((one.code, one.subject) for one in report.findings if one.code in CODES)


def network(host: HostFolder, policy: Any, shown: Any, **more: Any) -> HostFolder:
    """A host whose policy and agent have these levels of network protection."""
    content = {} if policy is None else {"networkProtection": {"enforcementLevel": policy}}
    host.health(networkProtectionEnforcementLevel=shown, **more)
    return host.file(MANAGED, content)


@pytest.mark.parametrize(
    ("policy", "shown", "codes"),
    [
        ("block", "block", []),
        ("audit", "audit", ["baseline-effective-drift", "baseline-policy-drift"]),
        ("audit", "block", ["baseline-policy-drift"]),
        ("block", "audit", []),  # not-enforced tells it
        (None, "audit", ["baseline-effective-drift", "baseline-not-in-policy"]),
        (None, "block", []),
    ],
)
def test_drift_of_policy_and_of_the_agent_are_two_findings(
    host: HostFolder, policy: Any, shown: Any, codes: list[str]
) -> None:
    """Each where it is so; a policy that is not enforced has its own finding."""
    told = wanting(network(host, policy, shown), {NETWORK: "block"})
    assert [code for code, _ in raised(told)] == codes


def test_what_is_stronger_than_the_baseline_is_no_drift(host: HostFolder) -> None:
    assert raised(wanting(network(host, "block", "block"), {NETWORK: "audit"})) == []


def test_a_drift_of_policy_names_both_values(host: HostFolder) -> None:
    told = wanting(network(host, "disabled", "disabled"), {NETWORK: "audit"})
    (finding,) = found(told, "baseline-policy-drift")
    assert (finding.severity, finding.subject) == (Severity.MEDIUM, f"key:{NETWORK}")
    assert finding.facts == {"wanted": "audit", "policy": "disabled", "channel": "managed_file"}


def test_what_policy_leaves_open_is_one_low_finding(host: HostFolder) -> None:
    """Listing the settings that nothing shows to be as wanted."""
    told = wanting(network(host, None, "audit"), {NETWORK: "block", BLOCK: "high"})
    (finding,) = found(told, "baseline-not-in-policy")
    assert (finding.severity, finding.subject) == (Severity.LOW, "host")
    assert finding.facts == {"keys": [BLOCK, NETWORK], "channel": "managed_file"}


def test_what_only_a_default_says_is_never_above_medium(host: HostFolder) -> None:
    """Real-time protection off by default, against the baseline."""
    host.health(realTimeProtectionEnabled=False, passiveModeEnabled=True)
    (finding,) = found(
        wanting(host, {"antivirusEngine.enforcementLevel": "real_time"}),
        "baseline-effective-drift",
    )
    assert finding.severity is Severity.MEDIUM
    assert finding.facts["channel"] == "default"


@pytest.mark.parametrize(
    ("policy", "drifts"),
    [
        ([("potentially_unwanted_application", "block")], False),  # archive bombs: audit, if silent
        ([("potentially_unwanted_application", "block"), ("archive_bomb", "block")], False),
        ([("archive_bomb", "off"), ("potentially_unwanted_application", "block")], True),
        ([("archive_bomb", "audit")], True),
        ([], True),
    ],
)
def test_entries_with_a_key_are_compared_one_by_one(
    host: HostFolder, policy: list[tuple[str, str]], drifts: bool
) -> None:
    """By strength, whatever their order; an entry that is missing counts as its default."""
    entries = [{"key": key, "value": value} for key, value in policy]
    host.health().file(MANAGED, {"antivirusEngine": {"threatTypeSettings": entries}})
    wanted = [
        {"key": "potentially_unwanted_application", "value": "block"},
        {"key": "archive_bomb", "value": "audit"},
    ]
    told = wanting(host, {"antivirusEngine.threatTypeSettings": wanted})
    assert bool(found(told, "baseline-policy-drift")) is drifts


def test_without_a_baseline_nothing_is_said(host: HostFolder) -> None:
    """Neither found nor unknown, whatever the host is like."""
    told = network(host, "disabled", "disabled").report()
    assert raised(told) == []
    assert not set(CODES) & set(unknown(told))


def test_a_policy_that_cannot_be_read_leaves_open_what_it_says(host: HostFolder) -> None:
    host.health().file(MANAGED, "{")
    told = wanting(host, {NETWORK: "block"})
    assert {"baseline-policy-drift", "baseline-not-in-policy"} <= set(unknown(told))
    assert "baseline-policy-drift" not in {code for code, _ in raised(told)}


def test_a_governor_that_is_not_known_leaves_open_what_policy_says(host: HostFolder) -> None:
    host.health(managedBy="Puppet").file(ATTACH, {})
    told = wanting(host, {BLOCK: "high"})
    assert told.authority.channel == "unknown"
    assert {"baseline-policy-drift", "baseline-not-in-policy"} <= set(unknown(told))


def test_without_health_nobody_knows_what_the_agent_does(host: HostFolder) -> None:
    host.command("health-json", "nonsense").file(
        MANAGED, {"networkProtection": {"enforcementLevel": "block"}}
    )
    told = wanting(host, {NETWORK: "block"})
    assert raised(told) == []
    assert "baseline-effective-drift" in unknown(told)


def test_a_policy_that_is_being_applied_is_given_its_time(host: HostFolder) -> None:
    """Pending: the agent may yet do as wanted."""
    host.health(networkProtectionEnforcementLevel="disabled")
    host.file(MANAGED, {"networkProtection": {"enforcementLevel": "block"}}, age=2 * MINUTE)
    assert raised(wanting(host, {NETWORK: "block"})) == []


def test_lists_that_health_shows_accuse_nobody(host: HostFolder) -> None:
    """It shows them in shapes of its own."""
    host.health(edrDeviceTags=["GROUP=web"]).file(MANAGED, {})
    told = wanting(host, {"edr.tags": [{"key": "GROUP", "value": "web"}]})
    assert [code for code, _ in raised(told)] == ["baseline-not-in-policy"]
