"""The store: what is committed stays, what fails never was, and nothing is lost silently."""

from __future__ import annotations

import errno
import json
import os
import random
import sqlite3
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path

import about_store
import pytest
from about_store import HOST, NOW, event, heartbeat, plain_user, put

from mdeinspect.errors import ConfigError
from mdeinspect.store import database, files, schema, size
from mdeinspect.store.cursors import Dropped
from mdeinspect.store.errors import InUse, StoreError
from mdeinspect.store.reader import Reader
from mdeinspect.store.writer import Store

DAY = timedelta(days=1)
LONG = timedelta(days=3650)
MIB = 1024 * 1024


def numbers(folder: Path) -> list[int]:
    """The numbers of all events that are there."""
    with Reader(folder) as reader:
        return [line.seq for lines in reader.pages() for line in lines]


def texts(folder: Path) -> list[str]:
    """The native lines that are there."""
    with Reader(folder) as reader:
        return [line.line for line in reader.after(0)]


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


class TestOpen:
    def test_private(self, folder: Path) -> None:
        """Whatever the umask, nothing is readable by others, and the group can read."""
        before = os.umask(0)
        try:
            with Store.open(folder) as store:
                put(store)
                assert mode(folder) == 0o750
                assert {mode(path) for path in folder.iterdir()} == {0o640}
        finally:
            os.umask(before)

    def test_private_umask(self, folder: Path) -> None:
        """A strict umask does not lock the group out."""
        before = os.umask(0o077)
        try:
            with Store.open(folder) as store:
                put(store)
                assert mode(folder) == 0o750
                assert {mode(path) for path in folder.iterdir()} == {0o640}
        finally:
            os.umask(before)

    def test_folder_kept(self, folder: Path) -> None:
        """A folder that is there keeps the mode its owner gave it."""
        folder.mkdir(mode=0o700)
        Store.open(folder).close()
        assert mode(folder) == 0o700

    def test_folder_for_everyone(self, folder: Path) -> None:
        """A folder that everyone may write to is refused: its files could be swapped."""
        folder.mkdir()
        folder.chmod(0o1777)
        with pytest.raises(StoreError, match="--state") as told:
            Store.open(folder)
        assert told.value.kind == "denied"
        assert not list(folder.iterdir())

    def test_durable(self, store: Store) -> None:
        """A commit is on the disk when it returns."""
        (level,) = store._db.execute("PRAGMA synchronous").fetchone()
        (journal,) = store._db.execute("PRAGMA journal_mode").fetchone()
        assert (level, journal) == (2, "wal")

    def test_again(self, folder: Path) -> None:
        """What was committed is there after closing and opening; numbering goes on."""
        with Store.open(folder) as store:
            stream, host_id = store.stream, store.host_id
            put(store, 3)
            store.commit({"a": {"x": [1, None]}, "b": 1}, [], HOST, NOW)
        with Store.open(folder) as store:
            assert (store.stream, store.host_id, store.last_seq) == (stream, host_id, 3)
            assert store.memory() == {"a": {"x": [1, None]}, "b": 1}
            assert store.set_aside is None
            assert put(store) == [4]

    def test_one_instance(self, folder: Path, store: Store) -> None:
        """A second one is refused as a usage error that names the folder and the process."""
        with pytest.raises(InUse) as told:
            Store.open(folder)
        assert isinstance(told.value, ConfigError)
        assert told.value.pid == os.getpid()
        assert str(folder) in str(told.value)
        assert put(store) == [1]

    def test_one_instance_released(self, folder: Path) -> None:
        """A closed store, and one that could not be opened, leave the folder free."""
        Store.open(folder).close()
        (folder / database.NAME).chmod(0o640)
        with sqlite3.connect(folder / database.NAME) as db:
            db.execute("PRAGMA user_version = 99")
        db.close()
        for _ in range(2):
            with pytest.raises(StoreError) as told:
                Store.open(folder)
            assert told.value.kind == "newer"

    def test_lock_removed(self, folder: Path) -> None:
        """A lock file that somebody removed is made anew."""
        with Store.open(folder):
            (folder / files.LOCK).unlink()
        with Store.open(folder):
            assert (folder / files.LOCK).read_text() == f"{os.getpid()}\n"

    def test_reading_only(self, folder: Path, store: Store) -> None:
        """Opened without writing, it shows what is there and takes nothing."""
        store.commit({"a": 1}, [heartbeat()], HOST, NOW)
        with Store.open(folder, writer=False) as other:
            assert (other.memory(), other.last_seq) == ({"a": 1}, 1)
            with pytest.raises(StoreError):
                put(other)

    @pytest.mark.parametrize("statement", ["DELETE FROM meta", "DROP TABLE events"])
    def test_reading_only_broken(self, folder: Path, statement: str) -> None:
        """Opened without writing, a broken one is told and left as it is."""
        Store.open(folder).close()
        sql(statement)(folder / database.NAME)
        with pytest.raises(StoreError) as told:
            Store.open(folder, writer=False)
        assert told.value.kind == "corrupt"
        assert not list(folder.glob("store.db.corrupt-*"))

    def test_denied(self, public: Path) -> None:
        """A folder that may not be written to is told, in one line, with a way out."""
        (public / "state").mkdir(mode=0o555)
        with plain_user(), pytest.raises(StoreError, match="sudo") as told:
            Store.open(public / "state")
        assert told.value.kind == "denied"

    def test_folder_is_file(self, folder: Path) -> None:
        """A file in place of the folder is an error of the store, not of Python."""
        folder.write_text("")
        with pytest.raises(StoreError):
            Store.open(folder)


