"""Which state folder a reading command means."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mdeinspect.errors import UsageError
from mdeinspect.store import place

if TYPE_CHECKING:
    from mdeinspect.cli import Target


def folder(target: Target) -> Path:
    """The folder that is named, else the one of the service of this machine."""
    if target.state is None and target.root is not None:
        raise UsageError("cannot tell where the state of a recorded host is; name it with --state")
    return target.state or place.to_read(target.platform or place.here())
