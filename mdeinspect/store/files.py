"""The state folder: made private, locked, and cleared of what is broken."""

from __future__ import annotations

import contextlib
import fcntl
import os
from datetime import UTC, datetime
from pathlib import Path

from mdeinspect.store.errors import InUse, StoreError, of_system

FOLDER_MODE = 0o750
FILE_MODE = 0o640
LOCK = "store.lock"
SIDES = ("", "-wal", "-shm")  # SQLite's own files beside the database; they belong together
SET_ASIDE = 3  # how many broken databases stay for a person to look at


def make(folder: Path) -> None:
    """Create the folder, readable by its owner and group; one that is there stays as it is.

    Raises `StoreError`, also for a folder that everyone may write to: files there can be swapped.
    """
    try:
        if not folder.exists():
            folder.mkdir(mode=FOLDER_MODE, parents=True)
            folder.chmod(FOLDER_MODE)  # whatever the umask
        mode = folder.stat().st_mode
    except OSError as error:
        raise of_system(f"use the state folder {folder}", error) from error
    if mode & 0o002:
        why = "everyone may write to it; name a folder of its own with --state"
        raise StoreError(f"cannot use the state folder {folder}: {why}", kind="denied")


def take(folder: Path) -> int:
    """The lock on the folder, as a descriptor that holds it until closed; raises `InUse`."""
    path = folder / LOCK
    try:
        while True:
            lock = private(path, os.O_RDWR)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if _still(lock, path):
                    os.ftruncate(lock, 0)
                    os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
                    return lock
            except BlockingIOError:
                told = os.pread(lock, 20, 0).strip()
                os.close(lock)
                raise InUse(folder, int(told) if told.isdigit() else None) from None
            except BaseException:
                os.close(lock)
                raise
            os.close(lock)  # another took its place between opening and locking
    except OSError as error:
        raise of_system(f"lock the state folder {folder}", error) from error


def private(path: Path, flags: int) -> int:
    """Open a file of the state folder, created 0640 and of the group of the folder."""
    flags |= os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    # The state folder is our own, not the inspected machine's.
    descriptor = os.open(path, flags, FILE_MODE)  # noqa: TID251
    with contextlib.suppress(PermissionError):  # a file that is another's keeps what it has
        os.fchmod(descriptor, FILE_MODE)
        # So that the group that may enter the folder may read what is in it.
        os.fchown(descriptor, -1, path.parent.stat().st_gid)
    return descriptor


def touch(path: Path) -> None:
    """Create a private, empty file that is not there yet."""
    os.close(private(path, os.O_WRONLY | os.O_EXCL))


def set_aside(path: Path) -> Path:
    """Rename a broken database and what belongs to it, by the time it was last written.

    Only the newest `SET_ASIDE` of them stay. Raises `StoreError`.
    """
    try:
        found = [path.with_name(path.name + side) for side in SIDES]
        found = [one for one in found if os.path.lexists(one)]
        written = datetime.fromtimestamp(found[0].lstat().st_mtime, UTC)
        aside = _free(path.with_name(f"{path.name}.corrupt-{written:%Y%m%dT%H%M%SZ}"))
        moved = [one.rename(f"{aside}{one.name.removeprefix(path.name)}") for one in found]
        _thin(path, aside)
        sync(path.parent)
    except OSError as error:
        raise of_system(f"set {path} aside", error) from error
    return moved[0]


def allowed(path: Path, what: int) -> bool:
    """Whether this process may read (`os.R_OK`) or write (`os.W_OK`) a file; opens nothing.

    Opening and closing a database would take away the locks that SQLite has on it.
    """
    return os.access(path, what, effective_ids=os.access in os.supports_effective_ids)


def sync(folder: Path) -> None:
    """Make renames in a folder outlive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)  # noqa: TID251 -- our own folder
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _still(descriptor: int, path: Path) -> bool:
    """Whether `path` is still the file that was opened."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def _free(path: Path) -> Path:
    """`path`, or the first of `path-2`, `path-3`... that nothing has."""
    candidate, number = path, 1
    while any(os.path.lexists(f"{candidate}{side}") for side in SIDES):
        number += 1
        candidate = path.with_name(f"{path.name}-{number}")
    return candidate


def _thin(path: Path, newest: Path) -> None:
    """Remove all but the newest of what was set aside."""
    every = {str(one).removesuffix("-wal").removesuffix("-shm") for one in _asides(path)}
    older = sorted(every - {str(newest)}, reverse=True)
    for name in older[SET_ASIDE - 1 :]:
        for side in SIDES:
            with contextlib.suppress(OSError):
                Path(f"{name}{side}").unlink(missing_ok=True)


def _asides(path: Path) -> list[Path]:
    return list(path.parent.glob(f"{path.name}.corrupt-*"))