class TestCommit:
    def test_numbers(self, folder: Path, store: Store) -> None:
        """Numbers count from 1 without a gap, and the id is made of stream and number."""
        assert put(store, 2) == [1, 2]
        assert store.commit({"a": 1}, [], HOST, NOW) == []
        assert put(store, 3) == [3, 4, 5]
        assert store.last_seq == 5
        lines = [json.loads(line) for line in texts(folder)]
        assert [line["seq"] for line in lines] == [1, 2, 3, 4, 5]
        assert {line["id"] for line in lines} == {f"{store.stream}-{n}" for n in range(1, 6)}
        assert lines[0]["host"] == {"name": "web-07", "id": "5a9f", "platform": "linux"}

    def test_none_deletes(self, store: Store) -> None:
        """A row set to None is gone; one never there may be deleted too."""
        store.commit({"a": 1, "b": 2}, [], HOST, NOW)
        store.commit({"a": None, "c": None, "b": 3}, [], HOST, NOW)
        assert store.memory() == {"b": 3}

    def test_names_of_any_kind(self, store: Store) -> None:
        """Names and subjects hold paths, and those need not be UTF-8 or printable."""
        name = "file:/etc/\udcff\0\u202e\n"
        told = about_store.Event(type="policy.changed", time=NOW, subject=name)
        store.commit({name: {name: name}}, [told], HOST, NOW)
        assert store.memory() == {name: {name: name}}

    def test_large(self, folder: Path, store: Store) -> None:
        """An event far too large is cut, not refused, whatever part of it is large."""
        huge = "x" * 100_000
        told = about_store.Event(type="policy.changed", time=NOW, subject=huge, because=huge)
        store.commit({}, [told, event(1, text=huge)], HOST, NOW)
        assert [len(line) < 8192 for line in texts(folder)] == [True, True]

    def test_not_json(self, folder: Path, store: Store) -> None:
        """What JSON cannot carry fails, and nothing of that commit stays."""
        with pytest.raises((TypeError, ValueError)):
            store.commit({"a": 1, "b": float("nan")}, [event()], HOST, NOW)
        assert (store.memory(), store.last_seq, numbers(folder)) == ({}, 0, [])

    def test_bad_event(self, folder: Path, store: Store) -> None:
        """An event that cannot be made takes the whole commit with it."""
        bad = about_store.Event(type="heartbeat", time=None)  # type: ignore[arg-type]
        with pytest.raises(AttributeError):
            store.commit({"a": 1}, [event(), bad], HOST, NOW)
        assert (store.memory(), store.last_seq, numbers(folder)) == ({}, 0, [])
        assert put(store) == [1]


