"""Findings that come and go: four transitions in six hours, then told at 4, 8 and 16 only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Protocol

from mdeinspect.events import Event, EventType
from mdeinspect.memory import Flapping, PastFinding

WINDOW = timedelta(hours=6)
MANY = 4
TOLD_AT = frozenset({4, 8, 16})


class Tell(Protocol):
    """Makes the event of a finding; `more` is added to its data."""

    def __call__(
        self,
        one: PastFinding,
        kind: EventType,
        previous: PastFinding | None,
        more: Mapping[str, Any] = ...,
    ) -> Event: ...


def counted(
    one: PastFinding,
    now: datetime,
    kind: EventType,
    tell: Tell,
    previous: PastFinding | None = None,
) -> tuple[PastFinding, Event | None]:
    """A finding after one more transition, and what is told of it."""
    flap = one.flapping
    if flap is None:
        recent = (*(moment for moment in one.transitions if now - moment < WINDOW), now)
        if len(recent) < MANY:
            return replace(one, transitions=recent), tell(one, kind, previous)
        flap = Flapping(recent[0], len(recent), now, "")
    else:
        flap = replace(flap, count=flap.count + 1, last=now)
    if flap.count not in TOLD_AT:
        return replace(one, transitions=(), flapping=flap), None
    flap = replace(flap, told=state(one))
    told = {"flapping": {"count": flap.count, "since": flap.since}, "state": _word(one)}
    kept = replace(one, transitions=(), flapping=flap)
    return kept, tell(one, "finding.changed", previous, told)


def ended(
    one: PastFinding, event: Event | None, now: datetime, tell: Tell
) -> tuple[PastFinding, Event | None]:
    """A finding after six hours of quiet: its state is told if it is not the one told last."""
    if event is not None:
        return one, event
    recent = tuple(moment for moment in one.transitions if now - moment < WINDOW)
    one = replace(one, transitions=recent)
    flap = one.flapping
    if flap is None or now - flap.last < WINDOW:
        return one, None
    kept = replace(one, flapping=None)
    if flap.told == state(one):
        return kept, None
    raised = one.raised_at is not None
    was_raised = flap.told != "cleared"
    kind: EventType = "finding.cleared"
    if raised:
        kind = "finding.changed" if was_raised else "finding.raised"
    over = {"flapping": {"count": flap.count, "since": flap.since, "over": True}}
    return kept, tell(one, kind, one if raised else None, over)


def state(one: PastFinding) -> str:
    """What was told of a finding, or would have been."""
    return f"{one.severity.word} {one.facts_digest}" if one.raised_at else "cleared"


def _word(one: PastFinding) -> str:
    return "raised" if one.raised_at else "cleared"
