"""Signs of life of the service: its unit, the last event, the last report."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from mdeinspect.config.model import Config
from mdeinspect.events import stamp
from mdeinspect.installer import InstallError, linux, manager
from mdeinspect.installer.manager import Runner, Unit
from mdeinspect.model import Platform
from mdeinspect.store.errors import StoreError
from mdeinspect.store.last import read_report
from mdeinspect.store.reader import Reader

LIFE = ("daemon.started", "heartbeat")
MARGIN = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Sign:
    """When something of the service was last written; `trouble` where that cannot be read."""

    at: datetime | None = None
    age: timedelta | None = None
    trouble: str | None = None
    kind: str | None = None  # of trouble, as in `StoreError`


@dataclass(frozen=True, slots=True)
class Vitals:
    """What `service status` shows. `units` are those that are installed.

    `silent`: for how long a service that lives may say nothing.
    """

    units: tuple[Unit, ...]
    heartbeat: Sign
    report: Sign
    folder: Path
    silent: timedelta
    trouble: str | None = None  # why the units cannot be told

    @property
    def exit_code(self) -> int:
        """0 it runs and gives signs of life, 1 it does not, 3 cannot tell."""
        daemon = next((one for one in self.units if not one.name.endswith(".timer")), None)
        if self.trouble is None and daemon is None:
            return 0 if any(one.active == "active" for one in self.units) else 1
        if daemon is not None and daemon.active not in ("active", "reloading"):
            return 1
        if self.heartbeat.age is not None:
            return 1 if self.heartbeat.age > self.silent else 3 if self.trouble else 0
        return 3

    def as_data(self) -> dict[str, Any]:
        """The same for programs."""
        return {
            "schema": "mdeinspect.service/1",
            "units": [
                {
                    "name": one.name,
                    "enabled": one.enabled,
                    "active": one.active,
                    "detail": one.detail,
                    "restarts": one.restarts,
                }
                for one in self.units
            ],
            "units_trouble": self.trouble,
            "state": str(self.folder),
            "heartbeat": _plain(self.heartbeat),
            "report": _plain(self.report),
        }

    def lines(self) -> list[str]:
        """The same for people."""
        units = [f"{one.name}: {_words(one)}" for one in self.units]
        if self.trouble:
            units = [f"unit: unknown, {self.trouble}"]
        return [
            *(units or ["not installed: `mdeinspect service install`, or a package"]),
            f"last sign of life: {_age(self.heartbeat)}",
            f"last report: {_age(self.report)}",
            f"state: {self.folder}",
        ]


def look(
    platform: Platform,
    folder: Path,
    now: datetime,
    silent: timedelta,
    runner: Runner = manager.run,
) -> Vitals:
    """The signs of life of the service whose state is in `folder`."""
    units: tuple[Unit, ...] = ()
    trouble = None
    try:
        units = installed(platform, runner)
    except InstallError as error:
        trouble = str(error)
    beat, report = heartbeat(folder, now), last_report(folder, now)
    return Vitals(units, beat, report, folder, silent, trouble)


def installed(platform: Platform, runner: Runner = manager.run) -> tuple[Unit, ...]:
    """Of the daemon and the timer those that are in use; raises `InstallError`.

    A package brings both, so that one of them lies there unused. Where neither is in use it is the
    daemon that is missed.
    """
    names = (manager.LABEL,) if platform == "darwin" else (linux.UNIT, linux.TIMER)
    every = [manager.state(platform, name, runner) for name in names]
    found = [one for one in every if one.installed or one.detail == "masked"]
    return tuple(one for one in found if one.enabled or one.active != "inactive") or (*found[:1],)


def silence(config: Config) -> timedelta:
    """For how long a service that lives may say nothing: two heartbeats."""
    return 2 * config.heartbeat.every + MARGIN


def heartbeat(folder: Path, now: datetime) -> Sign:
    """When the service last said that it lives, by its store."""
    try:
        with Reader(folder) as reader:
            last = None
            for page in reader.pages(types=LIFE):
                last = page[-1]
    except StoreError as error:
        return Sign(trouble=str(error), kind=error.kind)
    if last is None:
        return Sign(trouble="cannot tell: the store holds no event of the daemon", kind="missing")
    return _sign(last.time, now)


def last_report(folder: Path, now: datetime) -> Sign:
    """When the service last wrote its report."""
    try:
        return _sign(read_report(folder).get("taken_at"), now)
    except StoreError as error:
        return Sign(trouble=str(error), kind=error.kind)


def _sign(time: object, now: datetime) -> Sign:
    try:
        at = datetime.fromisoformat(str(time))
        return Sign(at, now - at)
    except (ValueError, TypeError):
        return Sign(trouble=f"cannot read the time {str(time)[:40]!r}", kind="corrupt")


def _plain(sign: Sign) -> dict[str, Any]:
    return {
        "time": stamp(sign.at) if sign.at else None,
        "age_seconds": round(sign.age.total_seconds()) if sign.age is not None else None,
        "trouble": sign.trouble,
    }


def _words(one: Unit) -> str:
    enabled = {True: "enabled", False: "not enabled at boot", None: "not known whether enabled"}
    parts = [one.active, enabled[one.enabled], one.detail]
    if one.restarts:
        parts.append(f"restarts: {one.restarts}")
    return ", ".join(part for part in parts if part)


def _age(sign: Sign) -> str:
    if sign.age is None or sign.at is None:
        return f"unknown, {sign.trouble}"
    seconds = int(sign.age.total_seconds())
    if seconds < 0:
        return f"{stamp(sign.at)}, ahead of the clock"
    hours, minutes = seconds // 3600, seconds % 3600 // 60
    ago = f"{hours} h {minutes} min" if hours else f"{minutes} min" if minutes else f"{seconds} s"
    return f"{stamp(sign.at)}, {ago} ago"
