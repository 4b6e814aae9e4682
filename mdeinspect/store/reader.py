"""Reading the store beside its writer: in a thread of a sink, or in another process."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from mdeinspect.events import stamp
from mdeinspect.model import Severity
from mdeinspect.store import database
from mdeinspect.store.errors import of_system

PAGE = 256
_COLUMNS = "SELECT seq, time, type, severity, line FROM events"


@dataclass(frozen=True, slots=True)
class Line:
    """One event: its native line, and what a sink selects by. `time` is RFC 3339 UTC."""

    seq: int
    time: str
    type: str
    severity: Severity
    line: str


class Reader:
    """A connection that only reads, for one thread at a time. `StoreError` says what is wrong.

    It follows when the database is replaced by another: the numbers then start anew, as `stream`
    shows.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._doing = f"read the store in {folder}"
        self._db: sqlite3.Connection | None = None
        self._file: os.stat_result | None = None
        self._connection()

    def close(self) -> None:
        """Close the connection; the next call opens another."""
        if self._db is not None:
            self._db.close()
        self._db = self._file = None

    def __enter__(self) -> Self:
        """The reader itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: object, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()

    def after(self, seq: int, limit: int = PAGE) -> list[Line]:
        """The first events with a number above `seq`, ascending."""
        return self._lines(f"{_COLUMNS} WHERE seq > ? ORDER BY seq LIMIT ?", (seq, limit))

    def select(
        self,
        *,
        since: datetime | None = None,
        types: Collection[str] = (),
        codes: Collection[str] = (),
        after: int = 0,
        limit: int = PAGE,
    ) -> list[Line]:
        """The same for events not before `since`, of some types and codes; none named: any."""
        where: list[str] = ["seq > ?"]
        told: list[object] = [after]
        if since is not None:
            where.append("time >= ?")
            told.append(stamp(since))
        for column, wanted in (("type", types), ("code", codes)):
            if wanted:
                where.append(f"{column} IN ({', '.join('?' * len(wanted))})")
                told += wanted
        clause = " AND ".join(where)
        return self._lines(f"{_COLUMNS} WHERE {clause} ORDER BY seq LIMIT ?", (*told, limit))

    def pages(self, *, after: int = 0, **wanted: Any) -> Iterator[list[Line]]:
        """All that `select` finds, a page at a time; events that come meanwhile included."""
        while lines := self.select(after=after, **wanted):
            yield lines
            after = lines[-1].seq

    def last_seq(self) -> int:
        """The number of the newest event; 0 without any."""
        return int(self._meta("last_seq"))

    def stream(self) -> str:
        """The UUID of the numbering."""
        return self._meta("stream")

    def _meta(self, name: str) -> str:
        rows = self._rows("SELECT value FROM meta WHERE name = ?", (name,))
        return str(rows[0][0])

    def _lines(self, query: str, values: tuple[Any, ...]) -> list[Line]:
        rows = self._rows(query, values)
        return [Line(seq, time, kind, Severity(s), line) for seq, time, kind, s, line in rows]

    def _rows(self, query: str, values: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        try:
            return self._connection().execute(query, values).fetchall()
        except sqlite3.Error as error:
            self.close()
            raise database.explained(self._doing, error) from error

    def _connection(self) -> sqlite3.Connection:
        """The connection to what is there now; one taken as unchanging is not kept."""
        try:
            now = (self._folder / database.NAME).stat()
        except OSError as error:
            raise of_system(self._doing, error) from error
        if self._db is None or self._file is None or not os.path.samestat(self._file, now):
            self.close()
            self._db, unchanging = database.open_to_read(self._folder)
            self._file = None if unchanging else now
        return self._db
