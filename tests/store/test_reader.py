"""Reading the store beside its writer, and the last report."""

from __future__ import annotations

import json
import os
import stat
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from about_store import HOST, NOW, event, heartbeat, plain_user, put

from mdeinspect.events import Event
from mdeinspect.model import Severity
from mdeinspect.store import database
from mdeinspect.store.errors import StoreError
from mdeinspect.store.last import NAME, read_report, write_report
from mdeinspect.store.reader import Reader
from mdeinspect.store.writer import Store

REPORT = {"schema": "mdeinspect.status/1", "host": {"name": "web-07 \udcff"}}


@pytest.fixture
def reader(folder: Path, store: Store) -> Iterator[Reader]:
    """A reader beside the writer."""
    with Reader(folder) as opened:
        yield opened


class TestReader:
    def test_after(self, reader: Reader, store: Store) -> None:
        """Lines come in order, from the one after a number, and at most as many as asked for."""
        put(store, 10)
        assert [line.seq for line in reader.after(3, 4)] == [4, 5, 6, 7]
        assert reader.after(10) == []
        assert reader.last_seq() == 10
        assert reader.stream() == store.stream

    def test_line(self, reader: Reader, store: Store) -> None:
        """A line is the native event, with what a sink selects by beside it."""
        put(store)
        (line,) = reader.after(0)
        found = json.loads(line.line)
        assert (line.seq, line.time) == (1, "2026-11-22T11:04:00.000Z")
        assert (line.type, line.severity) == ("finding.raised", Severity.HIGH)
        assert (found["seq"], found["time"], found["type"]) == (line.seq, line.time, line.type)
        assert "\n" not in line.line

    def test_while_written(self, reader: Reader, store: Store) -> None:
        """It sees what is committed meanwhile, and nothing of what is not."""
        for number in range(1, 5):
            put(store)
            assert reader.last_seq() == number
        store._db.execute("BEGIN IMMEDIATE")
        store._db.execute("DELETE FROM events")
        assert len(reader.after(0)) == 4
        store._db.execute("ROLLBACK")

    def test_in_threads(self, folder: Path, store: Store) -> None:
        """Each sink in its thread sees every number once, in order, while commits go on."""
        seen: list[list[int]] = [[], [], []]

        def follow(into: list[int]) -> None:
            last = 0
            with Reader(folder) as reader:
                while last < 600:
                    lines = reader.after(last, 50)
                    into.extend(line.seq for line in lines)
                    last = lines[-1].seq if lines else last

        threads = [threading.Thread(target=follow, args=(into,), daemon=True) for into in seen]
        for thread in threads:
            thread.start()
        for _ in range(100):
            put(store, 6)
        for thread in threads:
            thread.join(60)
        assert seen == [list(range(1, 601))] * 3

    def test_cannot_write(self, reader: Reader) -> None:
        """Its connection refuses to write, whatever it is asked."""
        with pytest.raises(StoreError):
            reader._rows("DELETE FROM events", ())

    def test_select(self, reader: Reader, store: Store) -> None:
        """Time, types and codes narrow the choice together; values of one kind add up."""
        later = Event(type="policy.changed", time=NOW + timedelta(hours=1), code="other")
        store.commit({}, [event(), heartbeat(), later], HOST, NOW)

        def chosen(**wanted: object) -> list[int]:
            return [line.seq for line in reader.select(**wanted)]  # type: ignore[arg-type]

        assert chosen() == [1, 2, 3]
        assert chosen(since=NOW) == [1, 2, 3]
        assert chosen(since=NOW + timedelta(seconds=1)) == [3]
        assert chosen(types=["heartbeat", "policy.changed"]) == [2, 3]
        assert chosen(codes=["not-enforced", "other"]) == [1, 3]
        assert chosen(types=["heartbeat"], codes=["other"]) == []
        assert chosen(after=1, limit=1) == [2]

    def test_pages(self, reader: Reader, store: Store) -> None:
        """Pages make up the whole, without gap or repetition."""
        put(store, 600)
        pages = list(reader.pages(after=10))
        assert len(pages) == 3
        assert [line.seq for page in pages for line in page] == list(range(11, 601))

    def test_follows_replacement(self, folder: Path) -> None:
        """When a broken database was replaced, it reads the new one."""
        with Store.open(folder) as store:
            put(store, 9)
        reader = Reader(folder)
        old = reader.stream()
        (folder / database.NAME).write_bytes(b"not a database at all" * 1000)
        with Store.open(folder) as store:
            put(store)
            assert reader.stream() == store.stream != old
            assert [line.seq for line in reader.after(0)] == [1]
        reader.close()


