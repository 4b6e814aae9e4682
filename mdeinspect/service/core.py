"""The main thread: looks when it must, compares, commits, and wakes the sinks."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import structlog

from mdeinspect.catalogue import Catalogue
from mdeinspect.config.model import Config
from mdeinspect.errors import ConfigError, UsageError
from mdeinspect.events import Event
from mdeinspect.host import Host
from mdeinspect.model import Report, Snapshot
from mdeinspect.report import report
from mdeinspect.rules import Rule
from mdeinspect.service import events, own
from mdeinspect.service.agent import AgentThread, Job
from mdeinspect.service.inbox import Answer, Inbox, Mail
from mdeinspect.service.ledger import Ledger
from mdeinspect.service.lookout import Lookout
from mdeinspect.service.notify import Notifier
from mdeinspect.service.outlets import Outlets
from mdeinspect.service.schedule import RETENTION, Schedule
from mdeinspect.service.settings import Settings
from mdeinspect.sources import CommandSource, Source
from mdeinspect.store import size
from mdeinspect.store.errors import StoreError
from mdeinspect.store.last import write_report
from mdeinspect.store.writer import Store
from mdeinspect.transitions import due_at, step
from mdeinspect.views.prometheus import metrics
from mdeinspect.views.status import status
from mdeinspect.watch import Watcher

DRAIN = 2.5  # seconds that the sinks have at the end: all of it is over within five
JUMP = 30.0  # seconds that the clocks may differ before time itself is taken to have moved
AT_LEAST = 0.5  # seconds between two looks because of time alone
LATE = 1.5  # seconds that an event may come after the change that it is about
DOUBTS = 10.0  # seconds between two looks at a store that a sink doubts
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Parts:
    """What a service is made of; `open_host` and `load` are asked again on a reload."""

    folder: Path
    open_host: Callable[[Config], Host]
    load: Callable[[], Settings]
    config_path: str | None
    catalogue: Catalogue
    rules: Sequence[Rule]
    sources: Sequence[Source]
    root: str = ""


class Service:
    """One service on one host. `run` returns when it was asked to stop."""

    def __init__(self, parts: Parts, settings: Settings, store: Store, inbox: Inbox) -> None:
        self._parts = parts
        self._settings = settings
        config = self._config = settings.config
        self._inbox = inbox
        self._ledger = Ledger(parts.folder, store)
        self._lookout = Lookout(parts.open_host(config), parts.sources, config)
        self._report: Report | None = None
        self._due: datetime | None = None
        self._unsaid = False  # the last assessment is still to be made, or to be committed
        self._changed_at: datetime | None = None  # when a policy file was last seen to change
        self._suspect: tuple[float, bool] | None = None  # a change without an event, so far
        self._doubt_at = 0.0
        self._handed = 0  # the newest event that any sink has had, as the store was opened anew
        self._clock_gap = self._gap()
        self._notifier = Notifier()
        recorded = self._lookout.facts.recorded
        self._schedule = Schedule(config, store.host_id, counted=not recorded)
        self._agent = AgentThread(inbox.post)
        self._outlets = Outlets(parts.folder, inbox.acknowledge, inbox.doubt)
        self._watcher = Watcher(lambda: self._lookout.watched, inbox.hint, root=parts.root)
        self._mode = self._watcher.mode  # as it was last told

    # --- life -----------------------------------------------------------------------------------

    def run(self) -> None:
        """Work until a signal ends it, then drain."""
        self._outlets.open(self._settings.sinks, self._ledger.store)
        self._watcher.start()
        self._mode = self._watcher.mode
        self._lookout.files(time.monotonic())
        self._agent.start()
        self._schedule.begin(time.monotonic())
        self._begin()
        self._notifier.ready("started, reading the agent's health")
        mail = Mail()
        while mail.stop is None:
            self._turn(mail)
            mail = self._inbox.wait(self._pause())
        self._end(mail)

    def _begin(self) -> None:
        facts, aside = self._lookout.facts, self._ledger.store.set_aside
        sources = {name: reading.state for name, reading in self._lookout.readings.items()}
        self._tell(
            events.started(
                self._now(),
                config_digest=own.digest(self._config),
                sources=sources,
                watch=self._watching(),
                platform=facts.platform,
                recorded=facts.recorded or None,
                set_aside=str(aside) if aside else None,
                lost_memory=list(self._ledger.memory.lost) or None,
            )
        )

    def _end(self, mail: Mail) -> None:
        self._notifier.stopping()
        self._take_acknowledgements(mail.acknowledged)
        self._watcher.stop(0.5)
        self._ledger.failed = False  # there is no later
        self._tell(events.stopped(self._now(), mail.stop or ""))
        self._outlets.close(DRAIN)
        self._take_acknowledgements(self._inbox.acknowledgements())
        self._agent.end(0.5)
        self._ledger.store.close()

    def _turn(self, mail: Mail) -> None:
        """One round: what came, what is due, what follows from it."""
        now = time.monotonic()
        self._notifier.ping()
        self._take_acknowledgements(mail.acknowledged)
        if mail.reload:
            self._reload(now)
        if mail.doubt and now >= self._doubt_at:
            self._doubt_at, self._ledger.broken = now + DOUBTS, True
        self._look(mail, now)
        if self._ledger.broken and now >= self._ledger.retry_at:
            self._reopen(now)
        self._say(now)
        self._ask(now)
        self._housekeeping(now)

    def _pause(self) -> float:
        """Seconds until something is to be done."""
        now = time.monotonic()
        moments = [self._schedule.files, self._schedule.retention]
        if self._report is not None:
            moments.append(self._schedule.heartbeat)
        if not self._agent.busy:
            moments.append(self._may_ask_at(now))
        if self._ledger.failed or self._ledger.broken:
            moments.append(self._ledger.retry_at)
        elif self._due is not None:
            moments.append(now + max(AT_LEAST, (self._due - self._now()).total_seconds()))
        if self._lookout.again is not None:
            moments.append(self._lookout.again)
        if self._suspect is not None:
            moments.append(self._suspect[0])
        if self._notifier.watchdog is not None:
            moments.append(now + self._notifier.watchdog)
        return min(moments) - now

    # --- looking --------------------------------------------------------------------------------

    def _look(self, mail: Mail, now: float) -> None:
        """Look at what may have changed; what did is to be said."""
        changed = self._moved(now) | (self._due is not None and self._now() >= self._due)
        for answer in mail.answers:
            self._answered(answer, now)
        if changed or mail.answers:
            self._lookout.polled(now)
        timed = now >= self._schedule.files
        again = self._lookout.again is not None and now >= self._lookout.again
        if mail.files:
            self._suspect = None
        if mail.files or mail.answers or changed or timed or again:
            changed |= self._rescan(now, announced=mail.files or again)
        self._unsaid |= changed or bool(mail.answers)

    def _rescan(self, now: float, *, announced: bool) -> bool:
        """Look at the policy files. A change that no event announced is an alarm."""
        change = self._lookout.files(now)
        self._schedule.looked(now, self._watcher.poll_interval)
        if not self._watcher.alive():
            log.warning("watcher died", mode=self._watcher.mode)
            self._watcher.rebuild()
        elif self._lookout.moved:
            self._watcher.rebuild()
        if change.any and self._report is not None:
            self._changed_at = self._now()
            self._schedule.policy_changed(now, content=change.content)
        if change.content and not announced:
            blind = bool(change.paths) and all(map(self._watcher.blind_spot, change.paths))
            self._suspect = now + LATE, blind
        return change.any

    def _answered(self, answer: Answer, now: float) -> None:
        """What the agent thread posted."""
        self._agent.answered()
        self._lookout.take(answer.readings)
        health = answer.readings.get("health")
        readable = health is not None and health.present
        self._schedule.answered(now, answer.calls, readable=readable)
        if answer.details and not readable:
            self._schedule.details = self._schedule.health  # nothing was told: with the next

    def _ask(self, now: float) -> None:
        """Ask the agent, where that is due and within the allowance."""
        if self._agent.busy or now < self._may_ask_at(now):
            return
        every = self._lookout.commands()
        recorded = self._lookout.facts.recorded
        details = recorded or self._schedule.details_wanted(now, _calls(every))
        sources = every if details else [source for source in every if not _is_view(source)]
        self._schedule.asked(now, details=details)
        known = dict(self._lookout.readings)
        self._agent.ask(Job(self._lookout.host, details, sources, known), now)

    def _may_ask_at(self, now: float) -> float:
        least = _calls([one for one in self._lookout.commands() if not _is_view(one)])
        return max(self._schedule.next_health(), self._schedule.may_ask(now, least))

    # --- saying ---------------------------------------------------------------------------------

    def _say(self, now: float) -> None:
        """Assess where there is something new; after a failure, not before it is time."""
        if self._ledger.failed and now < self._ledger.retry_at:
            return
        # Not before health was asked once: half a picture would be told as one.
        complete = self._report is not None or "health" in self._lookout.readings
        if complete and (self._unsaid or self._ledger.failed):
            self._assess(now)
        elif self._ledger.failed:
            self._ledger.failed = False
            self._tell()

    def _assess(self, clock: float) -> None:
        """Report, compare with what is remembered, and commit both."""
        now, parts, lookout, ledger = self._now(), self._parts, self._lookout, self._ledger
        snapshot = Snapshot(lookout.facts, now, dict(lookout.readings))
        found = report(snapshot, self._config, parts.catalogue, parts.rules, now, ledger.memory)
        memory, told = step(
            ledger.memory,
            found,
            config=self._config,
            catalogue=parts.catalogue,
            rules=parts.rules,
            now=now,
        )
        self._heed(found, clock)
        self._report = found
        self._unsaid = not ledger.commit(memory, told, lookout.facts, now, clock)
        if not self._unsaid:
            self._due = due_at(memory, found, config=self._config, rules=parts.rules, now=now)
            self._outlets.wake()
        self._publish(found)

    def _heed(self, found: Report, now: float) -> None:
        """What a report means for when to ask next."""
        health = found.sources.get("health")
        pending = any(row.verdict == "pending" for row in found.settings)
        newer = health is not None and (
            self._changed_at is None or health.taken_at >= self._changed_at
        )
        if newer and not pending:
            self._schedule.settled()
        before = self._report.agent.version if self._report else None
        if before and found.agent.version not in (None, before):
            self._schedule.details = now

    def _tell(self, *told: Event) -> None:
        """Commit events of the daemon itself; what cannot be committed waits."""
        if self._ledger.tell(told, self._lookout.facts, self._now(), time.monotonic()):
            self._outlets.wake()

    def _reopen(self, now: float) -> None:
        """The database is gone or broken: open it anew, and say so where it is another."""
        handed = max((one.handed or 0 for one in self._outlets.status()), default=self._handed)
        self._handed = handed  # there is no outlet any more, should this fail
        self._outlets.close(0.5)
        # A number of the old stream would say that something of the new one was handed over.
        self._take_acknowledgements(self._inbox.acknowledgements())
        if self._ledger.reopen(handed, self._now(), now):
            self._open_outlets()

    def _publish(self, found: Report) -> None:
        """The last report and the metrics, for whoever looks."""
        plain = status(found)
        try:
            write_report(self._parts.folder, plain)
            if self._config.metrics.textfile:
                numbers = {**own.numbers(), "last_seq": self._ledger.store.last_seq}
                own.write_text(Path(self._config.metrics.textfile), metrics(plain, numbers))
        except (StoreError, OSError) as error:
            log.error("report not written", error=str(error))
        counted = [finding for finding in found.findings if finding.accepted is None]
        self._notifier.status(
            f"{found.authority.channel} governs, check-in {found.checkin.state}, "
            f"{len(counted)} findings, watching by {self._watcher.mode}"
        )

    # --- the rest -------------------------------------------------------------------------------

    def _take_acknowledgements(self, acknowledged: Mapping[str, int]) -> None:
        for sink, seq in acknowledged.items():
            try:
                lost = self._ledger.store.acknowledge(sink, seq)
            except StoreError as error:
                self._ledger.distrust(error)
                continue
            if lost is not None:
                self._tell(events.dropped(self._now(), lost))

    def _housekeeping(self, now: float) -> None:
        if self._watcher.mode != self._mode:
            before, self._mode = self._mode, self._watcher.mode
            self._tell(events.watching(self._now(), before, self._mode, self._watcher.why))
        if self._suspect is not None and now >= self._suspect[0]:
            log.info("unannounced change", blind=self._suspect[1])
            self._watcher.missed(blind=self._suspect[1])
            self._suspect = None
        if self._report is not None and now >= self._schedule.heartbeat:
            self._schedule.heartbeat = now + self._config.heartbeat.every.total_seconds()
            self._heartbeat(self._report)
        if now >= self._schedule.retention:
            self._schedule.retention = now + RETENTION
            self._retain()
            if self._watcher.mode == "polling":
                self._watcher.rebuild()  # events may be had again

    def _heartbeat(self, found: Report) -> None:
        ledger = self._ledger
        busy = round(self._agent.seconds(time.monotonic()))
        numbers = {**own.numbers(), "watch": self._watching(), "asking_seconds": busy}
        try:
            numbers["store_bytes"] = ledger.store.size()
        except OSError as error:
            log.error("store not measured", error=str(error))
        sinks = self._outlets.status()
        self._tell(events.heartbeat(self._now(), found, ledger.memory, sinks, numbers))

    def _retain(self) -> None:
        keep, limit = self._config.store.keep, size.parse(self._config.store.max_size)
        try:
            lost = self._ledger.store.retain(self._now(), keep, limit, self._outlets.names)
        except StoreError as error:
            self._ledger.distrust(error)
            return
        if lost:
            self._tell(*(events.dropped(self._now(), one) for one in lost))

    def _reload(self, now: float) -> None:
        """Take the configuration anew; a wrong one is told, and the old one kept."""
        self._notifier.reloading()
        error = None
        try:
            settings = self._parts.load()
            host = self._parts.open_host(settings.config)
        except (ConfigError, UsageError) as wrong:
            error = str(wrong)
            log.error("configuration refused", error=error)
        else:
            self._adopt(settings, host, now)
        digest = own.digest(self._config)
        self._tell(events.reloaded(self._now(), self._parts.config_path, error, digest))
        self._notifier.ready("configuration refused" if error else "configuration taken")

    def _adopt(self, settings: Settings, host: Host, now: float) -> None:
        before, self._settings = self._settings, settings
        config = self._config = settings.config
        self._lookout.use(host, config)
        self._schedule.reconfigured(config, now)
        self._unsaid = self._unsaid or self._report is not None
        if settings.sinks != before.sinks:
            self._outlets.close(1.0)
            self._take_acknowledgements(self._inbox.acknowledgements())
            self._open_outlets()

    def _open_outlets(self) -> None:
        try:
            self._outlets.open(self._settings.sinks, self._ledger.store)
        except StoreError as error:
            self._ledger.distrust(error)
            self._ledger.broken = True  # without sinks nothing is told: once more, soon

    def _moved(self, now: float) -> bool:
        """Whether the wall clock and the monotonic one went apart: sleep, or a clock set anew."""
        gap = self._gap()
        if abs(gap - self._clock_gap) < JUMP:
            return False
        log.info("time moved", seconds=round(gap - self._clock_gap))
        self._clock_gap = gap
        self._schedule.health = now
        return True

    def _gap(self) -> float:
        return self._now().timestamp() - time.monotonic()

    def _now(self) -> datetime:
        return self._lookout.host.now()

    def _watching(self) -> dict[str, Any]:
        return {"mode": self._watcher.mode, "why": self._watcher.why}


def _is_view(source: CommandSource) -> bool:
    """Whether this is asked only now and then; the version, wherever health does not tell it."""
    return source.detail and source.name != "version"


def _calls(sources: Sequence[CommandSource]) -> int:
    """How many calls these take at most."""
    return sum(len(source.commands) for source in sources)
