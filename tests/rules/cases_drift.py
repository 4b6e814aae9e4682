"""The hosts of the rules about drift: from a baseline, between files, over time, by any hand."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from about_files import only
from cases import Build, Case, linux, mac, remembering, unreadable
from engine_support import IN_FORCE, POLICY, Machine

from mdeinspect.config.model import BaselineConfig, Config
from support import ATTACH, DAY, HOUR, LOCAL, MAC_MANAGED, MANAGED, MINUTE, HostFolder

FOLDER = MANAGED.rpartition("/")[0]
EXT = "/Library/Managed Preferences/com.microsoft.wdav.ext.plist"
NETWORK = "networkProtection.enforcementLevel"
DIAGNOSTIC = "cloudService.diagnosticLevel"
ON = only("cloudService.enabled", True)
OFF = only("cloudService.enabled", False)
PROXY = only("cloudService.proxy", "http://proxy:3128")
SAFE = {"cloudAutomaticSampleSubmissionConsent": "safe"}
ALL = {"cloudAutomaticSampleSubmissionConsent": "all"}
BACK_AND_FORTH = (ALL, SAFE, ALL, SAFE)
CRON = f"*/15 * * * * root cp /srv/mde.json {MANAGED}\n"


def wanting(level: str, play: Callable[[HostFolder], Any]) -> Build:
    """A host on which the baseline wants this level of network protection."""
    return linux(play, Config(baseline=BaselineConfig(settings={NETWORK: level})))


def network(policy: str | None, shown: str) -> Callable[[HostFolder], Any]:
    """A host whose policy and agent have these levels of network protection."""
    content = {} if policy is None else only(NETWORK, policy)
    return lambda host: host.health(networkProtectionEnforcementLevel=shown).file(MANAGED, content)


def placed(**facts: Any) -> Build:
    """A host whose record tells this of the managed file or of a folder above it, by path."""
    return linux(lambda host: host.health().file(MANAGED, ON).about(files=facts))


def closed(machine: Machine) -> None:
    """The folder of policies may not be entered: not even who owns the file is known."""
    machine.more["mdatp_managed"] = unreadable("mdatp_managed")


def linked(path: str) -> Build:
    """A host on which a link leads to this file."""
    return linux(lambda host: host.health().file("/srv/mde.json", ON).link(path, "/srv/mde.json"))


def profiles(one: Any, other: Any) -> Build:
    """A Mac with two profiles of one channel."""
    return mac(lambda host: host.health(managedBy="MDM").file(MAC_MANAGED, one).file(EXT, other))


def attached(attach: Any, managed: Any, cron: str | None = None) -> Build:
    """A host of the portal that has a managed file besides, and a cron table perhaps."""

    def play(host: HostFolder) -> None:
        host.health(managedBy="MDE").file(ATTACH, attach).file(MANAGED, managed)
        if cron is not None:
            host.file("/etc/cron.d/mde", cron)

    return linux(play)


def diagnosing(started: str | None) -> Build:
    """A host whose policy of an hour ago is not in effect, and a daemon of this age."""

    def play(host: HostFolder) -> None:
        host.health(cloudDiagnosticEnabled=False)
        host.file(MANAGED, only(DIAGNOSTIC, "optional"), age=HOUR)
        one = {"pid": 812, "name": "wdavdaemon", "cmdline": ["wdavdaemon"], "started": started}
        host.about(processes=[one])

    return linux(play)


def rewritten(machine: Machine, times: int) -> None:
    """A policy that is not in force, written again and again, the same each time."""
    machine.put("mdatp_managed", ON).healthy(cloudEnabled=False).step()
    for _ in range(times):
        machine.later(5 * MINUTE).put("mdatp_managed", ON).ask().step()


def rewritten_and_silent(machine: Machine) -> None:
    """And then health says nothing."""
    rewritten(machine, 20)
    machine.trouble()


def at_rest(machine: Machine) -> Machine:
    """A policy that leaves the cloud open, remembered for a day."""
    policy = only("antivirusEngine.enforcementLevel", "real_time")
    machine.put("mdatp_managed", policy, age=2 * DAY).healthy(**SAFE).step()
    machine.later(DAY).ask().step()
    return machine


def moving(*shown: dict[str, Any], every: timedelta = 15 * MINUTE, silent: bool = False) -> Build:
    """A host at rest whose health shows these, one after the other, and then perhaps nothing."""

    def play(machine: Machine) -> None:
        at_rest(machine)
        for fields in shown:
            machine.later(every).healthy(**fields).step()
        if silent:
            machine.later(MINUTE).trouble()

    return remembering(play)


def handed_over(machine: Machine) -> None:
    """A managed file governed, and then the portal does."""
    machine.put("mdatp_managed", POLICY, age=DAY).step()
    machine.later(HOUR).put("mdeattach_managed", POLICY).healthy(**IN_FORCE).step()
    machine.later(HOUR).ask()


def away_and_back(machine: Machine) -> None:
    """The file that governs was away for hours, with nobody in its place."""
    machine.put("mdatp_managed", POLICY, age=DAY).step()
    machine.later(HOUR).drop("mdatp_managed").step()
    machine.later(3 * HOUR).put("mdatp_managed", POLICY).step()


def handed_to_nobody_we_know(machine: Machine) -> None:
    """The portal took over, and now the agent names an owner that is not known."""
    handed_over(machine)
    machine.step()
    machine.later(HOUR).drop("mdatp_managed").healthy(managedBy="Puppet")


CASES = {
    "baseline-policy-drift": Case(
        wanting("block", network("audit", "audit")),
        wanting("audit", network("block", "block")),
        wanting("block", lambda host: host.health().file(MANAGED, "{")),
    ),
    "baseline-not-in-policy": Case(
        wanting("block", network(None, "audit")),
        wanting("block", network(None, "block")),
        wanting("block", lambda host: host.health(managedBy="Puppet").file(ATTACH, {})),
    ),
    "baseline-effective-drift": Case(
        wanting("block", network("audit", "audit")),
        wanting("block", network("block", "audit")),
        wanting(
            "block",
            lambda host: host.command("health-json", "nonsense").file(MANAGED, {}),
        ),
    ),
    "policy-file-writable": Case(
        placed(**{MANAGED: {"uid": 0, "gid": 1001, "mode": "0664"}}),
        placed(**{MANAGED: {"uid": 0, "gid": 0, "mode": "0664"}}),
        remembering(closed),
    ),
    "policy-folder-writable": Case(
        placed(**{FOLDER: {"uid": 0, "gid": 0, "mode": "0777"}}),
        placed(**{FOLDER: {"uid": 0, "gid": 0, "mode": "1777"}}),
        remembering(closed),
    ),
    "policy-file-linked": Case(linked(MANAGED), linked(LOCAL), remembering(closed)),
    "policy-file-remote": Case(
        placed(**{"/etc/opt": {"filesystem": "nfs4"}}),
        placed(**{"/": {"filesystem": "nfs4"}, "/etc/opt": {"filesystem": "ext4"}}),
        remembering(closed),
    ),
    "policy-conflict": Case(profiles(ON, OFF), profiles(ON, PROXY), profiles(ON, "{")),
    "empty-attach-file": Case(attached({}, ON), attached({}, PROXY), attached("{", ON)),
    "shadowed-file-deployed": Case(
        attached({}, ON, CRON), attached({}, PROXY, CRON), attached({}, "{", CRON)
    ),
    "restart-needed": Case(
        diagnosing("2026-11-20T00:00:00Z"),
        diagnosing("2026-11-22T10:30:00Z"),
        diagnosing(None),
    ),
    "pending-too-long": Case(
        remembering(lambda machine: rewritten(machine, 14)),
        remembering(lambda machine: rewritten(machine, 11)),
        remembering(rewritten_and_silent),
    ),
    "unexplained-change": Case(
        moving({"cloudEnabled": False}),
        moving({"cloudEnabled": False, "appVersion": "101.26010.0001"}),
        moving({"cloudEnabled": False}, silent=True),
    ),
    "setting-flapping": Case(
        moving(*BACK_AND_FORTH),
        moving(*BACK_AND_FORTH, every=3 * HOUR),
        moving(*BACK_AND_FORTH, silent=True),
    ),
    "authority-changed": Case(
        remembering(handed_over),
        remembering(away_and_back),
        remembering(handed_to_nobody_we_know),
    ),
}
