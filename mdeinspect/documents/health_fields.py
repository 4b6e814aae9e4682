"""What a view of mdatp's health is: fields by name, how they are collected, their times."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal

from mdeinspect.documents.health_kinds import UNREADABLE, judge, number_in
from mdeinspect.errors import ParseError

Form = Literal["json", "text", "legacy"]

MAX_FIELDS: Final = 10_000
MAX_NAME: Final = 256


@dataclass(frozen=True, slots=True)
class Field:
    """One field of health. `value` is bool, int, str or list, and None when it is not known.

    `managed` is the `[managed]` suffix or `isManaged`. `available` is False where the agent itself
    said `unavailable` (or null). `raw` is the value as printed, without the suffix; from JSON a
    text is itself and anything else is compact JSON.
    """

    value: Any
    managed: bool
    available: bool
    raw: str


@dataclass(frozen=True, slots=True)
class Health:
    """A view of health: fields by snake_case name, and the ATTENTION lines verbatim.

    `retyped` names the fields whose value is there and cannot be read: cut off, or not of the type
    they are known to have; their value is None. JSON and text of one host give equal value,
    managed and available, but for `product_expiration` and `definitions_updated`: JSON holds epoch
    milliseconds (int), text a date of unknown time zone (str). `moment` reads both.
    """

    form: Form
    fields: Mapping[str, Field]
    attention: tuple[str, ...] = ()
    retyped: tuple[str, ...] = ()

    def value(self, name: str) -> Any:
        """The value of `name`; None when it is absent, unavailable or not readable."""
        found = self.fields.get(name)
        return None if found is None else found.value

    def get(self, name: str) -> Field | None:
        """The field `name`, or None when the output does not name it."""
        return self.fields.get(name)


class Sheet:
    """Collects fields one by one. A name that comes twice counts as last said, as in JSON."""

    def __init__(self) -> None:
        self.fields: dict[str, Field] = {}
        self.retyped: dict[str, None] = {}

    def put(self, name: str, value: Any, *, raw: str, managed: bool = False) -> None:
        """Keep one value under `name`; names of absurd length are dropped."""
        if len(name) > MAX_NAME:
            return
        if len(self.fields) >= MAX_FIELDS:
            raise ParseError(f"cannot read health: more than {MAX_FIELDS} fields", kind="too-large")
        known, available = judge(name, value)
        self.retyped.pop(name, None)
        if known is UNREADABLE:
            self.retyped[name] = None
        self.fields[name] = Field(
            None if known is UNREADABLE else known, managed, available, raw=raw
        )

    def drop(self, name: str) -> None:
        """Forget `name`: it was the heading of a section, not a field."""
        self.fields.pop(name, None)
        self.retyped.pop(name, None)

    def health(self, form: Form, attention: tuple[str, ...]) -> Health:
        """What was collected."""
        return Health(form, self.fields, attention, tuple(self.retyped))


# --- times --------------------------------------------------------------------------------------

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MONTHS: Final = "JanFebMarAprMayJunJulAugSepOctNovDec"  # English whatever the locale
_PRINTED: Final = re.compile(
    r"([A-Z][a-z]{2}) ([0-9]{1,2}), ([0-9]{4}) at ([0-9]{1,2}):([0-9]{2}):([0-9]{2}) ([AP])M"
)


def moment(field: Field | None) -> tuple[datetime | None, bool]:
    """When a time field says, in UTC, and whether that is exact.

    Epoch milliseconds (JSON, legacy) are exact. `Apr 10, 2024 at 01:34:28 PM` (text) is taken for
    UTC and not exact: no source says whether mdatp prints local time. Else (None, False).
    """
    value = None if field is None else field.value
    number = number_in(value)
    if number is not None:
        return _from_epoch(number)
    return (_from_print(value), False) if isinstance(value, str) else (None, False)


def _from_epoch(milliseconds: int) -> tuple[datetime | None, bool]:
    try:
        when = _EPOCH + timedelta(milliseconds=milliseconds)
    except OverflowError:
        return None, False
    return (when, True) if milliseconds >= 0 else (None, False)


def _from_print(text: str) -> datetime | None:
    found = _PRINTED.fullmatch(text.strip())
    if not found or not 1 <= int(found[4]) <= 12:
        return None
    hour = int(found[4]) % 12 + (12 if found[7] == "P" else 0)
    month = _MONTHS.find(found[1]) // 3 + 1  # 0, no month at all, for a name that is none
    clock = (hour, int(found[5]), int(found[6]))
    try:
        return datetime(int(found[3]), month, int(found[2]), *clock, tzinfo=UTC)
    except ValueError:
        return None