class TestFailure:
    def test_at_every_step(self, folder: Path, store: Store) -> None:
        """Stopped after any number of steps inside SQLite, a commit never was, and can be again."""

        def go_on(statement: str) -> None:
            if statement == "COMMIT":  # from here on a stop comes too late to be one
                store._db.set_progress_handler(None, 0)

        store._db.set_trace_callback(go_on)
        for steps in range(2000):
            countdown = iter([0] * steps + [1])
            store._db.set_progress_handler(partial(next, countdown, 0), 1)
            try:
                store.commit({"a": 1}, [event(), event()], HOST, NOW)
            except StoreError:
                store._db.set_progress_handler(None, 0)
                assert (store.last_seq, store.memory(), numbers(folder)) == (0, {}, [])
            else:
                break
        store._db.set_progress_handler(None, 0)
        assert 10 < steps < 1999
        assert (store.last_seq, store.memory(), numbers(folder)) == (2, {"a": 1}, [1, 2])

    def test_cannot_even_roll_back(self, folder: Path, store: Store) -> None:
        """Where undoing fails as well, the next commit begins with it."""
        countdown = iter([0] * 60)
        store._db.set_progress_handler(partial(next, countdown, 1), 1)
        with pytest.raises(StoreError):
            store.commit({"a": 1}, [event(), event()], HOST, NOW)
        store._db.set_progress_handler(None, 0)
        assert put(store) == [1]
        assert (store.memory(), numbers(folder)) == ({}, [1])

    def test_locked(self, folder: Path, store: Store) -> None:
        """While another program holds the database nothing advances; afterwards it goes on."""
        store._db.execute("PRAGMA busy_timeout = 1")
        put(store)
        other = sqlite3.connect(folder / database.NAME, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        for attempt in (
            lambda: store.commit({"a": 1}, [event()], HOST, NOW),
            lambda: store.acknowledge("file", 1),
            lambda: store.retain(NOW, LONG, MIB, []),
        ):
            with pytest.raises(StoreError, match="cannot write") as told:
                attempt()
            assert told.value.kind == "locked"
        other.execute("ROLLBACK")
        other.close()
        assert (store.memory(), store.last_seq) == ({}, 1)
        assert put(store) == [2]

    def test_full(self, small_disk: Path) -> None:
        """On a full disk nothing advances, and what is there can be read; with space it goes on."""
        ballast = small_disk / "ballast"
        with Store.open(small_disk / "state") as store:
            put(store, 5)
            fill(ballast)
            error = until_full(store)
            assert (error.kind, "space" in str(error)) == ("full", True)
            last = store.last_seq
            assert numbers(small_disk / "state") == list(range(1, last + 1))
            assert store.memory().get("a") == (last - 1 if last > 5 else None)
            ballast.unlink()
            assert put(store) == [last + 1]
        with Store.open(small_disk / "state") as store:
            assert (store.set_aside, store.last_seq) == (None, last + 1)

    def test_full_at_start(self, small_disk: Path) -> None:
        """Without space for a new store it says so, and leaves no half of one."""
        ballast = small_disk / "ballast"
        (small_disk / "state").mkdir()
        fill(ballast)
        with pytest.raises(StoreError) as told:
            Store.open(small_disk / "state")
        assert told.value.kind == "full"
        ballast.unlink()
        with Store.open(small_disk / "state") as store:
            assert (store.set_aside, put(store)) == (None, [1])

    def test_removed(self, folder: Path, store: Store) -> None:
        """A database removed under us takes nothing more: it would be lost at the end."""
        put(store)
        (folder / database.NAME).unlink()
        with pytest.raises(StoreError) as told:
            put(store)
        assert (told.value.kind, store.last_seq) == ("gone", 1)


def fill(path: Path) -> None:
    """Write to a file until there is no space left."""
    descriptor = os.open(path, os.O_CREAT | os.O_WRONLY)
    try:
        while os.write(descriptor, bytes(512)):
            pass
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
    finally:
        os.close(descriptor)


def until_full(store: Store) -> StoreError:
    """Commit until that fails."""
    try:
        for _ in range(1000):
            store.commit({"a": store.last_seq}, [event(fill="x" * 6000)], HOST, NOW)
    except StoreError as error:
        return error
    return pytest.fail("the disk is never full")


@pytest.fixture
def small_disk(public: Path) -> Iterator[Path]:
    """A file system of 1 MiB; skips where none can be mounted."""
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("mounting a small file system takes Linux and root")
    options = ["-t", "tmpfs", "-o", "size=1m,mode=0755", "none", str(public)]
    mounted = subprocess.run(["mount", *options], capture_output=True, text=True, check=False)
    if mounted.returncode:
        pytest.skip(f"a small file system cannot be mounted here: {mounted.stderr.strip()}")
    try:
        yield public
    finally:
        subprocess.run(["umount", "--lazy", str(public)], check=True)


def test_killed(folder: Path) -> None:
    """Killed at any moment, no transaction is half there, and what was promised is there."""
    promised, chance = 0, random.Random(11)
    for _ in range(20):
        child = subprocess.Popen(
            [sys.executable, about_store.__file__, str(folder)],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        assert child.stdout is not None
        with child:
            told = [int(child.stdout.readline())]
            time.sleep(chance.uniform(0, 0.06))
            child.kill()
            told += [int(line) for line in child.stdout if line.endswith("\n")]
        promised = max(promised, *told)
        with Store.open(folder) as store:
            assert store.set_aside is None
            assert store.last_seq >= promised
            promised = store.last_seq
            whole(folder, store)
    assert promised > 20


def whole(folder: Path, store: Store) -> None:
    """Fail unless every transaction is there with all its events and its memory."""
    with Reader(folder) as reader:
        lines = [json.loads(line.line) for page in reader.pages() for line in page]
    assert [line["seq"] for line in lines] == list(range(1, store.last_seq + 1))
    members: dict[int, list[dict[str, int]]] = {}
    for line in lines:
        members.setdefault(line["data"]["n"], []).append(line["data"])
    assert list(members) == list(range(1, len(members) + 1))
    for one in members.values():
        assert [data["place"] for data in one] == list(range(one[0]["of"]))
    memory = store.memory()
    assert memory["number"] == len(members)
    assert memory[f"row {len(members) % 5}"] == {"number": len(members)}


def truncate(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2 + 100)


def zero_page(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(2 * 4096)
        file.write(bytes(8 * 4096))


def garbage(path: Path) -> None:
    path.write_bytes(random.Random(5).randbytes(path.stat().st_size))


def empty(path: Path) -> None:
    os.truncate(path, 0)


def directory(path: Path) -> None:
    path.unlink()
    path.mkdir()


def sql(*statements: str) -> Callable[[Path], None]:
    """Damage done in SQL: the file is sound, what is in it is not."""

    def damage(path: Path) -> None:
        db = sqlite3.connect(path)
        for statement in statements:
            db.execute(statement)
        db.commit()
        db.close()

    damage.__name__ = statements[0].replace(" ", "-")
    return damage


DAMAGE = [
    truncate,
    zero_page,
    garbage,
    empty,
    directory,
    sql("DELETE FROM events WHERE seq = 7"),
    sql("DELETE FROM events WHERE seq > 100"),
    sql("DELETE FROM meta"),
    sql("UPDATE meta SET value = 'x'"),
    sql("UPDATE memory SET value = '{'"),
    sql("UPDATE memory SET value = CAST(x'ff' AS TEXT)"),
    sql("DROP TABLE memory"),
    sql("DROP TABLE events"),
    sql("UPDATE cursors SET seq = 1000"),
    sql("PRAGMA user_version = 0"),
]


@pytest.mark.parametrize("damage", DAMAGE, ids=lambda damage: damage.__name__)
def test_corrupt(folder: Path, damage: Callable[[Path], None]) -> None:
    """A broken database is set aside, never deleted, and a new stream starts from 1."""
    with Store.open(folder) as store:
        stream = store.stream
        put(store, 200, fill="y" * 500)
        store.commit({"a": 1}, [], HOST, NOW)
        store.acknowledge("file", 150)
    damage(folder / database.NAME)
    with Store.open(folder) as store:
        assert store.set_aside is not None
        assert store.set_aside.exists()
        assert store.set_aside.name.startswith("store.db.corrupt-")
        assert store.stream != stream
        assert (store.memory(), store.last_seq, store.cursor("file")) == ({}, 0, 0)
        assert put(store) == [1]
        stream = store.stream
    with Store.open(folder) as store:
        assert (store.set_aside, store.stream, store.last_seq) == (None, stream, 1)


class TestSetAside:
    def test_host_id(self, folder: Path) -> None:
        """A broken database that still tells the host's id hands it on; else there is a new one."""
        with Store.open(folder) as store:
            known = store.host_id
            put(store, 9)
        sql("DELETE FROM events WHERE seq = 7")(folder / database.NAME)
        with Store.open(folder) as store:
            assert store.set_aside
            assert store.host_id == known
        garbage(folder / database.NAME)
        with Store.open(folder) as store:
            assert store.host_id != known

    def test_old_log(self, folder: Path) -> None:
        """An old log never meets a new database."""
        with Store.open(folder) as store:
            put(store, 9)
            log = (folder / "store.db-wal").read_bytes()
        (folder / "store.db-wal").write_bytes(log)
        garbage(folder / database.NAME)
        with Store.open(folder) as store:
            assert (store.last_seq, numbers(folder)) == (0, [])

    def test_log_alone(self, folder: Path) -> None:
        """A log without its database is set aside too."""
        with Store.open(folder) as store:
            put(store, 9)
            log = (folder / "store.db-wal").read_bytes()
        (folder / "store.db").unlink()
        (folder / "store.db-wal").write_bytes(log)
        with Store.open(folder) as store:
            assert store.set_aside is not None
            assert store.set_aside.exists()
            assert numbers(folder) == []

    def test_not_too_many(self, folder: Path) -> None:
        """Only the newest few stay, so that a bad disk does not fill another."""
        for day in range(6):
            Store.open(folder).close()
            garbage(folder / database.NAME)
            os.utime(folder / database.NAME, (day * 86400, day * 86400))
        with Store.open(folder):
            kept = sorted(path.name for path in folder.glob("store.db.corrupt-*"))
            assert len(kept) == files.SET_ASIDE
            assert kept[-1].startswith("store.db.corrupt-19700106")

    def test_same_second(self, folder: Path) -> None:
        """Two of the same second do not overwrite each other."""
        for _ in range(2):
            Store.open(folder).close()
            garbage(folder / database.NAME)
            os.utime(folder / database.NAME, (0, 0))
        with Store.open(folder):
            assert len(list(folder.glob("store.db.corrupt-*"))) == 2

    def test_left_over_creation(self, folder: Path) -> None:
        """What a crash while creating left behind is no damage, and is cleared."""
        folder.mkdir()
        (folder / database.NEW).write_bytes(b"half")
        (folder / f"{database.NEW}-journal").write_bytes(b"half")
        with Store.open(folder) as store:
            assert store.set_aside is None
            assert not list(folder.glob(f"{database.NEW}*"))


class TestMigrations:
    @pytest.fixture
    def old(self, folder: Path) -> Path:
        """A store of the present version with something in it."""
        with Store.open(folder) as store:
            store.commit({"a": 1}, [event()], HOST, NOW)
        return folder

    def test_forward(self, old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """An older store is brought forward with all that is in it, once."""
        more = ("CREATE TABLE more (x)", "INSERT INTO more VALUES (1)")
        monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, more))
        for _ in range(2):
            with Store.open(old) as store:
                assert store._db.execute("SELECT x FROM more").fetchall() == [(1,)]
                assert (store.memory(), store.last_seq) == ({"a": 1}, 1)

    def test_newer(self, old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """A store of a newer release is refused and left as it is."""
        more = ("CREATE TABLE more (x)",)
        with monkeypatch.context() as patch:
            patch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, more))
            Store.open(old).close()
        for attempt in (Store.open, Reader):
            with pytest.raises(StoreError, match="newer") as told:
                attempt(old)
            assert told.value.kind == "newer"
        assert not list(old.glob("store.db.corrupt-*"))

    def test_failing(self, old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """A step that fails leaves the version and the tables as they were."""
        db = database.open_sound(old / database.NAME)
        bad = ("CREATE TABLE more (x)", "INSERT INTO nowhere VALUES (1)")
        monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, bad))
        with pytest.raises(sqlite3.Error):
            schema.migrate(db)
        assert db.execute("PRAGMA user_version").fetchone() == (1,)
        assert not db.execute("SELECT 1 FROM sqlite_schema WHERE name = 'more'").fetchall()
        db.close()


