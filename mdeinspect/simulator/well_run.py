"""Hosts in good order that look odd at first sight. A finding on one of them is a false alarm.

With the four of `scenarios`, by channel, these are the hosts on which `mdeinspect` is silent.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from mdeinspect.model import Platform
from mdeinspect.simulator.host import HOUR, MINUTE, SimulatedHost
from mdeinspect.simulator.policies import hardened
from mdeinspect.simulator.scenario import BOTH, Play, Scenario

OLD: Final = "101.23052.0009"  # the last builds that protect in real time by default on Linux
WEEKEND: Final = 64 * HOUR  # Friday evening to Monday morning
RUNS: Final = 8  # of a configuration tool, half an hour apart


def _nothing(_host: SimulatedHost) -> None:
    """Nothing happens but time."""


def _passive(host: SimulatedHost) -> None:
    """Another product guards the host; policy has this one only watch."""
    policy: dict[str, Any] = hardened(host.platform)
    policy["antivirusEngine"]["enforcementLevel"] = "passive"
    # It only works in real time, and such a team does not ask for it.
    policy["antivirusEngine"].pop("behaviorMonitoring", None)
    policy.pop("features", None)
    host.managed(policy)


def _old(host: SimulatedHost) -> None:
    """Installed years ago and never touched, but for definitions; its build has not expired."""
    host.upgrade(OLD)


def _bare(host: SimulatedHost) -> None:
    """Onboarded, and nobody delivers policy: the portal's switch guards the agent."""
    host.tamper_switch(on=True)


def _attached(host: SimulatedHost) -> None:
    host.attach(hardened(host.platform))


def _weekend(host: SimulatedHost) -> None:
    """Switched off on Friday; on Monday SenseCM has not yet had its turn."""
    host.checkin(20 * MINUTE)
    host.switch_off(WEEKEND)


def _puppet(host: SimulatedHost) -> None:
    host.managed(hardened(host.platform))


def _puppet_again(host: SimulatedHost) -> None:
    """Every half hour the same content is written anew, by rename."""
    for _ in range(RUNS):
        host.pass_time(30 * MINUTE)
        host.managed(hardened(host.platform))


def _plain_user(host: SimulatedHost) -> None:
    """All is well, and whoever looks may read none of the agent's files."""
    host.managed(hardened(host.platform))
    host.as_plain_user()


def _intune(host: SimulatedHost) -> None:
    """A profile of Intune, whose Macs say MEM or MDM; there is no SenseCM on them."""
    host.managed(hardened(host.platform))
    host.set_field("managed_by", "MEM")


def _story(
    name: str,
    title: str,
    before: Play,
    after: Play = _nothing,
    platforms: tuple[Platform, ...] = BOTH,
    rest: timedelta = HOUR,
) -> Scenario:
    return Scenario(
        name=f"well-run-{name}",
        title=f"A host in good order, {title}",
        story_before=f"A host in good order, {title}.",
        story_after="Some time has passed, and all is still well.",
        before=before,
        after=after,
        platforms=platforms,
        rest=rest,
    )


WELL_RUN: Final = (
    _story("passive", "passive by policy", _passive),
    _story("old-agent", "with an old agent in its defaults", _old, platforms=("linux",)),
    _story("no-policy", "to which nobody delivers policy", _bare, platforms=("darwin",)),
    _story("laptop", "off over the weekend", _attached, _weekend, rest=10 * MINUTE),
    _story(
        "puppet", "its policy rewritten by Puppet", _puppet, _puppet_again, ("linux",), 2 * MINUTE
    ),
    _story("plain-user", "looked at by a plain user", _plain_user),
    _story("intune", "under Intune", _intune, platforms=("darwin",)),
)
