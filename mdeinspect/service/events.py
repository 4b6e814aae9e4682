"""The events that the daemon tells of itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from mdeinspect import __version__
from mdeinspect.events import Event, Evidence
from mdeinspect.memory import Memory
from mdeinspect.model import Reading, Report, Severity
from mdeinspect.sinks.delivery import Status
from mdeinspect.store.cursors import Dropped


def started(now: datetime, severity: Severity = Severity.INFO, **data: Any) -> Event:
    """`daemon.started`: what it is, and how it watches."""
    because = "store-set-aside" if data.get("set_aside") else None
    told = {key: value for key, value in data.items() if value is not None}
    data = {"version": __version__, **told}
    rests = _seen_by("daemon", now)
    return Event("daemon.started", now, severity, data, because=because, evidence=rests)


def stopped(now: datetime, why: str) -> Event:
    """`daemon.stopped`: an end on purpose."""
    data, rests = {"version": __version__}, _seen_by("daemon", now)
    return Event("daemon.stopped", now, data=data, because=why, evidence=rests)


def dropped(now: datetime, lost: Dropped) -> Event:
    """`events.dropped`: what a sink will never get."""
    data = {
        "sink": lost.sink,
        "from_seq": lost.from_seq,
        "to_seq": lost.to_seq,
        "count": lost.count,
    }
    rests = _seen_by("store", now)
    return Event("events.dropped", now, Severity.MEDIUM, data, because="retention", evidence=rests)


def reloaded(now: datetime, path: str | None, error: str | None, digest: str) -> Event:
    """`source.changed` of the configuration: taken, or refused and the old one kept."""
    return Event(
        "source.changed",
        now,
        Severity.MEDIUM if error else Severity.INFO,
        {"source": "config", "state": "broken" if error else "present", "digest": digest}
        | ({"reason": error} if error else {}),
        subject=f"file:{path}" if path else "host",
        because="config-invalid" if error else "config-reloaded",
        evidence=(Evidence("config", path, now),),
    )


def watching(now: datetime, before: str, after: str, why: str | None) -> Event:
    """`source.changed` of the watching itself: events of the file system can (not) be had."""
    data = {"source": "watch", "file": None, "before": before, "after": after}
    data |= {"kind": None, "reason": why}
    severity = Severity.LOW if after == "polling" else Severity.INFO
    rests = _seen_by("watch", now)
    why = f"watch-{after}"
    return Event("source.changed", now, severity, data, subject="host", because=why, evidence=rests)


def heartbeat(
    now: datetime,
    report: Report,
    memory: Memory,
    sinks: Sequence[Status],
    own: Mapping[str, Any],
) -> Event:
    """`heartbeat`: alive, and how things stand."""
    open_findings = [one for one in memory.findings.values() if one.raised_at is not None]
    tally = Counter(one.severity for one in open_findings)
    data = {
        **own,
        "findings": {severity.word: tally[severity] for severity in reversed(Severity)},
        "suppressed": sum(1 for one in open_findings if one.suppressed),
        "sources": {name: _state(reading) for name, reading in report.sources.items()},
        "authority": report.authority.channel,
        "agent": {"state": report.agent.state, "version": report.agent.version},
        "checkin": {
            "state": report.checkin.state,
            "last_success": report.checkin.last_success,
            "last_attempt": report.checkin.last_attempt,
        },
        "sinks": {one.name: {"state": one.state, "seq": one.handed} for one in sinks},
    }
    health = report.sources.get("health")
    rests = (Evidence("health", None, health.taken_at),) if health else ()
    return Event("heartbeat", now, data=data, evidence=rests)


def _seen_by(part: str, now: datetime) -> tuple[Evidence, ...]:
    """What the daemon knows of itself, by the part of it that does."""
    return (Evidence(part, None, now),)


def _state(reading: Reading[Any]) -> str:
    return reading.state if reading.kind is None else f"{reading.state}: {reading.kind}"
