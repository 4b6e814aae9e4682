"""What can go wrong with the state folder, told apart."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Literal

from mdeinspect.errors import ConfigError, MdeinspectError

Kind = Literal["missing", "denied", "newer", "corrupt", "full", "locked", "gone", "io"]
HINTS: dict[Kind, str] = {
    "missing": "there is none; is the service running, and is --state right?",
    "denied": "permission denied; run with sudo, or join the group of the service",
    "full": "there is no space left; free some on that device",
    "locked": "another program holds it; end that program",
}
_KINDS: dict[int | None, Kind] = {
    errno.ENOENT: "missing",
    errno.ENOTDIR: "missing",
    errno.EACCES: "denied",
    errno.EPERM: "denied",
    errno.EROFS: "denied",
    errno.ENOSPC: "full",
    errno.EDQUOT: "full",
}


class StoreError(MdeinspectError):
    """Something in the state folder cannot be read or written; nothing of what was asked is done.

    `kind` is one of `missing denied newer corrupt full locked gone io`.
    """

    def __init__(self, message: str, *, kind: Kind) -> None:
        super().__init__(message)
        self.kind = kind


class InUse(ConfigError):
    """Another process has the state folder. `pid` is None where it does not say which."""

    def __init__(self, folder: Path, pid: int | None) -> None:
        who = f"pid {pid}" if pid else "pid not known"
        super().__init__(f"cannot run: another mdeinspect uses {folder} ({who})")
        self.pid = pid


def failed(doing: str, kind: Kind, why: object) -> StoreError:
    """`cannot DOING: WHY`, with what to do where that is known."""
    return StoreError(f"cannot {doing}: {HINTS.get(kind) or why}", kind=kind)


def of_system(doing: str, error: OSError) -> StoreError:
    """What the operating system refused."""
    return failed(doing, _KINDS.get(error.errno, "io"), error.strerror or error)
