"""Rotation by rename: `events.ndjson` becomes `events.ndjson.1`, that one `.2`, and so on.

A rotated name never matches the pattern by which shippers find the live file (`*.ndjson`), so that
nothing is picked up twice; they follow the renamed file by its inode. Numbers, because `.1` then is
always the newest, as with logrotate and newsyslog. Nothing is compressed: a shipper that was down
during a rotation still finds the rest of its lines.
"""

from __future__ import annotations

import contextlib
import os
import re
from datetime import datetime

_NUMBER = re.compile(r"\.([1-9]\d{0,5})")
_TIME = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)")
HEAD = 256  # bytes within which every format has its time


def rotate(path: str, keep: int) -> None:
    """Rename `path` out of the way; what is beyond `keep` rotated files goes. Raises OSError."""
    for number, old in sorted(rotated(path), reverse=True):
        if number >= keep:
            os.unlink(old)
        else:
            os.rename(old, f"{path}.{number + 1}")
    os.rename(path, f"{path}.1")
    sync_folder(path)


def rotated(path: str) -> list[tuple[int, str]]:
    """The rotated files of `path`, each with its number."""
    folder, name = os.path.split(path)
    with os.scandir(folder) as entries:
        found = [
            (_NUMBER.fullmatch(entry.name[len(name) :]), entry)
            for entry in entries
            if entry.name.startswith(name) and entry.is_file(follow_symlinks=False)
        ]
    return [(int(match[1]), entry.path) for match, entry in found if match]


def born(fd: int) -> float:
    """When a file was begun, as far as that can be told: by its first line.

    File systems do not tell it. Where there is no first line yet, or none with a time, the last
    change stands in for it: then the file is rotated later, never too early.
    """
    with contextlib.suppress(ValueError):  # it only looked like a time
        if match := _TIME.search(os.pread(fd, HEAD, 0)):
            return datetime.fromisoformat(match[0].decode()).timestamp()
    return os.fstat(fd).st_mtime


def sync_folder(path: str) -> None:
    """Make the names in the folder of `path` durable."""
    fd = os.open(os.path.dirname(path), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
