"""Whether paths are there, asked so that no file system of somebody else can hold us up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

from mdeinspect import mounts
from mdeinspect.errors import NotThere, Unreadable
from mdeinspect.host import Host
from mdeinspect.model import Platform

PATIENCE = timedelta(seconds=2)  # for all of them
MOUNTS = "/proc/self/mountinfo"
_MOST = 1024 * 1024
# What is mounted when somebody looks at it, on a Mac; there is no list of mounts to be read.
_MAC_ELSEWHERE = ("/Volumes/", "/Network/", "/net/", "/home/")
_NAMED = frozenset({"dangling-link", "link-loop"})  # something of that name is there


def present(host: Host, platform: Platform, paths: Sequence[str]) -> Mapping[str, bool | None]:
    """True, False or, where that cannot be seen, None for each path. Nothing is opened.

    None also for what lies on a network file system or is mounted on demand: a look may hang, or
    mount it; and for what is left when patience is over.
    """
    elsewhere = _elsewhere(host, platform)
    end = host.now() + PATIENCE
    return {
        path: None
        if elsewhere is None or host.now() > end or _lies(path, elsewhere)
        else _is_there(host, path)
        for path in paths
    }


def _is_there(host: Host, path: str) -> bool | None:
    try:
        host.stat(path)
    except NotThere:
        return False
    except Unreadable as error:
        return True if error.kind in _NAMED else None
    return True


def _elsewhere(host: Host, platform: Platform) -> Sequence[mounts.Mount] | None:
    """The mounts of the host, those not to be looked into marked deaf; None when not known."""
    if platform == "darwin":
        return [mounts.Mount(0, place.rstrip("/"), "nfs") for place in _MAC_ELSEWHERE]
    try:
        data, _ = host.tail(MOUNTS, _MOST)
    except (NotThere, Unreadable):
        return None
    return mounts.parse(data.decode("utf-8", "replace"))


def _lies(path: str, known: Sequence[mounts.Mount]) -> bool:
    mount = mounts.mount_of(path, known)
    return mount is not None and (mount.deaf or mount.kind == "autofs")
