"""The file sink: at least once, whole lines, and a shipper sees every one of them once."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import pytest
from sink_support import PATIENCE, made, rendered, seqs, until

from mdeinspect.sinks import SinkError, _rotation


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Where the events go; the folder does not exist yet."""
    return tmp_path / "log" / "events.ndjson"


def everything(log: Path) -> list[int]:
    """The numbers of all lines, rotated files first."""
    old = [Path(path) for _, path in sorted(_rotation.rotated(str(log)), reverse=True)]
    return [seq for path in [*old, log] for seq in seqs(path.read_text())]


# --- opening --------------------------------------------------------------------------------------


def test_the_file_and_its_folder_are_made_for_their_readers_alone(log: Path) -> None:
    """A new file has exactly the mode that was asked for, its folder 0750, whatever the umask."""
    before = os.umask(0o077)
    try:
        made("file", path=str(log), group=str(os.getgid())).deliver(rendered(1))
    finally:
        os.umask(before)
    assert log.stat().st_mode & 0o7777 == 0o640
    assert log.parent.stat().st_mode & 0o7777 == 0o750
    assert log.stat().st_gid == os.getgid()


def test_an_existing_file_is_continued_and_keeps_its_mode(log: Path) -> None:
    """What an administrator made is appended to, and keeps its rights."""
    log.parent.mkdir()
    log.write_text('{"seq":1}\n')
    log.chmod(0o604)
    made("file", path=str(log)).deliver(rendered(2))
    assert everything(log) == [1, 2]
    assert log.stat().st_mode & 0o7777 == 0o604


def test_only_one_folder_is_made(tmp_path: Path) -> None:
    """A disk that is not mounted is not replaced by folders of ours."""
    with pytest.raises(SinkError):
        made("file", path=str(tmp_path / "disk" / "log" / "events.ndjson")).deliver(rendered(1))
    assert not (tmp_path / "disk").exists()


@pytest.mark.parametrize("kind", ["link", "dangling link", "fifo", "folder"])
def test_what_is_not_a_regular_file_is_refused(log: Path, tmp_path: Path, kind: str) -> None:
    """A link, a pipe or a folder at the place of the file is refused, and left as it is."""
    log.parent.mkdir()
    victim = tmp_path / "victim"
    if kind == "link":
        victim.write_text("precious\n")
    if "link" in kind:
        log.symlink_to(victim)
    elif kind == "fifo":
        os.mkfifo(log)
    else:
        log.mkdir()
    with pytest.raises(SinkError):
        made("file", path=str(log)).deliver(rendered(1))
    assert not victim.exists() or victim.read_text() == "precious\n"


def test_two_sinks_never_write_one_file(log: Path) -> None:
    """The second writer of a file is told so, instead of both mixing their lines."""
    first, second = made("file", path=str(log)), made("file", path=str(log))
    first.deliver(rendered(1))
    with pytest.raises(SinkError):
        second.deliver(rendered(2))
    first.close()
    second.deliver(rendered(2))
    assert everything(log) == [1, 2]


def test_an_unknown_group_is_an_error_and_leaves_no_file(log: Path) -> None:
    """Without its group the file is not made at all: its readers could not read it."""
    with pytest.raises(SinkError, match="no-such-group"):
        made("file", path=str(log), group="no-such-group").deliver(rendered(1))
    assert not log.exists()


@pytest.mark.parametrize("torn", ['{"seq":2,"ty', '{"seq":2}', "\0" * 5000, "{" + "x" * 200_000])
def test_a_torn_last_line_is_cut_and_never_a_whole_one(log: Path, torn: str) -> None:
    """After a crash the half line at the end goes, the lines before it stay."""
    log.parent.mkdir()
    log.write_text('{"seq":1}\n' + torn)
    made("file", path=str(log)).deliver(rendered(2, 3))
    assert everything(log) == [1, 2, 3]


def test_a_file_of_nothing_but_a_torn_line_begins_anew(log: Path) -> None:
    """A first line that was torn leaves an empty file, not a lost one."""
    log.parent.mkdir()
    log.write_text('{"seq"')
    made("file", path=str(log)).deliver(rendered(1))
    assert everything(log) == [1]


