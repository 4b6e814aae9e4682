"""The simulated agent as a second opinion: it agrees with our verdicts on what it does."""

from __future__ import annotations

import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from mdeinspect import catalogue, rules
from mdeinspect.catalogue import Preference
from mdeinspect.config.model import Config
from mdeinspect.host.recorded import RecordedHost
from mdeinspect.inspect import Plan, take
from mdeinspect.model import Platform, Report
from mdeinspect.report import report
from mdeinspect.simulator.demo import steps
from mdeinspect.simulator.host import DAY, HOUR, MINUTE, SimulatedHost
from mdeinspect.simulator.policies import hardened
from mdeinspect.simulator.scenarios import names

LEVEL = "antivirusEngine.enforcementLevel"
BOTH: tuple[Platform, ...] = ("linux", "darwin")
ADMINISTRATORS = {"mde_attach", "mdm", "managed_file"}
OPEN = {"unmanaged", "unobservable"}  # of a setting that policy leaves open


def inspected(folder: Path) -> Report:
    host = RecordedHost(str(folder))
    every = tuple(rules.load().values())
    return report(take(host, Plan()), Config(), catalogue.load(), every, host.now())


def verdict(found: Report, key: str) -> str | None:
    return next((row.verdict for row in found.settings if row.key == key), None)


GOOD = {"enforced", "unobservable"}
WELL_RUN = {
    (name, platform)
    for platform in BOTH
    for name in names(platform)
    if name.startswith("well-run-")
}
# Hosts to which nobody delivers policy, and one of which a plain user may not read it.
WITHOUT_POLICY: Mapping[tuple[str, Platform], str] = {
    ("well-run-local", "linux"): "local",
    ("well-run-local", "darwin"): "local",
    ("well-run-old-agent", "linux"): "none",
    ("well-run-no-policy", "darwin"): "none",
}
HIDDEN: tuple[str, Platform] = ("well-run-plain-user", "linux")


@pytest.mark.parametrize(("name", "platform"), sorted(WELL_RUN - WITHOUT_POLICY.keys() - {HIDDEN}))
def test_what_a_well_run_host_is_told_is_in_force(
    tmp_path: Path, name: str, platform: Platform
) -> None:
    """Each setting of policy that health shows is enforced; nothing is foreign or shadowed."""
    for _, folder in steps(name, platform, tmp_path / "host"):
        found = inspected(folder)
        wanted = [row for row in found.settings if row.policy is not None]
        bad = {row.key: (row.verdict, row.because) for row in wanted if row.verdict not in GOOD}
        shown = [row for row in wanted if row.observed_in]
        assert bad == {}
        assert {row.verdict for row in shown} == {"enforced"}
        assert LEVEL in {row.key for row in shown}
        assert found.authority.channel in ADMINISTRATORS
        assert {row.verdict for row in found.settings if row.policy is None} <= OPEN
        assert found.blind == ()


@pytest.mark.parametrize(("name", "platform"), sorted(WITHOUT_POLICY))
def test_where_nobody_delivers_policy_nothing_is_said_to_be_in_force(
    tmp_path: Path, name: str, platform: Platform
) -> None:
    """All that health shows is up to the agent and to the host's own administrator."""
    for _, folder in steps(name, platform, tmp_path / "host"):
        found = inspected(folder)
        assert found.authority.channel == WITHOUT_POLICY[name, platform]
        assert [row.key for row in found.settings if row.policy is not None] == []
        assert LEVEL in {row.key for row in found.settings if row.observed_in}
        assert {row.verdict for row in found.settings} <= OPEN
        assert found.blind == ()


def test_policy_that_may_not_be_read_leaves_open_what_is_in_force(tmp_path: Path) -> None:
    """It is known who governs and not what it says: every verdict is unknown, and says why."""
    for _, folder in steps(*HIDDEN, tmp_path / "host"):
        found = inspected(folder)
        assert (found.authority.channel, found.blind) == ("managed_file", ("mdatp_managed",))
        assert LEVEL in {row.key for row in found.settings if row.observed_in}
        assert {(row.policy, row.verdict) for row in found.settings} == {(None, "unknown")}
        assert all(row.because for row in found.settings)


NEWEST = "101.26072.0001"
# An agent that obeys cannot always be seen to: behaviour monitoring needs real time, which is not
# the default on Linux; what replaced auditd where eBPF is off is not public.
NOT_TOLD = {
    ("linux", "antivirusEngine.behaviorMonitoring", "enabled"),
    ("linux", "features.ebpfSupplementaryEventProvider", "disabled"),
}
VALUES = [
    (platform, preference.key(platform) or "", value)
    for platform in BOTH
    for preference in catalogue.load().preferences
    if preference.managed(platform) and not preference.deprecated
    if preference.type in ("string", "boolean") and preference.shown(platform)
    for value in preference.allowed(platform)
]


@pytest.mark.parametrize(("platform", "key", "value"), VALUES)
@pytest.mark.parametrize("channel", ["managed", "attach"])
def test_each_value_alone_is_seen_to_be_in_force(
    tmp_path: Path, platform: Platform, channel: str, key: str, value: Any
) -> None:
    """Whatever single documented value policy sets, if a view shows it, it is not doubted."""
    host = SimulatedHost(tmp_path / "host", platform, NEWEST)
    policy = nested(key, value)
    host.attach(policy) if channel == "attach" else host.managed(policy)
    host.restart()
    host.pass_time(HOUR)
    seen = verdict(inspected(host.record()), key)
    assert seen in ({"unknown"} if (platform, key, value) in NOT_TOLD else GOOD)


