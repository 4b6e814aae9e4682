"""What `mdatp` prints about itself, from bytes to values; pure, and never wiser than the bytes.

A health table is told from other text by its keys: at least two names of the main view. One name
alone (`healthy: true` in some prose) proves nothing; a view of details needs one name that no
shell would print, that is one with an underscore. Everything else is refused, never guessed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from mdeinspect.documents.health_fields import Field, Health, Sheet, moment
from mdeinspect.documents.health_json import pour_all, read_json
from mdeinspect.documents.health_kinds import BOOLEANS, KNOWN, UNREADABLE, shows_a_table, snake_case
from mdeinspect.documents.health_text import (
    decode,
    fill,
    is_open,
    put_printed,
    read_table,
    read_value,
    split_attention,
    split_value,
)
from mdeinspect.errors import ParseError

__all__ = [
    "BOOLEANS",
    "KNOWN",
    "Field",
    "Health",
    "moment",
    "parse_details",
    "parse_field",
    "parse_health",
    "parse_strings",
    "parse_version",
]

MAX_STRINGS: Final = 20_000
MAX_STRING: Final = 4096


def parse_health(data: bytes) -> Health:
    """`mdatp health`, as JSON, as text, or in the legacy camelCase text.

    Raises ParseError when the bytes hold no health: empty, an error message, a JSON cut short,
    fields of which none tells anything.
    """
    found = _read(data, _is_health, nested=False)
    if found is None:
        raise ParseError(
            "cannot find health in this output: fewer than two of its lines are fields of health; "
            "run `mdatp health` by hand to see what it prints"
        )
    if all(found.value(name) is None for name in found.fields.keys() & KNOWN):
        raise ParseError(
            "cannot find health in this output: none of its fields has a value that can be read; "
            "run `mdatp health` by hand to see what it prints"
        )
    return found


def parse_details(data: bytes) -> Health:
    """`mdatp health --details FEATURE`: any fields; sections and JSON objects flatten with dots.

    Raises ParseError when no line of the bytes is a field.
    """
    found = _read(data, _is_details, nested=True)
    if found is None:
        raise ParseError(
            "cannot find details of health in this output: none of its lines is a field; "
            "run `mdatp health --details help` by hand to see what it prints"
        )
    return found


def parse_field(data: bytes) -> Field:
    """`mdatp health --field NAME`: one value, after ATTENTION lines or at the end of one.

    A single bare word counts as text; prose (`Failed to connect`) and two values raise ParseError.
    """
    notices, printed = split_attention(decode(data))
    if printed and is_open(printed[0]):
        printed = ["".join(printed)]
    if notices and not printed:
        printed = _value_in(notices[-1])
    values = [field for line in printed if (field := _field(line))]
    if len(values) != 1 or _field(printed[-1]) is None:
        raise ParseError(
            f"cannot read one field from this output: it holds {len(values)} values; "
            "run `mdatp health --field NAME` by hand to see what it prints"
        )
    return values[0]


def parse_version(data: bytes) -> str:
    """`mdatp version`: `Product version: 101.23052.0009` -> `101.23052.0009`.

    Raises ParseError when no line says it.
    """
    found = _VERSION.search(decode(data))
    if not found:
        raise ParseError(
            "cannot find a line `Product version: ...` in this output; "
            "run `mdatp version` by hand to see what it prints"
        )
    return found[1]


def parse_strings(data: bytes) -> frozenset[str]:
    """Every string that `mdatp exclusion list` or `mdatp threat allowed list` names.

    Their shapes are documented nowhere, so this is a wide net: of JSON every string but the keys;
    of text each line, what follows its first colon, and what stands in quotes. It can show that
    something is listed, never that it is not. Blank output names nothing.
    """
    if not data.strip():
        return frozenset()
    printed = split_attention(decode(data))[1]
    body = "\n".join(printed)
    value, end = read_json(body) if body[:1] in ("[", "{") else (UNREADABLE, 0)
    found: set[str] = set()
    for string in _strings(value) if end == len(body) else _named(printed):
        if 0 < len(string) <= MAX_STRING:
            found.add(string)
        if len(found) > MAX_STRINGS:
            raise ParseError(f"cannot read more than {MAX_STRINGS} entries", kind="too-large")
    return frozenset(found)


# --- views --------------------------------------------------------------------------------------


def _is_health(sheet: Sheet) -> bool:
    return len(sheet.fields.keys() & KNOWN) >= 2


def _is_details(sheet: Sheet) -> bool:
    return any(shows_a_table(name) for name in sheet.fields)


def _read(data: bytes, enough: Callable[[Sheet], bool], *, nested: bool) -> Health | None:
    """JSON from the first brace if that is what this is, else text; None when it is neither."""
    text = decode(data)
    if text.lstrip().startswith("<"):
        return None  # a page of HTML may well quote a table
    return _from_json(text, enough) or _from_text(text, enough, nested=nested)


def _from_json(text: str, enough: Callable[[Sheet], bool]) -> Health | None:
    start = text.find("{")
    if start < 0 or _is_in_a_table(text[:start]):
        return None
    value, end = read_json(text, start)
    if not isinstance(value, dict) or "{" in text[end:]:
        return None
    sheet = Sheet()
    pour_all(sheet, value)
    typed = bool(sheet.fields) and value.get("$type") == "getHealthAllResult"
    if not typed and not enough(sheet):
        return None
    attention = split_attention(text[:start])[0] + split_attention(text[end:])[0]
    return sheet.health("json", tuple(attention))


def _is_in_a_table(before: str) -> bool:
    """Whether a brace after this text belongs to a value that is printed in a table."""
    above = {snake_case(row.key) for row in read_table(before).rows}
    return bool(above & KNOWN or read_table(before.rpartition("\n")[2]).rows)


def _from_text(text: str, enough: Callable[[Sheet], bool], *, nested: bool) -> Health | None:
    table = read_table(text)
    sheet = Sheet()
    form = fill(sheet, table, nested=nested)
    if form is None or not enough(sheet):
        return None
    return sheet.health(form, tuple(table.attention))


# --- single values ------------------------------------------------------------------------------

_DATE: Final = r"[A-Z][a-z]{2} [0-9]{1,2}, [0-9]{4} at [0-9:]+ [AP]M"
_VALUE: Final = rf'(?:\[.*\]|".*"|true|false|unavailable|[0-9]+|{_DATE})'
_VALUE_IN_NOTICE: Final = re.compile(rf"(?<=[.!?])\s+({_VALUE}(?:\s*\[managed\])?)$")
_BARE: Final = re.compile(rf"[^\s:<\[{{][^\s:]*|{_DATE}")
_VERSION: Final = re.compile(r'Product version\s*:\s*"?([0-9][0-9A-Za-z.+_-]*)"?\s*$', re.I | re.M)
_QUOTED: Final = re.compile(r'"([^"\n]*)"')


def _value_in(notice: str) -> list[str]:
    """The value after the sentences of an ATTENTION line, if there is one."""
    found = _VALUE_IN_NOTICE.search(notice) if len(notice) <= MAX_STRING else None
    return [found[1]] if found else []


def _field(line: str) -> Field | None:
    """A line that is nothing but one value, as a field; None for any other line."""
    body, managed = split_value(line)
    value = read_value(body)
    if value == body and not _BARE.fullmatch(body):
        return None
    sheet = Sheet()
    put_printed(sheet, "", body, managed=managed)
    return None if sheet.retyped else sheet.fields.get("")


def _strings(value: Any) -> Iterator[str]:
    """Every string of a JSON value."""
    todo = [value]
    while todo:
        item = todo.pop()
        if isinstance(item, str):
            yield item
        elif isinstance(item, dict | list):
            todo.extend(item.values() if isinstance(item, dict) else item)


def _named(printed: Iterable[str]) -> Iterator[str]:
    """Every string that lines of text may mean."""
    for line in printed:
        yield from _QUOTED.findall(line)
        for part in (line, line.partition(":")[2].strip()):
            body = split_value(part)[0]
            value = read_value(body)
            yield from (body, *_strings(value))
