"""The configuration as frozen data, with every default. Validated only when it comes from a file.

Durations are `timedelta`; in TOML they are texts such as "5s", "10m", "24h", "7d".
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Annotated, Any, Literal

SeverityWord = Literal["critical", "high", "medium", "low", "info"]
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_DURATION = re.compile(r"(\d{1,6})\s*([smhd])")


class Duration(timedelta):
    """A length of time, written as "90s", "15m", "4h30m" or "7d"."""

    @classmethod
    def of(cls, text: object) -> Duration:
        """The duration that `text` names; raises ValueError for anything else, and for zero."""
        parts = _DURATION.findall(text) if isinstance(text, str) else []
        if not parts or _DURATION.sub("", str(text)).strip():
            raise ValueError('write a duration such as "90s", "15m", "4h30m" or "7d"')
        total = cls(**{_UNITS[unit]: int(number) for number, unit in parts})
        if not total:
            raise ValueError("a duration must be longer than nothing")
        return total

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: object) -> Any:
        from pydantic_core import core_schema  # only ever called by pydantic itself

        return core_schema.no_info_plain_validator_function(cls.of)


class Until(datetime):
    """The end of an acceptance: a TOML date or time, or the same as RFC 3339 text."""

    @classmethod
    def of(cls, value: object) -> datetime | date:
        """The moment, or the day, that `value` names; raises ValueError for anything else."""
        if isinstance(value, date):  # a datetime is one as well
            return value
        if isinstance(value, str):
            with contextlib.suppress(ValueError):  # said below, in words that help
                is_day = _DAY.fullmatch(value.strip())
                return (date if is_day else datetime).fromisoformat(value.strip())
        raise ValueError("write a date such as 2027-03-31, or a time such as 2027-03-31T18:00:00Z")

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: object) -> Any:
        from pydantic_core import core_schema  # only ever called by pydantic itself

        return core_schema.no_info_plain_validator_function(cls.of)


class Strict:
    """Base of every table: a key that it does not know is an error."""

    __slots__ = ()
    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012 -- pydantic reads it from the class


def minutes(number: float) -> Duration:
    """A `Duration` of that many minutes."""
    return Duration(minutes=number)


@dataclass(frozen=True, slots=True)
class Schedule(Strict):
    """How often the service looks, and how long policy may take to be applied."""

    files: Duration = field(default_factory=lambda: Duration(seconds=60))
    health: Duration = field(default_factory=lambda: minutes(15))
    details: Duration = field(default_factory=lambda: Duration(hours=24))
    settle: Duration = field(default_factory=lambda: Duration(seconds=10))
    grace: Duration = field(default_factory=lambda: minutes(10))


@dataclass(frozen=True, slots=True)
class Heartbeat(Strict):
    """How often the service says that it lives."""

    every: Duration = field(default_factory=lambda: Duration(hours=1))


@dataclass(frozen=True, slots=True)
class CheckinLimits(Strict):
    """Ages of the last successful SenseCM check-in. The period is 90 minutes."""

    late: Duration = field(default_factory=lambda: minutes(270))
    stale: Duration = field(default_factory=lambda: Duration(hours=24))

    def __post_init__(self) -> None:
        if self.late > self.stale:
            raise ValueError("late must not be longer than stale")


@dataclass(frozen=True, slots=True)
class AgentConfig(Strict):
    """Which `mdatp` to ask (None: the known places), and how long to wait for it."""

    cli: str | None = None
    timeout: Duration = field(default_factory=lambda: Duration(seconds=30))


@dataclass(frozen=True, slots=True)
class Paths(Strict):
    """Files that have no fixed place."""

    client_analyzer: str | None = None


@dataclass(frozen=True, slots=True)
class Privacy(Strict):
    """What is replaced by digests before it is shown or stored."""

    redact: tuple[Literal["exclusions", "tags", "ids"], ...] = ()


@dataclass(frozen=True, slots=True)
class Expect(Strict):
    """What the organisation takes for granted on this host; None: nothing."""

    channel: Literal["mde_attach", "mdm", "managed_file", "local", "none"] | None = None
    tag: str | None = None
    policy: Literal[True, False] | None = None


@dataclass(frozen=True, slots=True)
class BaselineConfig(Strict):
    """The settings that the organisation wants: a file, the word `recommended`, or right here.

    Once loaded, `settings` holds what the file says.
    """

    file: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StoreConfig(Strict):
    """How much the service keeps."""

    keep: Duration = field(default_factory=lambda: Duration(days=30))
    max_size: str = "64MiB"


@dataclass(frozen=True, slots=True)
class Metrics(Strict):
    """Where the service writes metrics for node_exporter's textfile collector; None: nowhere."""

    textfile: str | None = None


@dataclass(frozen=True, slots=True)
class Accept(Strict):
    """One finding that the organisation lives with: listed, not counted."""

    code: str
    subject: str = "*"
    reason: str = ""
    until: Annotated[datetime | date, Until] | None = None


@dataclass(frozen=True, slots=True)
class Config(Strict):
    """Everything that can be configured. `rules` and `sinks` are keyed by code and by name."""

    schedule: Schedule = field(default_factory=Schedule)
    heartbeat: Heartbeat = field(default_factory=Heartbeat)
    checkin: CheckinLimits = field(default_factory=CheckinLimits)
    agent: AgentConfig = field(default_factory=AgentConfig)
    paths: Paths = field(default_factory=Paths)
    privacy: Privacy = field(default_factory=Privacy)
    expect: Expect = field(default_factory=Expect)
    baseline: BaselineConfig = field(default_factory=BaselineConfig)
    store: StoreConfig = field(default_factory=StoreConfig)
    metrics: Metrics = field(default_factory=Metrics)
    sinks: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    rules: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    accept: tuple[Accept, ...] = ()
