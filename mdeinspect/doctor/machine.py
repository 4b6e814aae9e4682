"""What the checkups need of this machine beyond `Host`: rights, space, clocks, watches, units."""

from __future__ import annotations

import ctypes
import grp
import os
import pwd
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from mdeinspect.host.commands import distrust, privileged
from mdeinspect.installer import interpreter, vitals
from mdeinspect.installer.manager import Unit
from mdeinspect.model import Platform

STA_UNSYNC = 0x40  # of <sys/timex.h>: the kernel does not know that its clock is right


@dataclass(frozen=True, slots=True)
class Space:
    """What is left where a folder lies. `files` is None where files are not counted."""

    free: int
    files: int | None
    read_only: bool


@dataclass(frozen=True, slots=True)
class Who:
    """A user to ask for. `all_powerful`: modes of files do not bind it."""

    name: str
    uid: int
    gids: frozenset[int]
    all_powerful: bool = False


class _Timex(ctypes.Structure):
    """The head of `struct timex`; the rest is left to the kernel."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_char * 256),
    )


class Machine:
    """The machine this runs on."""

    def privileged(self) -> bool:
        """Whether this process may do what its user may not."""
        return privileged()

    def myself(self) -> Who:
        """The user of this process."""
        uid = os.geteuid()
        return Who(_name(uid), uid, frozenset((os.getegid(), *os.getgroups())), uid == 0)

    def user(self, name: str) -> Who | None:
        """Another user, without any power of its own; None where there is none of that name."""
        try:
            found = pwd.getpwnam(name)
        except KeyError:
            return None
        gids = frozenset(os.getgrouplist(found.pw_name, found.pw_gid))
        return Who(found.pw_name, found.pw_uid, gids)

    def group(self, name: str) -> int | None:
        """The number of a group; None where there is none of that name."""
        if name.isdecimal():
            return int(name)
        try:
            return grp.getgrnam(name).gr_gid
        except KeyError:
            return None

    def space(self, folder: str) -> Space:
        """What is left at a folder. Raises OSError."""
        found = os.statvfs(folder)
        files = found.f_favail if found.f_files else None
        return Space(found.f_bavail * found.f_frsize, files, bool(found.f_flag & os.ST_RDONLY))

    def synchronised(self) -> bool | None:
        """Whether the kernel takes its clock for right; None where it does not tell."""
        if sys.platform != "linux":
            return None
        try:
            asked = _Timex()
            ok = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.byref(asked)) >= 0
        except (OSError, AttributeError):
            return None
        return not asked.status & STA_UNSYNC if ok else None

    def installed_at(self) -> datetime:
        """When this program was made or installed: no clock can rightly be before that."""
        return datetime.fromtimestamp(Path(__file__).stat().st_mtime, UTC)

    def watch(self, paths: Sequence[str]) -> tuple[str, str | None]:
        """Try to watch these paths: `events` or `polling`, and why polling."""
        from mdeinspect.watch import Watcher

        watcher = Watcher(lambda: paths, lambda: None)
        watcher.start()
        try:
            return watcher.mode, watcher.why
        finally:
            watcher.stop()

    def units(self, platform: Platform) -> tuple[Unit, ...]:
        """The units of ours that are installed. Raises `InstallError`."""
        return vitals.installed(platform)

    def objections(self, platform: Platform) -> list[str]:
        """Why no privileged service should run from this installation."""
        return interpreter.objections(interpreter.loaded(), platform)

    def distrust(self, program: str, platform: Platform) -> str | None:
        """Why no privileged process should run a program; None where nothing is against it."""
        return distrust(os.path.realpath(program), platform)


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
