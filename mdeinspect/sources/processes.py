"""The agent's programs: `wdavdaemon` in its roles, and SenseCM while it checks in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mdeinspect.model import Process
from mdeinspect.sources import ProcessSource

DAEMON = "wdavdaemon"
CHECKIN = "sensecm"
CLIENT = "wdavdaemonclient"  # `mdatp` itself, run by anyone; no part of the agent
ROLES = ("unprivileged", "enterprise")  # of a Mac; the kernel cuts names after 16 letters


@dataclass(frozen=True, slots=True)
class AgentProcess:
    """One program of the agent; `role` is main, edr, unprivileged, enterprise or sensecm."""

    role: str
    process: Process


def _parse(found: Sequence[Process]) -> tuple[AgentProcess, ...]:
    return tuple(
        AgentProcess(_role(process), process)
        for process in found
        if not process.name.lower().startswith(CLIENT)
    )


def _role(process: Process) -> str:
    name = process.name.lower()
    if name.startswith(CHECKIN):
        return CHECKIN
    suffix = name.removeprefix(DAEMON).lstrip("_")
    suffix = next((role for role in ROLES if suffix and role.startswith(suffix)), suffix)
    arguments = [word for word in process.cmdline[1:2] if word in ("edr", "unprivileged")]
    return suffix or (arguments[0] if arguments else "main")


PROCESSES = ProcessSource("processes", (DAEMON, CHECKIN), _parse)
SOURCES = (PROCESSES,)
