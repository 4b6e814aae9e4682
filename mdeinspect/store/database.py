"""The SQLite file itself: how it is created and opened, for writing and for reading."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import uuid
from pathlib import Path

from mdeinspect.store import files, schema
from mdeinspect.store.errors import Kind, StoreError, failed, of_system

NAME = "store.db"
NEW = "store.db.new"  # a database is made under this name, so that half a one is never opened
BUSY = 5.0  # seconds to wait for another program; only one that is not ours can be in the way
WAL_PAGES = 256  # after so many the write-ahead log goes into the database: about 1 MiB

_REFUSED = (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY)
_KINDS: dict[int, Kind] = {
    sqlite3.SQLITE_FULL: "full",
    sqlite3.SQLITE_BUSY: "locked",
    sqlite3.SQLITE_LOCKED: "locked",
    sqlite3.SQLITE_READONLY: "denied",
    sqlite3.SQLITE_PERM: "denied",
    sqlite3.SQLITE_AUTH: "denied",
    sqlite3.SQLITE_CORRUPT: "corrupt",
    sqlite3.SQLITE_NOTADB: "corrupt",
    sqlite3.SQLITE_ERROR: "corrupt",  # a table or a column that should be there is not
    sqlite3.SQLITE_IOERR_READ: "corrupt",  # a bad sector: it will not get better
    sqlite3.SQLITE_IOERR_SHORT_READ: "corrupt",  # cut off
}


def explained(doing: str, error: sqlite3.Error) -> StoreError:
    """What SQLite refused."""
    # Python's own complaints have no code: text that is no UTF-8 is an OperationalError.
    undecodable = sqlite3.SQLITE_CORRUPT if isinstance(error, sqlite3.OperationalError) else 0
    code = getattr(error, "sqlite_errorcode", undecodable)
    kind = _KINDS.get(code) or _KINDS.get(code & 0xFF, "io")
    return failed(doing, kind, error)


def connect(path: Path, *, mode: str = "rw", immutable: bool = False) -> sqlite3.Connection:
    """A connection without transactions of Python's own; never creates a file."""
    uri = f"{path.absolute().as_uri()}?mode={mode}{'&immutable=1' if immutable else ''}"
    return sqlite3.connect(
        uri, uri=True, timeout=BUSY, isolation_level=None, check_same_thread=False
    )


def create(folder: Path, host_id: str | None = None) -> None:
    """Make an empty database with a stream of its own; it is there wholly or not at all."""
    new = folder / NEW
    try:
        for side in (*files.SIDES, "-journal"):
            new.with_name(NEW + side).unlink(missing_ok=True)
        files.touch(new)
        with contextlib.closing(connect(new)) as db:
            db.execute("PRAGMA auto_vacuum = INCREMENTAL")  # only ever settable in an empty file
            schema.migrate(db)
            known = {"stream": uuid.uuid4(), "host_id": host_id or uuid.uuid4(), "last_seq": 0}
            rows = [(name, str(value)) for name, value in known.items()]
            db.executemany("INSERT INTO meta VALUES (?, ?)", rows)
        new.rename(folder / NAME)
        files.sync(folder)
    except OSError as error:
        raise of_system(f"create the store in {folder}", error) from error
    except sqlite3.Error as error:
        raise explained(f"create the store in {folder}", error) from error


def open_sound(path: Path) -> sqlite3.Connection:
    """The database for writing, brought to the newest schema; `StoreError` if it is not sound."""
    doing = f"use the store in {path.parent}"
    try:
        db = connect(path)
    except sqlite3.Error as error:
        raise explained(doing, error) from error
    try:
        _prepare(db)
        if schema.version_known(db, doing) == 0:
            raise failed(doing, "corrupt", "it holds no tables")
        schema.migrate(db)
        schema.check(db)
    except sqlite3.Error as error:
        db.close()
        raise explained(doing, error) from error
    except BaseException:
        db.close()
        raise
    return db


def open_to_look(folder: Path) -> sqlite3.Connection:
    """The database for reading only, checked as a writer would."""
    db, _ = open_to_read(folder)
    try:
        schema.check(db)
    except sqlite3.Error as error:
        db.close()
        raise explained(f"read the store in {folder}", error) from error
    except BaseException:
        db.close()
        raise
    return db


def open_to_read(folder: Path) -> tuple[sqlite3.Connection, bool]:
    """The database for reading only, and whether it had to be taken as one that nobody changes.

    The latter is how one who may not write to the folder reads it while no service runs.
    """
    doing = f"read the store in {folder}"
    path = folder / NAME
    try:
        path.stat()
    except OSError as error:
        raise of_system(doing, error) from error
    try:
        return _readable(path, doing, immutable=False), False
    except sqlite3.Error as error:
        refused = getattr(error, "sqlite_errorcode", 0) & 0xFF in _REFUSED
        if not refused:
            raise explained(doing, error) from error
        if not _at_rest(path):
            may = files.allowed(path, os.W_OK)
            raise failed(doing, "io" if may else "denied", error) from error
    try:
        return _readable(path, doing, immutable=True), True
    except sqlite3.Error as error:
        may = files.allowed(path, os.R_OK)
        raise (explained(doing, error) if may else failed(doing, "denied", error)) from error


def salvaged_host_id(path: Path) -> str | None:
    """The host id of a broken database, where it can still be read: it names the host for ever."""
    with (
        contextlib.suppress(sqlite3.Error, ValueError, KeyError, OSError),
        contextlib.closing(connect(path, mode="ro", immutable=True)) as db,
    ):
        return str(uuid.UUID(schema.meta(db)["host_id"]))
    return None


def _readable(path: Path, doing: str, *, immutable: bool) -> sqlite3.Connection:
    db = connect(path, mode="ro", immutable=immutable)
    try:
        db.execute("PRAGMA query_only = ON")
        if schema.version_known(db, doing) == 0:
            raise failed(doing, "corrupt", "it holds no tables")
    except BaseException:
        db.close()
        raise
    return db


def _at_rest(path: Path) -> bool:
    """Whether all there is stands in the database: nobody writes, and nobody was killed writing."""
    wal = path.with_name(f"{path.name}-wal")
    return not wal.exists() or wal.stat().st_size == 0


def _prepare(db: sqlite3.Connection) -> None:
    for pragma in (
        "journal_mode = WAL",
        "synchronous = FULL",
        "fullfsync = ON",  # macOS: an fsync alone leaves the data in the cache of the disk
        "foreign_keys = ON",
        "trusted_schema = OFF",
        "cell_size_check = ON",
        f"wal_autocheckpoint = {WAL_PAGES}",
        f"journal_size_limit = {WAL_PAGES * 4096}",
    ):
        db.execute(f"PRAGMA {pragma}").fetchall()
