"""Is real-time protection on, and if not, who decided so?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mdeinspect.model import SettingState, Severity
from mdeinspect.rules import Context, Outcome, Raise, Unsure, rule
from mdeinspect.verdicts import DISAGREE, NOT_SAID

LEVEL = "antivirusEngine.enforcementLevel"
ENABLED = "antivirusEngine.enableRealTimeProtection"
PASSIVE = "antivirusEngine.passiveMode"
MEANINGS: tuple[tuple[str, Mapping[str | bool, bool]], ...] = (
    (LEVEL, {"real_time": True, "passive": False, "on_demand": False, "audit": False}),
    (PASSIVE, {True: False}),
    (ENABLED, {True: True, False: False}),
)
LEVEL_KEYS = frozenset({LEVEL, ENABLED, PASSIVE})
FALSE_HEALTHY = " All the while the agent calls itself healthy."
REMEDY = (
    "Set antivirusEngine.enforcementLevel to real_time in the channel that governs, "
    "and check that no other antivirus needs Defender to stay passive."
)


def is_off(context: Context) -> bool:
    """True when health shows real-time protection off, or passive mode on."""
    return (
        context.shown("real_time_protection_enabled") is False
        or context.shown("passive_mode_enabled") is True
    )


def level(context: Context) -> str:
    """How the agent works now, in the words of the preference where they fit."""
    if context.shown("passive_mode_enabled") is True:
        return "passive"
    if context.shown("real_time_protection_enabled") is False:
        return "off"
    return "real_time"


def wanted(context: Context) -> tuple[bool | None, SettingState | None]:
    """What policy says of real-time protection (True, False or None), and the row that says so."""
    for key, meaning in MEANINGS:
        row = context.settings.get(key)
        if row is None or not isinstance(row.policy, str | bool):
            continue
        found = meaning.get(row.policy)
        if found is not None:
            return found, row
    return None, None


def _cause_hidden(context: Context) -> bool:
    """True when a policy may set it that cannot be seen."""
    if context.authority.channel == "unknown":
        return True
    return any(not policy.readable for policy in context.channels.values())


@rule(
    "protection-off",
    Severity.CRITICAL,
    title="Real-time protection is {level} although policy wants it",
    detail="{channel} sets {key} to {policy}; health shows {observed}.{say_healthy}",
    remedy="Find who switched it off (`mdatp config`, troubleshooting mode, another product), "
    "restart the agent, and see `mdeinspect diff`.",
    means="The policy in force asks for real-time protection, and the agent does not give it.",
    matters="Malware is not stopped when it is opened. `healthy` stays true all the while.",
    needs=("health",),
)
def protection_off(context: Context) -> Iterator[Outcome]:
    """Off, against the will of the governing policy."""
    wish, row = wanted(context)
    if wish is not True or row is None or not is_off(context):
        return
    if row.verdict == "pending":
        return  # the agent may still be applying it
    if row.verdict == "unknown" and row.because not in (DISAGREE, NOT_SAID):
        yield Unsure(f"cannot tell whether protection should be on: {row.because}")
        return
    yield Raise(
        "host",
        {
            "level": level(context),
            "key": row.key,
            "policy": row.policy,
            "channel": row.channel,
            "observed": _observed(context),
        },
        words={"say_healthy": FALSE_HEALTHY if context.agent.healthy else ""},
    )


@rule(
    "protection-not-set",
    Severity.MEDIUM,
    title="Real-time protection is {level}, and no policy decides about it",
    detail="Health shows {observed}. No channel that is in force sets {key}: {cause}.",
    remedy=REMEDY,
    means="The agent does not protect in real time, by its default or by a setting made on the "
    "host. On Linux the default is passive since version 101.23062.0001.",
    matters="Removing or overriding a policy file is enough to get here; nothing else tells of it.",
    needs=("health",),
)
def protection_not_set(context: Context) -> Iterator[Outcome]:
    """Off, with nobody wanting it so."""
    wish, _ = wanted(context)
    if wish is not None or not is_off(context):
        return
    if _cause_hidden(context):
        yield Unsure("cannot tell who switched protection off: not every policy can be seen")
        return
    passive = context.settings.get(PASSIVE)
    if passive is not None and passive.policy is False and level(context) == "passive":
        if passive.verdict == "unknown":
            yield Unsure(f"cannot tell whether protection should be on: {passive.because}")
        return  # policy does decide about it: the verdict on that setting tells the rest
    row = context.settings.get(LEVEL)
    local = row is not None and row.channel == "local"
    yield Raise(
        "host",
        {
            "level": level(context),
            "key": LEVEL,
            "cause": "a local setting" if local else "the default applies",
            "observed": _observed(context),
        },
    )


@rule(
    "protection-passive-by-policy",
    Severity.INFO,
    title="Real-time protection is {level}, as policy says",
    detail="{channel} sets {key} to {policy}.",
    remedy=REMEDY,
    means="The policy in force asks for less than real-time protection, and gets it.",
    matters="That is right beside another antivirus, and a gap without one.",
    needs=("health",),
)
def protection_passive(context: Context) -> Iterator[Outcome]:
    """Off, as wanted."""
    wish, row = wanted(context)
    if (
        wish is False
        and row is not None
        and is_off(context)
        and row.verdict in ("enforced", "unproven")
    ):
        facts = {"level": level(context), "key": row.key, "policy": row.policy}
        yield Raise("host", {**facts, "channel": row.channel})


@rule(
    "tamper-protection-off",
    Severity.MEDIUM,
    title="Tamper protection is {effective}",
    detail="Health shows tamper_protection as {effective}; policy says {policy}.",
    remedy="Set tamperProtection.enforcementLevel to block in the profile or the portal.",
    means="Anyone with administrator rights can stop, change or remove the agent unhindered. "
    "With `audit` it is only written down.",
    matters="Switching the sensor off is among the first things an intruder does.",
    needs=("health",),
    platforms=("darwin",),
)
def tamper_protection_off(context: Context) -> Iterator[Outcome]:
    """Judged on macOS only: on Linux the field is shown and means nothing."""
    row = context.settings.get("tamperProtection.enforcementLevel")
    if row is None or row.effective not in ("disabled", "audit"):
        return
    if row.verdict in ("not-enforced", "pending"):
        return  # that finding tells it
    as_wanted = row.policy is not None
    severity = Severity.LOW if row.effective == "audit" or as_wanted else Severity.MEDIUM
    yield Raise("host", {"effective": row.effective, "policy": row.policy}, severity)


def _observed(context: Context) -> dict[str, Any]:
    names = ("real_time_protection_enabled", "passive_mode_enabled")
    return {name: context.shown(name) for name in names if context.shown(name) is not None}
