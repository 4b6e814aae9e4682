"""A policy that waits, and will not take effect by waiting alone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from mdeinspect.channels import delivering
from mdeinspect.evidence import same
from mdeinspect.model import SettingState, Severity
from mdeinspect.rules import Context, Outcome, Raise, Unsure, rule
from mdeinspect.verdicts import RESTART, WAITS


@rule(
    "restart-needed",
    Severity.LOW,
    title="{subject} takes effect when the daemon is restarted",
    detail="{channel} sets {subject} to {policy}; the agent still has {effective} and has not been "
    "restarted since.",
    remedy="Restart the daemon when it suits: `systemctl restart mdatp`.",
    means="On Linux a few settings are only read when the daemon starts: that of the diagnostic "
    "data, and those of the rotation of its logs. This one was changed after that.",
    matters="Until then the old value holds, and nothing else says so.",
    platforms=("linux",),
)
def restart_needed(context: Context) -> Iterator[Outcome]:
    """Pending for that reason, and the daemon known to be the one from before."""
    rows = (context.settings.get(key) for key in RESTART)
    if any(row is not None and row.policy is not None for row in rows):
        yield from _silent(context)
    for row in context.settings.values():
        if row.verdict != "pending" or row.because != WAITS:
            continue
        if _start_known(context):
            facts = {"policy": row.policy, "effective": row.effective, "channel": row.channel}
            yield Raise(f"key:{row.key}", facts)
        else:
            yield Unsure("cannot tell whether the daemon was restarted since policy changed")


def _start_known(context: Context) -> bool:
    running = context.snapshot.value("processes") or ()
    return any(one.role == "main" and one.process.started for one in running)


@rule(
    "pending-too-long",
    Severity.MEDIUM,
    title="{subject} is {effective}, and the policy that says {policy} never comes to rest",
    detail="{channel} has set {subject} to {policy} for long; the agent has {effective}. The file "
    "{file} is written again and again, so that its newest version is always too young to judge.",
    remedy="Have the tool write the file only when it differs; then look into why the agent does "
    "not apply it, as for not-enforced.",
    means="What the policy says has not changed for `minutes` minutes (default 60), and its file "
    "has, so that the verdict is pending each time. Health shows another value all along.",
    matters="A setting that is not in force hides behind a file that is always new.",
    options={"minutes": 60},
)
def pending_too_long(context: Context) -> Iterator[Outcome]:
    """By when the content of the file changed, as it is remembered."""
    if context.memory and any(one.rewrites for one in context.memory.policies.values()):
        yield from _silent(context)
    for row in context.settings.values():
        if row.verdict != "pending" or row.because == WAITS or row.effective is None:
            continue
        file = _unchanged(context, row)
        if file is not None and not same(row.effective, row.policy):
            facts = {"policy": row.policy, "effective": row.effective, "channel": row.channel}
            yield Raise(f"key:{row.key}", {**facts, "file": file})


def _silent(context: Context) -> Iterator[Unsure]:
    """Nobody knows what still waits while the agent does not answer."""
    health = context.snapshot["health"]
    if not health.present and context.agent.state != "missing":
        yield Unsure(health.reason or "cannot tell what still waits: health is not there")


def _unchanged(context: Context, row: SettingState) -> str | None:
    """The file that sets it, where it has long said the same."""
    preference = context.catalogue.find(row.key, context.platform)
    channel = row.channel
    if channel == context.authority.channel:
        channel = delivering(context.authority, context.channels, context.platform)
    policy = context.channels.get(channel) if channel and channel != "default" else None
    stated = policy.state(preference.keys(context.platform)) if policy and preference else None
    if stated is None or context.memory is None or stated.reading.value is None:
        return None
    past = context.memory.policies.get(stated.reading.source)
    if past is None or past.removed_at or past.digest != stated.reading.value.digest:
        return None
    limit = timedelta(minutes=min(context.options["minutes"], 1_000_000))
    if context.now - past.changed_at < max(limit, context.config.schedule.grace):
        return None
    return past.path or past.source
