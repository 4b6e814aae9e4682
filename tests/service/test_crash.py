"""Killed at any moment, while everything changes: nothing lost, nothing invented, nothing torn.

MDEINSPECT_SOAK_ROUNDS sets how often it is killed; the seed is told when something fails.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from service_support import (
    MANAGED,
    QUICK,
    Daemon,
    check_delivered,
    check_findings,
    check_stream,
    digest,
    read_lines,
    simulated,
    until,
)

from mdeinspect.simulator.host import SimulatedHost

ROUNDS = int(os.environ.get("MDEINSPECT_SOAK_ROUNDS", "40"))
SEED = int(os.environ.get("MDEINSPECT_SOAK_SEED", str(random.SystemRandom().randrange(10**6))))
HOSTS = 2
RESCAN = 1.0
SLACK = 3.0  # seconds for the debounce, the commit, and a busy machine
HELD = RESCAN + SLACK
SINK = '[sinks.siem]\ntype = "file"\npath = "{path}"\nmax_size = "64KiB"\nkeep = 999\n'


@dataclass
class Hold:
    """A state of the policy file (None: gone) that stayed; by the wall clock."""

    digest: str | None
    since: float
    until: float


@dataclass
class Changer:
    """Changes a host at random, and remembers what the policy file was, and when."""

    host: SimulatedHost
    dice: random.Random
    written: set[str] = field(default_factory=set)
    holds: list[Hold] = field(default_factory=list)
    number: int = 0
    over: threading.Event = field(default_factory=threading.Event)
    calm: threading.Event = field(default_factory=threading.Event)  # while set, nothing changes

    @property
    def place(self) -> Path:
        return self.host.folder / MANAGED.lstrip("/")

    def run(self) -> None:
        """Until it is over; mostly in a hurry."""
        steps = [self.edit, self.replace, self.edit, self.replace, self.remove, self.health]
        while not self.over.is_set():
            self.dice.choice([*steps, self.checkin])()
            self.over.wait(self.dice.choice([0.0, 0.01, 0.1, 0.5, 0.5]))
            while self.calm.is_set() and not self.over.is_set():
                time.sleep(0.02)

    def edit(self) -> None:
        """In place, in two pieces: whoever looks in between sees half a file."""
        data = self._policy()
        with self._changing(digest(data)), self.place.open("wb") as file:
            file.write(data[: len(data) // 2])
            file.flush()
            time.sleep(self.dice.choice([0.0, 0.01, 0.03]))
            file.write(data[len(data) // 2 :])

    def replace(self) -> None:
        """By rename."""
        data = self._policy()
        draft = self.place.with_name("draft")
        draft.write_bytes(data)
        with self._changing(digest(data)):
            draft.replace(self.place)

    def remove(self) -> None:
        with self._changing(None):
            self.place.unlink(missing_ok=True)

    def health(self) -> None:
        """The agent takes policy up, or falls silent, or speaks again."""
        self.host.daemon(self.dice.choice(["up", "up", "down", "garbage"]))
        self.host.record()

    def checkin(self) -> None:
        self.host.checkin(timedelta(minutes=self.dice.choice([5, 500, 5000])))

    def now(self) -> None:
        """The state that lasts until now goes on: its hold is brought up to date."""
        self.holds[-1].until = time.time()

    @contextlib.contextmanager
    def _changing(self, new: str | None) -> Iterator[None]:
        if self.holds:
            self.holds[-1].until = time.time()
        if new is not None:
            self.written.add(new)
        yield
        self.holds.append(Hold(new, time.time(), time.time()))

    def _policy(self) -> bytes:
        """Never the same twice; without its last byte it is no JSON."""
        self.number += 1
        level = self.dice.choice(["real_time", "passive", "on_demand"])
        tags = [{"key": "GROUP", "value": f"round-{self.number}"}]
        policy = {"antivirusEngine": {"enforcementLevel": level}, "edr": {"tags": tags}}
        return json.dumps(policy, indent=1).encode()


@dataclass
class Life:
    """When one run of the service worked: from its readiness to its end, by the wall clock."""

    since: float
    until: float


def live(daemon: Daemon, changer: Changer, dice: random.Random, *, long: bool) -> Life | None:
    """Start the service, and kill it: at once, in the midst of its start, or later."""
    if not long and dice.random() < 0.25:
        daemon.launch()
        time.sleep(dice.uniform(0.0, 1.0))
        daemon.kill()
        return None
    daemon.start()
    since = time.time()
    time.sleep(dice.uniform(0.0, 1.5))
    if long:
        changer.calm.set()
        time.sleep(HELD + 0.6)
    ended = time.time()
    daemon.kill()
    changer.calm.clear()
    return Life(since, ended)


def tear(path: Path, dice: random.Random) -> None:
    """What a power failure leaves: half a line."""
    if path.exists() and dice.random() < 0.5:
        with path.open("ab") as file:
            file.write(b'{"time":"2026-11-22T11:04:00.000Z","id":"torn'[: dice.randrange(1, 45)])


def check_told(stored: list[dict[str, object]], changer: Changer, lives: list[Life]) -> int:
    """Every state held long enough while the service lived was told; how many there were."""
    changes = [one for one in stored if one["type"] == "policy.changed"]
    told: list[tuple[float, str | None]] = [(0.0, changer.holds[0].digest)]
    for one in changes:
        data = one["data"]
        assert isinstance(data, dict)
        new = data["new_digest"]
        was = changer.written | {hold.digest for hold in changer.holds}
        assert new in was, "it told of a file, or of a removal, that never was"
        told.append((_seconds(str(one["time"])), new))
    checked = 0
    for hold in changer.holds:
        for life in lives:
            since, end = max(hold.since, life.since), min(hold.until, life.until)
            if end - since < HELD:
                continue
            newest = [new for moment, new in told if moment <= end][-1]
            assert newest == hold.digest, f"held {end - since:.1f} s and never told"
            checked += 1
    return checked


def campaign(place: Path, seed: int, rounds: int) -> tuple[int, int, int]:
    """Kill a service so many times; events, doubles, and states that had to be told."""
    dice = random.Random(seed)
    host = simulated(place / "host")
    path = place / "log" / "events.ndjson"
    changer = Changer(host, random.Random(seed + 1))
    changer.edit()
    host.record()
    lives: list[Life] = []
    thread = threading.Thread(target=changer.run, daemon=True)
    with Daemon(place / "service", host.folder, QUICK + SINK.format(path=path)) as daemon:
        try:
            daemon.start().assessed()
            daemon.kill()
            thread.start()
            for number in range(rounds):
                life = live(daemon, changer, dice, long=number % 4 == 3)
                lives += [life] if life else []
                tear(path, dice)
        finally:
            changer.over.set()
            if thread.ident:
                thread.join(60)
        daemon.start().assessed()
        since = time.time()
        time.sleep(HELD)
        changer.now()
        lives.append(Life(since, time.time()))
        until(lambda: len({one["id"] for one in read_lines(path)}) >= len(daemon.told()) - 3, "it")
        assert daemon.stop() == 0
        stored = daemon.told()
        lines = read_lines(path)
    check_stream(stored)
    doubles = check_delivered(lines, stored)
    check_findings(stored)
    assert sum(one["type"] == "daemon.stopped" for one in stored) == 1
    check_told(stored, changer, lives[-1:])
    return len(stored), doubles, check_told(stored, changer, lives[:-1])  # of lives that were cut


@pytest.mark.slow
def test_kill(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Killed at random moments while policy, health and check-ins change.

    `seq` has no gap; the file has every stored event, in order, with a `prev` that fits, doubled
    only as a whole, torn lines repaired; every state of the policy file that was held longer than
    rescan and debounce is told; nothing is told that never was; nothing is raised twice.
    """
    rounds = -(-ROUNDS // HOSTS)
    seeds = [SEED + number * 1000 for number in range(HOSTS)]
    places = [tmp_path / f"host{number}" for number in range(HOSTS)]
    began = time.monotonic()
    with ThreadPoolExecutor(HOSTS) as pool:
        done = [pool.submit(campaign, *one, rounds) for one in zip(places, seeds, strict=True)]
        try:
            found = [one.result() for one in done]
        except BaseException as error:
            error.add_note(f"MDEINSPECT_SOAK_SEED={SEED}")
            raise
    events, doubles, held = (sum(one[part] for one in found) for part in range(3))
    with capsys.disabled():
        spent = time.monotonic() - began
        print(
            f"\n{rounds * HOSTS} kills in {spent:.0f} s: {events} events, {doubles} doubles, "
            f"{held} states that had to be told"
        )
    assert held >= HOSTS


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