class TestCursors:
    def test_new_store(self, store: Store) -> None:
        """On a new store a sink starts before the first event."""
        assert store.cursor("file") == 0
        put(store, 3)
        assert store.cursor("file") == 0

    def test_new_sink(self, folder: Path) -> None:
        """A sink configured later starts at the end of that moment, and stays there."""
        with Store.open(folder) as store:
            put(store, 3)
        with Store.open(folder) as store:
            assert store.cursor("late") == 3
            put(store, 2)
            assert store.cursor("late") == 3

    def test_forward_only(self, folder: Path, store: Store) -> None:
        """An acknowledgement moves forward, never back, and never beyond what there is."""
        put(store, 5)
        for seq, stands in ((2, 2), (1, 2), (4, 4), (99, 5)):
            store.acknowledge("file", seq)
            assert store.cursor("file") == stands
        store.close()
        with Store.open(folder) as again:
            assert again.cursor("file") == 5

    def test_forget(self, store: Store) -> None:
        """A forgotten sink that comes back is a new one."""
        store.cursor("file")
        put(store, 3)
        store.forget("file")
        store.forget("never known")
        assert store.cursor("file") == 3


class TestRetention:
    def test_by_age(self, folder: Path, store: Store) -> None:
        """What is older goes, what is not stays, and the number goes on."""
        for day in range(5):
            put(store, 2, now=NOW + day * DAY)
        assert store.retain(NOW + 5 * DAY, 3 * DAY, 64 * MIB, []) == []
        assert numbers(folder) == [5, 6, 7, 8, 9, 10]
        assert put(store) == [11]

    def test_all_of_them(self, folder: Path) -> None:
        """When all are old none stays, and numbering still goes on after a restart."""
        with Store.open(folder) as store:
            put(store, 5)
            store.retain(NOW + 2 * DAY, DAY, 64 * MIB, [])
            assert numbers(folder) == []
        with Store.open(folder) as store:
            assert (store.set_aside, put(store)) == (None, [6])

    def test_clock_ahead(self, folder: Path, store: Store) -> None:
        """Events stored by a clock that was ahead make no gap before those after them."""
        put(store, 2)
        put(store, 2, now=NOW + 100 * DAY)
        put(store, 2)
        store.retain(NOW + 2 * DAY, DAY, 64 * MIB, [])
        assert numbers(folder) == [3, 4, 5, 6]

    def test_by_size(self, folder: Path, store: Store) -> None:
        """The oldest go until the database fits, no more than that, and the file shrinks."""
        for _ in range(40):
            put(store, 50, fill="z" * 1500)
        assert (folder / database.NAME).stat().st_size > 2 * MIB
        store.retain(NOW, LONG, 2 * MIB, [])
        there = numbers(folder)
        assert there == list(range(there[0], 2001))
        assert 1.8 * MIB < (folder / database.NAME).stat().st_size <= 2 * MIB
        assert store.size() < 4 * MIB
        assert store.retain(NOW, LONG, 2 * MIB, []) == []
        assert numbers(folder) == there

    def test_nothing_needed(self, folder: Path, store: Store) -> None:
        """What is young and fits stays, delivered or not."""
        put(store, 50)
        store.acknowledge("file", 50)
        assert store.retain(NOW, DAY, 64 * MIB, ["file"]) == []
        assert numbers(folder) == list(range(1, 51))

    def test_memory_stays(self, store: Store) -> None:
        """Memory is never deleted, even where it alone is too large."""
        memory = {f"row {number}": "m" * 1000 for number in range(1500)}
        store.commit(memory, [event()], HOST, NOW)
        store.retain(NOW, LONG, MIB, [])
        assert store.memory() == memory


