"""A file of JSON lines for a log shipper. Promised: at least once, durable before it counts.

Lines are appended and synced, then count as delivered. What fails half way is cut back to whole
lines, and those that stayed are not written again. The file is looked up before each batch, so
that logrotate or newsyslog may move it away; its own rotation is by rename.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

from mdeinspect.config.model import Duration
from mdeinspect.sinks import Needs, Rendered, SinkError
from mdeinspect.sinks._logfile import is_same, open_log
from mdeinspect.sinks._progress import Progress
from mdeinspect.sinks._rotation import born, rotate
from mdeinspect.sinks.options import Common, Mode, Number, Size, Unfit

MODE = Mode(0o640)
MAX_SIZE = Size(50 * 1024**2)
KEEP = Number(7)
FIRST_LINE = 1100  # bytes: Filebeat does not read a file of less than 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Options(Common):
    """Where, with which rights, and how much is kept."""

    path: str
    mode: Mode = MODE
    group: str | None = None
    max_size: Size = MAX_SIZE
    max_age: Duration | None = None
    keep: Number = KEEP


def create(options: Options, _stop: threading.Event) -> FileSink:
    """The sink; raises `Unfit` for a path that says different things in different folders."""
    path = options.path
    if not os.path.isabs(path) or os.path.normpath(path) != path or "\0" in path or path == "/":
        raise Unfit("path", f"{path!r} is not the absolute path of a file")
    return FileSink(options)


def needs(options: Options) -> Needs:
    """A file that can be written, and given to its group."""
    return Needs(options.path, writes=options.path, group=options.group)


class FileSink:
    """Appends to one file, which it opens when there is something to write."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._progress = Progress()
        self._fd: int | None = None
        self._born = 0.0

    def deliver(self, lines: Sequence[Rendered]) -> None:
        """Append and sync; raises `SinkError` when the disk, the folder or the file refuses."""
        path = self._options.path
        try:
            left = self._progress.left(lines)
            if left:
                self._append(self._ready(sum(len(one.text) + 1 for one in left)), left)
        except OSError as error:
            self.close()
            raise SinkError(f"cannot write {path}: {error.strerror or error}") from error
        except SinkError:
            self.close()
            raise
        self._progress.clear()

    def close(self) -> None:
        """Close the file."""
        fd, self._fd = self._fd, None
        if fd is not None:
            os.close(fd)

    def _ready(self, incoming: int) -> int:
        """The open file, with room for `incoming` bytes."""
        fd = self._fd
        if fd is None or not is_same(self._options.path, fd):
            fd = self._open()
        if self._due(fd, incoming):
            rotate(self._options.path, self._options.keep)
            fd = self._open()
        return fd

    def _open(self) -> int:
        self.close()
        options = self._options
        self._fd = fd = open_log(options.path, options.mode, options.group)
        self._born = born(fd)
        return fd

    def _due(self, fd: int, incoming: int) -> bool:
        size = os.fstat(fd).st_size
        limit, age = self._options.max_size, self._options.max_age
        too_large = bool(limit) and size + incoming > limit
        too_old = age is not None and time.time() - self._born > age.total_seconds()
        return size > 0 and (too_large or too_old)

    def _append(self, fd: int, lines: Sequence[Rendered]) -> None:
        start = os.fstat(fd).st_size
        data = b"".join(_encoded(lines, first=start == 0))
        written = 0
        try:
            while written < len(data):
                written += os.write(fd, data[written:])
        except OSError:
            self._keep_whole(fd, start, data[:written], lines)
            raise
        os.fsync(fd)

    def _keep_whole(self, fd: int, start: int, data: bytes, lines: Sequence[Rendered]) -> None:
        """Cut the file behind the last whole line, and remember that what is before it is done.

        Whole lines stay: a shipper may have read them, and would begin anew if the file shrank
        below what it read. Should this fail too, opening cuts the torn line.
        """
        os.ftruncate(fd, start + data.rfind(b"\n") + 1)
        os.fsync(fd)
        self._progress.add(*(one.text for one in lines[: data.count(b"\n")]))


def _encoded(lines: Sequence[Rendered], *, first: bool) -> list[bytes]:
    """The lines as bytes; the very first of a file is filled up with blanks inside its object."""
    encoded = [one.text.encode() + b"\n" for one in lines]
    if first and encoded[0].endswith(b"}\n"):
        encoded[0] = encoded[0][:-2].ljust(FIRST_LINE - 2) + b"}\n"
    return encoded
