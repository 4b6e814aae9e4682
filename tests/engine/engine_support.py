"""A host in memory: real reports of what its files and its agent say, and the steps between."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from contract_check import check_events
from mdeinspect import catalogue, rules
from mdeinspect.config.model import Config
from mdeinspect.documents import Document, policyjson
from mdeinspect.documents.filetime import CheckinTimes
from mdeinspect.documents.health import Health, parse_health
from mdeinspect.errors import ParseError
from mdeinspect.events import Event
from mdeinspect.memory import Memory
from mdeinspect.model import (
    FileFacts,
    Finding,
    HostFacts,
    Process,
    Reading,
    Report,
    Severity,
    Snapshot,
)
from mdeinspect.report import report
from mdeinspect.rules import Rule
from mdeinspect.sources.boot import Boot
from mdeinspect.sources.processes import PROCESSES, AgentProcess
from mdeinspect.transitions import due_at, step
from support import (
    ATTACH,
    DAY,
    LOCAL,
    MAC_ATTACH,
    MAC_LOCAL,
    MAC_MANAGED,
    MAC_STATE,
    MANAGED,
    MINUTE,
    NOW,
    STATE,
    health_json,
)

CATALOGUE = catalogue.load()
RULES = tuple(rules.load().values())
LONG_AGO = NOW - 30 * DAY
PATHS = {
    "linux": {"mdatp_managed": MANAGED, "mdeattach_managed": ATTACH, "wdavcfg": LOCAL},
    "darwin": {
        "managed_preferences": MAC_MANAGED,
        "mdeattach_managed": MAC_ATTACH,
        "wdavcfg": MAC_LOCAL,
    },
}


@functools.lru_cache(maxsize=512)
def document(data: bytes) -> Document:
    return policyjson.parse(data)


@functools.lru_cache(maxsize=512)
def health_of(data: bytes) -> Health:
    return parse_health(data)


def as_json(value: Any) -> bytes:
    return value if isinstance(value, bytes) else json.dumps(value).encode()


@dataclass
class Machine:
    """A host. Files and health stay as they were put until they are put otherwise."""

    platform: Any = "linux"
    now: datetime = NOW
    config: Config = field(default_factory=Config)
    rules: tuple[Rule, ...] = RULES
    files: dict[str, tuple[Any, datetime]] = field(default_factory=dict)
    health: Any = None  # bytes; a kind of trouble; None: not there
    health_at: datetime | None = None
    program: str | None = "/usr/bin/mdatp"
    boot: datetime | None = LONG_AGO
    awake: float | None = None
    success: datetime | None = None
    attempt: datetime | None = None
    more: dict[str, Reading[Any]] = field(default_factory=dict)  # readings in place of its own
    memory: Memory | None = None
    last: Report | None = None
    told: list[Event] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.health is None:
            self.healthy()

    def healthy(self, **fields: Any) -> Machine:
        """An agent that answers, read now."""
        self.health = health_json(self.platform, **fields)
        self.health_at = self.now
        return self

    def trouble(self, kind: str = "failed") -> Machine:
        """An agent that does not answer, asked now."""
        self.health, self.health_at = kind, self.now
        return self

    def processes(self, *running: Process) -> Machine:
        """The agent's programs, seen from now on."""
        parsed = PROCESSES.parse(running)
        self.more["processes"] = Reading("processes", "present", self.now, parsed)
        return self

    def uninstalled(self) -> Machine:
        self.health, self.program, self.health_at = "", None, self.now
        return self

    def put(self, source: str, content: Any, *, age: timedelta = timedelta()) -> Machine:
        """A file, written now or earlier; bytes as they are, all else as JSON."""
        self.files[source] = (as_json(content), self.now - age)
        return self

    def drop(self, source: str) -> Machine:
        del self.files[source]
        return self

    def later(self, more: timedelta, *, asleep: bool = False) -> Machine:
        """Time passes; the host is awake, unless told otherwise."""
        self.now += more
        if self.awake is not None and not asleep:
            self.awake += more.total_seconds()
        return self

    def ask(self) -> Machine:
        """Health is read again and says the same."""
        self.health_at = self.now
        return self

    def reboot(self, off: timedelta = MINUTE) -> Machine:
        self.later(off, asleep=True)
        self.boot = self.now
        if self.awake is not None:
            self.awake = 0.0
        return self

    def restart(self) -> Machine:
        """The service stops and starts: memory goes through the store as rows."""
        if self.memory is not None:
            rows = json.loads(json.dumps(self.memory.rows()))
            self.memory = Memory.from_rows(rows)
            assert self.memory.lost == ()
        return self

    def report(self) -> Report:
        return report(self.snapshot(), self.config, CATALOGUE, self.rules, self.now, self.memory)

    def step(self) -> list[Event]:
        """One report and what it makes known."""
        self.last = self.report()
        self.memory, events = step(
            self.memory,
            self.last,
            config=self.config,
            catalogue=CATALOGUE,
            rules=self.rules,
            now=self.now,
        )
        self.told += events
        check_events(events)
        return events

    def due(self) -> datetime | None:
        assert self.memory is not None
        assert self.last is not None
        return due_at(self.memory, self.last, config=self.config, rules=self.rules, now=self.now)

    def snapshot(self) -> Snapshot:
        host = HostFacts(
            "web-07", self.platform, "Debian 12", self.boot, self.awake, program=self.program
        )
        readings = {**dict(self._readings()), **self.more}
        return Snapshot(host, self.now, readings)

    def _readings(self) -> Iterable[tuple[str, Reading[Any]]]:
        for source, path in PATHS[self.platform].items():
            yield source, self._file(source, path)
        yield "health", self._health()
        state = Reading("wdavstate", "missing", self.now)
        if self.success or self.attempt:
            times = CheckinTimes((self.attempt or self.success,), (self.success,))
            path = STATE if self.platform == "linux" else MAC_STATE
            state = Reading("wdavstate", "present", self.now, times, file=FileFacts(path))
        yield "wdavstate", state
        yield "boot", Reading("boot", "present", self.now, Boot(enabled=True))
        running = (AgentProcess("main", Process(1, "wdavdaemon")),) if self.program else ()
        yield "processes", Reading("processes", "present", self.now, running)

    def _file(self, source: str, path: str) -> Reading[Any]:
        if source not in self.files:
            return Reading(source, "missing", self.now)
        data, changed = self.files[source]
        facts = FileFacts(path, (), 0, 0, 0o644, len(data), changed, changed)
        try:
            return Reading(source, "present", self.now, document(data), file=facts)
        except ParseError as error:
            reason = f"{error} ({path})"
            return Reading(source, "broken", self.now, None, error.kind, reason, None, facts)

    def _health(self) -> Reading[Any]:
        at = self.health_at or self.now
        if self.health == "":
            return Reading("health", "missing", at)
        if isinstance(self.health, str):
            reason = f"cannot read `mdatp health`: {self.health}"
            return Reading("health", "broken", at, None, self.health, reason)
        return Reading("health", "present", at, health_of(self.health))


