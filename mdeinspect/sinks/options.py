"""What every sink can be told, and the kinds of values that sinks share. Validated by pydantic."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Self

from mdeinspect.config.model import SeverityWord, Strict

_UNITS = {"KiB": 1024, "MiB": 1024**2, "GiB": 1024**3}
_SIZE = re.compile(r"([1-9]\d{0,8})\s*(KiB|MiB|GiB)")
SMALLEST = 64 * 1024  # below this a file would rotate at nearly every batch
UNLIMITED = "none"
MODES = ("0600", "0620", "0640", "0660", "0604", "0644", "0664")


@dataclass(frozen=True, slots=True, kw_only=True)
class Common(Strict):
    """The options of every sink."""

    type: str
    format: str = "native"
    min_severity: SeverityWord = "info"


class Unfit(ValueError):
    """An option whose value is right by itself and wrong for this sink."""

    def __init__(self, key: str, why: str) -> None:
        super().__init__(why)
        self.key = key


class Number(int):
    """A whole number within `LEAST` and `MOST`: no truth value, no text."""

    LEAST = 1
    MOST = 1000

    @classmethod
    def of(cls, value: object) -> Self:
        """The number that `value` is; raises ValueError for anything else."""
        if not isinstance(value, int) or isinstance(value, bool):
            raise ValueError("write a whole number")
        if not cls.LEAST <= value <= cls.MOST:
            raise ValueError(f"write a number from {cls.LEAST} to {cls.MOST}")
        return cls(value)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: object) -> Any:
        from pydantic_core import core_schema  # only ever called by pydantic itself

        return core_schema.no_info_plain_validator_function(cls.of)


class Port(Number):
    """A port of UDP or TCP."""

    MOST = 65535


class Switch(Number):
    """True or false, and nothing that only looks like it."""

    @classmethod
    def of(cls, value: object) -> Self:
        """The switch that `value` is; raises ValueError for anything but true and false."""
        if not isinstance(value, bool):
            raise ValueError("write true or false")
        return cls(value)


class Size(Number):
    """A number of bytes, written as "64KiB", "50MiB" or "1GiB"; "none" is 0: without limit."""

    @classmethod
    def of(cls, value: object) -> Self:
        """The size that `value` names; raises ValueError for anything else."""
        if value == UNLIMITED:
            return cls(0)
        match = _SIZE.fullmatch(value) if isinstance(value, str) else None
        if match is None:
            raise ValueError('write a size such as "50MiB", or "none"')
        size = cls(int(match[1]) * _UNITS[match[2]])
        if size < SMALLEST:
            raise ValueError(f"write a size of at least {SMALLEST // 1024}KiB")
        return size


class Mode(Number):
    """The mode of a file, written as "0640": its owner reads and writes, nobody runs it."""

    @classmethod
    def of(cls, value: object) -> Self:
        """The mode that `value` names; raises ValueError for one that no event file should have."""
        if value not in MODES:
            raise ValueError(f"write one of {', '.join(MODES)} as text")
        return cls(int(str(value), 8))
