"""Where the pinned baseline is: the one that `baseline pin` writes when nobody names a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mdeinspect.errors import UsageError
from mdeinspect.store import place

if TYPE_CHECKING:
    from mdeinspect.cli import Target

_PINNED = "baseline.json"


def pinned_at(target: Target) -> Path | None:
    """The pinned baseline of this machine, where there is one that this user may see.

    A recorded host is another machine: there only a state folder that is named counts.
    """
    try:
        places = [place_of_pin(target)]
        if target.state is None:  # of the service, where this user has none of his own
            places.append(place.to_read(place.here()) / _PINNED)
        return next((path for path in places if path.exists()), None)
    except (UsageError, OSError):
        return None


def place_of_pin(target: Target) -> Path:
    """Where `baseline pin` writes when nobody names a file."""
    if target.state is not None:
        return target.state / _PINNED
    if target.root is not None:
        raise UsageError(
            "cannot tell where the baseline of a recorded host belongs; name it with --file"
        )
    return place.default(place.here()) / _PINNED
