"""Events through the store and out to a file, each step durable before the next one counts."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.figure import Broken, Figure, figure
from mdeinspect.events import Event, EventHost, Evidence
from mdeinspect.model import Severity
from mdeinspect.service.inbox import Inbox
from mdeinspect.service.outlets import Outlets
from mdeinspect.sinks import checked
from mdeinspect.store.writer import Store

HOST = EventHost("web-07", "7d1c", "linux")
NOW = datetime(2026, 11, 22, 11, 4, tzinfo=UTC)
FILE = "/etc/opt/microsoft/mdatp/managed/mdatp_managed.json"
# Events of one commit, which is one assessment.
FIRST = 5  # the first report of a host in disorder
EDIT = 2  # what an edit in the portal comes to
WANTED = 6_000
ENOUGH = 6.0  # seconds of commits
PATIENCE = 20.0  # seconds for the rest to be delivered
MEANS = "It is quoted here at the length that such a text usually has. " * 5


def measure(top: Path) -> Sequence[Figure]:
    """One commit an assessment, as the service makes them; a file sink delivers meanwhile."""
    many, few = _rate(top / "first", FIRST), _rate(top / "edit", EDIT)
    size = (top / "first" / "events.ndjson").stat().st_size / _lines(top / "first")
    note = (
        f"committed with their memory, {FIRST} at a time (a first report), and synced by a file "
        f"sink; aim: over 2,000; {few:,.0f} when {EDIT} at a time (an edit); {size:,.0f} bytes each"
    )
    return [figure("store-events-per-s", many, "1/s", note)]


def _rate(top: Path, batch: int) -> float:
    """Events a second, from the first commit to the last cursor."""
    inbox = Inbox()
    outlets = Outlets(top / "state", inbox.acknowledge, inbox.doubt)
    with Store.open(top / "state") as store:
        file = {"type": "file", "path": str(top / "events.ndjson")}
        outlets.open(checked({"siem": file}), store)
        try:
            began = time.perf_counter()
            while store.last_seq < WANTED and time.perf_counter() - began < ENOUGH:
                told = [_event(store.last_seq + number) for number in range(1, batch + 1)]
                store.commit(_memory(told), told, HOST, NOW)
                outlets.wake()
                _note(store, inbox.acknowledgements())
            _await(store, inbox)
            seconds, number = time.perf_counter() - began, store.last_seq
        finally:
            outlets.close(1.0)
    if _lines(top) != number:
        raise Broken(f"of {number} events {_lines(top)} are in the file")
    return number / seconds


def _await(store: Store, inbox: Inbox) -> None:
    """Until everything has been acknowledged, and its cursor written."""
    handed, deadline = 0, time.monotonic() + PATIENCE
    while handed < store.last_seq:
        if time.monotonic() > deadline:
            raise Broken(f"of {store.last_seq} events {handed} were delivered")
        handed = _note(store, inbox.wait(1.0).acknowledged) or handed


def _note(store: Store, acknowledged: Mapping[str, int]) -> int:
    for sink, seq in acknowledged.items():
        store.acknowledge(sink, seq)
    return max(acknowledged.values(), default=0)


def _event(number: int) -> Event:
    return Event(
        "finding.raised",
        NOW,
        Severity.MEDIUM,
        {
            "title": "A setting is not in force",
            "detail": f"The agent does something else than policy says (case {number}). {MEANS}",
            "remedy": "Look at which channel governs.",
            "facts": {"policy": "block", "effective": "audit", "channel": "managed_file"},
        },
        code="not-enforced",
        subject=f"key:networkProtection.enforcementLevel#{number}",
        evidence=(Evidence("health", None, NOW), Evidence("mdatp_managed", FILE, NOW)),
    )


def _memory(told: Sequence[Event]) -> dict[str, Any]:
    """The rows that an assessment changes: one of each finding, and how things stand."""
    rows: dict[str, Any] = {"meta": {"reported_at": NOW.isoformat(), "text": MEANS}}
    for place, event in enumerate(told):
        rows[f"finding:{place}"] = {"subject": event.subject, "raised_at": NOW.isoformat()}
    return rows


def _lines(top: Path) -> int:
    return (top / "events.ndjson").read_bytes().count(b"\n")
