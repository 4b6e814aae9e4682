"""Stories of hosts: how each was well, what happened to it, and what has to be found then.

A scenario is played on a `SimulatedHost`. Before, nothing of medium severity or above may be found;
after, exactly what it says.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from mdeinspect.model import Platform
from mdeinspect.simulator.host import DAY, MINUTE, SimulatedHost
from mdeinspect.simulator.policies import hardened, lax
from mdeinspect.simulator.scenario import BOTH, Codes, Play, Scenario
from mdeinspect.simulator.well_run import WELL_RUN

_LEVEL: Final = "antivirusEngine.enforcementLevel"
_BOTH = BOTH


def names(platform: Platform | None = None) -> tuple[str, ...]:
    """The names of all scenarios, or of those of one platform, in the order of telling."""
    every = SCENARIOS.values()
    return tuple(one.name for one in every if platform is None or platform in one.platforms)


# --- what is played -----------------------------------------------------------------------------


def _managed(host: SimulatedHost) -> None:
    host.managed(hardened(host.platform))


def _attached(host: SimulatedHost) -> None:
    host.attach(hardened(host.platform))


def _local(host: SimulatedHost) -> None:
    host.local({"antivirusEngine": {"enforcementLevel": "real_time"}})
    host.tamper_switch(on=True)


def _quiet(_host: SimulatedHost) -> None:
    """Nothing happens but time."""


def _overwrite(host: SimulatedHost) -> None:
    host.managed(lax(host.platform))


def _take_over(host: SimulatedHost) -> None:
    host.attach({})


def _silence(host: SimulatedHost) -> None:
    host.checkin(timedelta(0))
    host.pass_time(3 * DAY)


def _switch_off(host: SimulatedHost) -> None:
    host.set_field(_LEVEL, "passive")


def _stop(host: SimulatedHost) -> None:
    host.daemon("down")
    host.pass_time(30 * MINUTE)


def _refuse(host: SimulatedHost) -> None:
    host.attach(hardened(host.platform))
    host.portal_report(antivirusEngine="Success", networkProtection="Error")


def _offboard(host: SimulatedHost) -> None:
    host.offboard(by_file=True)


def _everywhere(*codes: str) -> Mapping[Platform, Codes]:
    return {platform: frozenset(codes) for platform in _BOTH}


def _well_run(
    channel: str, owner: str, before: Play, platforms: tuple[Platform, ...] = _BOTH
) -> Scenario:
    return Scenario(
        name=f"well-run-{channel}",
        title=f"A host in good order, governed by {owner}",
        story_before=f"{owner} has delivered its policy, and the agent applies it.",
        story_after="Some hours have passed, and all is still well.",
        before=before,
        after=_quiet,
        platforms=platforms,
    )


_ALL: Final = (
    Scenario(
        name="protection-off",
        title="Somebody switches protection off against policy",
        story_before="Policy wants protection in real time, and the agent gives it.",
        story_after="The agent has become passive. The policy is in place, and `healthy` is true.",
        before=_managed,
        after=_switch_off,
        raises=_everywhere("protection-off"),
    ),
    Scenario(
        name="mde-attach-shadows",
        title="The portal takes the host over, with nothing to say",
        story_before="A hardened policy of the administrator governs the host.",
        story_after="The host was attached to the portal, which has no policy for it: `{}`. "
        "The hardened policy lies there unchanged, and is ignored.",
        before=_managed,
        after=_take_over,
        raises={
            "linux": frozenset({"policy-shadowed", "protection-not-set"}),
            "darwin": frozenset({"policy-shadowed"}),
        },
    ),
    Scenario(
        name="config-tool-overwrites",
        title="A configuration tool brings a weak policy back",
        story_before="A hardened policy of the administrator governs the host.",
        story_after="An old role or profile was rolled out again: passive, the whole disk "
        "excluded, a threat allowed. The agent obeys, and nothing is `unhealthy`.",
        before=_managed,
        after=_overwrite,
        raises=_everywhere("broad-exclusion", "allowed-threats"),
    ),
    Scenario(
        name="checkin-stale",
        title="SenseCM stops checking in",
        story_before="The portal governs the host, and SenseCM checks in every 90 minutes.",
        story_after="For three days no check-in was tried. The old policy is still enforced; "
        "changes in the portal no longer arrive.",
        before=_attached,
        after=_silence,
        raises=_everywhere("checkin-stale"),
    ),
    Scenario(
        name="agent-down",
        title="The agent stops",
        story_before="Policy wants protection in real time, and the agent gives it.",
        story_after="The daemon has been down for more than an hour, and nobody restarted it.",
        before=_managed,
        after=_stop,
        raises=_everywhere("agent-unreachable"),
    ),
    Scenario(
        name="portal-setting-failed",
        title="The portal's policy arrives, and a part of it is refused",
        story_before="The portal governs the host, and every setting of its policy was applied.",
        story_after="The policy was delivered again. By its own report the agent could not apply "
        "one of the settings; check-ins succeed, and nothing is `unhealthy`.",
        before=_attached,
        after=_refuse,
        raises=_everywhere("portal-setting-failed"),
    ),
    Scenario(
        name="offboarded",
        title="Somebody takes the host out of its tenant",
        story_before="Policy wants protection in real time, and the agent gives it.",
        story_after="A file was copied that offboards the host. It takes no policy from the portal "
        "any more and reports to nobody.",
        before=_managed,
        after=_offboard,
        raises=_everywhere("agent-offboarded"),
    ),
    _well_run("managed-file", "A configuration tool", _managed, ("linux",)),
    _well_run("mdm", "An MDM", _managed, ("darwin",)),
    _well_run("mde-attach", "The portal", _attached),
    _well_run("local", "Its own administrator", _local),
    *WELL_RUN,
)
SCENARIOS: Final[Mapping[str, Scenario]] = {one.name: one for one in _ALL}
