"""Opening a file of lines for appending: a regular file, ours alone, ending with a whole line."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import grp
import os
import stat

from mdeinspect.sinks import SinkError
from mdeinspect.sinks._rotation import sync_folder

FLAGS = os.O_RDWR | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
FOLDER_MODE = 0o750
BLOCK = 65536


def open_log(path: str, mode: int, group: str | None) -> int:
    """A descriptor for `path`. Raises OSError and `SinkError`.

    A missing file is made with `mode` and `group`; an existing one keeps what it has. A missing
    folder is made too (0750, same group), but only one: more would hide a disk that is not mounted.
    """
    if not _exists(path):
        return _made(path, mode, group)
    fd = os.open(path, FLAGS)
    try:
        _check(path, fd)
        _end_whole(fd)
    except BaseException:
        os.close(fd)
        raise
    return fd


def is_same(path: str, fd: int) -> bool:
    """Whether `path` still names the file that is open as `fd`."""
    try:
        return os.path.samestat(os.lstat(path), os.fstat(fd))
    except FileNotFoundError:
        return False


def _exists(path: str) -> bool:
    """Whether there is a file; anything else at that place is refused before it is opened."""
    try:
        found = os.lstat(path)
    except FileNotFoundError:
        return False
    _regular(path, found)
    return True


def _check(path: str, fd: int) -> None:
    _regular(path, os.fstat(fd))
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise SinkError(f"cannot write {path}: another process or sink writes it") from error


def _regular(path: str, found: os.stat_result) -> None:
    if stat.S_ISLNK(found.st_mode):
        raise SinkError(f"cannot write {path}: it is a symbolic link; name the file itself")
    if not stat.S_ISREG(found.st_mode):
        raise SinkError(f"cannot write {path}: it is not a regular file")


def _made(path: str, mode: int, group: str | None) -> int:
    gid = _gid(path, group)
    _make_folder(os.path.dirname(path), gid)
    fd = os.open(path, FLAGS | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        _check(path, fd)
        os.fchown(fd, -1, gid)
        os.fchmod(fd, mode)
        sync_folder(path)
    except BaseException:
        os.close(fd)
        os.unlink(path)  # or the next try would find a file with another mode
        raise
    return fd


def _make_folder(folder: str, gid: int) -> None:
    with contextlib.suppress(FileExistsError):
        os.mkdir(folder, FOLDER_MODE)
        os.chmod(folder, FOLDER_MODE)  # whatever the umask took away
        os.chown(folder, -1, gid)


def _gid(path: str, group: str | None) -> int:
    """The number of `group`; -1, which changes nothing, without one."""
    if group is None:
        return -1
    if group.isdecimal():
        return int(group)
    try:
        return grp.getgrnam(group).gr_gid
    except KeyError as error:
        raise SinkError(f"cannot write {path}: there is no group {group!r}") from error


def _end_whole(fd: int) -> None:
    """Cut a torn last line. A last line that is not ours is ended instead: nothing foreign goes."""
    size = os.fstat(fd).st_size
    whole = _end_of_lines(fd, size)
    if whole == size:
        return
    if os.pread(fd, 1, whole) in (b"{", b"\0"):  # one of ours, or what a power failure leaves
        os.ftruncate(fd, whole)
    elif os.write(fd, b"\n") != 1:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    os.fsync(fd)


def _end_of_lines(fd: int, size: int) -> int:
    """The offset behind the last line end; 0 without any."""
    end = size
    while end:
        start = max(0, end - BLOCK)
        found = os.pread(fd, end - start, start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        end = start
    return 0
