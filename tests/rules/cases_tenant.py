"""The hosts of the rules about tenants."""

from __future__ import annotations

from typing import Any

from cases import Case, denied, linux, remembering
from engine_support import Machine

from support import HOUR, ONBOARD, HostFolder

OURS = "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"  # what a healthy agent shows
THEIRS = "99999999-bbbb-cccc-dddd-eeeeeeeeeeee"
OFFBOARD = "/etc/opt/microsoft/mdatp/mdatp_offboard.json"
NO_LICENCE: dict[str, Any] = {
    "licensed": False,
    "healthy": False,
    "healthIssues": ["missing license"],
    "orgId": "unavailable",
}


def moved(machine: Machine, **fields: Any) -> None:
    """A host that an hour later shows other things of itself."""
    machine.step()
    machine.later(HOUR).healthy(**fields)


def moved_and_silent(machine: Machine) -> None:
    """A host that went to another tenant, and then does not say to which it belongs."""
    moved(machine, orgId=THEIRS)
    machine.step()
    machine.later(HOUR).healthy(orgId="unavailable")


def onboarded(org: str) -> Any:
    """A host with an onboarding file of a tenant."""
    return linux(lambda host: host.health().file(ONBOARD, {"orgId": org}))


def offboarded(host: HostFolder, **fields: Any) -> HostFolder:
    """A host on which the file lies that takes it out of its tenant."""
    return host.health(**fields).file(OFFBOARD, "signed")


CASES = {
    "tenant-changed": Case(
        remembering(lambda machine: moved(machine, orgId=THEIRS)),
        remembering(lambda machine: moved(machine, orgId=OURS.upper())),
        remembering(moved_and_silent),
    ),
    "tenant-mismatch": Case(onboarded(THEIRS), onboarded(OURS), onboarded("")),
    "agent-offboarded": Case(
        remembering(lambda machine: moved(machine, **NO_LICENCE)),
        linux(lambda host: host.health(**NO_LICENCE)),
        linux(lambda host: offboarded(host, licensed=None)),
    ),
    "offboarding-file": Case(
        linux(offboarded),
        linux(lambda host: offboarded(host, **NO_LICENCE)),
        denied("offboarding", lambda host: host.health()),
    ),
}
