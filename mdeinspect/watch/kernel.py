"""The kernel's own watches, by way of watchdog (5 to 7)."""

from __future__ import annotations

import errno
import logging
import os
import threading
from collections.abc import Callable

from watchdog import events
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver
from watchdog.utils import BaseThread

from mdeinspect.watch.plan import Method, Plan, weigh

# What reading a file causes (opened, closed without a write) is left out, so that our own reads
# never wake us; so is a folder "modified", which only repeats what its entries told. A change of
# attributes has events of its own since watchdog 7.
NAMES = (
    "FileCreatedEvent FileDeletedEvent FileMovedEvent FileModifiedEvent FileClosedEvent "
    "FileAttribEvent DirCreatedEvent DirDeletedEvent DirMovedEvent DirAttribEvent"
)
KINDS = [getattr(events, name) for name in NAMES.split() if hasattr(events, name)]

JOIN = 2.0  # seconds; watchdog holds back one half of a rename for half a second


class Watches:
    """The watches of one plan, all new. `hint(structural)` is called from watchdog's threads.

    Raises `OSError` where one cannot be had; then there is none.
    """

    def __init__(self, plan: Plan, how: Method, hint: Callable[[bool], None]) -> None:
        self._plan = plan
        self._closed = False
        before = set(threading.enumerate())
        self._observer: BaseObserver = Observer()
        try:
            self._observer.start()
            self._schedule(how, _Ear(plan, hint))
        except BaseException:
            self.close()
            raise
        self._threads = [
            thread
            for thread in threading.enumerate()
            if isinstance(thread, BaseThread) and thread not in before
        ]

    @property
    def plan(self) -> Plan:
        """What these were made for."""
        return self._plan

    def alive(self) -> bool:
        """False when a thread of watchdog's has ended: what it watched goes unseen."""
        return all(thread.is_alive() for thread in self._threads)

    def close(self) -> None:
        """Drop every watch, and wait (not for ever) for the threads to end."""
        if not self._closed:
            self._closed = True
            self._observer.stop()
            if self._observer.is_alive():
                self._observer.join(JOIN)

    def _schedule(self, how: Method, ear: events.FileSystemEventHandler) -> None:
        for folder in self._plan.folders:
            # watchdog takes "permission denied" of inotify for success
            if not _may_read(folder):
                raise PermissionError(errno.EACCES, "permission denied", folder)
            try:
                self._observer.schedule(ear, folder, recursive=how.recursive, event_filter=KINDS)
            except OSError as error:
                raise OSError(error.errno, error.strerror, folder) from error


def _may_read(folder: str) -> bool:
    """Whether this process may list a folder; what is none may be watched in any case.

    Tried: `os.access` knows nothing of capabilities, by which a user of its own reads what is
    root's alone.
    """
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        os.close(os.open(folder, flags))
    except PermissionError:
        return False
    except OSError:
        return True
    return True


class OverflowAlarm(logging.Handler):
    """Tells when watchdog logs that the kernel's queue overflowed: it has no other way to say so.

    Versions before 7.1 say nothing at all.
    """

    def __init__(self, told: Callable[[], None]) -> None:
        super().__init__(logging.WARNING)
        self._told = told

    def emit(self, record: logging.LogRecord) -> None:
        if "overflow" in record.getMessage().lower():
            self._told()

    def hook(self) -> None:
        logging.getLogger("watchdog").addHandler(self)

    def unhook(self) -> None:
        logging.getLogger("watchdog").removeHandler(self)


class _Ear(events.FileSystemEventHandler):
    """Drops what does not matter, and hints at the rest."""

    def __init__(self, plan: Plan, hint: Callable[[bool], None]) -> None:
        self._plan, self._hint = plan, hint

    def dispatch(self, event: events.FileSystemEvent) -> None:
        paths = os.fsdecode(event.src_path), os.fsdecode(event.dest_path)
        weight = weigh(self._plan, event.event_type, event.is_directory, *paths)
        if weight:
            self._hint(weight == "structure")
