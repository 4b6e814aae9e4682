"""Is the agent in a mode, or in company, that its owner should know of?"""

from __future__ import annotations

from collections.abc import Iterator

from mdeinspect.evidence import texts
from mdeinspect.model import Severity
from mdeinspect.privacy import mask
from mdeinspect.rules import Context, Outcome, Raise, Unsure, rule
from mdeinspect.rules._unsaid import unsaid
from mdeinspect.rules.protection import is_off

MODE = "cannot tell whether troubleshooting mode is on: health does not know it"


@rule(
    "troubleshooting-mode",
    Severity.MEDIUM,
    title="Troubleshooting mode is on",
    detail="`mdatp health` shows troubleshooting_mode true.",
    remedy="Check in the portal who switched it on and until when; it ends by itself after some "
    "hours. Look at what was changed meanwhile (`mdeinspect diff`).",
    means="The portal allowed the administrators of this host to change what policy and tamper "
    "protection forbid otherwise. It is graded low on Linux, where what it unlocks is not "
    "documented.",
    matters="Protection can be switched off on the host, and stays off afterwards where nothing "
    "sets it again.",
    needs=("health",),
    fields=("troubleshooting_mode",),
)
def troubleshooting_mode(context: Context) -> Iterator[Outcome]:
    """The doors are open. An agent that does not have the field is not judged."""
    shown = context.shown("troubleshooting_mode")
    if shown is True:
        yield Raise("host", {}, Severity.LOW if context.platform == "linux" else None)
    elif unsaid(context, "troubleshooting_mode"):
        yield Unsure(MODE)


@rule(
    "edr-early-preview",
    Severity.INFO,
    title="The agent takes part in the early preview of EDR",
    detail="`mdatp health` shows edr_early_preview_enabled as {shown}.",
    remedy="Leave it where the host is meant for trials; else switch it off in the policy "
    "(edr.earlyPreview), or with `mdatp edr early-preview disable`.",
    means="The sensor of this host gets features before they are generally available.",
    matters="Previews are for hosts that may fail; on a production host somebody should have "
    "decided so.",
    needs=("health",),
    fields=("edr_early_preview_enabled",),
)
def edr_early_preview(context: Context) -> Iterator[Outcome]:
    """Worth knowing, and no more."""
    shown = context.shown("edr_early_preview_enabled")
    if shown == "enabled":
        yield Raise("host", {"shown": shown})
    elif shown not in (None, "disabled"):
        yield Unsure(f"cannot tell whether the early preview is on: {shown!r} is not a known word")
    elif unsaid(context, "edr_early_preview_enabled"):
        yield Unsure("cannot tell whether the early preview is on: health does not know it")


@rule(
    "conflicting-applications",
    Severity.LOW,
    title="Other security products run beside the agent: {applications}",
    detail="`mdatp health` lists as conflicting: {applications}.",
    remedy="Remove the other product, or make Defender passive by policy and let the other one "
    "protect. Where both have to stay, exclude each from the other.",
    means="The agent found programs that it conflicts with. It is graded info where protection in "
    "real time is off or passive, which is how two products should live together.",
    matters="Two products that hook the same events slow the host down, and each may take the "
    "other for malware or keep it from seeing anything.",
    needs=("health",),
    fields=("conflicting_applications",),
)
def conflicting_applications(context: Context) -> Iterator[Outcome]:
    """Whatever the shape of an entry is: its texts are told."""
    listed = context.shown("conflicting_applications")
    if unsaid(context, "conflicting_applications"):
        yield Unsure("cannot tell whether other products run: health does not know it")
    if not listed:
        return
    names = sorted(set(mask(list(texts(listed)))))
    if names:
        severity = Severity.INFO if is_off(context) else None
        yield Raise("host", {"applications": names[:20]}, severity)
    else:
        yield Unsure("cannot tell which applications conflict: their list holds no names")
