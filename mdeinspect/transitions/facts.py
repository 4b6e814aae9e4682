"""authority.changed, checkin.changed, agent.changed, source.changed: told at once but for one case.

Nothing that is not known now is a change: the last known state stays. Nor is it one that nobody
governs, while the file of who did may be back in a moment: macOS takes profiles away for minutes.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from mdeinspect.events import Event, EventType, Evidence
from mdeinspect.memory import PastAgent, PastAuthority, PastCheckin, PastSource
from mdeinspect.model import Channel
from mdeinspect.rules.movement import QUIET
from mdeinspect.transitions.recollection import recollected
from mdeinspect.transitions.scene import START, Scene, evidence


def authority(scene: Scene) -> tuple[PastAuthority | None, list[Event]]:
    """Who governs, and an event when that is another channel than before."""
    past, now = scene.past.authority, scene.report.authority
    if now.channel == "unknown" or scene.doubtful or _may_be_back(scene):
        return past, []
    new = PastAuthority(now.channel, now.managed_by, now.shadowed)
    if past is not None and not scene.first:
        since, before = _succeeded(scene, past, new)
        new = replace(new, since=since, before=before)
    if past is None or scene.first or past.channel == new.channel:
        return new, []
    data = {
        "before": {
            "channel": past.channel,
            "managed_by": past.managed_by,
            "shadowed": past.shadowed,
        },
        "after": {
            "channel": new.channel,
            "managed_by": new.managed_by,
            "shadowed": new.shadowed,
            "probable": now.probable,
            "signs": now.signs,
        },
    }
    files = [one for policy in scene.channels.values() for one in policy.readings if one.there]
    return new, [
        _event(scene, "authority.changed", "host", data, [scene.reading("health"), *files])
    ]


def _succeeded(
    scene: Scene, past: PastAuthority, new: PastAuthority
) -> tuple[datetime | None, Channel | None]:
    """Since when this channel governs, and which policy did before.

    A moment without any policy is no change of hands, nor is one that was over within the hour.
    """
    if past.channel == new.channel:
        return past.since, past.before
    before = past.before if past.channel in ("none", "local") else past.channel
    recent = past.since is not None and scene.now - past.since < QUIET
    if before == new.channel or (recent and past.before == new.channel):
        return None, None
    return scene.now, before


def checkin(scene: Scene) -> tuple[PastCheckin | None, list[Event]]:
    """The state of the check-in, and an event when it is another."""
    past, now = scene.past.checkin, scene.report.checkin
    if now.state == "unknown" or scene.doubtful or _may_be_back(scene):
        return past, []
    same = past is not None and past.state == now.state
    since = past.since if past is not None and same else scene.now
    new = PastCheckin(now.state, since, now.last_success, now.last_attempt)
    if past is None or same or scene.first:
        return new, []
    data = {
        "before": past.state,
        "after": now.state,
        "last_success": now.last_success,
        "last_attempt": now.last_attempt,
    }
    seen = tuple(Evidence(one.source, one.path, one.time) for one in now.evidence)
    rests = seen or evidence([scene.reading("health")])  # by which it does not apply
    event = Event("checkin.changed", scene.now, data=data, subject="host", evidence=rests)
    return new, [event]


def agent(scene: Scene) -> tuple[PastAgent, list[Event]]:
    """The agent, and an event when its version, state or licence is another.

    That it is silent while the host starts is not told.
    """
    past, now = scene.past.agent, scene.report.agent
    starting = scene.starting < START and now.state != "running"
    state = past.state if now.state == "unknown" or (starting and past.state) else now.state
    new = PastAgent(
        state=state,
        version=past.version if now.version is None else now.version,
        licensed=past.licensed if now.licensed is None else now.licensed,
        program=scene.report.host.program or past.program,
    )
    moved = _differ(past.version, new.version) or _differ(past.program, new.program)
    new = replace(new, changed_at=scene.now if moved else past.changed_at)
    new = recollected(scene, new)
    names = [
        name
        for name in ("version", "state", "licensed")
        if _differ(getattr(past, name), getattr(new, name))
    ]
    if scene.first or not names:
        return new, []
    data = {
        "changed": names,
        "before": {name: getattr(past, name) for name in names},
        "after": {name: getattr(new, name) for name in names},
    }
    rests = [scene.reading("health")]
    return new, [_event(scene, "agent.changed", "agent", data, rests)]


def sources(scene: Scene) -> tuple[dict[str, PastSource], list[Event]]:
    """The needed sources, and an event for each that can or cannot be read any more.

    A policy file that comes or goes is told by `policy.changed`; an agent that does not answer or
    is not there, by `agent.changed`.
    """
    found: dict[str, PastSource] = {}
    events: list[Event] = []
    for name in sorted(_needed(scene)):
        past, reading = scene.past.sources.get(name), scene.reading(name)
        silent = name == "health" and scene.report.agent.state in ("unreachable", "missing")
        if silent:
            found.update({name: past} if past else {})
            continue
        path = reading.file.path if reading.file else past.path if past else None
        if ":" not in name or reading.state != "missing":  # else one of many, and gone
            found[name] = PastSource(name, reading.state, path)
        if past is None or scene.first or past.state == reading.state:
            continue
        if name == "health" or "broken" in (past.state, reading.state):
            events.append(_source_event(scene, past, path))
    return found, events


def _may_be_back(scene: Scene) -> bool:
    """Whether the file of the channel that governed is gone, and not yet for long."""
    past = scene.past.authority
    return past is not None and any(
        one.channel == past.channel and (one.path or one.source) in scene.removed
        for one in scene.past.policies.values()
    )


def _needed(scene: Scene) -> set[str]:
    files = {one.source for policy in scene.channels.values() for one in policy.readings}
    health = {"health"} & scene.report.sources.keys()
    return files | health | scene.past.sources.keys()


def _source_event(scene: Scene, past: PastSource, path: str | None) -> Event:
    reading = scene.reading(past.name)
    data = {
        "source": past.name,
        "file": path,
        "before": past.state,
        "after": reading.state,
        "kind": reading.kind,
        "reason": reading.reason,
    }
    subject = f"file:{path}" if path else "agent"
    rests = (Evidence(past.name, path, reading.taken_at),)
    return Event("source.changed", scene.now, data=data, subject=subject, evidence=rests)


def _differ(old: Any, new: Any) -> bool:
    return old is not None and new is not None and old != new


def _event(
    scene: Scene, kind: EventType, subject: str, data: dict[str, Any], readings: list[Any]
) -> Event:
    return Event(kind, scene.now, data=data, subject=subject, evidence=evidence(readings))
