"""The tables: how they came about, and what must be true of what is in them."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import uuid
from collections.abc import Iterator
from typing import Any

from mdeinspect.store.errors import StoreError

# Each entry leads to the schema version of its place, from 1. Never change one that was released.
MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        "CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
        # `name` and `value` are JSON: names hold paths, and those may be no UTF-8.
        "CREATE TABLE memory (name TEXT PRIMARY KEY, value TEXT NOT NULL)",
        # `stored` is the time of the commit, `time` that of the event; both as RFC 3339 with
        # milliseconds, so that they compare as text. `line` comes last: the others are read
        # without it.
        """CREATE TABLE events (
            seq INTEGER PRIMARY KEY, stored TEXT NOT NULL, time TEXT NOT NULL, type TEXT NOT NULL,
            severity INTEGER NOT NULL, code TEXT, subject TEXT, line TEXT NOT NULL)""",
        # `seq` is the last that was handed over. What retention took before it was handed over is
        # `lost_from` to `lost_to`, until the sink is back; `told_to` is how much of it an event
        # has told.
        """CREATE TABLE cursors (
            sink TEXT PRIMARY KEY, seq INTEGER NOT NULL,
            lost_from INTEGER, lost_to INTEGER, told_to INTEGER) WITHOUT ROWID""",
    ),
)


def migrate(db: sqlite3.Connection) -> None:
    """Bring the tables to the newest version, all steps or none."""
    (version,) = db.execute("PRAGMA user_version").fetchone()
    with transaction(db):
        for number, statements in enumerate(MIGRATIONS[version:], version + 1):
            for statement in statements:
                db.execute(statement)
            db.execute(f"PRAGMA user_version = {number}")


@contextlib.contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    """One transaction: what happens inside is written wholly, or not at all."""
    if db.in_transaction:  # the last one failed, and so did undoing it
        db.execute("ROLLBACK")
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        with contextlib.suppress(sqlite3.Error):  # SQLite may have rolled back by itself
            db.execute("ROLLBACK")
        raise


def meta(db: sqlite3.Connection) -> dict[str, str]:
    """`stream`, `host_id` and `last_seq`."""
    return dict(db.execute("SELECT name, value FROM meta"))


def memory(db: sqlite3.Connection) -> dict[str, Any]:
    """What is remembered, by name; raises ValueError for what is not JSON."""
    rows = db.execute("SELECT name, value FROM memory")
    return {json.loads(name): json.loads(value) for name, value in rows}


def version_known(db: sqlite3.Connection, doing: str) -> int:
    """The schema version; a newer one than is known here is refused."""
    (version,) = db.execute("PRAGMA user_version").fetchone()
    if version > len(MIGRATIONS):
        why = (
            f"it is from a newer mdeinspect (schema {version}, this one knows {len(MIGRATIONS)});"
            " update this one, or name another folder with --state"
        )
        raise StoreError(f"cannot {doing}: {why}", kind="newer")
    return int(version)


def check(db: sqlite3.Connection) -> None:
    """Raise `StoreError` of kind `corrupt` for what SQLite or our own rules find wrong."""
    try:
        fault = _fault(db)
    except (KeyError, ValueError, TypeError) as error:
        fault = f"what it holds is not what was written ({error})"
    if fault:
        raise StoreError(f"cannot use the store: {fault}", kind="corrupt")


def _fault(db: sqlite3.Connection) -> str | None:
    (found,) = db.execute("PRAGMA quick_check(1)").fetchone()
    if found != "ok":
        return str(found)
    known = meta(db)
    last = int(known["last_seq"])
    uuid.UUID(known["stream"])
    uuid.UUID(known["host_id"])
    memory(db)
    count, low, high = db.execute("SELECT count(*), min(seq), max(seq) FROM events").fetchone()
    if count and (high != last or high - low + 1 != count):
        return f"its {count} events are not numbered without a gap up to {last}"
    (ahead,) = db.execute("SELECT count(*) FROM cursors WHERE seq > ?", (last,)).fetchone()
    return f"{ahead} sinks are ahead of its events" if ahead else None
