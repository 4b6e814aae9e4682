"""Has the agent what it needs to protect: its engine, its extensions, the disk, the network?"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from cases_agent import EXTENSIONS, NETWORK, extensions

from mdeinspect import catalogue, rules
from mdeinspect.config.model import Config
from mdeinspect.host.recorded import RecordedHost
from mdeinspect.inspect import Plan, take
from mdeinspect.model import Finding, Report, Severity
from mdeinspect.report import report
from support import HOUR, LOCAL, MANAGED, NOW, HostFolder, codes, found, unknown

VIEW = "health-details-system_extensions"


def only(told: Report, code: str) -> Finding:
    """The one finding of a code."""
    (finding,) = found(told, code)
    return finding


# --- engine-not-loaded --------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["Engine not loaded", "engine not loaded "])
def test_an_engine_that_is_not_loaded_is_high(host: HostFolder, status: str) -> None:
    """By the documented word, in any case, although the agent calls itself healthy."""
    finding = only(host.health(engineLoadStatus=status).report(), "engine-not-loaded")
    assert (finding.severity, finding.subject) == (Severity.HIGH, "agent")
    assert finding.facts == {"status": status, "engine": "1.1.25090.3000"}


@pytest.mark.parametrize("fields", [{"engineLoadStatus": "Engine load succeeded"}, {}])
def test_an_engine_that_is_loaded_or_not_told_of_is_none(
    host: HostFolder, fields: dict[str, Any]
) -> None:
    """Most agents do not print the field."""
    told = host.health(**fields).report()
    assert "engine-not-loaded" not in (*codes(told), *unknown(told))


def test_another_word_is_quoted_as_unknown(host: HostFolder) -> None:
    """Neither good nor bad."""
    told = host.health(engineLoadStatus="Engine warming up").report()
    (because,) = [one.because for one in told.unknown if one.code == "engine-not-loaded"]
    assert "Engine warming up" in because


# --- network-protection-failed ------------------------------------------------------------------


@pytest.mark.parametrize("level", ["block", "audit"])
def test_network_protection_that_failed_though_wanted_is_medium(
    host: HostFolder, level: str
) -> None:
    """By policy: health shows the level that was asked for all the same."""
    host.file(MANAGED, {"networkProtection": {"enforcementLevel": level}})
    fields = {"networkProtectionEnforcementLevel": level}
    told = host.health(**fields, networkProtectionStatus="failed_to_start").report()
    finding = only(told, "network-protection-failed")
    assert (finding.severity, finding.subject) == (Severity.MEDIUM, "host")
    assert finding.facts == {
        "level": level,
        "key": "networkProtection.enforcementLevel",
        "status": "failed_to_start",
    }
    assert codes(told, Severity.MEDIUM) == ["network-protection-failed"]


def test_a_local_wish_counts_too(host: HostFolder) -> None:
    """Who asked for it does not matter."""
    host.file(LOCAL, {"networkProtection": {"enforcementLevel": "block"}})
    told = host.health(**NETWORK, networkProtectionStatus="failed_to_start").report()
    assert only(told, "network-protection-failed").facts["level"] == "block"


@pytest.mark.parametrize(
    "fields",
    [
        {"networkProtectionStatus": "failed_to_start"},
        {**NETWORK, "networkProtectionStatus": "started"},
        {**NETWORK, "networkProtectionStatus": "restarting"},
        {**NETWORK, "without": ["networkProtectionStatus"]},
    ],
)
def test_not_wanted_working_or_not_known_is_none(host: HostFolder, fields: dict[str, Any]) -> None:
    """Only the word that says failed accuses."""
    told = host.health(**fields).report()
    assert "network-protection-failed" not in (*codes(told), *unknown(told))


# --- full-disk-access-missing -------------------------------------------------------------------


def test_no_full_disk_access_is_medium(mac: HostFolder) -> None:
    """By the main view, although the agent calls itself healthy."""
    finding = only(mac.health(fullDiskAccessEnabled=False).report(), "full-disk-access-missing")
    assert (finding.severity, finding.subject, finding.facts) == (Severity.MEDIUM, "host", {})


def test_an_agent_that_says_so_itself_is_told_once(mac: HostFolder) -> None:
    """Unhealthy for just that: one cause, one finding, with the same remedy."""
    issue = "full disk access has not been granted"
    told = mac.health(fullDiskAccessEnabled=False, healthy=False, healthIssues=[issue]).report()
    assert codes(told) == ["agent-unhealthy"]
    assert "Full Disk Access" in only(told, "agent-unhealthy").remedy


def test_linux_has_no_such_thing(host: HostFolder) -> None:
    """Whatever it would print."""
    assert codes(host.health(fullDiskAccessEnabled=False).report()) == []


# --- system-extension-not-running ---------------------------------------------------------------


def test_both_views_together_accuse(mac: HostFolder) -> None:
    """Medium; the optional view is what the finding quotes."""
    extensions(ready=False)(mac)
    finding = only(mac.report(), "system-extension-not-running")
    assert (finding.severity, finding.subject) == (Severity.MEDIUM, "host")
    assert finding.facts == {
        "extensions": {
            "endpoint_security_extension_installed": True,
            "endpoint_security_extension_ready": False,
        }
    }


def test_the_optional_view_alone_accuses_nobody(mac: HostFolder) -> None:
    """It is documented nowhere in whole: the main view says that all is well."""
    mac.health().command(
        "health-details-system_extensions", EXTENSIONS.format(network="false", ready="false")
    )
    told = mac.report()
    assert "system-extension-not-running" not in (*codes(told), *unknown(told))


@pytest.mark.parametrize("ready", ["unavailable", '"sometimes"'])
def test_a_view_that_does_not_know_leaves_it_unknown(mac: HostFolder, ready: str) -> None:
    """Nor does the main view accuse alone."""
    text = f"endpoint_security_extension_ready           : {ready}\n"
    mac.health(realTimeProtectionAvailable=False)
    told = mac.command("health-details-system_extensions", text).report()
    assert "system-extension-not-running" in unknown(told)


def test_a_view_of_yesterday_clears_nobody(mac: HostFolder) -> None:
    """The optional view is asked for once a day: what it says of then is not so now."""
    extensions(ready=True)(mac)
    recorded = RecordedHost(str(mac.root))
    seen = take(recorded, Plan())
    view = replace(seen[VIEW], taken_at=NOW - 2 * HOUR)
    seen = replace(seen, readings={**seen.readings, VIEW: view})
    every = tuple(rules.load().values())
    told = report(seen, Config(), catalogue.load(), every, recorded.now())
    assert "system-extension-not-running" in unknown(told)
