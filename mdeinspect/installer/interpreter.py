"""May a privileged service run from this installation? Everything it loads must be root's alone."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from mdeinspect.host.commands import distrust
from mdeinspect.installer.manager import mount_point
from mdeinspect.model import Platform

# Out of sight of the unit (ProtectHome), or gone after the next boot.
HIDDEN = {
    "linux": ("/home", "/root", "/run/user", "/tmp", "/var/tmp", "/dev/shm"),  # noqa: S108
    "darwin": ("/Users", "/private/tmp", "/private/var/tmp"),
}
WHOLE = ("/", "/usr", "/nix/store", "/System/Volumes/Data")  # read-only by design on some systems
ENOUGH = 5  # objections; the rest would say the same


def command() -> tuple[str, ...]:
    """How this installation is started, isolated from the environment and the current folder."""
    return (sys.executable, "-I", "-m", "mdeinspect")


def loaded() -> tuple[str, ...]:
    """The interpreter and every place that it loads code from."""
    places = [sys.executable, str(Path(__file__).parents[1])]
    places += [sys.prefix] if sys.prefix != sys.base_prefix else []  # a virtual environment
    places += [place for place in sys.path if place]  # "" is the current folder: never with -I
    return tuple(dict.fromkeys(place for place in places if Path(place).exists()))


def objections(places: Iterable[str], platform: Platform) -> list[str]:
    """Why a privileged service must not run from `places`; empty where nothing speaks against it.

    The first is the interpreter. Every place, with the folders above it and all that is in it,
    must belong to root and be writable by root alone.
    """
    places = list(places)
    found = [*_unfit(places[0], platform)]
    seen: set[str] = set()
    for place in places:
        for path in _real(place):
            if path in seen or any(path.startswith(f"{one}/") for one in seen):
                continue
            seen.add(path)
            try:
                why = distrust(path, platform) or _inside(path)
            except OSError as error:
                why = f"{path} cannot be looked at: {error.strerror or error}"
            if why and why not in found:
                found.append(why)
            if len(found) >= ENOUGH:
                return found
    return found


def _real(place: str) -> Iterator[str]:
    """The place behind every link, and the folder that the link itself lies in."""
    if os.path.islink(place):
        yield os.path.realpath(os.path.dirname(place))
    yield os.path.realpath(place)


def _unfit(program: str, platform: Platform) -> Iterator[str]:
    """What makes an interpreter unfit for a service, whoever owns it."""
    for path in dict.fromkeys((os.path.abspath(program), os.path.realpath(program))):
        for folder in HIDDEN[platform]:
            if path.startswith(f"{folder}/"):
                yield f"{path} lies below {folder}, where the service cannot rely on it"
    real = os.path.realpath(program)
    mount = mount_point(real)
    if mount not in WHOLE and os.statvfs(real).f_flag & os.ST_RDONLY:
        yield f"{real} is on a read-only image at {mount}, which may be gone after the next boot"


def _inside(path: str) -> str | None:
    """The first thing below a folder that others than root may write."""
    if not os.path.isdir(path):
        return None
    for folder, folders, files in os.walk(path):
        for name in (*folders, *files):
            here = f"{folder}/{name}"
            found = os.lstat(here)
            if stat.S_ISLNK(found.st_mode):
                continue  # what it points to is asked for by its own name, or not loaded
            if found.st_uid != 0:
                return f"{here} does not belong to root"
            if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
                return f"{here} can be written by others than root"
    return None
