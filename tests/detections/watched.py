"""A simulated host, and the parts of the service that tell of it, by the clock of the host.

Everything is real but the clock: the agent's outputs, reports, transitions, the store and its
numbers, deliveries with their `prev`. So hours of events take milliseconds.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any, Self

from sink_support import PATIENCE, Basket

from mdeinspect import catalogue, rules
from mdeinspect.config.model import Config
from mdeinspect.formats import native
from mdeinspect.host.recorded import RecordedHost
from mdeinspect.inspect import Plan, take
from mdeinspect.model import HostFacts, Platform, Report, Severity
from mdeinspect.report import report
from mdeinspect.service import events
from mdeinspect.service.ledger import Ledger
from mdeinspect.simulator.host import DAY, MINUTE, SimulatedHost
from mdeinspect.simulator.policies import hardened
from mdeinspect.sinks import Line
from mdeinspect.sinks.delivery import Delivery
from mdeinspect.store.reader import Reader
from mdeinspect.store.writer import Store
from mdeinspect.transitions import step

CATALOGUE = catalogue.load()
RULES = tuple(rules.load().values())
SIEM = "siem"


class Watched:
    """A host that is watched from its first good day on; a context that closes its store.

    `host` is done to, `look` is what the service does after a change, `lines` what a sink gets.
    """

    def __init__(
        self,
        folder: Path,
        before: Callable[[SimulatedHost], None],
        platform: Platform = "linux",
        config: Config | None = None,
    ) -> None:
        self.host = SimulatedHost(folder / "host", platform)
        self.config = config or Config()
        self.state = folder / "state"
        self.ledger = Ledger(self.state, Store.open(self.state))
        self.report: Report | None = None
        self.got: list[dict[str, Any]] = []
        before(self.host)
        self.host.restart()
        self.host.pass_time(DAY)
        self.begin()
        self.look()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.ledger.store.close()

    # --- what the service does ------------------------------------------------------------------

    def begin(self) -> None:
        """`daemon.started`, with what became of the store. The sink is there from the start."""
        self.ledger.store.cursor(SIEM)
        aside = self.ledger.store.set_aside
        self._tell(events.started(self.host.now, set_aside=str(aside) if aside else None))

    def end(self) -> None:
        """`daemon.stopped`."""
        self._tell(events.stopped(self.host.now, "SIGTERM"))

    def beat(self) -> None:
        """`heartbeat`."""
        assert self.report is not None
        self._tell(events.heartbeat(self.host.now, self.report, self.ledger.memory, [], {}))

    def look(self, *, record: bool = True) -> Report:
        """Read the host, report, compare with what is remembered, and commit."""
        if record:
            self.host.record()
        snapshot = take(RecordedHost(str(self.host.folder)), Plan())
        now, memory = self.host.now, self.ledger.memory
        found = report(snapshot, self.config, CATALOGUE, RULES, now, memory)
        memory, told = step(
            memory, found, config=self.config, catalogue=CATALOGUE, rules=RULES, now=now
        )
        assert self.ledger.commit(memory, told, snapshot.host, now, 0.0)
        self.report = found
        return found

    def quiet(self, hours: int) -> None:
        """Hours pass as the service knows them: health every half hour, a heartbeat each hour."""
        for _ in range(hours):
            for _ in range(2):
                self.host.pass_time(30 * MINUTE)
                self.look()
            self.beat()

    def reopen(self) -> None:
        """The service ends and starts again on what it finds in its folder."""
        self.ledger.store.close()
        self.ledger = Ledger(self.state, Store.open(self.state))
        self.begin()

    def retain(self, keep: timedelta) -> None:
        """Delete what is older, and tell the sink's loss."""
        store = self.ledger.store
        for lost in store.retain(self.host.now, keep, 2**30, [SIEM]):
            self._tell(events.dropped(self.host.now, lost))

    # --- what a sink gets -----------------------------------------------------------------------

    def deliver(self, min_severity: Severity = Severity.INFO) -> list[dict[str, Any]]:
        """Hand over what was not yet, through a real delivery; all that was ever handed over."""
        basket, stop = Basket(), threading.Event()
        acknowledged: list[int] = []
        delivery = Delivery(
            SIEM,
            basket,
            native.render,
            min_severity,
            self._read,
            lambda _name, seq: acknowledged.append(seq),
            stop,
            handed=self.ledger.store.cursor(SIEM) or None,
        )
        delivery.start()
        assert delivery.drain(time.monotonic() + PATIENCE)
        stop.set()
        assert delivery.join(PATIENCE)
        for seq in acknowledged:
            self.ledger.store.acknowledge(SIEM, seq)
        self.got += basket.got
        return self.got

    def _read(self, after_seq: int, limit: int, /) -> list[Line]:
        with Reader(self.state) as reader:
            lines = reader.after(after_seq, limit)
        return [Line(one.seq, one.type, one.severity.word, one.line) for one in lines]

    def _tell(self, *told: Any) -> None:
        facts = HostFacts("web-07", self.host.platform, "simulated")
        assert self.ledger.tell(told, facts, self.host.now, 0.0)


def managed(host: SimulatedHost) -> None:
    """Governed by a hardened managed file or profile."""
    host.managed(hardened(host.platform))


def attached(host: SimulatedHost) -> None:
    """Governed by the portal, with a hardened policy."""
    host.attach(hardened(host.platform))


def as_lines(found: Iterable[dict[str, Any]]) -> list[str]:
    """Delivered events as lines."""
    return [json.dumps(one, separators=(",", ":")) for one in found]
