"""What became something else though nothing here explains it. Only a memory can tell."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from mdeinspect.difference import canonical
from mdeinspect.model import SettingState, Severity
from mdeinspect.rules import Context, Outcome, Raise, Unsure, rule

if TYPE_CHECKING:
    from mdeinspect.memory import Move

QUIET = timedelta(hours=1)
"""How long nothing must have changed before a value that moves does so by itself."""

KEPT = timedelta(days=90)
"""How long a move is remembered; the newest few of each setting."""

REWRITTEN = timedelta(days=7)
"""How long it is remembered that a policy file was written again."""

FLAPPING = timedelta(hours=6)
MANY = 4  # moves within that time


@rule(
    "unexplained-change",
    Severity.INFO,
    title="{subject} went from {before} to {after}, and no policy changed",
    detail="The agent had {subject} as {before} and has it as {after} now; neither the policy, nor "
    "who governs, nor the agent's version had changed within an hour before, nor was the host "
    "started. Policy says {policy}.",
    remedy="Find out who changed it: `mdatp config` by hand or in a script (its history is in the "
    "audit log), troubleshooting mode, or a channel that leaves no file. To keep it from moving, "
    "set it by policy.",
    means="An effective value moved by itself. It is told for `days` days (default 7) or until it "
    "is back, and graded low where the new value is the weaker one. A value that policy sets and "
    "that is not enforced has a finding of its own.",
    matters="What policy leaves open, anyone with administrator rights may change in silence.",
    options={"days": 7},
)
def unexplained_change(context: Context) -> Iterator[Outcome]:
    """From the value before the first such move of late to the newest one."""
    yield from _unsure(context)
    for row, moves in _moved(context):
        if row.verdict in ("not-enforced", "pending") or is_flapping(context, moves):
            continue
        own = _own(context, moves)
        if not own or canonical(own[0].before) == canonical(own[-1].after):
            continue
        before, after = own[0].before, own[-1].after
        preference = context.catalogue.find(row.key, context.platform)
        weaker = preference is not None and preference.holds_up(after, before) is False
        facts = {"before": before, "after": after, "policy": row.policy, "channel": row.channel}
        severity = Severity.LOW if weaker else None
        yield Raise(f"key:{row.key}", facts, severity, since=own[-1].at)


def _own(context: Context, moves: Sequence[Move]) -> list[Move]:
    """The moves of late that nothing explains, since the last one that something does."""
    days = timedelta(days=min(context.options["days"], 36_500))
    found: list[Move] = []
    for move in moves:
        if not move.own:
            found = []
        elif context.now - move.at < days:
            found.append(move)
    return found


@rule(
    "setting-flapping",
    Severity.LOW,
    title="{subject} goes back and forth: {values}",
    detail="Within six hours the effective value of {subject} moved four times or more, between "
    "{values}.",
    remedy="Look for two that do not agree: a script that sets it and a policy that sets it back, "
    "two configuration tools, a portal policy and an administrator.",
    means="The agent shows another value again and again. It is over after six hours of quiet.",
    matters="At any moment the setting may be the wrong one, and what is read once proves little.",
)
def setting_flapping(context: Context) -> Iterator[Outcome]:
    """Named with the values alone, so that one fight is one finding all along."""
    yield from _unsure(context)
    for row, moves in _moved(context):
        if is_flapping(context, moves):
            values = {canonical(value): value for one in moves for value in (one.before, one.after)}
            shown = [values[name] for name in sorted(values)]
            yield Raise(f"key:{row.key}", {"values": shown})


@rule(
    "authority-changed",
    Severity.LOW,
    title="{channel} governs this host now, {before} did before",
    detail="Who governs changed from {before} to {channel} (managed_by {managed_by}).",
    remedy="See that this was meant, that the new channel holds all that the old one did "
    "(`mdeinspect diff`), and that nobody deploys to the old one any more.",
    means="Another policy decides about this host than before. It is told for `days` days "
    "(default 7). The first policy of a host is none, and one that is gone without another in its "
    "place has a finding of its own.",
    matters="Whoever manages the old channel goes on believing that it counts.",
    options={"days": 7},
)
def authority_changed(context: Context) -> Iterator[Outcome]:
    """The last change of the governing channel, as far as it is remembered."""
    past = context.memory.authority if context.memory else None
    if past is None or past.since is None or past.before is None:
        return
    if context.now - past.since >= timedelta(days=min(context.options["days"], 36_500)):
        return
    if context.authority.channel == "unknown":
        yield Unsure("cannot tell whether the new channel still governs: that is not known now")
    elif context.authority.channel == past.channel and past.channel not in ("none", "local"):
        facts = {
            "before": past.before,
            "channel": past.channel,
            "managed_by": context.authority.managed_by,
        }
        yield Raise("host", facts, since=past.since)


def is_flapping(context: Context, moves: Sequence[Move]) -> bool:
    """Whether a value moved so often, and has not come to rest since."""
    if not moves or context.now - moves[-1].at >= FLAPPING:
        return False
    pairs = zip(moves, moves[MANY - 1 :], strict=False)
    return any(last.at - first.at < FLAPPING for first, last in pairs)


def _unsure(context: Context) -> Iterator[Unsure]:
    """What moves cannot be told while the agent is silent; what never moved is no question."""
    health = context.snapshot["health"]
    moved = context.memory and any(one.moves for one in context.memory.settings.values())
    if moved and not health.present and context.agent.state != "missing":
        yield Unsure(health.reason or "cannot tell what the agent does: health is not there")


def _moved(context: Context) -> Iterator[tuple[SettingState, Sequence[Move]]]:
    """The settings of which moves are remembered; none while nobody knows where they are now."""
    if context.memory is None or not context.snapshot["health"].present:
        return
    for key, past in context.memory.settings.items():
        row = context.settings.get(key)
        if row is not None and past.moves:
            yield row, past.moves
