"""Is the agent there, does it answer, whose is it, and is it well by its own word?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mdeinspect.catalogue import MDE_ATTACH_MINIMUM, at_least
from mdeinspect.model import Severity
from mdeinspect.rules import Context, Known, Outcome, Raise, Unsure, rule
from mdeinspect.rules._tenant import offboarding, was_onboarded, without_licence
from mdeinspect.rules.currency import expired
from mdeinspect.sources.boot import Boot
from mdeinspect.sources.processes import CHECKIN

NO_LICENCE = "missing license"
NO_ACCESS = "full disk access has not been granted"
# Every issue that is known to be printed; any other is quoted and not explained.
ISSUES: Mapping[str, Known] = {
    NO_LICENCE: Known(
        "the agent belongs to no tenant, or its build has expired",
        "onboard the host with the package of your tenant, or update the agent",
    ),
    "no active event provider": Known(
        "nothing tells the agent which files are opened, so it cannot protect in real time",
        "on Linux look for another product that uses fanotify and at the kernel's version, on a "
        "Mac approve the system extension; then restart the agent",
    ),
    "no active supplementary event provider": Known(
        "the sensor (eBPF, or auditd on older agents) gets no events of processes and the network, "
        "so endpoint detection is blind",
        "check that the kernel supports eBPF and that SELinux or a lockdown does not forbid it, "
        "and that auditd runs where the agent is that old; then restart the agent",
    ),
    "network event provider not running": Known(
        "the agent sees no network connections: network protection and web filtering do not work",
        "on a Mac approve the network extension and its content filter in the profile; on Linux "
        "look into the agent's log for why it could not be started",
    ),
    NO_ACCESS: Known(
        "macOS lets the agent read only a part of the disk",
        "deliver a profile that grants Full Disk Access to the agent and to its extension, or "
        "grant it under Privacy & Security",
    ),
}


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
        yield Raise("agent", {"daemon": daemon_of(context)})
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
    fields=("licensed",),
)
def agent_not_onboarded(context: Context) -> Iterator[Outcome]:
    """Without a tenant. An expired build also says so; then that is the finding.

    Where the host is known to have been onboarded, `agent-offboarded` tells it.
    """
    licensed = context.agent.licensed
    if licensed is None:
        yield Unsure("cannot tell whether the host is onboarded: health does not say it")
    elif licensed is False and not (was_onboarded(context) or offboarding(context)):
        yield from without_licence(context)


@rule(
    "agent-unhealthy",
    Severity.HIGH,
    title="The agent is unhealthy by its own word: {health_issues}",
    detail="`mdatp health` shows healthy false, with these issues: {health_issues}.{say_meaning}",
    remedy="Do what each issue calls for.{say_remedy}",
    means="The agent says itself that something in it does not work. Issues that are known are "
    "explained, any other is quoted as it is.",
    matters="What it names does not protect, or does not report.",
    needs=("health",),
    fields=("healthy",),
    known=ISSUES,
)
def agent_unhealthy(context: Context) -> Iterator[Outcome]:
    """Unwell, and not only for a reason that another finding tells."""
    if context.agent.healthy is None:
        yield Unsure("cannot tell whether the agent is healthy: health does not say it")
    elif context.agent.healthy is False and not _explained(context):
        told = context.agent.health_issues
        issues = sorted(told) if told is not None else None
        yield Raise("agent", {"health_issues": issues}, words=_about(issues or ()))


def _about(issues: Sequence[str]) -> Mapping[str, str]:
    """What is known of these issues, and what to do about each."""
    known = [(one, ISSUES[one.strip().lower()]) for one in issues if one.strip().lower() in ISSUES]
    meanings = [f" {one!r}: {what.means}." for one, what in known]
    remedies = [f" {one!r}: {what.remedy}." for one, what in known]
    if len(known) < len(issues) or not known:
        remedies.append(
            " Look what is not explained here up in Microsoft's page on the health of the agent, "
            "and read `mdatp health --details`."
        )
    return {"say_meaning": "".join(meanings), "say_remedy": "".join(remedies)}


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


def _explained(context: Context) -> bool:
    """Whether being unhealthy is only what an expired build or a missing tenant brings along."""
    issues = {issue.strip().lower() for issue in context.agent.health_issues or ()}
    if issues - {NO_LICENCE}:
        return False
    if expired(context):
        return True
    if not issues or context.agent.licensed is not False:
        return False
    return any(isinstance(one, Raise) for one in without_licence(context))


def daemon_of(context: Context) -> Any:
    """What the list of processes says of the daemon."""
    reading = context.snapshot["processes"]
    if not reading.present:
        return "not to be seen"
    return "running" if any(one.role != CHECKIN for one in reading.value or ()) else "not running"
