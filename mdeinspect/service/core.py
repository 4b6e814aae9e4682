"""The main thread: looks when it must, compares, commits, and wakes the sinks."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import structlog

from mdeinspect.catalogue import Catalogue
from mdeinspect.config.model import Config
from mdeinspect.errors import ConfigError
from mdeinspect.events import Event, EventHost
from mdeinspect.host import Host
from mdeinspect.inspect import Plan, look
from mdeinspect.memory import Memory
from mdeinspect.model import Reading, Report, Snapshot
from mdeinspect.report import report
from mdeinspect.rules import Rule
from mdeinspect.service import events, own
from mdeinspect.service.agent import AgentThread, Job
from mdeinspect.service.inbox import Inbox, Mail
from mdeinspect.service.notify import Notifier
from mdeinspect.service.outlets import Outlets
from mdeinspect.service.schedule import Schedule
from mdeinspect.sources import CommandSource, FileSource, Source
from mdeinspect.store import size
from mdeinspect.store.errors import StoreError
from mdeinspect.store.last import write_report
from mdeinspect.store.writer import Store
from mdeinspect.transitions import due_at, step
from mdeinspect.views.prometheus import metrics
from mdeinspect.views.status import status
from mdeinspect.watch import Watcher

DRAIN = 5.0  # seconds that the sinks have at the end
RETRY = 10.0  # seconds until a commit that failed is tried again
JUMP = 30.0  # seconds that the clocks may differ before time itself is taken to have moved
AT_LEAST = 0.05  # seconds between two looks because of time alone
EXTRA = ("version",)
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Parts:
    """What a service is made of; `open_host` and `load_config` are asked again on a reload."""

    folder: Path
    open_host: Callable[[Config], Host]
    load_config: Callable[[], Config]
    config_path: str | None
    catalogue: Catalogue
    rules: Sequence[Rule]
    sources: Sequence[Source]
    root: str = ""


class Service:
    """One service on one host. `run` returns when it was asked to stop."""

    def __init__(self, parts: Parts, config: Config, store: Store, inbox: Inbox) -> None:
        self._parts = parts
        self._config = config
        self._host = parts.open_host(config)
        self._store = store
        self._inbox = inbox
        self._facts = self._host.facts()
        self._rows = store.memory()
        self._memory = Memory.from_rows(self._rows)
        self._readings: dict[str, Reading[Any]] = {}
        self._report: Report | None = None
        self._due: datetime | None = None
        self._asked_details = False
        self._dirty = False
        self._retry_at = 0.0
        self._blind_since: datetime | None = None
        self._waiting: list[Event] = []
        self._clock_gap = self._gap()
        self._notifier = Notifier()
        self._schedule = self._new_schedule()
        self._agent = AgentThread(inbox.post)
        self._outlets = Outlets(parts.folder, inbox.acknowledge)
        self._watcher = Watcher(self._watched, inbox.hint, root=parts.root)

    # --- life -----------------------------------------------------------------------------------

    def run(self) -> None:
        """Work until a signal ends it, then drain."""
        self._outlets.open(self._config.sinks, self._store)
        self._watcher.start()
        self._look(self._files())
        self._agent.start()
        self._schedule.begin(time.monotonic())
        self._begin()
        self._notifier.ready("started, reading the agent's health")
        mail = Mail()
        while mail.stop is None:
            self._turn(mail)
            mail = self._inbox.wait(self._pause())
        self._end(mail.stop)

    def _begin(self) -> None:
        facts = self._facts
        aside = self._store.set_aside
        self._tell(
            events.started(
                self._host.now(),
                config_digest=own.digest(self._config),
                sources={name: reading.state for name, reading in self._readings.items()},
                watch={"mode": self._watcher.mode, "why": self._watcher.why},
                platform=facts.platform,
                recorded=facts.recorded or None,
                set_aside=str(aside) if aside else None,
                lost_memory=list(self._memory.lost) or None,
            )
        )

    def _end(self, why: str) -> None:
        self._notifier.stopping()
        self._watcher.stop(1.0)
        self._tell(events.stopped(self._host.now(), why))
        self._outlets.close(DRAIN)
        self._take_acknowledgements(self._inbox.wait(0.0))
        self._agent.end(1.0)
        self._store.close()

    def _turn(self, mail: Mail) -> None:
        """One round: what came, what is due, what follows from it."""
        now = time.monotonic()
        self._notifier.ping()
        if mail.reload:
            self._reload()
        self._take_acknowledgements(mail)
        changed = self._moved()
        for readings in mail.readings:
            changed |= self._answered(readings, now)
        timed = now >= self._schedule.files
        if mail.files or timed or changed:
            changed |= self._rescan(announced=mail.files or not timed)
        if self._is_due():
            self._look(self._polled())
            changed = True
        if (changed or self._dirty) and self._report_is_worth_it() and now >= self._retry_at:
            self._assess()
        self._ask(now)
        self._housekeeping(now)

    def _pause(self) -> float:
        """Seconds until something is to be done."""
        now = time.monotonic()
        moments = [self._schedule.files, self._schedule.heartbeat, self._schedule.retention]
        if not self._agent.busy:
            moments.append(self._may_ask_at(now))
        if self._dirty:
            moments.append(self._retry_at)
        if self._due is not None and self._report is not None:
            moments.append(now + max(AT_LEAST, (self._due - self._host.now()).total_seconds()))
        if self._notifier.watchdog is not None:
            moments.append(now + self._notifier.watchdog)
        return min(moments) - now

    # --- looking --------------------------------------------------------------------------------

    def _files(self) -> list[Source]:
        """The sources whose change wakes the service."""
        return [s for s in self._parts.sources if s.wake == "event"]

    def _polled(self) -> list[Source]:
        """Everything else that costs no call."""
        return [
            s for s in self._parts.sources if s.wake == "poll" and not isinstance(s, CommandSource)
        ]

    def _watched(self) -> Sequence[str]:
        """The paths to watch; for a pattern the folder that it looks into."""
        platform = self._facts.platform
        places = [
            place
            for source in self._files()
            if isinstance(source, FileSource)
            for place in source.places.get(platform, ())
        ]
        folders = {place.partition("*")[0].rstrip("/") for place in places if "*" in place}
        names = [r.file.path for r in self._readings.values() if r.file and ":" in r.source]
        return sorted({*(p for p in places if "*" not in p), *folders, *names})

    def _look(self, sources: Sequence[Source]) -> bool:
        """Read these sources; whether any of them says something else than before."""
        plan = Plan(client_analyzer=self._config.paths.client_analyzer)
        self._facts = self._host.facts()
        found = look(self._host, self._facts, plan, sources, self._readings)
        names = {source.name for source in sources}
        gone = [
            name for name in self._readings if name.partition(":")[0] in names and name not in found
        ]
        for name in gone:
            del self._readings[name]
        changed = bool(gone) or any(
            _differs(self._readings.get(name), reading) for name, reading in found.items()
        )
        self._readings.update(found)
        return changed

    def _rescan(self, *, announced: bool) -> bool:
        """Look at the policy files. A change that no event announced is an alarm."""
        before = dict(self._readings)
        changed = self._look(self._files())
        self._schedule.looked(time.monotonic(), self._watcher.poll_interval)
        if not self._watcher.alive():
            log.warning("watcher died", mode=self._watcher.mode)
            self._watcher.rebuild()
        if changed:
            self._policy_changed(before, announced=announced)
        return changed

    def _policy_changed(self, before: Mapping[str, Reading[Any]], *, announced: bool) -> None:
        touched = [
            (before.get(name), reading)
            for name, reading in self._readings.items()
            if _differs(before.get(name), reading)
        ]
        if not announced and self._report is not None:
            paths = [reading.file.path for _, reading in touched if reading.file]
            blind = bool(paths) and all(self._watcher.blind_spot(path) for path in paths)
            log.info("unannounced change", paths=paths, blind=blind)
            self._watcher.missed(blind=blind)
        if self._report is not None:
            self._schedule.policy_changed(time.monotonic())
            self._asked_details = False

    def _answered(self, readings: Mapping[str, Reading[Any]], now: float) -> bool:
        """What the agent thread posted."""
        self._agent.busy = False
        if "health" in readings:
            self._schedule.answered(now, readable=readings["health"].present)
        self._readings.update(readings)
        self._look(self._polled())
        return True

    def _ask(self, now: float) -> None:
        """Ask the agent, where that is due and within the allowance."""
        if self._agent.busy or now < self._may_ask_at(now):
            return
        sources = self._commands(now)
        self._schedule.asked(now, sum(len(source.commands) for source in sources))
        details = any(source.detail and source.name not in EXTRA for source in sources)
        plan = Plan(details=details)
        self._agent.ask(Job(self._host, plan, sources, dict(self._readings)))

    def _commands(self, now: float) -> list[CommandSource]:
        commands = [s for s in self._parts.sources if isinstance(s, CommandSource)]
        wanted = not self._asked_details and now >= self._schedule.details
        if self._facts.recorded or wanted:
            self._asked_details = True
            self._schedule.details = now + self._config.schedule.details.total_seconds()
            return commands
        return [s for s in commands if not s.detail or s.name in EXTRA]

    def _may_ask_at(self, now: float) -> float:
        return max(self._schedule.next_health(), self._schedule.may_ask(now, 2))

    # --- saying ---------------------------------------------------------------------------------

    def _report_is_worth_it(self) -> bool:
        """Not before health was asked once: half a picture would be told as one."""
        return self._report is not None or "health" in self._readings

    def _assess(self) -> None:
        """Report, compare with what is remembered, and commit both."""
        now = self._host.now()
        parts = self._parts
        snapshot = Snapshot(self._facts, now, dict(self._readings))
        found = report(snapshot, self._config, parts.catalogue, parts.rules, now, self._memory)
        memory, told = step(
            self._memory,
            found,
            config=self._config,
            catalogue=parts.catalogue,
            rules=parts.rules,
            now=now,
        )
        self._report = found
        if self._commit(memory, told, now):
            self._due = due_at(memory, found, config=self._config, rules=parts.rules, now=now)
            if not any(row.verdict == "pending" for row in found.settings):
                self._schedule.settled()
            self._publish(found)

    def _tell(self, *told: Event) -> None:
        """Commit events of the daemon itself; what cannot be committed waits."""
        self._waiting.extend(told)
        self._commit(self._memory, [], self._host.now())

    def _commit(self, memory: Memory, told: Sequence[Event], now: datetime) -> bool:
        """Memory and events go in together, or neither; whether they did."""
        rows = memory.rows() if memory.reported_at else {}
        changed = {name: row for name, row in rows.items() if self._rows.get(name) != row}
        changed |= dict.fromkeys(self._rows.keys() - rows.keys())
        batch = [*self._waiting, *told]
        if self._blind_since is not None:
            blind = {"blind_since": self._blind_since}
            batch = [replace(event, data={**event.data, **blind}) for event in batch]
        try:
            self._store.commit(changed, batch, self._event_host(), now)
        except StoreError as error:
            self._commit_failed(error, now)
            return False
        self._rows, self._memory, self._waiting = rows, memory, []
        self._dirty, self._blind_since = False, None
        if batch:
            self._outlets.wake()
        return True

    def _commit_failed(self, error: StoreError, now: datetime) -> None:
        log.error("commit failed", error=str(error), kind=error.kind)
        self._dirty = True
        self._retry_at = time.monotonic() + RETRY
        self._blind_since = self._blind_since or now
        if error.kind in ("gone", "corrupt"):
            self._reopen(now)

    def _reopen(self, now: datetime) -> None:
        """The database is gone or broken: a new one, a new stream, and everything remembered."""
        before = self._store.stream
        self._outlets.close(0.5)
        self._store.close()
        try:
            self._store = Store.open(self._parts.folder)
            self._outlets.open(self._config.sinks, self._store)
        except (StoreError, ConfigError) as error:
            log.error("store not reopened", error=str(error))
            return
        self._rows = {}
        self._retry_at = time.monotonic()
        aside = self._store.set_aside
        self._waiting.append(
            events.started(now, set_aside=str(aside or "removed"), stream_before=before)
        )

    def _publish(self, found: Report) -> None:
        """The last report and the metrics, for whoever looks."""
        plain = status(found)
        try:
            write_report(self._parts.folder, plain)
            if self._config.metrics.textfile:
                numbers = {**own.numbers(), "last_seq": self._store.last_seq}
                own.write_text(Path(self._config.metrics.textfile), metrics(plain, numbers))
        except (StoreError, OSError) as error:
            log.error("report not written", error=str(error))
        counted = [finding for finding in found.findings if finding.accepted is None]
        self._notifier.status(
            f"{found.authority.channel} governs, check-in {found.checkin.state}, "
            f"{len(counted)} findings, watching by {self._watcher.mode}"
        )

    def _event_host(self) -> EventHost:
        return EventHost(self._facts.name, self._store.host_id, self._facts.platform)

    # --- the rest -------------------------------------------------------------------------------

    def _take_acknowledgements(self, mail: Mail) -> None:
        for sink, seq in mail.acknowledged.items():
            try:
                lost = self._store.acknowledge(sink, seq)
            except StoreError as error:
                log.error("cursor not written", sink=sink, error=str(error))
                continue
            if lost is not None:
                self._tell(events.dropped(self._host.now(), lost))

    def _housekeeping(self, now: float) -> None:
        if now >= self._schedule.heartbeat and self._report is not None:
            self._schedule.heartbeat = now + self._config.heartbeat.every.total_seconds()
            self._heartbeat(self._report)
        if now >= self._schedule.retention:
            self._schedule.retention = now + 3600.0
            self._retain()

    def _heartbeat(self, found: Report) -> None:
        watch = {"mode": self._watcher.mode, "why": self._watcher.why}
        numbers = {**own.numbers(), "watch": watch, "store_bytes": self._store.size()}
        sinks = self._outlets.status()
        self._tell(events.heartbeat(self._host.now(), found, self._memory, sinks, numbers))

    def _retain(self) -> None:
        keep, limit = self._config.store.keep, size.parse(self._config.store.max_size)
        try:
            lost = self._store.retain(self._host.now(), keep, limit, self._outlets.names)
        except StoreError as error:
            log.error("retention failed", error=str(error))
            return
        if lost:
            self._tell(*(events.dropped(self._host.now(), one) for one in lost))

    def _reload(self) -> None:
        """Take the configuration anew; a wrong one is told, and the old one kept."""
        self._notifier.reloading()
        now, error = self._host.now(), None
        try:
            config = self._parts.load_config()
            host = self._parts.open_host(config)
            self._reopen_outlets(config)
        except ConfigError as wrong:
            error = str(wrong)
            log.error("configuration refused", error=error)
        else:
            self._config, self._host = config, host
            self._schedule = self._new_schedule()
            self._schedule.begin(time.monotonic())
            self._dirty = True
        told = events.reloaded(
            now, self._parts.config_path, error=error, digest=own.digest(self._config)
        )
        self._tell(told)
        self._notifier.ready("configuration refused" if error else "configuration taken")

    def _reopen_outlets(self, config: Config) -> None:
        if config.sinks == self._config.sinks:
            return
        self._outlets.close(1.0)
        self._take_acknowledgements(self._inbox.wait(0.0))
        try:
            self._outlets.open(config.sinks, self._store)
        except ConfigError:
            self._outlets.open(self._config.sinks, self._store)
            raise

    def _is_due(self) -> bool:
        return self._due is not None and self._host.now() >= self._due

    def _moved(self) -> bool:
        """Whether the wall clock and the monotonic one went apart: sleep, or a clock set anew."""
        gap = self._gap()
        if abs(gap - self._clock_gap) < JUMP:
            return False
        log.info("time moved", seconds=round(gap - self._clock_gap))
        self._clock_gap = gap
        self._schedule.health = time.monotonic()
        return True

    def _gap(self) -> float:
        return (self._host.now() - datetime.fromtimestamp(0, self._host.now().tzinfo)) / timedelta(
            seconds=1
        ) - time.monotonic()

    def _new_schedule(self) -> Schedule:
        return Schedule(self._config, self._store.host_id, counted=not self._facts.recorded)


def _differs(before: Reading[Any] | None, now: Reading[Any]) -> bool:
    """Whether a reading says something else than the one before it, times of looking apart."""
    if before is None:
        return True
    same = replace(before, taken_at=now.taken_at, seconds=now.seconds)
    return same != now
