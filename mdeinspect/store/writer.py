"""The one writer of the store: memory and events go in together, cursors follow.

Belongs to the main thread of the service. Every method that writes either does all of it or raises
`StoreError` and has done nothing; the next call may then succeed.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from mdeinspect.events import Event, EventHost, native, stamp
from mdeinspect.fitting import line
from mdeinspect.store import cursors, database, files, retention, schema
from mdeinspect.store.cursors import Dropped
from mdeinspect.store.errors import StoreError, failed

DROPPED = "events.dropped"


class Store:
    """An open store. Make it with `Store.open`.

    `stream`: UUID of this numbering; a new database has a new one. `host_id`: UUID of the host,
    which outlives a broken database where it can. `last_seq`: the number of the newest event.
    `set_aside`: where a broken database went in this opening, or None.
    """

    def __init__(
        self, folder: Path, db: sqlite3.Connection, *, lock: int | None, set_aside: Path | None
    ) -> None:
        self.folder = folder
        self.set_aside = set_aside
        self._db = db
        self._lock = lock
        self._path = folder / database.NAME
        self._file = self._path.stat()
        known = schema.meta(db)
        self.stream = known["stream"]
        self.host_id = known["host_id"]
        self.last_seq = int(known["last_seq"])

    @classmethod
    def open(cls, folder: Path, *, writer: bool = True) -> Store:
        """Lock the folder, check what is in it, and start anew where that is broken.

        With `writer=False` nothing is locked, created or repaired, and nothing can be written.
        Raises `InUse` (a `ConfigError`) and `StoreError`.
        """
        if not writer:
            return cls(folder, database.open_to_look(folder), lock=None, set_aside=None)
        files.make(folder)
        lock = files.take(folder)
        try:
            db, aside = _sound(folder / database.NAME)
            return cls(folder, db, lock=lock, set_aside=aside)
        except BaseException:
            os.close(lock)
            raise

    def close(self) -> None:
        """Give the folder free for another. May be called twice."""
        with contextlib.suppress(sqlite3.Error):  # what was committed is safe either way
            self._db.close()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def __enter__(self) -> Self:
        """The store itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: object, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()

    def memory(self) -> dict[str, Any]:
        """What was remembered: row name -> JSON value."""
        with self._explained("read"):
            return schema.memory(self._db)

    def commit(
        self,
        changed: Mapping[str, Any | None],
        events: Sequence[Event],
        host: EventHost,
        now: datetime,
    ) -> list[int]:
        """Write rows of memory (None deletes) and events in one transaction; their numbers.

        `events.dropped` also settles, for the sink in its data, that this loss has been told.
        """
        rows = [(json.dumps(name), value) for name, value in changed.items()]
        gone = [(name,) for name, value in rows if value is None]
        kept = [
            (name, json.dumps(value, separators=(",", ":"), allow_nan=False))
            for name, value in rows
            if value is not None
        ]
        with self._writing() as db:
            last = int(schema.meta(db)["last_seq"])
            numbers = list(range(last + 1, last + 1 + len(events)))
            db.executemany("DELETE FROM memory WHERE name = ?", gone)
            db.executemany("INSERT OR REPLACE INTO memory VALUES (?, ?)", kept)
            for seq, event in zip(numbers, events, strict=True):
                self._insert(db, seq, event, host, now)
            last += len(events)
            db.execute("UPDATE meta SET value = ? WHERE name = 'last_seq'", (str(last),))
        self.last_seq = last
        return numbers

    def cursor(self, sink: str) -> int:
        """The number of the event last handed to `sink`.

        A sink never seen before starts at the present end: it gets what comes from now on. On a
        new store that is 0, so it gets everything.
        """
        with self._explained("read"):
            found = cursors.of(self._db, sink)
        if found is None:
            found = self.last_seq
            with self._writing() as db:
                cursors.start(db, sink, found)
        return found

    def acknowledge(self, sink: str, seq: int) -> Dropped | None:
        """Note that `sink` has everything up to `seq`; what is behind its cursor changes nothing.

        When that ends an outage of which more was lost than an event has told, the whole loss.
        """
        with self._writing() as db:
            return cursors.advance(db, sink, min(seq, self.last_seq))

    def forget(self, sink: str) -> None:
        """Drop the cursor of a sink that is no longer configured."""
        with self._writing() as db:
            cursors.forget(db, sink)

    def retain(
        self, now: datetime, keep: timedelta, max_bytes: int, sinks: Sequence[str]
    ) -> list[Dropped]:
        """Delete the oldest events: older than `keep`, or too many for a file of `max_bytes`.

        A sink that had not been handed some of them is moved on, and the loss is returned until an
        `events.dropped` for it is committed; once for an outage, however long. Sinks that are not
        in `sinks` are not waited for and not reported.
        """
        with self._writing() as db:
            floor = retention.delete(db, stamp(now - keep), max_bytes)
            found = cursors.overtaken(db, floor, sinks)
        with contextlib.suppress(sqlite3.Error):  # the events are gone; the file shrinks next time
            retention.shrink(self._db)
        return found

    def size(self) -> int:
        """Bytes on disk, the write-ahead log included."""
        return sum(
            p.stat().st_size for s in files.SIDES if (p := Path(f"{self._path}{s}")).exists()
        )

    def _insert(
        self, db: sqlite3.Connection, seq: int, event: Event, host: EventHost, now: datetime
    ) -> None:
        found = native(event, stream=self.stream, seq=seq, host=host)
        told = (found.get("code"), found.get("subject"))
        row = (seq, stamp(now), found["time"], event.type, int(event.severity), *told, line(found))
        db.execute("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
        if event.type == DROPPED:
            cursors.tell(db, event.data.get("sink"), event.data.get("to_seq"))

    @contextlib.contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction on a file that is still the one that was opened."""
        if self._lock is None:
            raise failed(f"write the store in {self.folder}", "io", "it is open for reading only")
        try:
            same = os.path.samestat(self._file, self._path.stat())
        except OSError:
            same = False
        if not same:
            why = f"{database.NAME} was removed or replaced; start the service anew"
            raise StoreError(f"cannot write the store in {self.folder}: {why}", kind="gone")
        with self._explained("write"), schema.transaction(self._db):
            yield self._db

    @contextlib.contextmanager
    def _explained(self, verb: str) -> Iterator[None]:
        doing = f"{verb} the store in {self.folder}"
        try:
            yield
        except sqlite3.Error as error:
            raise database.explained(doing, error) from error


def _sound(path: Path) -> tuple[sqlite3.Connection, Path | None]:
    """The database of a folder that is ours, and where a broken one went."""
    if path.is_file():
        try:
            return database.open_sound(path), None
        except StoreError as error:
            if error.kind != "corrupt":
                raise
    host_id = database.salvaged_host_id(path)
    remains = any(os.path.lexists(f"{path}{side}") for side in files.SIDES)
    aside = files.set_aside(path) if remains else None
    database.create(path.parent, host_id)
    return database.open_sound(path), aside
