"""The command line of the stand-in: arguments to output, the states of the daemon included. Pure.

Only verbs that read are known. What a stopped daemon makes the real one print, and its exit
status, is not public: the words here are assumed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from mdeinspect.simulator import details, health
from mdeinspect.simulator.agent import SimulatedAgent

Daemon = Literal["up", "down", "slow", "garbage"]
DAEMON_STATES: Final[tuple[Daemon, ...]] = ("up", "down", "slow", "garbage")
# The outputs that a recorded host holds, by name.
RECORDED: Final[Mapping[str, tuple[str, ...]]] = {
    "health-json": ("health", "--output", "json"),
    "health-text": ("health",),
    "version": ("version",),
    "exclusion-list": ("exclusion", "list"),
    "threat-allowed-list": ("threat", "allowed", "list"),
    **{
        f"health-details-{feature}": ("health", "--details", feature)
        for feature in (
            "antivirus",
            "definitions",
            "edr",
            "features",
            "permissions",
            "scheduled_scan",
            "system_extensions",
        )
    },
}
NOISE: Final = "\x00\x7fELF wdav 0x7f3a ??\n%%% <not a table> %%%\n"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a call of the stand-in prints, and its exit status."""

    stdout: str = ""
    stderr: str = ""
    exit: int = 0


UNKNOWN_COMMAND: Final = 64
UNREACHABLE: Final = Answer(stderr="Could not connect to the daemon\n", exit=1)


def answer(
    agent: SimulatedAgent, args: Sequence[str], now: datetime, daemon: Daemon = "up"
) -> Answer:
    """The answer to `mdatp ARGS...`. A slow daemon gives the same, it only takes its time."""
    words = tuple(args)
    if words == ("version",):  # the program knows that of itself (assumed)
        return Answer(details.version(agent))
    if daemon == "down":
        return UNREACHABLE
    if daemon == "garbage":
        return Answer(NOISE)
    said = _said(agent, words, now)
    return _usage(words) if said is None else Answer(said)


def _said(agent: SimulatedAgent, words: tuple[str, ...], now: datetime) -> str | None:
    legacy = health.is_legacy(agent.version)
    match words:
        case ("--health",):
            return health.as_text(agent, now) if legacy else None
        case ("health",):
            return health.as_text(agent, now)
        case _ if legacy:
            return None
        case ("health", "--output", "json"):
            return health.as_json(agent, now)
        case ("health", "--field", name):
            return health.one_field(agent, name, now)
        case ("health", "--details", feature):
            return details.details(agent, feature, now)
        case ("exclusion", "list"):
            return details.exclusions(agent)
        case ("threat", "allowed", "list"):
            return details.allowed_threats(agent)
    return None


def _usage(words: tuple[str, ...]) -> Answer:
    call = " ".join(("mdatp", *words))
    return Answer(stderr=f"Invalid command: {call}\n", exit=UNKNOWN_COMMAND)