class TestCannotRead:
    def test_missing(self, folder: Path) -> None:
        """Where no service has been, the message says so, and nothing is created."""
        with pytest.raises(StoreError, match="is the service running") as told:
            Reader(folder)
        assert (told.value.kind, str(folder) in str(told.value)) == ("missing", True)
        assert not folder.exists()

    @pytest.mark.parametrize("alive", [True, False])
    @pytest.mark.parametrize("part", ["state", f"state/{database.NAME}"])
    def test_denied(self, public: Path, part: str, alive: bool) -> None:
        """What may not be read says so and names the ways out, whether or not a service runs."""
        folder = public / "state"
        with Store.open(folder) as store:
            put(store)
            folder.chmod(0o755)
            if not alive:
                store.close()
            for path in folder.iterdir():
                path.chmod(0o640)
            (public / part).chmod(0)
            with plain_user(), pytest.raises(StoreError, match="run with sudo, or join") as told:
                Reader(folder)
            (public / part).chmod(0o750)
        assert told.value.kind == "denied"

    @pytest.mark.parametrize("alive", [True, False])
    def test_reading_is_enough(self, public: Path, alive: bool) -> None:
        """One who may read and not write reads, whether or not a service runs; no file is left."""
        folder = public / "state"
        with Store.open(folder) as store:
            put(store, 3)
            if not alive:
                store.close()
            for path in folder.iterdir():
                path.chmod(0o644)
            folder.chmod(0o755)
            before = sorted(folder.iterdir())
            with plain_user(), Reader(folder) as reader:
                assert [line.seq for line in reader.after(0)] == [1, 2, 3]
            if os.geteuid() == 0:  # else that plain user is the owner, and may
                assert sorted(folder.iterdir()) == before

    def test_after_root(self, public: Path) -> None:
        """What reading as root leaves behind does not shut others out."""
        folder = public / "state"
        with Store.open(folder) as store:
            put(store, 3)
        (folder / database.NAME).chmod(0o644)
        folder.chmod(0o755)
        for _ in range(2):
            with Reader(folder) as reader:
                assert reader.last_seq() == 3
            with plain_user(), Reader(folder) as reader:
                assert reader.last_seq() == 3

    def test_service_starts_meanwhile(self, public: Path) -> None:
        """Such a reader sees what a service commits that starts after it."""
        folder = public / "state"
        with Store.open(folder) as store:
            put(store, 3)
        (folder / database.NAME).chmod(0o644)
        folder.chmod(0o755)
        with plain_user():
            reader = Reader(folder)
        with Store.open(folder) as store:
            put(store, 2)
            with plain_user():
                assert reader.last_seq() == 5
        reader.close()

    @pytest.mark.parametrize("content", [b"", b"no database" * 1000])
    def test_broken(self, folder: Path, content: bytes) -> None:
        """A broken database is told as such, and left for the service to set aside."""
        folder.mkdir()
        (folder / database.NAME).write_bytes(content)
        with pytest.raises(StoreError, match="cannot read the store") as told:
            Reader(folder)
        assert told.value.kind == "corrupt"
        assert (folder / database.NAME).read_bytes() == content


class TestLastReport:
    def test_round_trip(self, folder: Path) -> None:
        """What is written is read, is private, and leaves nothing else behind."""
        folder.mkdir()
        before = os.umask(0)
        try:
            write_report(folder, {"schema": "mdeinspect.status/1", "old": "x" * 10_000})
            write_report(folder, REPORT)
        finally:
            os.umask(before)
        assert read_report(folder) == REPORT
        assert [path.name for path in folder.iterdir()] == [NAME]
        assert stat.S_IMODE((folder / NAME).stat().st_mode) == 0o640

    def test_always_whole(self, folder: Path) -> None:
        """Read while it is replaced, it is always one whole report."""
        folder.mkdir()
        write_report(folder, REPORT | {"number": -1, "fill": []})
        done = threading.Event()

        def write() -> None:
            for number in range(100):
                write_report(folder, REPORT | {"number": number, "fill": [number] * 5000})
            done.set()

        writer = threading.Thread(target=write, daemon=True)
        writer.start()
        while not done.is_set():
            found = read_report(folder)
            assert set(found["fill"]) <= {found["number"]}
        writer.join()

    def test_failing(self, folder: Path) -> None:
        """A report that cannot be written leaves the old one, and no other file."""
        folder.mkdir()
        write_report(folder, REPORT)
        with pytest.raises((TypeError, ValueError)):
            write_report(folder, {"schema": "mdeinspect.status/1", "bad": float("nan")})
        (folder / NAME).unlink()
        (folder / NAME).mkdir()
        (folder / NAME / "in the way").touch()
        with pytest.raises(StoreError, match="cannot write the last report"):
            write_report(folder, REPORT)
        assert [path.name for path in folder.iterdir()] == [NAME]

    def test_not_there(self, folder: Path) -> None:
        """No folder and no report are both missing."""
        for _ in range(2):
            with pytest.raises(StoreError) as told:
                read_report(folder)
            assert told.value.kind == "missing"
            folder.mkdir(exist_ok=True)

    def test_denied(self, public: Path) -> None:
        """A report that may not be read is denied, not missing."""
        write_report(public, REPORT)
        (public / NAME).chmod(0)
        with plain_user(), pytest.raises(StoreError, match="sudo") as told:
            read_report(public)
        assert told.value.kind == "denied"

    @pytest.mark.parametrize(
        "damage",
        [
            lambda path: path.write_bytes(b""),
            lambda path: path.write_bytes(b'{"schema": "mdeinspect.status/1"'),
            lambda path: path.write_bytes(b"[]"),
            lambda path: path.write_bytes(b'{"schema": "mdeinspect.status/2"}'),
            lambda path: path.write_bytes(b"\xff\xfe"),
            lambda path: path.write_bytes(b"[" * 200_000),
            os.mkfifo,
        ],
        ids=["empty", "cut", "list", "newer", "no-text", "deep", "fifo"],
    )
    def test_malformed(self, folder: Path, damage: Callable[[Path], None]) -> None:
        """What is no report of ours is told as such; nothing blocks on it."""
        folder.mkdir()
        damage(folder / NAME)
        with pytest.raises(StoreError) as told:
            read_report(folder)
        assert told.value.kind == "corrupt"
