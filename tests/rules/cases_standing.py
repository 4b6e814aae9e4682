"""The hosts of the rules about what is in force: protection, verdicts, who governs, what was."""

from __future__ import annotations

from typing import Any

from about_files import only
from cases import BY_HEALTH, Case, denied, linux, mac, remembering, unreadable
from engine_support import IN_FORCE, Machine, attached

from mdeinspect.config.model import Config, Expect
from support import ATTACH, HOUR, MANAGED, MINUTE, HostFolder

LEVEL = "antivirusEngine.enforcementLevel"
PASSIVE: dict[str, Any] = {"realTimeProtectionEnabled": False, "passiveModeEnabled": True}
FLAGS = ["realTimeProtectionEnabled", "passiveModeEnabled"]
CLOUD = {"cloudService": {"enabled": True}}


def wanting(level: str, **fields: Any) -> Any:
    """A host whose managed file asks for this much protection."""
    return linux(lambda host: host.health(**fields).file(MANAGED, only(LEVEL, level)))


def contradicting(host: HostFolder) -> None:
    """Old and new keys that say the opposite of each other."""
    policy = {"antivirusEngine": {"enforcementLevel": "real_time", "passiveMode": True}}
    host.health(**PASSIVE).file(MANAGED, policy)


def shadowed(attach: Any, **fields: Any) -> Any:
    """A managed file beside one of the portal."""
    return linux(
        lambda host: (
            host.health(**{"managedBy": "MDE", **fields}).file(ATTACH, attach).file(MANAGED, CLOUD)
        )
    )


def removed(machine: Machine, source: str = "mdatp_managed") -> None:
    """The file that governed is gone."""
    machine.put(source, CLOUD, age=HOUR).step()
    machine.later(HOUR).ask().drop(source)


def hidden(machine: Machine) -> None:
    """The file that governed may not be looked for any more."""
    removed(machine)
    machine.more["mdatp_managed"] = unreadable("mdatp_managed")


def unflagged(machine: Machine, times: int) -> None:
    """Flags were there, and then are not, reading after reading."""
    portal = attached()
    machine.files, machine.success, machine.attempt = portal.files, portal.success, portal.attempt
    machine.healthy(**IN_FORCE).step()
    for number in range(times):
        machine.later(15 * MINUTE).healthy(**IN_FORCE | {"managed": ()})
        if number < times - 1:
            machine.step()


def unflagged_and_silent(machine: Machine) -> None:
    """And then health says nothing."""
    unflagged(machine, 2)
    machine.step()
    machine.later(HOUR).trouble("timeout")


PROD = Config(expect=Expect(tag="prod"))

CASES = {
    "protection-off": Case(
        wanting("real_time", **PASSIVE), wanting("real_time"), linux(contradicting)
    ),
    "protection-not-set": Case(
        linux(lambda host: host.health(**PASSIVE).file(MANAGED, CLOUD)),
        wanting("passive", **PASSIVE, managed=FLAGS),
        denied("mdatp_managed", lambda host: host.health(**PASSIVE).file(MANAGED, {})),
    ),
    "protection-passive-by-policy": Case(
        wanting("passive", **PASSIVE, managed=FLAGS), wanting("passive"), BY_HEALTH
    ),
    "tamper-protection-off": Case(
        mac(lambda host: host.health(tamperProtection="disabled")),
        mac(lambda host: host.health(tamperProtection="block")),
        mac(lambda host: host.command("health-json", "nonsense")),
    ),
    "not-enforced": Case(
        linux(lambda host: host.health(cloudEnabled=False).file(MANAGED, CLOUD)),
        linux(lambda host: host.health(cloudEnabled=False).file(MANAGED, CLOUD, age=MINUTE)),
        "a setting of which nobody can tell is a row of the report with the verdict unknown",
    ),
    "foreign-managed": Case(
        linux(lambda host: host.health(managed=["cloudEnabled"])),
        linux(lambda host: host.health(managed=["cloudEnabled"]).file(MANAGED, CLOUD)),
        BY_HEALTH,
    ),
    "policy-shadowed": Case(shadowed({}), shadowed(CLOUD), shadowed("{")),
    "left-over-attach-file": Case(
        shadowed({}, managedBy="MEM"), shadowed({}, managedBy="MDE"), BY_HEALTH
    ),
    "expectation-unmet": Case(
        linux(lambda host: host.health(edrDeviceTags=["GROUP/test"]), PROD),
        linux(lambda host: host.health(edrDeviceTags=["GROUP/prod"]), PROD),
        linux(lambda host: host.health(edrDeviceTags=None), PROD),
    ),
    "policy-removed": Case(
        remembering(removed),
        remembering(lambda machine: removed(machine, "wdavcfg")),
        remembering(hidden),
    ),
    "managed-flag-lost": Case(
        remembering(lambda machine: unflagged(machine, 2)),
        remembering(lambda machine: unflagged(machine, 1)),
        remembering(unflagged_and_silent),
    ),
}
