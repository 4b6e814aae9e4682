"""What belongs where on a platform, as data: files, folders, units, and what is to be run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

# In every file of ours but the configuration: what carries it may be overwritten and removed.
MARK = "Installed by `mdeinspect service install`"


@dataclass(frozen=True, slots=True)
class File:
    """A file to be there.

    `keep`: written only where there is none, and it stays at the end. `guest`: written only where
    its folder is there already, that of another program.
    """

    path: str
    text: str
    mode: int = 0o644
    keep: bool = False
    guest: bool = False


@dataclass(frozen=True, slots=True)
class Run:
    """A program of the system, by the name of `manager.PROGRAMS`, and its arguments.

    `tries`: how often at most, a second apart. `may_fail`: that it fails is no fault.
    """

    program: str
    args: tuple[str, ...]
    tries: int = 1
    may_fail: bool = False


@dataclass(frozen=True, slots=True)
class Choice:
    """What the administrator chose. `command` is the program and its first arguments.

    `timer`: one look now and then in place of the daemon. `strict`, `as_root`: the drop-ins.
    """

    command: tuple[str, ...]
    timer: bool = False
    strict: bool = False
    as_root: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """How the service is installed.

    `stop` is run before anything is changed, where a unit of ours is there and changes or goes;
    `start` after. `folders` are (path, mode).
    """

    files: Sequence[File]
    folders: Sequence[tuple[str, int]]
    stop: Sequence[Run]
    start: Sequence[Run]
    notes: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Traces:
    """Everything that an installation may have left, whatever was chosen then.

    `files` are removed where they are ours, `folders` and `purge` only on `--purge`. `packaged`
    are places where a package has its units.
    """

    files: Sequence[str]
    folders: Sequence[str]
    stop: Sequence[Run]
    after: Sequence[Run]
    purge: Sequence[Run] = ()
    packaged: Sequence[str] = ()


def marked(text: str, *, xml: bool = False) -> str:
    """`text` with the mark in front (of an XML document: behind its first line)."""
    if not xml:
        return f"# {MARK}: it overwrites changes made here.\n{text}"
    first, _, rest = text.partition("\n")
    return f"{first}\n<!-- {MARK}: it overwrites changes made here. -->\n{rest}"


def is_ours(data: bytes) -> bool:
    """Whether a file carries the mark."""
    return MARK.encode() in data[:1000]
