"""Memory and events on their way into the store: together or not at all, and again after a failure.

What an assessment could not commit is not kept: the next one tells the net change. Events of the
daemon itself wait, and all that is told after a failure carries since when nothing could be.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import structlog

from mdeinspect.errors import ConfigError
from mdeinspect.events import Event, EventHost
from mdeinspect.memory import Memory
from mdeinspect.model import HostFacts, Severity
from mdeinspect.service import events
from mdeinspect.store.errors import StoreError
from mdeinspect.store.writer import Store

RECENT = 500  # events that are kept in mind, should the store break before a sink had them
RETRY = 10.0  # seconds until a commit that failed is tried again
BROKEN = frozenset({"gone", "corrupt", "missing"})
log = structlog.get_logger()


class Ledger:
    """What is remembered, and the store that keeps it. Belongs to the main thread.

    `failed`: the last commit did not happen; nothing is tried before `retry_at` (monotonic).
    `broken`: the store itself is to be opened anew.
    """

    def __init__(self, folder: Path, store: Store) -> None:
        self._folder = folder
        self.store = store
        self._rows = store.memory()
        self.memory = Memory.from_rows(self._rows)
        self._waiting: list[Event] = []
        self._recent: deque[tuple[int, Event]] = deque(maxlen=RECENT)
        self._blind_since: datetime | None = None
        self.failed = self.broken = False
        self.retry_at = 0.0

    def tell(self, told: Sequence[Event], facts: HostFacts, now: datetime, clock: float) -> bool:
        """Commit events of the daemon itself, at once where nothing is in the way."""
        self._waiting.extend(told)
        return not self.failed and self.commit(self.memory, (), facts, now, clock)

    def commit(
        self,
        memory: Memory,
        told: Sequence[Event],
        facts: HostFacts,
        now: datetime,
        clock: float,
    ) -> bool:
        """Commit memory, its events, and all that waits; whether that happened."""
        rows = memory.rows() if memory.reported_at else {}
        changed: dict[str, Any] = {n: row for n, row in rows.items() if self._rows.get(n) != row}
        changed |= dict.fromkeys(self._rows.keys() - rows.keys())
        batch = [*self._waiting, *told]
        if self._blind_since is not None:
            blind = {"blind_since": self._blind_since}
            batch = [replace(event, data={**event.data, **blind}) for event in batch]
        host = EventHost(facts.name, self.store.host_id, facts.platform)
        try:
            numbers = self.store.commit(changed, batch, host, now)
        except StoreError as error:
            self._failed(error, now, clock)
            return False
        self._rows, self.memory, self._waiting = rows, memory, []
        self._recent.extend(zip(numbers, batch, strict=True))
        self.failed, self._blind_since = False, None
        return True

    def distrust(self, error: StoreError) -> None:
        """Something else than a commit failed."""
        log.error("store fails", error=str(error), kind=error.kind)
        self.broken = self.broken or error.kind in BROKEN

    def reopen(self, handed: int, now: datetime, clock: float) -> bool:
        """Open the store anew, a broken one as another with another stream; whether it is open.

        What is remembered goes into it, an event says so, and what was committed after `handed`,
        which no sink has had, is told again.
        """
        before = self.store.stream
        self.store.close()
        self.failed, self.retry_at = True, clock
        try:
            self.store = Store.open(self._folder)
            self._rows = self.store.memory()
        except (StoreError, ConfigError) as error:
            log.error("store not reopened", error=str(error))
            self.retry_at = clock + RETRY
            return False
        self.broken = False
        if self.store.stream != before:
            self._blind_since = self._blind_since or now
            aside = str(self.store.set_aside or "removed")
            told = events.started(now, Severity.MEDIUM, set_aside=aside, stream_before=before)
            lost = [event for seq, event in self._recent if seq > handed]
            self._waiting = [told, *lost, *self._waiting]
            self._recent.clear()
        return True

    def _failed(self, error: StoreError, now: datetime, clock: float) -> None:
        self.distrust(error)
        self.failed, self.retry_at = True, clock + (0.0 if self.broken else RETRY)
        self._blind_since = self._blind_since or now
