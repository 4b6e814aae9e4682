"""How far each sink is, and what it lost. Runs inside a transaction of the writer."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Dropped:
    """Events that retention deleted before a sink had them; both ends are included."""

    sink: str
    from_seq: int
    to_seq: int

    @property
    def count(self) -> int:
        """How many there were."""
        return self.to_seq - self.from_seq + 1


def of(db: sqlite3.Connection, sink: str) -> int | None:
    """The cursor of a sink; None for one never seen."""
    found = db.execute("SELECT seq FROM cursors WHERE sink = ?", (sink,)).fetchone()
    return found and int(found[0])


def start(db: sqlite3.Connection, sink: str, seq: int) -> None:
    """Give a sink its first cursor."""
    db.execute("INSERT OR IGNORE INTO cursors (sink, seq) VALUES (?, ?)", (sink, seq))


def forget(db: sqlite3.Connection, sink: str) -> None:
    """Take the cursor of a sink away."""
    db.execute("DELETE FROM cursors WHERE sink = ?", (sink,))


def advance(db: sqlite3.Connection, sink: str, seq: int) -> Dropped | None:
    """Move a cursor forward, never back. It ends an outage: what was lost and not fully told."""
    start(db, sink, 0)
    ended = db.execute(
        "SELECT lost_from, lost_to, told_to FROM cursors WHERE sink = ? AND seq < ?", (sink, seq)
    ).fetchone()
    if ended is None:
        return None
    db.execute(
        "UPDATE cursors SET seq = ?, lost_from = NULL, lost_to = NULL, told_to = NULL"
        " WHERE sink = ?",
        (seq, sink),
    )
    lost_from, lost_to, told_to = ended
    if lost_from is None or (told_to is not None and told_to >= lost_to):
        return None
    return Dropped(sink, lost_from, lost_to)


def overtaken(db: sqlite3.Connection, floor: int, sinks: Sequence[str]) -> list[Dropped]:
    """Move every cursor to `floor`, the last event that is gone; the losses not told yet."""
    db.execute(
        "UPDATE cursors SET lost_from = coalesce(lost_from, seq + 1), lost_to = ?, seq = ?"
        " WHERE seq < ?",
        (floor, floor, floor),
    )
    rows = db.execute(
        "SELECT sink, lost_from, lost_to FROM cursors"
        " WHERE lost_from IS NOT NULL AND told_to IS NULL ORDER BY sink"
    )
    return [Dropped(*row) for row in rows if row[0] in sinks]


def tell(db: sqlite3.Connection, sink: Any, to_seq: Any) -> None:
    """Note that an event tells of the loss of a sink up to `to_seq`."""
    if isinstance(sink, str) and isinstance(to_seq, int):
        db.execute(
            "UPDATE cursors SET told_to = ? WHERE sink = ? AND lost_to IS NOT NULL", (to_seq, sink)
        )
