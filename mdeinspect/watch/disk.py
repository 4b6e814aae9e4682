"""What lies on the disk, and what is mounted, at this moment."""

from __future__ import annotations

import os
import stat

from mdeinspect.mounts import Mount, parse
from mdeinspect.watch.plan import Seen


def look(path: str) -> Seen:
    """What lies at a path; what cannot be looked at counts as missing."""
    try:
        mode = os.lstat(path).st_mode
        if stat.S_ISLNK(mode):
            return Seen("link", os.readlink(path))
    except (OSError, ValueError):
        return Seen("missing")
    return Seen("folder" if stat.S_ISDIR(mode) else "other")


def names_of(path: str) -> int:
    """How many names (hard links) a file has; 0 when there is none."""
    try:
        found = os.lstat(path)
    except (OSError, ValueError):
        return 0
    return 0 if stat.S_ISDIR(found.st_mode) else found.st_nlink


def mounts() -> tuple[Mount, ...]:
    """What is mounted now; nothing on a platform that does not tell."""
    try:
        with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as file:
            return parse(file.read())
    except OSError:
        return ()
