"""Archives and folders as trees of entries, read in memory. Nothing is ever extracted.

What comes from another machine may be hostile: names that leave the archive, links, devices,
encrypted members and bombs are refused as a whole, with `UsageError`. Bytes are only unpacked when
they are asked for, and never more than was asked for.
"""

from __future__ import annotations

import io
import lzma
import os
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import IO, Literal, NoReturn

from mdeinspect.errors import Unreadable, UsageError
from mdeinspect.host.files import Files

MAX_MEMBERS = 20_000
MAX_NAME = 4096
MAX_DIRECTORY = 4 * 1024 * 1024  # bytes of a zip's list of members, before it is read
MAX_UNPACKED = 8 * 1024**3  # what a zip says it holds; analyzers add logs and memory maps
MAX_RATIO = 250  # of the whole, beyond LARGE: text packs to a tenth, rarely to a hundredth
LARGE = 256 * 1024**2
MAX_TAR = 128 * 1024**2  # all that a recorded host may unpack to
MAX_MEMBER = 128 * 1024**2  # of one member, however little of it is wanted
ENCRYPTED = 0x1
UT_TIME = 0x5455  # extra field that holds the time in UTC
BROKEN = (
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, tarfile.TarError, EOFError, struct.error),
    *(RuntimeError, ValueError, OverflowError, OSError, KeyError, IndexError),
)


class Damaged(UsageError):
    """An archive that is no whole one. Nothing says that anybody meant harm."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A file, folder or link. `load(n)` gives its first `n` bytes; `mtime` None: not known."""

    kind: Literal["file", "folder", "link"]
    mode: int | None = None
    mtime: datetime | None = None
    size: int = 0
    target: str = ""
    load: Callable[[int], bytes] = lambda limit: b""  # noqa: ARG005 -- nothing is in it
    reason: str | None = None  # why it cannot be loaded, known beforehand


Tree = Mapping[str, Entry]  # by relative path, `etc/os-release`


def of_bytes(data: bytes, *, mode: int | None = None, mtime: datetime | None = None) -> Entry:
    """A file that is in memory."""
    return Entry("file", mode, mtime, len(data), load=lambda limit: data[:limit])


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
        _refuse(path, "it is neither a folder nor a regular file")
    return os.fdopen(handle, "rb")


# --- zip ----------------------------------------------------------------------------------------


def open_zip(opened: Callable[[], IO[bytes]], path: str) -> Tree:
    """The entries of a zip that `opened` opens, again for each member that is asked for."""
    try:
        with opened() as file:
            size = _check_directory(file, path)
            with zipfile.ZipFile(file) as archive:
                members = archive.infolist()
    except BROKEN as error:
        raise Damaged(f"cannot inspect {path}: it is no whole zip ({error})") from error
    _check_whole(path, members, size)
    found: dict[str, Entry] = {}
    for member in members:
        name = _name(path, member.orig_filename)
        if member.flag_bits & ENCRYPTED:
            _refuse(path, f"{name} is encrypted; give it without a password")
        kind = stat.S_IFMT(member.external_attr >> 16)
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            _refuse(path, f"{name} is neither a file nor a folder")
        _add(path, found, name, _zipped(opened, member))
    return found


