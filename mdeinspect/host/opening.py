"""What `--root` names: a recorded host or a Client Analyzer bundle, in a folder or an archive."""

from __future__ import annotations

import os

from mdeinspect.errors import UsageError
from mdeinspect.host.marks import MARKS, RECORD
from mdeinspect.host.recorded import RecordedHost
from mdeinspect.model import Platform


def open_recorded(root: str, platform: Platform | None = None) -> RecordedHost:
    """The host recorded in `root`; raises `UsageError` when there is none."""
    if os.path.isdir(root) and not is_bundle(root):
        return RecordedHost(root, platform=platform)
    if not os.path.lexists(root):
        raise UsageError(f"cannot inspect {root}: there is no such folder or file")
    from mdeinspect.host import bundles  # zip, tar and what goes with them

    found = bundles.in_folder if os.path.isdir(root) else bundles.in_archive
    return RecordedHost(found(root, platform), platform=platform)


def is_bundle(root: str) -> bool:
    """Whether the folder is a Client Analyzer's and no recorded host, by the names in it."""
    try:
        names = set(os.listdir(root))
    except OSError as error:
        raise UsageError(f"cannot inspect {root}: {error.strerror or error}") from error
    return bool(names & set(MARKS)) and not names & RECORD
