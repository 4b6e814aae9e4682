"""finding.raised, .changed and .cleared: what the findings of a report are, after those before.

| before    | in the report   | told                                                            |
|-----------|-----------------|-----------------------------------------------------------------|
| -         | yes             | raised, once its hold is over                                   |
| candidate | no              | nothing                                                         |
| raised    | yes, the same   | nothing                                                         |
| raised    | yes, otherwise  | changed: another severity, or other facts                       |
| raised    | yes, accepted   | cleared, because `accepted`                                     |
| raised    | no              | cleared, because `resolved` or `subject-gone`                   |
| raised    | cannot tell     | nothing: it stays, and is suppressed while a cause of it stands |
| any       | rule is off     | cleared, because `rule-off`, where it was raised; also where    |
|           |                 | `only` or `except` leave its subject out                        |
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType
from typing import Any

from mdeinspect.documents import plain
from mdeinspect.events import Event
from mdeinspect.memory import PastAgent, PastFinding, identity
from mdeinspect.model import Finding
from mdeinspect.privacy import digest, mask
from mdeinspect.rules._chosen import in_scope
from mdeinspect.transitions import flapping
from mdeinspect.transitions.doubts import CAUSES, cannot_tell, disputed, is_gone, too_early
from mdeinspect.transitions.holds import is_over, is_starting, read_again
from mdeinspect.transitions.scene import Scene, behind

NOTHING: Mapping[str, Any] = MappingProxyType({})
Key = tuple[str, str]
Told = tuple[PastFinding, Event | None]


def findings(scene: Scene, agent: PastAgent) -> tuple[dict[Key, PastFinding], list[Event]]:
    """What is remembered of every finding, and the events of this step."""
    present: dict[Key, Finding] = {}
    for finding in scene.report.findings:
        present.setdefault(identity(finding.code, finding.subject), finding)
    found: dict[Key, PastFinding] = {}
    events: list[Event] = []
    hidden: set[Key] = set()
    for key in sorted(scene.past.findings.keys() | present.keys()):
        past = scene.past.findings.get(key) or PastFinding(*key)
        kept, event = _one(scene, agent, past, present.get(key), hidden)
        kept, event = flapping.ended(kept, event, scene.now, _teller(scene, present.get(key)))
        if not kept.idle:
            found[key] = kept
        if event is not None:
            events.append(event)
    return _suppressed(found, hidden), events


def is_on(scene: Scene, code: str) -> bool:
    """Whether a rule exists and is not switched off."""
    return (
        code in scene.rules and scene.config.rules.get(code, {}).get("enabled", True) is not False
    )


def facts_digest(finding: Finding) -> str:
    """What makes a finding another one. Moments do not: those of check-ins move by themselves."""
    return digest(mask(plain(_still(finding.facts))))


def _one(
    scene: Scene, agent: PastAgent, past: PastFinding, finding: Finding | None, hidden: set[Key]
) -> Told:
    chosen = scene.config.rules.get(past.code, {})
    if not is_on(scene, past.code) or not in_scope(chosen, past.subject):
        return _dismissed(scene, past, None, "rule-off")
    if finding is not None and finding.accepted is not None:
        kept, event = _dismissed(scene, past, finding, "accepted")
        return _candidate(
            scene, replace(kept, candidate_since=past.candidate_since), finding
        ), event
    if finding is not None:
        return _seen(scene, agent, past, finding)
    if cannot_tell(scene, past):
        hidden.add(past.key)
        return past, None
    return _absent(scene, past)


def _seen(scene: Scene, agent: PastAgent, past: PastFinding, finding: Finding) -> Told:
    now = _candidate(scene, past, finding)
    waits = is_starting(scene, agent, past.code, past.subject)
    waits = waits or disputed(scene, past) or too_early(scene, past)
    tell = _teller(scene, finding)
    if past.raised_at is None:
        if waits or not is_over(scene, now):
            return now, None
        raised = replace(now, raised_at=scene.now)
        if now.initial:
            return raised, tell(raised, "finding.raised", None)
        return flapping.counted(raised, scene.now, "finding.raised", tell)
    same = (past.severity, past.facts_digest) == (now.severity, now.facts_digest)
    if same or waits:
        return replace(past, candidate_since=now.candidate_since, suppressed=False), None
    return flapping.counted(now, scene.now, "finding.changed", tell, previous=past)


def _candidate(scene: Scene, past: PastFinding, finding: Finding) -> PastFinding:
    """A finding as it is now. It is initial while its rule has never judged this host before."""
    readings, reading_at = read_again(scene, past)
    new = past.candidate_since is None
    return replace(
        past,
        candidate_since=min(past.candidate_since or scene.now, scene.now),
        severity=finding.severity,
        facts_digest=facts_digest(finding),
        title=str(mask(plain(finding.title))),
        initial=scene.first or past.code not in scene.past.rules if new else past.initial,
        suppressed=False,
        readings=readings,
        reading_at=reading_at,
    )


def _absent(scene: Scene, past: PastFinding) -> Told:
    gone = _forgotten(past)
    if past.raised_at is None:
        return gone, None
    because = "subject-gone" if is_gone(scene, past) else "resolved"
    tell = _teller(scene, None, because)
    return flapping.counted(gone, scene.now, "finding.cleared", tell, previous=past)


def _dismissed(scene: Scene, past: PastFinding, finding: Finding | None, because: str) -> Told:
    """Cleared by the configuration: told in any case, and no transition of the host."""
    gone = replace(_forgotten(past), transitions=(), flapping=None)
    if past.raised_at is None:
        return gone, None
    return gone, _teller(scene, finding, because)(gone, "finding.cleared", past)


def _forgotten(past: PastFinding) -> PastFinding:
    return replace(
        past,
        candidate_since=None,
        raised_at=None,
        initial=False,
        suppressed=False,
        readings=0,
        reading_at=None,
    )


def _suppressed(found: Mapping[Key, PastFinding], hidden: set[Key]) -> dict[Key, PastFinding]:
    """Marks what is hidden by an agent that is raised as missing or silent."""
    caused = any(one.raised_at for one in found.values() if one.code in CAUSES)
    return {
        key: replace(one, suppressed=caused and key in hidden and one.raised_at is not None)
        for key, one in found.items()
    }


def _teller(scene: Scene, finding: Finding | None, because: str = "resolved") -> flapping.Tell:
    """Makes events of one finding, as it is in the report, or as it is remembered."""

    def tell(
        one: PastFinding, kind: Any, previous: PastFinding | None, more: Mapping[str, Any] = NOTHING
    ) -> Event:
        cleared = kind == "finding.cleared"
        data: dict[str, Any] = {"title": one.title, "since": _since(one, previous, finding)}
        if finding is not None and not cleared:
            data = {
                "title": finding.title,
                "detail": finding.detail,
                "remedy": finding.remedy,
                "facts": finding.facts,
                "since": data["since"],
            }
        if one.initial and kind == "finding.raised":
            data["initial"] = True
        if previous is not None and kind == "finding.changed" and not more:
            data["previous"] = {"severity": previous.severity.word, "title": previous.title}
        return Event(
            type=kind,
            time=scene.now,
            severity=one.severity,
            data={**data, **more},
            code=one.code,
            subject=finding.subject if finding else one.subject,
            because=because if cleared else None,
            evidence=behind(scene, one.code, one.subject, finding),
        )

    return tell


def _since(
    one: PastFinding, previous: PastFinding | None, finding: Finding | None
) -> datetime | None:
    """Since when it is so: by its evidence as it is raised, or since it was first seen.

    Not since it was told: the end of a finding would have another beginning than its start.
    """
    if previous is not None and previous.raised_at is not None:
        return previous.candidate_since or previous.raised_at
    return (finding.since if finding else None) or one.candidate_since


def _still(value: Any) -> Any:
    """Facts without their moments."""
    if isinstance(value, Mapping):
        return {k: _still(v) for k, v in value.items() if not isinstance(v, datetime)}
    if isinstance(value, list | tuple):
        return [_still(inner) for inner in value if not isinstance(inner, datetime)]
    return value