def attached(**config: Any) -> Machine:
    """A host that the portal governs, well and protected, without findings."""
    machine = Machine(config=Config(**config))
    machine.put("mdeattach_managed", POLICY, age=DAY)
    machine.success = machine.attempt = machine.now
    return machine.healthy(**IN_FORCE)


POLICY = {
    "antivirusEngine": {"enforcementLevel": "real_time", "enableFileHashComputation": False},
    "cloudService": {"enabled": True, "automaticSampleSubmissionConsent": "safe"},
    "networkProtection": {"enforcementLevel": "audit"},
}
IN_FORCE: Mapping[str, Any] = {
    "managedBy": "MDE",
    "networkProtectionEnforcementLevel": "audit",
    "managed": ("cloudEnabled", "realTimeProtectionEnabled", "networkProtectionEnforcementLevel"),
}


def edited(**sections: Mapping[str, Any]) -> dict[str, Any]:
    """The policy of `attached`, with some keys of some sections set otherwise."""
    return {
        name: {**POLICY.get(name, {}), **sections.get(name, {})} for name in {**POLICY, **sections}
    }


def words(events: Iterable[Event]) -> list[str]:
    """Events in short: `finding.raised not-enforced key:x`."""
    return [
        " ".join(filter(None, (one.type, one.code, one.subject if one.code else None, one.because)))
        for one in events
    ]


def kinds(events: Iterable[Event]) -> list[str]:
    return [one.type for one in events]


# --- reports by hand ----------------------------------------------------------------------------


def a_finding(code: str, subject: str = "host", severity: int = 2, **facts: Any) -> Finding:
    return Finding(code, Severity(severity), subject, f"{code} title", "detail", "remedy", facts)


class Hand:
    """Reports with just these findings, on the host of a `Machine` that has none of its own."""

    def __init__(self, machine: Machine | None = None) -> None:
        self.machine = machine or attached()
        self.base = self.machine.report()
        self.memory: Memory | None = None
        self.last = self.base

    @property
    def now(self) -> datetime:
        return self.machine.now

    def later(self, more: timedelta) -> Hand:
        self.machine.later(more)
        return self

    def step(self, *findings: Finding, **more: Any) -> list[Event]:
        """One step with these findings in the report; `more` replaces what else it says."""
        sources = {
            **self.base.sources,
            "health": replace(self.base.sources["health"], taken_at=self.now),
        }
        changed = {"taken_at": self.now, "sources": sources, **more}
        self.last = replace(self.base, findings=findings, **changed)
        return self._step()

    def _step(self) -> list[Event]:
        self.memory, events = step(
            self.memory,
            self.last,
            config=self.machine.config,
            catalogue=CATALOGUE,
            rules=self.machine.rules,
            now=self.now,
        )
        check_events(events)
        return events

    def restart(self) -> Hand:
        assert self.memory is not None
        self.memory = Memory.from_rows(json.loads(json.dumps(self.memory.rows())))
        return self
