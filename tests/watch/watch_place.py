"""A folder to watch, and a bell that tells whether it rang."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from mdeinspect.watch import Watcher

PATIENCE = 8.0  # seconds; a wake takes well under one
QUIET = 0.1  # seconds without a ring after which a change may begin
SILENT = 0.7  # the same, where nothing of before may be heard any more: half a rename is held back
POLICY = "/etc/opt/mdatp/managed/policy.json"


class Bell:
    """What the service does on a wake-up: a flag is set; here it also notes what it would see."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self.rings = 0
        self.seen: Callable[[], object] = lambda: None
        self.last: object = None

    def ring(self) -> None:
        self.last = self.seen()
        with self._changed:
            self.rings += 1
            self._changed.notify_all()

    def heard(self, since: int, patience: float = PATIENCE) -> bool:
        """True once there were more than `since` rings."""
        with self._changed:
            return self._changed.wait_for(lambda: self.rings > since, patience)

    def settle(self, quiet: float = QUIET) -> int:
        """The count of rings, once there was none for a while."""
        count = self.rings
        while self.heard(count, quiet):
            count = self.rings
        return count


class Place:
    """A host's files below a folder, with a watcher of its policy."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.bell = Bell()
        self.watchers: list[Watcher] = []

    def at(self, path: str = POLICY) -> Path:
        return self.folder / path.lstrip("/")

    def inside(self, path: str, *, follow: bool = False) -> Path:
        """The same; refuses what absolute links would lead out of here, to this machine's own."""
        where = self.at(path)
        real = Path(os.path.realpath(where if follow else where.parent))
        if not real.is_relative_to(self.folder):
            raise PermissionError(f"{path} leads to {real}")
        return where

    def put(self, text: str, path: str = POLICY) -> Path:
        """Write a file, with the folders it needs."""
        where = self.inside(path, follow=True)
        where.parent.mkdir(parents=True, exist_ok=True)
        where.write_text(text)
        return where

    def watch(self, *paths: str, **options: object) -> Watcher:
        return self.watch_for(lambda: paths or (POLICY,), **options)

    def watch_for(self, paths: Callable[[], Sequence[str]], **options: object) -> Watcher:
        options = {"platform": "linux", "debounce": 0.02, **options}
        watcher = Watcher(paths, self.bell.ring, root=str(self.folder), **options)  # type: ignore[arg-type]
        self.watchers.append(watcher)
        watcher.start()
        return watcher

    def rings(self, change: Callable[[], object]) -> bool:
        """True when a change is announced."""
        before = self.bell.settle()
        change()
        return self.bell.heard(before)

    def silent(self, change: Callable[[], object]) -> bool:
        """True when a change is not announced."""
        before = self.bell.settle(SILENT)
        change()
        return not self.bell.heard(before, SILENT / 2)


def until(holds: Callable[[], bool], patience: float = PATIENCE) -> bool:
    """True once a condition holds."""
    end = time.monotonic() + patience
    while not holds():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True
