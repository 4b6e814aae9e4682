"""How long the host was awake, added up over sleep, power cuts and reboots."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from mdeinspect.model import AwakeLog, HostFacts, Nap

KEEP = timedelta(days=60)  # older than every limit
SHORTEST = timedelta(seconds=60)  # what is shorter is inaccuracy
MOST = 200  # naps; the oldest are joined, so that nothing asleep ever counts as awake
MOVED = timedelta(minutes=2)  # the time of boot wavers when the clock is corrected


def awake_between(log: AwakeLog, start: datetime, end: datetime) -> timedelta:
    """How long the host was awake from `start` to `end`.

    What is not known counts as asleep: time before the log began, and where in a nap it slept.
    """
    start = max(start, log.since)
    asleep = sum((_overlap(nap, start, end) for nap in log.naps), timedelta())
    return max(end - start - asleep, timedelta())


def advance(log: AwakeLog | None, host: HostFacts, now: datetime) -> AwakeLog | None:
    """The log, up to `now`. None for a recorded host, whose clocks stand still."""
    if host.recorded or (host.boot_time is None and host.awake_seconds is None):
        return None
    if log is None:
        return _begun(host, now)
    passed = max(now - log.at, timedelta())
    asleep = passed - min(passed, _awake(log, host, passed, now))
    naps = log.naps
    if asleep > SHORTEST:
        naps = (*naps, Nap(log.at, now, asleep.total_seconds()))
    since = min(max(log.since, now - KEEP), now)
    return replace(
        log,
        since=since,
        at=now,
        boot_time=host.boot_time,
        awake_seconds=host.awake_seconds,
        naps=_joined(tuple(nap for nap in naps if nap.end > since)),
    )


def _begun(host: HostFacts, now: datetime) -> AwakeLog:
    """A log that begins with the last boot: what was before is not known."""
    told = None if host.awake_seconds is None else timedelta(seconds=host.awake_seconds)
    boot = min(host.boot_time or now - (told or timedelta()), now)
    asleep = now - boot - told if told is not None else timedelta()
    naps = (Nap(boot, now, asleep.total_seconds()),) if asleep > SHORTEST else ()
    return AwakeLog(boot, now, host.boot_time, host.awake_seconds, naps)


def _awake(log: AwakeLog, host: HostFacts, passed: timedelta, now: datetime) -> timedelta:
    """How long it was awake since the log was last written."""
    before, told, boot = log.awake_seconds, host.awake_seconds, host.boot_time
    rebooted = boot is not None and boot > log.at - MOVED
    if told is not None and (rebooted or (before is not None and told < before)):
        return timedelta(seconds=told)
    if told is not None and before is not None:
        return timedelta(seconds=told - before)
    return max(now - boot, timedelta()) if boot is not None and rebooted else passed


def _overlap(nap: Nap, start: datetime, end: datetime) -> timedelta:
    within = min(nap.end, end) - max(nap.start, start)
    return max(min(within, timedelta(seconds=nap.seconds)), timedelta())


def _joined(naps: tuple[Nap, ...]) -> tuple[Nap, ...]:
    while len(naps) > MOST:
        first, second, *rest = naps
        naps = (Nap(first.start, second.end, first.seconds + second.seconds), *rest)
    return naps
