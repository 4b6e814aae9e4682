"""Zips as trees of entries. Nothing is extracted; a member is unpacked when it is asked for."""

from __future__ import annotations

import os
import stat
import struct
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from typing import IO

from mdeinspect.errors import Unreadable
from mdeinspect.host.entry import (
    BROKEN,
    ENCRYPTED,
    LARGE,
    MAX_DIRECTORY,
    MAX_MEMBER,
    MAX_MEMBERS,
    MAX_RATIO,
    MAX_UNPACKED,
    UT_TIME,
    Damaged,
    Entry,
    Tree,
    add,
    cleaned,
    refuse,
)


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
        name = cleaned(path, member.orig_filename)
        if member.flag_bits & ENCRYPTED:
            refuse(path, f"{name} is encrypted; give it without a password")
        kind = stat.S_IFMT(member.external_attr >> 16)
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            refuse(path, f"{name} is neither a file nor a folder")
        add(path, found, name, _zipped(opened, member))
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
        refuse(path, f"its list of members has {listed:,} bytes, more than {MAX_DIRECTORY:,}")
    file.seek(0)
    return size


def _check_whole(path: str, members: list[zipfile.ZipInfo], size: int) -> None:
    if len(members) > MAX_MEMBERS:
        refuse(path, f"it has {len(members):,} members, more than {MAX_MEMBERS:,}")
    unpacked, packed = sum(member.file_size for member in members), max(1, size)
    if unpacked > MAX_UNPACKED or (unpacked > LARGE and unpacked / packed > MAX_RATIO):
        refuse(path, f"it would unpack to {unpacked:,} bytes, {unpacked // packed} times its size")


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