def _check_directory(file: IO[bytes], path: str) -> int:
    """Look at the end of a zip before its list of members is read into memory; its size."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - 65_557))
    end = file.read()
    at = end.rfind(b"PK\x05\x06")
    if at < 0 or len(end) < at + 22:
        raise Damaged(f"cannot inspect {path}: it is no whole zip, its end is missing")
    listed = struct.unpack_from("<L", end, at + 12)[0]
    if listed > MAX_DIRECTORY:
        _refuse(path, f"its list of members has {listed:,} bytes, more than {MAX_DIRECTORY:,}")
    file.seek(0)
    return size


def _check_whole(path: str, members: list[zipfile.ZipInfo], size: int) -> None:
    if len(members) > MAX_MEMBERS:
        _refuse(path, f"it has {len(members):,} members, more than {MAX_MEMBERS:,}")
    unpacked, packed = sum(member.file_size for member in members), max(1, size)
    if unpacked > MAX_UNPACKED or (unpacked > LARGE and unpacked / packed > MAX_RATIO):
        _refuse(path, f"it would unpack to {unpacked:,} bytes, {unpacked // packed} times its size")


def _zipped(opened: Callable[[], IO[bytes]], member: zipfile.ZipInfo) -> Entry:
    mode = stat.S_IMODE(member.external_attr >> 16) or None
    if member.is_dir():
        return Entry("folder", mode, _utc(member.extra))

    def load(limit: int) -> bytes:
        try:
            with (
                opened() as file,
                zipfile.ZipFile(file) as archive,
                archive.open(member) as stream,
            ):
                return stream.read(min(limit, MAX_MEMBER))
        except BROKEN as error:
            message = f"cannot read {member.filename} in the archive: {error}"
            raise Unreadable(message, kind="io") from error

    return Entry("file", mode, _utc(member.extra), member.file_size, load=load)


def _utc(extra: bytes) -> datetime | None:
    """The time of a zip's member where it is told in UTC; the usual one has no zone."""
    while len(extra) >= 4:
        kind, length = struct.unpack_from("<HH", extra)
        body, extra = extra[4 : 4 + length], extra[4 + length :]
        if kind == UT_TIME and len(body) >= 5 and body[0] & 1:
            return datetime.fromtimestamp(struct.unpack_from("<l", body, 1)[0], UTC)
    return None


# --- tar ----------------------------------------------------------------------------------------


class _Limited(io.RawIOBase):
    """A stream that ends in an error once more than `MAX_TAR` bytes came out of it."""

    def __init__(self, stream: io.BufferedIOBase, path: str) -> None:
        self._stream, self._path, self._left = stream, path, MAX_TAR

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(min(size, 1 << 20) if size >= 0 else 1 << 20)
        self._left -= len(data)
        if self._left < 0:
            _refuse(self._path, f"it unpacks to more than {MAX_TAR:,} bytes")
        return data


def open_tar(file: IO[bytes], path: str) -> Tree:
    """The entries of a tar.gz, all of them in memory. Links are kept as what they say."""
    import gzip

    found: dict[str, Entry] = {}
    try:
        with (
            gzip.GzipFile(fileobj=file) as stream,
            tarfile.open(fileobj=_Limited(stream, path), mode="r|") as archive,
        ):
            for number, member in enumerate(archive):
                if number >= MAX_MEMBERS:
                    _refuse(path, f"it has more than {MAX_MEMBERS:,} members")
                name = _name(path, member.name)
                if name:
                    _add(path, found, name, _tarred(path, archive, member))
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
        _refuse(path, f"{member.name} is neither a file, a folder nor a symbolic link")
    stream = archive.extractfile(member)
    data = stream.read() if stream else b""
    return of_bytes(data, mode=mode, mtime=mtime)


# --- folders ------------------------------------------------------------------------------------


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
                _refuse(root, f"it holds more than {MAX_MEMBERS:,} files")
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
                _refuse(root, f"{path} is neither a file nor a folder")


def _loader(files: Files, path: str) -> Callable[[int], bytes]:
    def load(limit: int) -> bytes:
        data, facts = files.read(f"/{path}", MAX_MEMBER)
        del facts
        return data[:limit]

    return load


# --- names --------------------------------------------------------------------------------------


def _name(path: str, name: str) -> str:
    """A member's name, cleaned of `./` and a last `/`; one that leads elsewhere is refused."""
    parts = name.split("/")
    absolute = name.startswith("/") or (len(name) > 1 and name[1] == ":")
    if absolute or ".." in parts or "\\" in name or "\0" in name or len(name) > MAX_NAME:
        _refuse(path, f"the member {name[:80]!a} leads out of it")
    return "/".join(part for part in parts if part not in ("", "."))


def _add(path: str, found: dict[str, Entry], name: str, entry: Entry) -> None:
    before = found.get(name)
    if before is not None and (before.kind != "folder" or entry.kind != "folder"):
        _refuse(path, f"{name[:80]!a} stands in it twice")
    found[name] = entry


def _refuse(path: str, why: str) -> NoReturn:
    raise UsageError(f"cannot inspect {path}: {why}")
