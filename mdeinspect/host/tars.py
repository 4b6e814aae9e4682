"""Compressed tars as trees of entries: small ones, all of them in memory."""

from __future__ import annotations

import gzip
import io
import stat
import tarfile
from datetime import UTC, datetime
from typing import IO

from mdeinspect.host.entry import (
    BROKEN,
    MAX_MEMBERS,
    MAX_TAR,
    Damaged,
    Entry,
    Tree,
    add,
    cleaned,
    of_bytes,
    refuse,
)


class _Limited(io.RawIOBase):
    """A stream that ends in an error once more than `MAX_TAR` bytes came out of it."""

    def __init__(self, stream: io.BufferedIOBase, path: str) -> None:
        self._stream, self._path, self._left = stream, path, MAX_TAR

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(min(size, 1 << 20) if size >= 0 else 1 << 20)
        self._left -= len(data)
        if self._left < 0:
            refuse(self._path, f"it unpacks to more than {MAX_TAR:,} bytes")
        return data


def open_tar(file: IO[bytes], path: str) -> Tree:
    """The entries of a tar.gz, all of them in memory. Links are kept as what they say."""
    found: dict[str, Entry] = {}
    try:
        with (
            gzip.GzipFile(fileobj=file) as stream,
            tarfile.open(fileobj=_Limited(stream, path), mode="r|") as archive,
        ):
            for number, member in enumerate(archive):
                if number >= MAX_MEMBERS:
                    refuse(path, f"it has more than {MAX_MEMBERS:,} members")
                name = cleaned(path, member.name)
                if name:
                    add(path, found, name, _tarred(path, archive, member))
    except BROKEN as error:
        raise Damaged(f"cannot inspect {path}: it is no whole tar.gz ({error})") from error
    return found


def _tarred(path: str, archive: tarfile.TarFile, member: tarfile.TarInfo) -> Entry:
    mode = stat.S_IMODE(member.mode)
    mtime = datetime.fromtimestamp(member.mtime, UTC)
    if member.isdir():
        return Entry("folder", mode, mtime)
    if member.issym():
        return Entry("link", mode, mtime, target=member.linkname)
    if not member.isreg():
        refuse(path, f"{member.name} is neither a file, a folder nor a symbolic link")
    stream = archive.extractfile(member)
    data = stream.read() if stream else b""
    return of_bytes(data, mode=mode, mtime=mtime)
