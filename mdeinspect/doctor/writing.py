"""May the service write there? By the mode of a folder, and by the sandbox of its unit."""

from __future__ import annotations

import os
import stat
from dataclasses import replace
from pathlib import PurePosixPath

from mdeinspect.doctor.machine import Who
from mdeinspect.doctor.scene import Scene

STRICT = "strict"
EDIT = "systemctl edit mdeinspect, and write: [Service]"
DROP_IN = f"{EDIT} ReadWritePaths={{}}"


def writer(scene: Scene) -> Who:
    """The user of the service where it is installed and we may speak for it; else our own."""
    me = scene.machine.myself()
    if scene.daemon is None or not me.all_powerful:
        return me
    settings = scene.daemon.settings
    name = settings.get("User") or "root"
    found = scene.machine.user(name)
    if found is None:
        return me
    named = [settings.get("Group", ""), *settings.get("SupplementaryGroups", "").split()]
    groups = [scene.machine.group(one) for one in named if one]
    bounds = settings.get("CapabilityBoundingSet")  # launchd knows none: root is root
    powerful = name == "root" and (bounds is None or "cap_dac_override" in bounds.split())
    return replace(
        found,
        gids=found.gids.union(gid for gid in groups if gid is not None),
        all_powerful=powerful,
    )


def refusal(who: Who, path: str) -> str | None:
    """Why `who` cannot write the file or into the folder at `path`; None where it can.

    Raises OSError where the path cannot be looked at.
    """
    found = os.stat(path)
    if who.all_powerful:
        return None
    if found.st_uid == who.uid:
        allowed = found.st_mode & stat.S_IWUSR
    elif found.st_gid in who.gids:
        allowed = found.st_mode & stat.S_IWGRP
    else:
        allowed = found.st_mode & stat.S_IWOTH
    return None if allowed else f"{path} cannot be written by {who.name}"


def walled_off(scene: Scene, path: str) -> bool:
    """Whether the sandbox of the unit keeps `path` read-only, whatever its mode."""
    settings = scene.daemon.settings if scene.daemon else {}
    if settings.get("ProtectSystem") != STRICT:
        return False
    open_ = [f"/var/lib/{name}" for name in settings.get("StateDirectory", "").split()]
    open_ += [f"/var/log/{name}" for name in settings.get("LogsDirectory", "").split()]
    open_ += [name.lstrip("-+") for name in settings.get("ReadWritePaths", "").split()]
    return not any(PurePosixPath(path).is_relative_to(one) for one in open_)


def nearest(path: str) -> str:
    """The path itself, or the nearest folder above it that is there."""
    while not os.path.exists(path) and path != "/":
        path = os.path.dirname(path)
    return path
