"""Is the agent there, does it answer, whose is it, and is it well by its own word?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mdeinspect.catalogue import MDE_ATTACH_MINIMUM, at_least
from mdeinspect.model import Severity
from mdeinspect.rules import Context, Outcome, Raise, Unsure, rule
from mdeinspect.rules.currency import expired
from mdeinspect.sources.boot import Boot
from mdeinspect.sources.processes import CHECKIN

NO_LICENCE = "missing license"


@rule(
    "agent-missing",
    Severity.HIGH,
    title="Microsoft Defender for Endpoint is not installed",
    detail="No program, no process and no health of the agent was found on this host.",
    remedy="Install the agent and onboard the host. Where `mdatp` lies in an unusual place, name "
    "it with `agent.cli` in the config.",
    means="Nothing on this host shows that the agent is installed.",
    matters="The host is unprotected, and nobody is told what happens on it.",
)
def agent_missing(context: Context) -> Iterator[Outcome]:
    """Not there at all."""
    if context.agent.state == "missing":
        yield Raise("agent")


@rule(
    "agent-unreachable",
    Severity.HIGH,
    title="The agent does not answer",
    detail="`mdatp health` ends with an error; the daemon is {daemon}.",
    remedy="Start the service (`systemctl restart mdatp`, on a Mac `launchctl kickstart -k "
    "system/com.microsoft.fresno`), and read its log for why it stopped.",
    means="The program is there, and `mdatp health` fails: the daemon is stopped, starting or "
    "broken.",
    matters="An agent that does not run does not protect, and its last words stay in the portal "
    "for days.",
)
def agent_unreachable(context: Context) -> Iterator[Outcome]:
    """There, and silent. A call that hangs or cannot be read says nothing of the daemon."""
    if context.agent.state == "unreachable":
        yield Raise("agent", {"daemon": _daemon(context)})
    elif context.agent.state == "unknown":
        why = "cannot tell whether the agent answers: no output of `mdatp health` is there"
        yield Unsure(context.snapshot["health"].reason or why)


@rule(
    "agent-not-onboarded",
    Severity.HIGH,
    title="The agent belongs to no tenant",
    detail="`mdatp health` shows licensed false. Tenant shown: {tenant}. Onboarding file: "
    "{onboarding_file}.",
    remedy="Onboard the host with the package of your tenant; where it has been onboarded before, "
    "look in the portal whether it was offboarded.",
    means="The agent says that it is not licensed, that is, not onboarded to a tenant.",
    matters="It takes no policy from the portal and reports to nobody.",
    needs=("health",),
)
def agent_not_onboarded(context: Context) -> Iterator[Outcome]:
    """Without a tenant. An expired build also says so; then that is the finding."""
    licensed = context.agent.licensed
    if licensed is None:
        yield Unsure("cannot tell whether the host is onboarded: health does not say it")
    elif licensed is False:
        yield from _without_licence(context)


@rule(
    "agent-unhealthy",
    Severity.HIGH,
    title="The agent is unhealthy by its own word: {health_issues}",
    detail="`mdatp health` shows healthy false, with these issues: {health_issues}.",
    remedy="Look the issue up in Microsoft's page on the health of the agent, "
    "and read `mdatp health --details`.",
    means="The agent says itself that something in it does not work.",
    matters="What it names does not protect, or does not report.",
    needs=("health",),
)
def agent_unhealthy(context: Context) -> Iterator[Outcome]:
    """Unwell, and not only for a reason that another finding tells."""
    if context.agent.healthy is None:
        yield Unsure("cannot tell whether the agent is healthy: health does not say it")
    elif context.agent.healthy is False and not _explained(context):
        issues = context.agent.health_issues
        yield Raise("agent", {"health_issues": sorted(issues) if issues is not None else None})


@rule(
    "not-enabled-at-boot",
    Severity.MEDIUM,
    title="The agent will not start at the next boot",
    detail="The service is there and nothing starts it: {signs}.",
    remedy="Run `systemctl enable mdatp` (`systemctl unmask mdatp` first where it is masked), on "
    "a Mac `launchctl enable system/com.microsoft.fresno`.",
    means="systemd has a unit of the agent that no target wants, or that is masked; or launchd's "
    "job is disabled.",
    matters="The agent runs until the next reboot and is gone after it. Some upgrades of 2026 "
    "left it so, and `mdatp health` cannot show it.",
)
def not_enabled_at_boot(context: Context) -> Iterator[Outcome]:
    """Alive until the next reboot."""
    reading, host = context.snapshot["boot"], context.snapshot.host
    if context.agent.state == "missing":
        return  # that is the finding
    if reading.state == "broken":
        yield Unsure(reading.reason or "cannot tell whether the agent starts at boot")
    elif isinstance(reading.value, Boot) and reading.value.enabled is False:
        signs = list(reading.value.signs) or ([reading.file.path] if reading.file else [])
        yield Raise("agent", {"signs": signs})
    elif not reading.present and (not host.recorded or host.whole):
        yield Unsure("cannot tell whether the agent starts at boot: no service of it was found")


@rule(
    "agent-too-old-for-mde-attach",
    Severity.MEDIUM,
    title="Version {version} of the agent is too old for MDE Attach",
    detail="MDE Attach governs this host; it needs version {minimum}, and this is {version}.",
    remedy="Update the agent.",
    means="The portal manages this host's settings, and the agent is older than the first "
    "version that supports it.",
    matters="Policy from the portal may be taken in part or not at all.",
)
def agent_too_old_for_mde_attach(context: Context) -> Iterator[Outcome]:
    """Attached with an agent that was not made for it."""
    if context.authority.channel != "mde_attach" or context.agent.state == "missing":
        return
    version, minimum = context.agent.version, MDE_ATTACH_MINIMUM[context.platform]
    enough = at_least(version, minimum)
    if enough is None:
        yield Unsure(
            "cannot tell whether the agent is new enough for MDE Attach: its version is not known"
        )
    elif not enough:
        yield Raise("agent", {"version": version, "minimum": minimum})


def _without_licence(context: Context) -> Iterator[Outcome]:
    tenant, file = _tenant(context), context.snapshot["mdatp_onboard"]
    over = expired(context) if tenant or file.there else False
    dated = context.shown("product_expiration") is not None
    if over is None and dated:
        yield Unsure(
            "cannot tell whether the host is onboarded: "
            "an expired agent says the same, and this one may just have expired"
        )
    elif not over:
        path = file.file.path if file.file else None
        yield Raise("agent", {"tenant": tenant, "onboarding_file": path})


def _tenant(context: Context) -> bool:
    """Whether health shows the id of a tenant."""
    shown = context.shown("org_id")
    word = shown.strip().lower() if isinstance(shown, str) else ""
    return word not in ("", "null") and "unavailable" not in word


def _explained(context: Context) -> bool:
    """Whether being unhealthy is only what an expired build or a missing tenant brings along."""
    issues = {issue.strip().lower() for issue in context.agent.health_issues or ()}
    if issues - {NO_LICENCE}:
        return False
    if expired(context):
        return True
    return bool(issues) and any(
        isinstance(one, Raise) for one in agent_not_onboarded.check(context)
    )


def _daemon(context: Context) -> Any:
    """What the list of processes says of the daemon."""
    reading = context.snapshot["processes"]
    if not reading.present:
        return "not to be seen"
    return "running" if any(one.role != CHECKIN for one in reading.value or ()) else "not running"
