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
DETAILS_AFTER = 6  # and the optional views at this one: by then the agent has applied it
CALLS_AN_HOUR = 30
RESERVE = 8  # calls that the optional views leave for health
HOUR = 3600.0
CONFIRM = 601.0  # seconds after which a first failure is looked at again
SLOWEST = 3600.0  # however often health cannot be read, it is tried once an hour
RETENTION = 3600.0


def share(host_id: str, purpose: str) -> float:
    """A fraction of one that is always the same for a host, and spread over a fleet."""
    digest = hashlib.sha256(f"{host_id}/{purpose}".encode()).digest()
    return int.from_bytes(digest[:4], "big") / 2**32


@dataclass(slots=True)
class Schedule:
    """The next moments. A recorded host costs nothing to ask: no counting, no back-off."""

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
        self.health = now
        self.details = now + HOUR * share(self.host_id, "details")
        self.heartbeat = now + self._first_heartbeat()
        self.retention = now + RETENTION * share(self.host_id, "retention")
        self.looked(now, None)

    def reconfigured(self, config: Config, now: float) -> None:
        """Another configuration: health at once. What was asked of the agent still counts."""
        self.config = config
        self.health = now
        daily = config.schedule.details.total_seconds()
        self.details = min(self.details, now + daily)
        self.heartbeat = min(self.heartbeat, now + self._first_heartbeat())
        self.looked(now, None)

    def looked(self, now: float, poll: float | None) -> None:
        """The files were looked at; `poll` is the shorter interval where events cannot be had."""
        interval = self.config.schedule.files.total_seconds()
        self.files = now + (min(interval, poll) if poll else interval)

    def asked(self, now: float, *, details: bool) -> None:
        """The agent is asked now."""
        self.burst = [moment for moment in self.burst if moment > now]
        self.health = now + self._interval()
        if details:
            self.details = now + self.config.schedule.details.total_seconds()

    def answered(self, now: float, calls: int, *, readable: bool) -> None:
        """So many calls were made. Where health could not be read it is asked ever more seldom.

        But once sooner: a finding about the agent wants two readings, ten minutes apart.
        """
        if not self.counted:
            return
        self.calls.extend([now] * calls)
        self.failures = 0 if readable else self.failures + 1
        if self.failures == 1:
            self.health = min(self.health, now + CONFIRM)
        elif self.failures:
            self.health = max(self.health, now + self._interval())

    def policy_changed(self, now: float, *, content: bool) -> None:
        """Ask soon, and again until the change is in force; the optional views only once."""
        settle = self.config.schedule.settle.total_seconds()
        self.burst = [now + settle * times for times in BURST]
        if content:
            self.details = min(self.details, now + settle * DETAILS_AFTER)

    def settled(self) -> None:
        """Nothing is pending any more."""
        self.burst = []

    def details_wanted(self, now: float, calls: int) -> bool:
        """Whether the optional views are due. What the allowance does not give is put off."""
        if now < self.details:
            return False
        earliest = self.may_ask(now, calls + RESERVE)
        if earliest > now:
            self.details = earliest
        return earliest <= now

    def may_ask(self, now: float, calls: int) -> float:
        """The earliest moment at which so many calls are within the hourly allowance."""
        while self.calls and self.calls[0] <= now - HOUR:
            self.calls.popleft()
        excess = len(self.calls) + calls - CALLS_AN_HOUR
        if not self.counted or excess <= 0 or not self.calls:
            return now
        return self.calls[min(len(self.calls), excess) - 1] + HOUR

    def next_health(self) -> float:
        """When the agent is to be asked next."""
        return min([self.health, self.details, *self.burst[:1]])

    def _first_heartbeat(self) -> float:
        every = self.config.heartbeat.every.total_seconds()
        return every * (0.05 + 0.95 * share(self.host_id, "heartbeat"))

    def _interval(self) -> float:
        interval = self.config.schedule.health.total_seconds()
        doublings = min(max(0, self.failures - 1), 10)
        slowed = min(interval * 2**doublings, max(interval, SLOWEST))
        # Up to a tenth earlier, so that a fleet that was started at once drifts apart.
        return float(slowed) * (1 - 0.1 * share(self.host_id, "health"))
