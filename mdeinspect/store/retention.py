"""How long and how much is kept. The oldest events go first, so what stays has no gap."""

from __future__ import annotations

import sqlite3

ROW = 64  # bytes that an event takes beside its line, about; only speeds up the search


def delete(db: sqlite3.Connection, before: str, max_bytes: int) -> int:
    """Delete what was stored before a moment, then what is too much; the last number deleted.

    Runs inside a transaction. An event stored with a clock that was ahead keeps those after it
    until it is old itself, or the space is needed. Returns the number before the first that stays.
    """
    stays = "SELECT min(seq) FROM events WHERE stored >= ?"
    (first,) = db.execute(stays, (before,)).fetchone()
    (end,) = db.execute(
        "SELECT CAST(value AS INTEGER) FROM meta WHERE name = 'last_seq'"
    ).fetchone()
    _up_to(db, end if first is None else first - 1)
    while (excess := used(db) - max_bytes) > 0:
        upper = _enough(db, excess)
        if upper is None:
            break  # no event is left: what remains is memory
        _up_to(db, upper)
    (first,) = db.execute("SELECT min(seq) FROM events").fetchone()
    return int(end if first is None else first - 1)


def used(db: sqlite3.Connection) -> int:
    """Bytes of the pages in use, memory included."""
    pages, free, size = (
        db.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("page_count", "freelist_count", "page_size")
    )
    return int((pages - free) * size)


def shrink(db: sqlite3.Connection) -> None:
    """Give free pages back to the file system."""
    # One step frees one page, and Python takes only the first step of a statement without columns.
    db.executescript("PRAGMA incremental_vacuum")
    db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()


def _enough(db: sqlite3.Connection, wanted: int) -> int | None:
    """The number up to which events must go for `wanted` bytes; None without events."""
    last: int | None = None
    for seq, size in db.execute("SELECT seq, length(line) FROM events ORDER BY seq"):
        last = seq
        wanted -= size + ROW
        if wanted <= 0:
            break
    return last


def _up_to(db: sqlite3.Connection, seq: int) -> None:
    db.execute("DELETE FROM events WHERE seq <= ?", (seq,))
