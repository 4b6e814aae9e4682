"""Wake-ups for the service when a policy file may have changed.

Events are hints: whoever is woken compares content. A timed rescan alone is correct, and what it
finds that no event announced is the alarm (`Watcher.missed`). See `docs/watching.md`.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence

from mdeinspect.model import Platform
from mdeinspect.mounts import mount_of
from mdeinspect.watch.disk import look, mounts, names_of
from mdeinspect.watch.kernel import OverflowAlarm
from mdeinspect.watch.plan import method, walk
from mdeinspect.watch.session import Mode, Session

__all__ = ["POLL_EVERY", "Mode", "Watcher"]

POLL_EVERY = 5.0  # seconds between rescans where events cannot be had
TRUST = 3  # as many unannounced changes within `HOUR` end the trust in events
HOUR = 3600.0


class Watcher:
    """Calls `wake` when one of the files or folders at `paths()` may have changed.

    `paths` gives absolute paths as the host names them, whether or not anything is there; for a
    folder, whatever comes to or goes from it counts. It is asked again at every rebuild. The
    host's `/` lies at `root` ("" for this machine's own). `wake` is called from one thread, never
    concurrently, `debounce` seconds after the last event or `ceiling` after the first; it must
    only set a flag. `platform` is that of this machine, not of the host that is looked at.
    """

    def __init__(
        self,
        paths: Callable[[], Sequence[str]],
        wake: Callable[[], None],
        *,
        root: str = "",
        platform: Platform | None = None,
        debounce: float = 0.05,
        ceiling: float = 0.5,
        poll_every: float = POLL_EVERY,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._paths, self._wake = paths, wake
        self._root = os.path.realpath(root).rstrip("/") if root else ""
        self._how = method(platform or ("darwin" if sys.platform == "darwin" else "linux"))
        self._debounce, self._ceiling = debounce, ceiling
        self._poll_every, self._clock = poll_every, clock
        self._lock = threading.RLock()
        self._missed: deque[float] = deque(maxlen=TRUST)
        self._alarm = OverflowAlarm(self._overflow)
        self._session: Session | None = None
        self.overflowed = False
        """True once the kernel has dropped events since the start (told by watchdog 7.1 on)."""

    @property
    def mode(self) -> Mode:
        """Whether events are to be expected; "polling" also before `start` and after `stop`."""
        session = self._session
        return session.mode if session else "polling"

    @property
    def why(self) -> str | None:
        """Why there is polling; None where there is not. A line for people."""
        session = self._session
        return session.why if session else "not started"

    @property
    def poll_interval(self) -> float | None:
        """Seconds between rescans while polling; None while events come: the service's own."""
        return None if self.mode == "events" else self._poll_every

    def start(self) -> None:
        """Watch from now on; on return `mode` is known. Does nothing when started already."""
        with self._lock:
            if self._session is None:
                self.overflowed = False
                self._begin(build=True)
                self._alarm.hook()

    def stop(self, timeout: float = 5.0) -> None:
        """End every thread and watch, within `timeout` seconds; afterwards nobody is woken."""
        with self._lock:
            session, self._session = self._session, None
            self._alarm.unhook()
        if session:
            session.settler.end(timeout)

    def alive(self) -> bool:
        """False when a thread has died since `start`: then `rebuild` is due. Cheap.

        For a moment also while a watched folder vanishes, where a rebuild is on its way anyway.
        """
        session = self._session
        return session is not None and session.alive()

    def rebuild(self) -> None:
        """Drop every watch and make all anew, and wake after it; returns at once.

        While polling this tries events again: worth a call an hour.
        """
        with self._lock:
            session = self._session
            if session and session.settler.alive():
                session.settler.hint(structural=True)
            elif session:  # its thread is dead, or hangs: another takes over
                session.settler.end(0)
                self._begin(build=False)

    def missed(self, *, blind: bool = False) -> None:
        """A rescan found a change that no event announced: all watches are made anew.

        The third time within an hour ends the trust in events for the rest of it, unless the
        change was `blind` (see `blind_spot`). Not counted while a wake-up is on its way.
        """
        session = self._session
        if session is None or session.mode == "polling":
            return
        if not blind and not session.settler.busy:
            with self._lock:
                self._missed.append(self._clock())
        self.rebuild()

    def blind_spot(self, path: str) -> str | None:
        """Why no event could tell of a change at `path` (as the host names it); None if one could.

        A file with several names may be edited by another one; a mount moves nothing.
        """
        real = self._root + walk(path, look, self._root).end
        if names_of(real) > 1:
            return f"{path} has other names (hard links), by which it can be edited"
        mount, session = mount_of(real, mounts()), self._session
        if session and mount != mount_of(real, session.mounts):
            return f"something was mounted or unmounted at {path} or above it"
        if mount and mount.point == real and look(real).kind == "other":
            return f"{path} is mounted from elsewhere, where it can be edited"
        return None

    def _begin(self, *, build: bool) -> None:
        session = Session(
            self._paths,
            self._wake,
            self._distrust,
            root=self._root,
            how=self._how,
            debounce=self._debounce,
            ceiling=self._ceiling,
        )
        session.start(build=build)
        self._session = session

    def _distrust(self) -> str | None:
        with self._lock:
            since = self._clock() - HOUR
            if sum(moment > since for moment in self._missed) < TRUST:
                return None
        return f"cannot rely on events: {TRUST} changes within an hour came without one"

    def _overflow(self) -> None:
        self.overflowed = True
        session = self._session
        if session:
            session.settler.hint(structural=True)
