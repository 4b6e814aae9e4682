"""The hosts of the rules about the agent as a whole, its daemon, its modes and abilities."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from cases import BY_HEALTH, Case, linux, mac, nonsense, remembering, unreadable
from engine_support import Machine

from mdeinspect.model import Process
from support import ATTACH, DAY, HOUR, MINUTE, NOW, UNIT, HostFolder

MAC_JOB = "/Library/LaunchDaemons/com.microsoft.fresno.plist"
NO_LICENCE: dict[str, Any] = {
    "licensed": False,
    "healthy": False,
    "healthIssues": ["missing license"],
}
EXPIRED = str(int((NOW - DAY).timestamp() * 1000))
SBIN = "/opt/microsoft/mdatp/sbin/wdavdaemon"
EXTENSIONS = """\
network_extension_enabled                   : {network}
network_extension_installed                 : true
endpoint_security_extension_ready           : {ready}
endpoint_security_extension_installed       : true
"""


def daemon(pid: int, *role: str, age: timedelta = DAY, now: Any = NOW) -> Process:
    """A process of the agent on Linux."""
    return Process(pid, "wdavdaemon", SBIN, (SBIN, *role), now - age)


def recorded(host: HostFolder, *roles: str, age: timedelta = DAY) -> HostFolder:
    """A host whose agent runs in these roles, besides its main one."""
    every = [[SBIN], *([SBIN, role, "1", "2"] for role in roles)]
    started = (NOW - age).isoformat()
    return host.about(
        processes=[
            {"pid": 100 + i, "name": "wdavdaemon", "cmdline": line, "started": started}
            for i, line in enumerate(every)
        ]
    )


def hanging(machine: Machine, times: int, kind: str = "timeout") -> None:
    """Calls of health that end so, a quarter of an hour apart; the last one is not told yet."""
    machine.step()
    for number in range(times):
        machine.later(15 * MINUTE).trouble(kind)
        if number < times - 1:
            machine.step()


def looping(machine: Machine, times: int, *, every: timedelta = 20 * MINUTE) -> None:
    """A daemon that is another one each time somebody looks."""
    machine.processes(daemon(100)).step()
    for number in range(times):
        machine.later(every).ask()
        machine.processes(daemon(200 + number, age=MINUTE, now=machine.now)).step()


def blind(machine: Machine) -> None:
    """Restarts were seen, and now no process can be."""
    looping(machine, 4)
    machine.later(MINUTE).more["processes"] = unreadable("processes")


def extensions(ready: object, **fields: Any) -> Any:
    """A Mac whose protection in real time is not available, and its view of extensions."""

    def play(host: HostFolder) -> None:
        host.health(realTimeProtectionAvailable=False, **fields)
        text = EXTENSIONS.format(ready=str(ready).lower(), network="true")
        host.command("health-details-system_extensions", text)

    return play


def lost(name: str) -> Any:
    """A field that was shown, and after an upgrade is not."""

    def play(machine: Machine) -> None:
        machine.step()
        machine.later(HOUR).healthy(appVersion="101.26012.0001", without=[name])

    return play


NETWORK: dict[str, Any] = {"networkProtectionEnforcementLevel": "block"}

CASES = {
    "agent-missing": Case(
        linux(lambda _: None),
        linux(lambda host: host.health()),
        "where it is not known whether the agent is there, agent-unreachable says so",
    ),
    "agent-unreachable": Case(
        linux(lambda host: host.command("health-json", "", exit=1, stderr="no daemon")),
        linux(lambda host: host.health(healthy=False)),
        BY_HEALTH,
    ),
    "agent-not-onboarded": Case(
        linux(lambda host: host.health(**NO_LICENCE)),
        linux(lambda host: host.health(**NO_LICENCE, productExpiration=EXPIRED)),
        linux(lambda host: host.health(licensed=None)),
    ),
    "agent-unhealthy": Case(
        linux(lambda host: host.health(healthy=False, healthIssues=["no active event provider"])),
        linux(lambda host: host.health(**NO_LICENCE, orgId="")),
        linux(lambda host: host.health(healthy=None)),
    ),
    "not-enabled-at-boot": Case(
        linux(lambda host: host.health().file(UNIT, "[Unit]\n")),
        linux(lambda host: host.health().enabled_at_boot()),
        mac(lambda host: host.health().file(MAC_JOB, "no property list")),
    ),
    "agent-too-old-for-mde-attach": Case(
        linux(lambda host: host.health(appVersion="101.23052.0008", managedBy="MDE")),
        linux(lambda host: host.health(appVersion="101.23052.0009", managedBy="MDE")),
        linux(lambda host: host.health(appVersion=None, managedBy="MDE").file(ATTACH, {})),
    ),
    "agent-hung": Case(
        remembering(lambda machine: hanging(machine, 2)),
        remembering(lambda machine: hanging(machine, 1)),
        remembering(lambda machine: (hanging(machine, 3), machine.step(), machine.trouble("io"))),
    ),
    "agent-crash-looping": Case(
        remembering(lambda machine: looping(machine, 4)),
        remembering(lambda machine: looping(machine, 3)),
        remembering(blind),
    ),
    "agent-roles-missing": Case(
        linux(lambda host: recorded(host.health(), "unprivileged")),
        linux(lambda host: recorded(host.health(), "edr", "unprivileged")),
        linux(lambda host: recorded(host.health(), "unprivileged", age=5 * MINUTE)),
    ),
    "engine-not-loaded": Case(
        linux(lambda host: host.health(engineLoadStatus="Engine not loaded")),
        linux(lambda host: host.health(engineLoadStatus="Engine load succeeded")),
        linux(lambda host: host.health(engineLoadStatus="Engine is resting")),
    ),
    "network-protection-failed": Case(
        linux(lambda host: host.health(**NETWORK, networkProtectionStatus="failed_to_start")),
        linux(lambda host: host.health(networkProtectionStatus="failed_to_start")),
        linux(lambda host: host.health(**NETWORK, networkProtectionStatus="on_strike")),
    ),
    "full-disk-access-missing": Case(
        mac(lambda host: host.health(fullDiskAccessEnabled=False)),
        mac(lambda host: host.health()),
        mac(lambda host: host.health(fullDiskAccessEnabled="unavailable")),
    ),
    "system-extension-not-running": Case(
        mac(extensions(ready=False)),
        mac(extensions(ready=True)),
        mac(lambda host: host.health(realTimeProtectionAvailable=False)),
    ),
    "troubleshooting-mode": Case(
        mac(lambda host: host.health(troubleshootingMode=True)),
        mac(lambda host: host.health(troubleshootingMode=False)),
        mac(lambda host: host.health(troubleshootingMode=None)),
    ),
    "edr-early-preview": Case(
        linux(lambda host: host.health(edrEarlyPreviewEnabled="enabled")),
        linux(lambda host: host.health(edrEarlyPreviewEnabled="disabled")),
        linux(lambda host: host.health(edrEarlyPreviewEnabled="sometimes")),
    ),
    "conflicting-applications": Case(
        linux(lambda host: host.health(conflictingApplications=["Other Antivirus"])),
        linux(lambda host: host.health(conflictingApplications=[])),
        linux(lambda host: host.health(conflictingApplications=[7])),
    ),
    "health-field-lost": Case(
        remembering(lost("licensed")),
        remembering(lost("logLevel")),
        linux(nonsense),
    ),
    "definitions-old": Case(
        linux(lambda host: host.health(definitionsUpdatedMinutesAgo=8 * 24 * 60)),
        linux(lambda host: host.health(definitionsUpdatedMinutesAgo=6 * 24 * 60)),
        linux(
            lambda host: host.health(
                definitionsUpdatedMinutesAgo=None, definitionsUpdated="unavailable"
            )
        ),
    ),
    "definitions-not-current": Case(
        linux(
            lambda host: host.health(
                definitionsStatus={"$type": "updating"}, definitionsUpdatedMinutesAgo=2 * 24 * 60
            )
        ),
        linux(lambda host: host.health(definitionsStatus={"$type": "updating"})),
        linux(lambda host: host.health(definitionsStatus={"$type": "wrinkled"})),
    ),
    "product-expired": Case(
        linux(lambda host: host.health(productExpiration=EXPIRED)),
        linux(lambda host: host.health()),
        linux(lambda host: host.health(productExpiration=None)),
    ),
    "product-expiring": Case(
        linux(
            lambda host: host.health(
                productExpiration=str(int((NOW + 20 * DAY).timestamp() * 1000))
            )
        ),
        linux(lambda host: host.health(productExpiration=EXPIRED)),
        linux(lambda host: host.health(productExpiration=None)),
    ),
    "agent-downgraded": Case(
        remembering(
            lambda machine: (machine.step(), machine.later(HOUR).healthy(appVersion="101.25072.1"))
        ),
        remembering(
            lambda machine: (machine.step(), machine.later(HOUR).healthy(appVersion="101.26012.1"))
        ),
        remembering(
            lambda machine: (
                machine.step(),
                machine.later(HOUR).healthy(appVersion="101.25072.1").step(),
                machine.later(HOUR).healthy(appVersion=None),
            )
        ),
    ),
}
