"""Simulated hosts with the engine over them: real events, the same at every run."""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from contract_check import STREAM
from mdeinspect import catalogue, rules
from mdeinspect.config.model import Config
from mdeinspect.events import Event, EventHost, native
from mdeinspect.host.recorded import RecordedHost
from mdeinspect.inspect import Plan, take
from mdeinspect.memory import Memory
from mdeinspect.model import Platform, Report
from mdeinspect.report import report
from mdeinspect.service import events as own
from mdeinspect.service.own import digest
from mdeinspect.simulator.host import DAY, HOUR, MINUTE, SimulatedHost
from mdeinspect.simulator.policies import hardened, lax
from mdeinspect.simulator.scenarios import SCENARIOS, names
from mdeinspect.sinks.delivery import Status
from mdeinspect.store.cursors import Dropped
from mdeinspect.transitions import step

RULES = tuple(rules.load().values())
LEVEL = "antivirusEngine.enforcementLevel"
HOST_ID = "7d1c2c7e-95c3-4a57-9c70-6a2d0b1f8e44"
WATCH = {"mode": "events", "why": None}


class Play:
    """What is told of one recorded host, look after look."""

    def __init__(self, folder: Path, config: Config | None = None) -> None:
        self.folder = folder
        self.config = config or Config()
        self.memory: Memory | None = None
        self.report: Report | None = None
        self.told: list[dict[str, Any]] = []

    def look(self) -> list[dict[str, Any]]:
        """One report, and what it makes known as native objects."""
        host = RecordedHost(str(self.folder))
        snapshot, every = take(host, Plan()), catalogue.load()
        now = host.now()
        self.report = report(snapshot, self.config, every, RULES, now, self.memory)
        self.memory, found = step(
            self.memory, self.report, config=self.config, catalogue=every, rules=RULES, now=now
        )
        return self.tell(*found)

    def tell(self, *found: Event) -> list[dict[str, Any]]:
        """Number events, as the store does."""
        facts = RecordedHost(str(self.folder)).facts()
        host = EventHost(facts.name, HOST_ID, facts.platform)
        first = len(self.told) + 1
        new = [
            native(event, stream=STREAM, seq=first + number, host=host)
            for number, event in enumerate(found)
        ]
        self.told += new
        return new


def scenario(folder: Path, name: str, platform: Platform) -> list[dict[str, Any]]:
    """A scenario from its beginning to its end."""
    host, play = SimulatedHost(folder, platform), Play(folder)
    SCENARIOS[name].begin(host)
    play.look()
    SCENARIOS[name].finish(host)
    for _ in range(3):  # some findings are told when they were seen twice, and lasted
        play.look()
        host.pass_time(HOUR)
        host.record()
    return play.told


def story(folder: Path) -> list[dict[str, Any]]:
    """A few days of a Linux host: every type of event comes up at least once."""
    host, play = SimulatedHost(folder), Play(folder)

    def then(happens: Callable[[], Any], wait: timedelta = 30 * MINUTE) -> None:
        happens()
        host.pass_time(wait)
        host.record()
        play.look()

    host.managed(hardened("linux"))
    host.restart()
    host.pass_time(DAY)
    host.record()
    play.tell(_started(host))
    play.look()
    then(lambda: host.set_field(LEVEL, "passive"))
    then(lambda: host.set_field(LEVEL, "on_demand"))
    then(lambda: host.set_field(LEVEL, "real_time"))
    then(lambda: host.managed(lax("linux")))
    then(lambda: host.managed(hardened("linux")))
    then(lambda: host.edit("/etc/opt/microsoft/mdatp/managed/mdatp_managed.json", b'{"edr": '))
    then(lambda: host.managed(hardened("linux")))
    then(lambda: host.attach(hardened("linux")))
    then(lambda: host.checkin(timedelta(0)), 3 * DAY)
    then(lambda: host.daemon("down"))
    then(lambda: host.upgrade("101.25092.0001"))
    then(lambda: host.daemon("up"))
    _own_words(host, play)
    return play.told


def _started(host: SimulatedHost) -> Event:
    seen = take(RecordedHost(str(host.folder)), Plan()).readings
    sources = {name: reading.state for name, reading in seen.items()}
    return own.started(
        host.now,
        config_digest=digest(Config()),
        sources=sources,
        watch=WATCH,
        platform="linux",
        recorded=True,
    )


def _own_words(host: SimulatedHost, play: Play) -> None:
    """What the daemon tells of itself."""
    assert play.report is not None
    assert play.memory is not None
    numbers = {
        "rss_bytes": 41_943_040,
        "cpu_seconds": 12.5,
        "children_cpu_seconds": 3.25,
        "watch": WATCH,
        "asking_seconds": 0,
        "store_bytes": 262_144,
    }
    sinks = [Status("siem", "ok", None, len(play.told)), Status("alerts", "retrying", "down", None)]
    play.tell(
        own.heartbeat(host.now, play.report, play.memory, sinks, numbers),
        own.reloaded(host.now, "/etc/mdeinspect/config.toml", None, digest(Config())),
        own.reloaded(
            host.now,
            "/etc/mdeinspect/config.toml",
            "cannot use schedule.file: there is no such key",
            digest(Config()),
        ),
        own.watching(host.now, "events", "polling", "cannot watch /etc: the limit is reached"),
        own.dropped(host.now, Dropped("alerts", 3, 9)),
        own.stopped(host.now + HOUR, "SIGTERM"),
    )


@functools.cache
def told() -> tuple[dict[str, Any], ...]:
    """The events of the story."""
    with tempfile.TemporaryDirectory() as place:
        return tuple(story(Path(place) / "story"))


@functools.cache
def every() -> tuple[dict[str, Any], ...]:
    """The story, every scenario on every platform, and every golden host at its first look."""
    from golden_hosts import HOSTS

    found = list(told())
    with tempfile.TemporaryDirectory() as place:
        platforms: tuple[Platform, ...] = ("linux", "darwin")
        for platform in platforms:
            for name in names(platform):
                found += scenario(Path(place) / f"{platform}-{name}", name, platform)
        for name, build in HOSTS.items():
            folder = Path(place) / f"golden-{name}"
            build(folder)
            play = Play(folder)
            play.look()
            found += play.told
    return tuple(found)


def examples() -> Mapping[str, dict[str, Any]]:
    """The first event of each type in the story."""
    found: dict[str, dict[str, Any]] = {}
    for one in told():
        found.setdefault(one["type"], one)
    return found