def test_text_that_is_not_ours_is_never_cut(log: Path) -> None:
    """A foreign last line without an end gets one, and nothing of it is lost."""
    log.parent.mkdir()
    log.write_text("a note by somebody")
    made("file", path=str(log)).deliver(rendered(1))
    note, ours = log.read_text().splitlines()
    assert (note, seqs([ours])) == ("a note by somebody", [1])


def test_the_first_line_of_a_file_is_long_enough_for_filebeat(log: Path) -> None:
    """A file of one event is more than 1024 bytes, so that no shipper waits for a second one."""
    sink = made("file", path=str(log))
    sink.deliver(rendered(1))
    assert log.stat().st_size > 1024
    sink.deliver(rendered(2))
    first, second = log.read_text().splitlines()
    assert json.loads(first) == json.loads(rendered(1)[0].text)
    assert second == rendered(2)[0].text


# --- rotation -------------------------------------------------------------------------------------


def test_rotation_by_size_keeps_so_many_files(log: Path) -> None:
    """No file grows beyond its size; the newest rotated is `.1`; the oldest go."""
    sink = made("file", path=str(log), max_size="64KiB", keep=2)
    for start in range(1, 1001, 10):
        sink.deliver(rendered(*range(start, start + 10)))
    names = sorted(path.name for path in log.parent.iterdir())
    assert names == ["events.ndjson", "events.ndjson.1", "events.ndjson.2"]
    assert all(path.stat().st_size <= 64 * 1024 for path in log.parent.iterdir())
    found = everything(log)
    assert found == list(range(found[0], 1001))


def test_rotated_names_do_not_match_what_shippers_look_for(log: Path) -> None:
    """`*.ndjson` finds the live file alone, so that no line is picked up twice."""
    sink = made("file", path=str(log), max_size="64KiB")
    for start in range(1, 401, 10):
        sink.deliver(rendered(*range(start, start + 10)))
    assert len(list(log.parent.iterdir())) > 1
    assert list(log.parent.glob("*.ndjson")) == [log]


def test_rotation_by_age_counts_from_the_first_line(log: Path) -> None:
    """A file that was begun long ago is rotated before the next line, also after a restart."""
    log.parent.mkdir()
    log.write_text('{"time":"2020-01-01T00:00:00.000Z","seq":1}\n')
    sink = made("file", path=str(log), max_age="7d")
    sink.deliver(rendered(2))
    sink.deliver(rendered(3))
    assert seqs((log.parent / "events.ndjson.1").read_text()) == [1]
    assert seqs(log.read_text()) == [2, 3]  # old events, and yet a new file


def test_rotation_leaves_files_alone_that_only_look_like_ours(log: Path) -> None:
    """Only `<path>.<number>` is renamed or removed."""
    log.parent.mkdir()
    others = ["events.ndjson.bak", "events.ndjson.1.gz", "events.ndjson.01", "other.ndjson.1"]
    for name in others:
        (log.parent / name).write_text("keep")
    sink = made("file", path=str(log), max_size="64KiB", keep=1)
    for start in range(1, 1001, 50):
        sink.deliver(rendered(*range(start, start + 50)))
    assert {path.name for path in log.parent.iterdir()} == {
        "events.ndjson",
        "events.ndjson.1",
        *others,
    }


@pytest.mark.parametrize("how", ["renamed", "replaced", "removed", "folder removed"])
def test_a_file_that_was_moved_away_is_opened_anew(log: Path, how: str) -> None:
    """After logrotate or newsyslog the next batch goes to the new file of that name."""
    sink = made("file", path=str(log))
    sink.deliver(rendered(1))
    if how in ("renamed", "replaced"):
        log.rename(log.with_name("moved"))
    if how == "replaced":
        log.touch(0o644)
    elif how == "removed":
        log.unlink()
    elif how == "folder removed":
        shutil.rmtree(log.parent)
    sink.deliver(rendered(2))
    assert seqs(log.read_text()) == [2]


