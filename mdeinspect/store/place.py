"""Where the state folder is when nobody names one."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from mdeinspect.errors import UsageError

if TYPE_CHECKING:
    from mdeinspect.model import Platform

SYSTEM: dict[Platform, Path] = {
    "linux": Path("/var/lib/mdeinspect"),
    "darwin": Path("/Library/Application Support/mdeinspect"),
}


def here() -> Platform:
    """The platform of this machine, as far as folders go."""
    known: dict[str, Platform] = {"darwin": "darwin"}
    return known.get(sys.platform, "linux")


def default(platform: Platform) -> Path:
    """Where a service of this user keeps its state; raises `UsageError` for one without a home."""
    return SYSTEM[platform] if os.geteuid() == 0 else _own(platform)


def to_read(platform: Platform) -> Path:
    """Where to look for the state of the service: the system's, wherever there is one."""
    try:
        there = SYSTEM[platform].exists()
    except PermissionError:
        there = True
    return SYSTEM[platform] if there else default(platform)


def _own(platform: Platform) -> Path:
    try:
        home = Path.home()
    except RuntimeError as error:
        raise UsageError(
            "cannot tell where to keep state: this user has no home; name a folder with --state"
        ) from error
    if platform == "darwin":
        return home / "Library" / "Application Support" / "mdeinspect"
    named = os.environ.get("XDG_STATE_HOME", "")
    # The specification has relative paths ignored.
    base = Path(named) if named.startswith("/") else home / ".local" / "state"
    return base / "mdeinspect"
