"""When to look at what: gentle with the agent, quick after a change of policy. Pure.

Moments are seconds of a monotonic clock; `now` is always an argument.
"""

from __future__ import annotations

import hashlib
from collections import deque
from dataclasses import dataclass, field

from mdeinspect.config.model import Config

# After a change of policy health is read at these multiples of `schedule.settle`.
BURST = (1, 3, 6, 12, 30, 60)
CALLS_AN_HOUR = 30
HOUR = 3600.0
SLOWEST = 3600.0  # however often health cannot be read, it is tried once an hour
RETENTION = 3600.0


def share(host_id: str, purpose: str) -> float:
    """A fraction of one that is always the same for a host, and spread over a fleet."""
    digest = hashlib.sha256(f"{host_id}/{purpose}".encode()).digest()
    return int.from_bytes(digest[:4], "big") / 2**32


@dataclass(slots=True)
class Schedule:
    """The next moments. A recorded host costs nothing to ask, so its calls are not counted."""

    config: Config
    host_id: str
    counted: bool = True
    files: float = 0.0
    health: float = 0.0
    details: float = 0.0
    heartbeat: float = 0.0
    retention: float = 0.0
    burst: list[float] = field(default_factory=list)
    failures: int = 0
    calls: deque[float] = field(default_factory=deque)

    def begin(self, now: float) -> None:
        """The first moments: health at once, the rest spread over the fleet."""
        every = self.config.heartbeat.every.total_seconds()
        self.health = now
        self.details = now + HOUR * share(self.host_id, "details")
        self.heartbeat = now + every * (0.05 + 0.95 * share(self.host_id, "heartbeat"))
        self.retention = now + RETENTION * share(self.host_id, "retention")
        self.looked(now, None)

    def looked(self, now: float, poll: float | None) -> None:
        """The files were looked at; `poll` is the shorter interval where events cannot be had."""
        interval = self.config.schedule.files.total_seconds()
        self.files = now + (min(interval, poll) if poll else interval)

    def asked(self, now: float, calls: int) -> None:
        """The agent is asked now, with so many calls."""
        self.calls.extend([now] * calls)
        self.burst = [moment for moment in self.burst if moment > now]
        self.health = now + self._interval()

    def answered(self, now: float, *, readable: bool) -> None:
        """Health was read, or could not be: then it is asked ever more seldom."""
        self.failures = 0 if readable else self.failures + 1
        self.health = max(self.health, now + self._interval()) if self.failures else self.health

    def policy_changed(self, now: float) -> None:
        """Ask soon, and again until the change is in force."""
        settle = self.config.schedule.settle.total_seconds()
        self.burst = [now + settle * times for times in BURST]

    def settled(self) -> None:
        """Nothing is pending any more."""
        self.burst = []

    def may_ask(self, now: float, calls: int) -> float:
        """The earliest moment at which so many calls are within the hourly allowance."""
        while self.calls and self.calls[0] <= now - HOUR:
            self.calls.popleft()
        if not self.counted or len(self.calls) + calls <= CALLS_AN_HOUR or not self.calls:
            return now
        return self.calls[min(len(self.calls), len(self.calls) + calls - CALLS_AN_HOUR) - 1] + HOUR

    def next_health(self) -> float:
        """When health is to be read next."""
        return min([self.health, *self.burst[:1]])

    def next(self) -> float:
        """When anything is to be done next."""
        return min(self.files, self.next_health(), self.heartbeat, self.retention)

    def _interval(self) -> float:
        interval = self.config.schedule.health.total_seconds()
        slowed = min(interval * 2 ** min(self.failures, 10), max(interval, SLOWEST))
        # Up to a tenth earlier, so that a fleet that was started at once drifts apart.
        return float(slowed) * (1 - 0.1 * share(self.host_id, f"health{len(self.calls)}"))