def test_a_truncated_file_is_continued_at_its_new_end(log: Path) -> None:
    """copytruncate leaves no hole of zero bytes behind."""
    sink = made("file", path=str(log))
    sink.deliver(rendered(1, 2))
    os.truncate(log, 0)
    sink.deliver(rendered(3))
    assert seqs(log.read_text()) == [3]


@pytest.mark.skipif(shutil.which("logrotate") is None, reason="logrotate is not installed")
@pytest.mark.parametrize("way", ["create 0640", "nocreate"])
def test_logrotate_itself_loses_and_doubles_nothing(log: Path, tmp_path: Path, way: str) -> None:
    """The real logrotate between batches: every line is in exactly one file."""
    rules = tmp_path / "rules"
    # logrotate refuses a folder that others may write to, which the test's own may be
    su = "su root root" if os.geteuid() == 0 else ""
    rules.write_text(f"{log} {{\n rotate 50\n {way}\n missingok\n {su}\n}}\n")
    rules.chmod(0o600)
    sink = made("file", path=str(log))
    for number in range(1, 21):
        sink.deliver(rendered(number * 2 - 1, number * 2))
        subprocess.run(
            ["logrotate", "-f", "-s", str(tmp_path / "state"), str(rules)],
            check=True,
            timeout=PATIENCE,
            env={**os.environ, "PATH": os.environ["PATH"] + ":/usr/sbin"},
        )
    sink.deliver(rendered(41))
    assert everything(log) == list(range(1, 42))


class Tail(threading.Thread):
    """A shipper: follows the file through its rotations, and takes whole lines only."""

    def __init__(self, log: Path) -> None:
        super().__init__(daemon=True)
        self.log, self.over = log, threading.Event()
        self.lines: list[str] = []

    def run(self) -> None:
        """Read until `over` is set and nothing is left."""
        until(self.log.exists, "the file")
        current: BinaryIO | None = self.log.open("rb")
        while current is not None:
            over = self.over.is_set()
            newer = self._newer(current)
            self._take(current)  # whatever is newer, this one gets no more lines
            if newer is not None or over:
                current.close()
                current = newer

    def _take(self, current: BinaryIO) -> None:
        data = current.read()
        whole = data.rfind(b"\n") + 1
        current.seek(whole - len(data), os.SEEK_CUR)
        self.lines += data[:whole].decode().splitlines()

    def _newer(self, current: BinaryIO) -> BinaryIO | None:
        """The file that was begun after this one."""
        while True:
            number = self._number(current)
            if number == 0:
                return None
            try:
                newer = self._named(number - 1).open("rb")
            except FileNotFoundError:  # in the middle of a rotation
                continue
            if self._number(current) == number and self._number(newer) == number - 1:
                return newer
            newer.close()

    def _number(self, current: BinaryIO) -> int:
        while True:
            for number in range(100):
                with contextlib.suppress(FileNotFoundError):
                    if os.path.samestat(self._named(number).stat(), os.fstat(current.fileno())):
                        return number

    def _named(self, number: int) -> Path:
        return self.log if number == 0 else Path(f"{self.log}.{number}")


def test_a_shipper_sees_every_line_once_through_rotations(log: Path) -> None:
    """A reader beside the writer gets every line whole, once and in order, over many rotations."""
    tail = Tail(log)
    tail.start()
    sink = made("file", path=str(log), max_size="64KiB", keep=99)
    for start in range(1, 2001, 4):
        sink.deliver(rendered(*range(start, start + 4)))
    tail.over.set()
    tail.join(PATIENCE)
    assert not tail.is_alive()
    assert len(_rotation.rotated(str(log))) > 5
    assert seqs(tail.lines) == list(range(1, 2001))


