"""What lies at a path, as a tree of entries: a zip, a tar.gz or a folder. Nothing is extracted."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import IO

from mdeinspect.errors import UsageError
from mdeinspect.host.entry import (
    MAX_MEMBER,
    MAX_MEMBERS,
    Entry,
    Tree,
    refuse,
)
from mdeinspect.host.files import Files
from mdeinspect.host.tars import open_tar
from mdeinspect.host.zips import open_zip


def open_tree(path: str) -> Tree:
    """The entries of the zip or tar.gz at `path`; raises `UsageError` for anything else."""
    try:
        with _opened(path) as file:
            start = file.read(4)
            file.seek(0)
            if start[:2] == b"\x1f\x8b":
                return open_tar(file, path)
    except OSError as error:
        raise UsageError(f"cannot inspect {path}: {error.strerror or error}") from error
    if start[:2] == b"PK":
        return open_zip(lambda: _opened(path), path)
    raise UsageError(f"cannot inspect {path}: it is neither a folder, a zip nor a tar.gz")


def _opened(path: str) -> IO[bytes]:
    # An archive that was named on the command line, not a file of the inspected machine.
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        refuse(path, "it is neither a folder nor a regular file")
    return os.fdopen(handle, "rb")


def open_folder(root: str) -> Tree:
    """The entries of a folder, read when asked for. Links in it are refused."""
    files = Files(os.path.realpath(root).rstrip("/"))
    try:
        return dict(_below(root, files, ""))
    except OSError as error:
        raise UsageError(f"cannot inspect {root}: {error.strerror or error}") from error


def _below(root: str, files: Files, folder: str) -> Iterator[tuple[str, Entry]]:
    todo, count = [folder], 0
    while todo:
        here = todo.pop()
        for name in files.names(f"/{here}"):
            count += 1
            if count > MAX_MEMBERS:
                refuse(root, f"it holds more than {MAX_MEMBERS:,} files")
            path = f"{here}/{name}".lstrip("/")
            found = os.lstat(os.path.join(root, path))
            mtime = datetime.fromtimestamp(found.st_mtime, UTC)
            if stat.S_ISDIR(found.st_mode):
                todo.append(path)
                yield path, Entry("folder", stat.S_IMODE(found.st_mode), mtime)
            elif stat.S_ISREG(found.st_mode):
                mode = stat.S_IMODE(found.st_mode)
                yield path, Entry("file", mode, mtime, found.st_size, load=_loader(files, path))
            else:
                refuse(root, f"{path} is neither a file nor a folder")


def _loader(files: Files, path: str) -> Callable[[int], bytes]:
    def load(limit: int) -> bytes:
        data, facts = files.read(f"/{path}", MAX_MEMBER)
        del facts
        return data[:limit]

    return load
