"""Has the agent what it needs to protect: its engine, its extensions, the disk, the network?"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from mdeinspect.model import Severity
from mdeinspect.rules import Context, Outcome, Raise, Unsure, rule
from mdeinspect.rules._unsaid import unsaid
from mdeinspect.rules.agent import NO_ACCESS

EXTENSIONS = "health-details-system_extensions"
RECENT = timedelta(hours=1)
LOADED, NOT_LOADED = "engine load succeeded", "engine not loaded"
NETWORK = "networkProtection.enforcementLevel"
NETWORK_WORDS = frozenset({"starting", "started", "restarting", "stopping", "stopped"})
FAILED = "failed_to_start"
WANTED = ("audit", "block")


@rule(
    "engine-not-loaded",
    Severity.HIGH,
    title="The agent works without its antivirus engine",
    detail="`mdatp health` shows engine_load_status {status}; the engine's version is {engine}.",
    remedy="Run `mdatp definitions update`, check that there is room on the disk and memory to "
    "spare, restart the agent, and install it again where that does not help.",
    means="The engine that looks for malware could not be loaded.",
    matters="Nothing is scanned, neither on access nor on demand, and `healthy` need not say so.",
    needs=("health",),
    fields=("engine_load_status",),
)
def engine_not_loaded(context: Context) -> Iterator[Outcome]:
    """By the one word that is documented; agents that do not show it are not judged."""
    status = context.shown("engine_load_status")
    word = _word(status)
    if word == NOT_LOADED:
        yield Raise("agent", {"status": status, "engine": context.shown("engine_version")})
    elif word not in ("", LOADED):
        yield Unsure(f"cannot tell whether the engine is loaded: {status!r} is not a known word")
    elif unsaid(context, "engine_load_status"):
        yield Unsure("cannot tell whether the engine is loaded: health does not know it")


@rule(
    "network-protection-failed",
    Severity.MEDIUM,
    title="Network protection is set to {level} and failed to start",
    detail="`mdatp health` shows network_protection_status {status}; {key} is {level}.",
    remedy="On a Mac approve the network extension and its content filter. On Linux check that the "
    "kernel and the agent's version support it. Then read the agent's log and restart it.",
    means="Policy or a local setting asks for network protection, and the agent says that it could "
    "not start it.",
    matters="Connections to malicious hosts are neither blocked nor told, although the level that "
    "health shows is the one that was asked for.",
    needs=("health",),
    fields=("network_protection_status",),
)
def network_protection_failed(context: Context) -> Iterator[Outcome]:
    """Wanted, and not to be had."""
    row = context.settings.get(NETWORK)
    wish = (row.policy or row.effective) if row is not None else None
    level = wish if isinstance(wish, str) else None
    status = context.shown("network_protection_status")
    word = _word(status)
    if level is None and word == FAILED:
        yield Unsure("cannot tell whether network protection is wanted: its level is not known")
    if level not in WANTED:
        return
    if word == FAILED:
        yield Raise("host", {"level": level, "key": NETWORK, "status": status})
    elif unsaid(context, "network_protection_status"):
        yield Unsure("cannot tell whether network protection works: health does not know it")
    elif word not in {"", *NETWORK_WORDS}:
        why = f"{status!r} is not a known word"
        yield Unsure(f"cannot tell whether network protection works: {why}")


@rule(
    "full-disk-access-missing",
    Severity.MEDIUM,
    title="The agent has no Full Disk Access",
    detail="`mdatp health` shows full_disk_access_enabled false.",
    remedy="Deliver a profile that grants Full Disk Access to the agent and to its extension, or "
    "grant it under Privacy & Security.",
    means="macOS lets the agent read only a part of the disk. Where the agent calls itself "
    "unhealthy for just that, `agent-unhealthy` tells it.",
    matters="What lies in the protected folders of users is never scanned.",
    needs=("health",),
    fields=("full_disk_access_enabled",),
    platforms=("darwin",),
)
def full_disk_access_missing(context: Context) -> Iterator[Outcome]:
    """By the main view alone."""
    granted = context.shown("full_disk_access_enabled")
    issues = {_word(issue) for issue in context.agent.health_issues or ()}
    if granted is False and not (context.agent.healthy is False and NO_ACCESS in issues):
        yield Raise("host")
    elif unsaid(context, "full_disk_access_enabled"):
        yield Unsure("cannot tell whether the agent has Full Disk Access: health does not know it")


@rule(
    "system-extension-not-running",
    Severity.MEDIUM,
    title="The agent's system extension does not run",
    detail="`mdatp health` shows real_time_protection_available false, and its view of system "
    "extensions shows {extensions}.",
    remedy="Approve the extension of team UBF8T346G9 in a profile, or under Login Items & "
    "Extensions; see `systemextensionsctl list`, and restart the Mac where it waits for that.",
    means="The main view says that protection in real time is not available, and the view of "
    "system extensions says why. Neither of them accuses by itself: the fields of the main view "
    "are known to be shown in more than one way.",
    matters="Without its extension the agent does not see what is opened and run, whatever the "
    "level is that it shows.",
    needs=("health",),
    fields=("real_time_protection_available",),
    platforms=("darwin",),
)
def system_extension_not_running(context: Context) -> Iterator[Outcome]:
    """What the main view says, where the optional view explains it."""
    if unsaid(context, "real_time_protection_available"):
        yield Unsure("cannot tell whether the system extension runs: health does not know it")
    if context.shown("real_time_protection_available") is not False:
        return
    shown = _extensions(context)
    if False in shown.values():
        yield Raise("host", {"extensions": shown})
    elif not shown or _is_old(context):
        yield Unsure(
            "cannot tell whether the system extension runs: "
            "`mdatp health --details system_extensions` was not asked of late, or does not say it"
        )


def _extensions(context: Context) -> dict[str, bool]:
    """What the optional view says of the extension that sees files and programs."""
    view: Any = context.snapshot.value(EXTENSIONS)
    names = ("endpoint_security_extension_installed", "endpoint_security_extension_ready")
    seen = {name: _switch(view.value(name)) for name in names} if view is not None else {}
    return {name: value for name, value in seen.items() if value is not None}


def _is_old(context: Context) -> bool:
    """Whether the optional view, which is asked for once a day, is older than the main one."""
    return context.snapshot["health"].taken_at - context.snapshot[EXTENSIONS].taken_at > RECENT


def _word(value: object) -> str:
    return value.strip().lower() if isinstance(value, str) else ""


def _switch(value: object) -> bool | None:
    """A value of a view whose types are not documented: true or false in any spelling."""
    words = {"true": True, "enabled": True, "false": False, "disabled": False}
    return value if isinstance(value, bool) else words.get(_word(value))
