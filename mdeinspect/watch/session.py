"""From start to stop: the watches as they are now, rebuilt whenever what they hang on moves."""

from __future__ import annotations

import errno
from collections.abc import Callable, Sequence
from typing import Literal

from mdeinspect.errors import MdeinspectError
from mdeinspect.mounts import Mount, mount_of
from mdeinspect.watch.disk import look, mounts
from mdeinspect.watch.kernel import Watches
from mdeinspect.watch.plan import Method, Plan, plan
from mdeinspect.watch.settle import Settler

ATTEMPTS = 5
GONE = (errno.ENOENT, errno.ENOTDIR)
LIMITS = {
    errno.ENOSPC: "the limit of watches is reached; raise the sysctl fs.inotify.max_user_watches",
    errno.EMFILE: "the limit of watchers or of open files is reached; raise the sysctl "
    "fs.inotify.max_user_instances, or LimitNOFILE of the service",
}

Mode = Literal["events", "polling"]


class Session:
    """Watches and the thread that tends them. A session that was ended never wakes anybody."""

    def __init__(
        self,
        paths: Callable[[], Sequence[str]],
        wake: Callable[[], None],
        distrust: Callable[[], str | None],
        *,
        root: str,
        how: Method,
        debounce: float,
        ceiling: float,
    ) -> None:
        self._paths, self._wake, self._distrust = paths, wake, distrust
        self._root, self._how = root, how
        self._watches: Watches | None = None
        self.mode: Mode = "polling"
        self.why: str | None = "not started"
        self.mounts: tuple[Mount, ...] = ()
        self.settler = Settler(self._act, self._close, debounce=debounce, ceiling=ceiling)

    def start(self, *, build: bool) -> None:
        """Set up the watches (or leave that to the thread, with a wake-up after it)."""
        try:
            if build:
                self._build()
            else:
                self.settler.hint(structural=True)
            self.settler.start()
        except BaseException:
            self._close()
            raise

    def alive(self) -> bool:
        """False when a thread has died: what it watched goes unseen."""
        watches = self._watches
        if not self.settler.alive():
            return False
        return watches is None or watches.alive() or self.settler.busy

    def _act(self, structural: bool) -> None:
        if structural:
            self._build()
        if not self.settler.ended:
            self._wake()

    def _build(self) -> None:
        """Drop every watch and make all anew; never trust that a folder is still the same one."""
        self._close()
        try:
            why = self._distrust() or self._open()
        except OSError as error:
            why = self._because(error)
        except MdeinspectError as error:
            why = f"cannot tell what to watch: {error}"
        self.mode, self.why = ("polling", why) if why else ("events", None)

    def _open(self) -> str | None:
        """Watch, and see that nothing moved meanwhile; otherwise tell why that cannot be."""
        for attempt in range(ATTEMPTS):
            wanted = self._plan()
            self.mounts = mounts()
            if deaf := self._deaf(wanted):
                return deaf
            self._close()
            try:
                self._watches = Watches(wanted, self._how, self._hint)
            except OSError as error:
                if error.errno not in GONE or attempt == ATTEMPTS - 1:
                    raise
                continue
            if self._plan() == wanted:
                return None
        self.settler.hint(structural=True)  # it keeps moving: what we have, and once more soon
        return None

    def _plan(self) -> Plan:
        return plan(self._paths(), look, self._how, self._root)

    def _hint(self, structural: bool) -> None:
        self.settler.hint(structural=structural)

    def _deaf(self, wanted: Plan) -> str | None:
        for folder in wanted.folders:
            mount = mount_of(folder, self.mounts)
            if mount and mount.deaf:
                where = self._shown(folder)
                return f"cannot rely on events: {where} lies on {mount.kind}, which does not tell"
        return None

    def _because(self, error: OSError) -> str:
        why = LIMITS.get(error.errno or 0) or error.strerror or str(error)
        where = self._shown(str(error.filename)) if error.filename else "files"
        return f"cannot watch {where}: {why}"

    def _shown(self, folder: str) -> str:
        """The host's own name of a folder."""
        return folder.removeprefix(self._root) or "/"

    def _close(self) -> None:
        watches, self._watches = self._watches, None
        if watches:
            watches.close()