@pytest.mark.parametrize("platform", BOTH)
def test_a_stubborn_agent_is_accused(tmp_path: Path, platform: Platform) -> None:
    """A setting that the agent refuses is not in force; one that it applies is."""
    host = SimulatedHost(tmp_path / "host", platform)
    host.managed(hardened(platform))
    host.restart()
    host.set_field("networkProtection.enforcementLevel", "disabled")
    host.pass_time(HOUR)
    found = inspected(host.record())
    assert verdict(found, "networkProtection.enforcementLevel") == "not-enforced"
    assert verdict(found, LEVEL) == "enforced"


def test_what_waits_for_a_restart_is_pending(tmp_path: Path) -> None:
    """Diagnostics on Linux: pending however long it takes, enforced after the restart."""
    key = "cloudService.diagnosticLevel"
    host = SimulatedHost(tmp_path / "host")
    host.managed({"cloudService": {"diagnosticLevel": "required"}})
    host.pass_time(HOUR)
    assert verdict(inspected(host.record()), key) == "enforced"
    host.managed({"cloudService": {"diagnosticLevel": "optional"}})
    host.pass_time(DAY)
    assert verdict(inspected(host.record()), key) == "pending"
    host.restart()
    host.pass_time(MINUTE)
    assert verdict(inspected(host.record()), key) == "enforced"


def test_exceptions_of_an_attached_linux_host_are_not_lost(tmp_path: Path) -> None:
    """What is still merged from the managed file is in force, the rest is shadowed."""
    host = SimulatedHost(tmp_path / "host")
    host.managed(
        {
            "antivirusEngine": {"offlineDefinitionUpdate": "enabled", "scanArchives": False},
            "exclusionSettings": {"exclusions": [{"$type": "excludedPath", "path": "/opt/app"}]},
        }
    )
    host.attach({})
    host.pass_time(HOUR)
    found = inspected(host.record())
    assert verdict(found, "antivirusEngine.offlineDefinitionUpdate") == "enforced"
    assert verdict(found, "exclusionSettings.exclusions") == "enforced"
    assert verdict(found, "antivirusEngine.scanArchives") == "shadowed"


def test_a_build_that_does_not_name_its_owner_is_probably_attached(tmp_path: Path) -> None:
    """The first that could be attached do not show `managed_by`: the file alone tells."""
    host = SimulatedHost(tmp_path / "host", version="101.23052.0009")
    host.attach(hardened("linux"))
    host.pass_time(HOUR)
    authority = inspected(host.record()).authority
    assert (authority.channel, authority.managed_by, authority.probable) == (
        "mde_attach",
        None,
        True,
    )


# --- any mixture of channels --------------------------------------------------------------------


@pytest.mark.parametrize("platform", BOTH)
@pytest.mark.parametrize("seed", range(25))
def test_both_read_the_same_from_any_mixture_of_channels(
    tmp_path: Path, platform: Platform, seed: int
) -> None:
    """The same value from the same channel for every key; no verdict accuses the agent."""
    dice = random.Random(f"{platform} {seed}")
    host = SimulatedHost(tmp_path / "host", platform, NEWEST)
    for deliver in (host.managed, host.attach, host.local):
        if dice.random() < 0.6:
            deliver(mixture(dice, platform))
    host.restart()
    host.pass_time(DAY)
    found = inspected(host.record())
    works_with = host.agent().configuration
    rows = {row.key: row for row in found.settings}
    accused = {key for key, row in rows.items() if row.verdict in ACCUSING}
    ours = {key: row.channel for key, row in rows.items() if row.policy is not None}
    theirs = {k: s.source for k, s in works_with.items() if s.source in ADMINISTRATORS}
    assert accused == set()
    assert ours == theirs
    for key in ours:
        wanted, has = rows[key].policy, works_with[key].value
        assert has == wanted or all(item in has for item in wanted), key


ACCUSING = {"not-enforced", "foreign", "pending"}


def mixture(dice: random.Random, platform: Platform) -> dict[str, Any]:
    """A policy that sets some preferences to documented values."""
    policy: dict[str, Any] = {}
    for one in catalogue.load().preferences:
        if one.managed(platform) and not one.deprecated and dice.random() < 0.4:
            value = some_value(dice, one, platform)
            if value is not None:
                put(policy, one.key(platform) or "", value)
    return policy


def some_value(dice: random.Random, one: Preference, platform: Platform) -> Any:
    """A documented value; None where the catalogue lists none.

    What `audit` does to behaviour monitoring is not documented, so that level is left out.
    """
    allowed = [value for value in one.allowed(platform) if (one.id, value) != AUDIT]
    if one.id in ("av.exclusions", "exclusionSettings.exclusions"):
        entry: dict[str, Any] = {"$type": "excludedPath", "path": f"/srv/{dice.choice('abc')}"}
        scoped = one.id != "av.exclusions" and dice.random() < 0.5
        return [{**entry, "scopes": [dice.choice(("epp", "global"))]} if scoped else entry]
    if one.type in ("string", "boolean") and allowed:
        return dice.choice(allowed)
    if one.type == "integer":
        return dice.randint(*(one.range or (1, 9)))
    return "http://mirror.example/" if one.type == "string" else None


AUDIT = ("av.enforcementLevel", "audit")


def put(policy: dict[str, Any], key: str, value: Any) -> None:
    """Set `a.b` in nested dictionaries."""
    *sections, last = key.split(".")
    for section in sections:
        policy = policy.setdefault(section, {})
    policy[last] = value


def nested(key: str, value: Any) -> Mapping[str, Any]:
    """`{"a": {"b": value}}` for `a.b`."""
    policy: dict[str, Any] = {}
    put(policy, key, value)
    return policy