# --- a disk that refuses --------------------------------------------------------------------------


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 KiB; skips where it cannot be mounted."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("only root on Linux can mount a small file system")
    if (ran := subprocess.run(mount, capture_output=True, timeout=PATIENCE)).returncode:
        pytest.skip(f"cannot mount a small file system: {ran.stderr.decode().strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True, timeout=PATIENCE)


def test_a_full_disk_tears_and_doubles_nothing(small: Path) -> None:
    """Lines that do not fit are tried again; meanwhile and afterwards every line is whole, once."""
    log, filler = small / "events.ndjson", small / "filler"
    sink = made("file", path=str(log))
    sink.deliver(rendered(1))
    filler.write_bytes(b"x" * 40_000)
    batch = rendered(*range(2, 21), data={"text": "x" * 3000})
    for _ in range(3):
        with pytest.raises(SinkError, match=os.strerror(errno.ENOSPC)):
            sink.deliver(batch)
        found = seqs(log.read_text())
        assert found == list(range(1, len(found) + 1))
        assert 1 < len(found) < 20
    filler.unlink()
    sink.deliver(batch[:])
    sink.deliver(rendered(21))
    sink.close()
    assert seqs(log.read_text()) == list(range(1, 22))


@pytest.mark.parametrize("room", range(0, 5000, 617))
def test_whatever_a_write_leaves_behind_the_file_holds_whole_lines(
    log: Path, monkeypatch: pytest.MonkeyPatch, room: int
) -> None:
    """Cut short at any byte, a batch leaves whole lines, and its retry adds only the rest."""
    sink = made("file", path=str(log))
    sink.deliver(rendered(1))
    write, left = os.write, [room]

    def full(fd: int, data: bytes) -> int:
        if not left[0]:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        taken = write(fd, data[: left[0]])
        left[0] -= taken
        return taken

    with monkeypatch.context() as patch:
        patch.setattr("mdeinspect.sinks.file.os.write", full)
        with pytest.raises(SinkError):
            sink.deliver(rendered(*range(2, 21)))
        assert log.read_bytes().endswith(b"\n")
        found = seqs(log.read_text())
        assert found == list(range(1, len(found) + 1))
    sink.deliver(rendered(*range(2, 21)))
    assert seqs(log.read_text()) == list(range(1, 21))


def test_a_batch_counts_only_when_it_is_synced(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the disk cannot promise to keep the lines, they are not delivered."""

    def broken(fd: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    sink = made("file", path=str(log))
    sink.deliver(rendered(1))
    with monkeypatch.context() as patch:
        patch.setattr("mdeinspect.sinks.file.os.fsync", broken)
        with pytest.raises(SinkError):
            sink.deliver(rendered(2))
    sink.deliver(rendered(2))
    assert set(seqs(log.read_text())) == {1, 2}


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written_is_an_error_to_be_tried_again(log: Path) -> None:
    """A right that is missing is told, and once it is there the lines go."""
    log.parent.mkdir(0o500)
    sink = made("file", path=str(log))
    with pytest.raises(SinkError):
        sink.deliver(rendered(1))
    log.parent.chmod(0o700)
    sink.deliver(rendered(1))
    assert seqs(log.read_text()) == [1]


def test_a_killed_writer_leaves_a_file_that_can_be_continued(log: Path, tmp_path: Path) -> None:
    """After SIGKILL in the middle of writing, the next start leaves whole lines only, none lost."""
    program = (
        "import sys, itertools; sys.path.insert(0, sys.argv[2])\n"
        "from sink_support import made, rendered\n"
        "sink = made('file', path=sys.argv[1], max_size='64KiB', keep=999)\n"
        "for n in itertools.count(1):\n"
        "    sink.deliver(rendered(n)); print(n, flush=True)\n"
    )
    here = str(Path(__file__).parent)
    with subprocess.Popen(
        [sys.executable, "-c", program, str(log), here], stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout is not None
        lines = writer.stdout
        try:
            acknowledged = [int(next(lines)) for _ in range(500)]
        finally:
            writer.kill()
        acknowledged += [int(line) for line in lines if line.endswith("\n")]
    made("file", path=str(log)).deliver(rendered(acknowledged[-1] + 1))
    found = everything(log)
    assert found[: len(acknowledged)] == acknowledged
    assert set(range(1, acknowledged[-1] + 2)) == set(found)
