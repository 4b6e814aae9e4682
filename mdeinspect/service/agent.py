"""The thread that runs `mdatp`, one call at a time, so that a slow one delays nobody."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import structlog

from mdeinspect.host import Host
from mdeinspect.inspect import Plan, look
from mdeinspect.model import Reading
from mdeinspect.service.door import Door
from mdeinspect.service.inbox import Answer
from mdeinspect.sources import CommandSource

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Job:
    """What to ask, and of which host; `known` are the readings to go by."""

    host: Host
    details: bool
    sources: Sequence[CommandSource]
    known: Mapping[str, Reading[Any]]


class AgentThread:
    """Takes one job at a time and posts what came of it."""

    def __init__(self, post: Callable[[Answer], None]) -> None:
        self._post = post
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="agent", daemon=True)
        self._busy_since: float | None = None

    @property
    def busy(self) -> bool:
        """Whether a job runs, or its answer was not taken yet."""
        return self._busy_since is not None

    def seconds(self, now: float) -> float:
        """For how long it has been busy; `now` is monotonic."""
        return 0.0 if self._busy_since is None else now - self._busy_since

    def start(self) -> None:
        """Begin to take jobs."""
        self._thread.start()

    def ask(self, job: Job, now: float) -> None:
        """Hand over a job. Only called while not `busy`."""
        self._busy_since = now
        self._jobs.put(job)

    def answered(self) -> None:
        """Its answer was taken."""
        self._busy_since = None

    def end(self, timeout: float) -> None:
        """No more jobs; waits for the one that runs, `timeout` seconds at most."""
        self._jobs.put(None)
        self._thread.join(timeout)

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            door, found = Door(job.host), {}
            host = cast("Host", door)
            try:
                found = look(host, host.facts(), Plan(job.details), job.sources, job.known)
            except Exception as error:  # noqa: BLE001 -- a thread that dies would never ask again
                log.error("agent not asked", error=repr(error))
            self._post(Answer(found, door.calls, job.details))
