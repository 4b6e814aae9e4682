"""Check-in times: Windows FILETIME values (100 ns since 1601, UTC) wherever they stand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

ATTEMPT = "mlastcheckinattemptinfiletime"
SUCCESS = "mlastcheckinsuccessfulinfiletime"
EPOCH = datetime(1601, 1, 1, tzinfo=UTC)
# SenseCM did not exist before; a time far ahead is no time.
EARLIEST = datetime(2015, 1, 1, tzinfo=UTC)
LATEST = datetime(2200, 1, 1, tzinfo=UTC)
MAX_DIGITS = 20
MAX_VISITS = 500_000

Moments = tuple[datetime | None, ...]


@dataclass(frozen=True, slots=True)
class CheckinTimes:
    """Every sensible value found, newest last; None stands for 0, that is "never"."""

    attempts: Moments = ()
    successes: Moments = ()
    senseless: int = 0  # values that are no check-in time


def find_checkins(value: Any) -> CheckinTimes:
    """The check-in times in `value`, at any depth, whatever the letter case of the keys."""
    found: dict[str, list[Any]] = {ATTEMPT: [], SUCCESS: []}
    todo = [value]
    for _ in range(MAX_VISITS):
        if not todo:
            break
        here = todo.pop()
        if isinstance(here, Mapping):
            for key, inner in here.items():
                found.get(str(key).lower(), todo).append(inner)
        elif isinstance(here, list | tuple):
            todo.extend(here)
    attempts, bad_attempts = _sensible(found[ATTEMPT])
    successes, bad_successes = _sensible(found[SUCCESS])
    return CheckinTimes(attempts, successes, bad_attempts + bad_successes)


def filetime(value: Any) -> datetime | None:
    """A FILETIME given as integer or decimal text; None for 0. Raises ValueError for all else.

    Values exceed 2**53, so a floating-point number has already lost its meaning.
    """
    if isinstance(value, str):
        text = value.strip()
        if not (text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS):
            raise ValueError("not a decimal number")
        value = int(text)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 10**MAX_DIGITS:
        raise ValueError("not a FILETIME")
    if value == 0:
        return None
    try:
        moment = EPOCH + timedelta(microseconds=value // 10)
    except OverflowError as error:
        raise ValueError("out of range") from error
    if not EARLIEST <= moment < LATEST:
        raise ValueError("out of range")
    return moment


def _sensible(values: list[Any]) -> tuple[Moments, int]:
    """The moments among `values`, oldest first, and how many are none."""
    moments: list[datetime | None] = []
    for value in values:
        try:
            moments.append(filetime(value))
        except ValueError:
            continue
    ordered = sorted(moments, key=lambda moment: moment or EPOCH)
    return tuple(ordered), len(values) - len(moments)
