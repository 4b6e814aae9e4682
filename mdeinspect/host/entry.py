"""What an archive or a folder holds, as a tree of entries; what is refused in one.

What comes from another machine may be hostile: names that leave the archive, links, devices,
encrypted members and bombs are refused as a whole, with `UsageError`.
"""

from __future__ import annotations

import lzma
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NoReturn

from mdeinspect.errors import UsageError

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


def cleaned(path: str, name: str) -> str:
    """A member's name, cleaned of `./` and a last `/`; one that leads elsewhere is refused."""
    parts = name.split("/")
    absolute = name.startswith("/") or (len(name) > 1 and name[1] == ":")
    if absolute or ".." in parts or "\\" in name or "\0" in name or len(name) > MAX_NAME:
        refuse(path, f"the member {name[:80]!a} leads out of it")
    return "/".join(part for part in parts if part not in ("", "."))


def add(path: str, found: dict[str, Entry], name: str, entry: Entry) -> None:
    before = found.get(name)
    if before is not None and (before.kind != "folder" or entry.kind != "folder"):
        refuse(path, f"{name[:80]!a} stands in it twice")
    found[name] = entry


def refuse(path: str, why: str) -> NoReturn:
    raise UsageError(f"cannot inspect {path}: {why}")