class TestDropped:
    def lose(self, store: Store, day: int) -> list[Dropped]:
        """Ten events, of which retention takes those of the days before."""
        found = store.retain(NOW + day * DAY, DAY / 2, 64 * MIB, ["tcp", "file"])
        put(store, 10, now=NOW + day * DAY)
        return found

    def tell(self, store: Store, one: Dropped) -> None:
        """Commit the event of a loss, as the service does."""
        data = {
            "sink": one.sink,
            "from_seq": one.from_seq,
            "to_seq": one.to_seq,
            "count": one.count,
        }
        told = about_store.Event(type="events.dropped", time=NOW, data=data)
        store.commit({}, [told], HOST, NOW + 100 * DAY)

    def test_once(self, store: Store) -> None:
        """An outage is told once, with the sink, the range and the count; its cursor moves."""
        store.cursor("tcp"), store.cursor("file")
        put(store, 10)
        store.acknowledge("file", 10)
        store.acknowledge("tcp", 4)
        found = self.lose(store, 1)
        assert found == [Dropped("tcp", 5, 10)]
        assert found[0].count == 6
        assert (store.cursor("tcp"), store.cursor("file")) == (10, 10)
        self.tell(store, found[0])
        store.acknowledge("file", store.last_seq)
        assert self.lose(store, 2) == []
        assert store.cursor("tcp") == 20

    def test_until_told(self, folder: Path) -> None:
        """A loss that could not be committed as an event is told again, also after a restart."""
        with Store.open(folder) as store:
            store.cursor("tcp")
            put(store, 10)
            assert self.lose(store, 1) == [Dropped("tcp", 1, 10)]
        with Store.open(folder) as store:
            assert self.lose(store, 1) == [Dropped("tcp", 1, 10)]
            self.tell(store, Dropped("tcp", 1, 10))
            assert self.lose(store, 1) == []

    def test_whole_loss(self, store: Store) -> None:
        """A sink that is back learns the whole loss, where more went than was told."""
        store.cursor("tcp")
        put(store, 10)
        self.tell(store, self.lose(store, 1)[0])
        store.commit({}, [], HOST, NOW)
        assert store.acknowledge("tcp", 10) is None
        store.retain(NOW + 200 * DAY, DAY, 64 * MIB, ["tcp"])
        put(store, 5, now=NOW + 200 * DAY)
        assert store.acknowledge("tcp", 22) == Dropped("tcp", 1, 21)
        assert store.acknowledge("tcp", 23) is None

    def test_next_outage(self, store: Store) -> None:
        """After the sink was back, the next outage is told anew."""
        store.cursor("tcp")
        put(store, 10)
        self.tell(store, self.lose(store, 1)[0])
        assert store.acknowledge("tcp", 12) is None
        assert store.retain(NOW + 200 * DAY, DAY, 64 * MIB, ["tcp"]) == [Dropped("tcp", 13, 21)]

    def test_others_not_waited_for(self, store: Store) -> None:
        """A sink that is not configured now is not reported."""
        store.cursor("gone")
        put(store, 10)
        assert self.lose(store, 1) == []


class TestSize:
    @pytest.mark.parametrize(
        ("text", "bytes_"),
        [
            ("64MiB", 64 * MIB),
            ("1 GiB", 1024 * MIB),
            ("2MB", 2_000_000),
            ("1024kib", MIB),
            ("1048576", MIB),
            (" 3mb ", 3_000_000),
        ],
    )
    def test_sizes(self, text: str, bytes_: int) -> None:
        """Units of 1000 and of 1024 are told apart, in any case."""
        assert size.parse(text) == bytes_

    @pytest.mark.parametrize("text", ["", "64", "lots", "-1MiB", "1.5GiB", "1KiB", "9999GiB", "MB"])
    def test_refused(self, text: str) -> None:
        """What is no size, or no sensible one, is an error that names the key."""
        with pytest.raises(ConfigError, match=r"store\.max_size"):
            size.parse(text)
