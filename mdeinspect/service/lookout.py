"""What was last read of every source, and what is different since. Belongs to the main thread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, cast

from mdeinspect.config.model import Config
from mdeinspect.host import Host
from mdeinspect.inspect import Plan, look
from mdeinspect.model import Reading
from mdeinspect.readers import SETTLE
from mdeinspect.service.door import Door
from mdeinspect.sources import CommandSource, FileSource, Source

# What a file may seem to be while somebody writes it.
TORN = frozenset({"malformed", "empty", "changing"})


@dataclass(frozen=True, slots=True)
class Change:
    """What a look found. `content`: a file came, went, or has other bytes; else only its facts."""

    paths: tuple[str, ...] = ()
    any: bool = False
    content: bool = False


class Lookout:
    """The readings. `watched` is what their files hang on; any thread may read it."""

    def __init__(self, host: Host, sources: Sequence[Source], config: Config) -> None:
        self._sources = sources
        self.readings: dict[str, Reading[Any]] = {}
        self._torn: dict[str, float] = {}  # since when a file cannot be parsed
        self.again: float | None = None  # when a file that may be half written is looked at again
        self.moved = False  # whether the last look at files changed `watched`
        self.use(host, config)
        self.watched: tuple[str, ...] = self._watched()

    def use(self, host: Host, config: Config) -> None:
        """From now on this host, and this configuration."""
        self.host, self._config = host, config
        self.facts = host.facts()

    def files(self, now: float) -> Change:
        """Look at the sources that wake the service; `now` is monotonic."""
        self.again = None
        change = self._look([s for s in self._sources if s.wake == "event"], now)
        watched = self._watched()
        self.moved, self.watched = watched != self.watched, watched
        return change

    def polled(self, now: float) -> Change:
        """Look at everything else that costs no call."""
        polled = [s for s in self._sources if s.wake == "poll" and not isinstance(s, CommandSource)]
        return self._look(polled, now)

    def commands(self) -> list[CommandSource]:
        """What only the agent can tell."""
        platform = self.facts.platform
        return [
            s for s in self._sources if isinstance(s, CommandSource) and platform in s.platforms
        ]

    def take(self, readings: Mapping[str, Reading[Any]]) -> None:
        """What the agent told."""
        self.readings.update(readings)

    def _look(self, sources: Sequence[Source], now: float) -> Change:
        plan = Plan(client_analyzer=self._config.paths.client_analyzer)
        self.facts = self.host.facts()
        host = cast("Host", Door(self.host))
        found = look(host, self.facts, plan, sources, self.readings)
        self._keep_while_written(found, now)
        names = {source.name for source in sources}
        gone = [
            name for name in self.readings if name.partition(":")[0] in names and name not in found
        ]
        pairs = [(self.readings.get(name), one) for name, one in found.items()]
        different = [(old, new) for old, new in pairs if _differs(old, new)]
        lost = [self.readings.pop(name) for name in gone]
        self.readings.update(found)
        return Change(
            tuple(one.file.path for one in (*(new for _, new in different), *lost) if one.file),
            any=bool(different or lost),
            content=bool(lost) or any(_other_content(*pair) for pair in different),
        )

    def _keep_while_written(self, found: dict[str, Reading[Any]], now: float) -> None:
        """Put off what may be half a file: nobody waits for it, the next look comes soon."""
        for name, reading in list(found.items()):
            known = self.readings.get(name)
            if known is None or not self._is_young(reading):
                self._torn.pop(name, None)
                continue
            left = self._torn.setdefault(name, now) + SETTLE.total_seconds() - now
            if left > 0:
                found[name] = known
                self.again = min(self.again or now + left, now + left)

    def _is_young(self, reading: Reading[Any]) -> bool:
        if reading.kind not in TORN:
            return False
        written = reading.file.mtime if reading.file else None
        return written is not None and timedelta() <= self.host.now() - written < SETTLE

    def _watched(self) -> tuple[str, ...]:
        """The paths to watch; for a pattern the folder that it looks into."""
        places = [
            place
            for source in self._sources
            if source.wake == "event" and isinstance(source, FileSource)
            for place in source.places.get(self.facts.platform, ())
        ]
        folders = {place.partition("*")[0].rstrip("/") for place in places if "*" in place}
        names = [one.file.path for one in self.readings.values() if one.file and ":" in one.source]
        return tuple(sorted({*(p for p in places if "*" not in p), *folders, *names}))


def _differs(before: Reading[Any] | None, now: Reading[Any]) -> bool:
    """Whether a reading says something else than the one before it, times of looking apart."""
    if before is None:
        return True
    same = replace(before, taken_at=now.taken_at, seconds=now.seconds)
    return same != now


def _other_content(before: Reading[Any] | None, now: Reading[Any]) -> bool:
    return before is None or (before.state, before.kind, before.value) != (
        now.state,
        now.kind,
        now.value,
    )
