"""The text mdatp prints: lines of `key : value`, its value syntax, and what stands around them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from mdeinspect.documents.health_fields import Form, Sheet
from mdeinspect.documents.health_json import pour, read_json
from mdeinspect.documents.health_kinds import KNOWN, UNREADABLE, shows_a_table, snake_case
from mdeinspect.errors import ParseError

MAX_BYTES: Final = 1 << 20

_QUOTES: Final = frozenset('"\u201c\u201d')  # pages of documentation hold typographic ones
_OPENERS: Final = _QUOTES | frozenset("[{")
_CLOSERS: Final = _QUOTES | frozenset("]}")
_STRAIGHT: Final = str.maketrans(dict.fromkeys(_QUOTES, '"'))
_MANAGED: Final = "[managed]"
_ATTENTION: Final = "ATTENTION:"
_LINE: Final = re.compile(r"(\s*)([a-z][A-Za-z0-9_]*)\s*:(?!//)\s*(.*)", re.DOTALL)
_NOTE: Final = re.compile(r"(?<=\s)<-")  # `true     <--- ENABLED`, typed by whoever pasted it
_INTEGER: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,17})")
_WORDS: Final = {"true": True, "false": False, "null": None}
_FIELD_IN_NOTICE: Final = re.compile(r"(?<=[.!?])\s+([a-z][A-Za-z0-9_]*)\s*:(?!//)")


def decode(data: bytes) -> str:
    """The output as text; what is not UTF-8, and NUL, become U+FFFD.

    Raises ParseError: too-large beyond 1 MiB, empty when there is nothing but blanks.
    """
    if len(data) > MAX_BYTES:
        raise ParseError(f"cannot read output of more than {MAX_BYTES} bytes", kind="too-large")
    text = data.decode("utf-8-sig", errors="replace").replace("\0", "\ufffd")
    if not text.strip():
        raise ParseError("cannot read empty output: run the command by hand", kind="empty")
    return text


# --- values -------------------------------------------------------------------------------------


def split_value(text: str) -> tuple[str, bool]:
    """A value without note and `[managed]`, and whether it was managed."""
    last = max(text.rfind(mark) for mark in _CLOSERS) if text[:1] in _OPENERS else 0
    note = _NOTE.search(text, max(last, 0))
    body = (text[: note.start()] if note else text).strip()
    if body[-len(_MANAGED) :].lower() == _MANAGED:
        return body[: -len(_MANAGED)].rstrip(), True
    return body, False


def read_value(body: str) -> Any:
    """A printed value as bool, int, str, list or object; None where it is not known.

    UNREADABLE: nothing printed, or a quote that is never closed. Text between quotes is verbatim.
    """
    if not body:
        return UNREADABLE
    if body[0] in _QUOTES:
        return body[1:-1] if len(body) > 1 and body[-1] in _QUOTES else UNREADABLE
    if body[0] in "[{":
        return _read_structure(body)
    if _INTEGER.fullmatch(body):
        return int(body)
    return _WORDS.get(body.lower(), body)


def _read_structure(body: str) -> Any:
    """A list or an object; text when it is neither, too deep to be one included."""
    for attempt in (body, body.translate(_STRAIGHT)):
        try:
            value, end = read_json(attempt)
        except ParseError:
            return body
        if value is not UNREADABLE and end == len(attempt):
            return value
    return body


def is_open(body: str) -> bool:
    """Whether a quote is opened and not closed: a terminal may have wrapped the line."""
    return body[:1] in _QUOTES and _QUOTES.isdisjoint(body[1:])


# --- lines --------------------------------------------------------------------------------------


@dataclass(slots=True)
class Row:
    """One `key : value` line, and the lines a terminal wrapped it onto."""

    indent: int
    key: str
    parts: list[str]
    open: bool = False


@dataclass(slots=True)
class Table:
    """The rows of an output, and its ATTENTION lines."""

    rows: list[Row] = field(default_factory=list)
    attention: list[str] = field(default_factory=list)


def read_table(text: str) -> Table:
    """The rows of a text. A line that is no row goes on the last one while its quote is open."""
    table = Table()
    for line in lines(text):
        if line.lstrip().startswith(_ATTENTION):
            notice, line = _split_notice(line.strip())
            table.attention.append(notice)
        match = _LINE.match(line)
        if match:
            value = match[3].rstrip()
            indent = len(match[1].expandtabs())
            table.rows.append(Row(indent, match[2], [value], is_open(value)))
        elif line and table.rows and table.rows[-1].open:
            table.rows[-1].parts.append(line.strip())
            table.rows[-1].open = _QUOTES.isdisjoint(line)
    return table


def lines(text: str) -> Iterator[str]:
    """Lines that say something: not blank, and not the `...` of someone's cut."""
    return (line for line in text.split("\n") if line.strip().strip(".\u2026"))


def split_attention(text: str) -> tuple[list[str], list[str]]:
    """The ATTENTION lines of an output and its other lines, stripped."""
    told: tuple[list[str], list[str]] = ([], [])
    for line in lines(text):
        told[not line.lstrip().startswith(_ATTENTION)].append(line.strip())
    return told


def _split_notice(line: str) -> tuple[str, str]:
    """An ATTENTION line, and the known field that may follow on the same line."""
    for match in _FIELD_IN_NOTICE.finditer(line):
        if match[1] in _KNOWN_KEYS:
            return line[: match.start()], line[match.start(1) :]
    return line, ""


# --- fields -------------------------------------------------------------------------------------


def fill(sheet: Sheet, table: Table, *, nested: bool = False) -> Form | None:
    """Put the rows of a table into the sheet and tell its form; None when there are none.

    What stands before the first row that is a field for sure is chatter. `nested` views may have
    sections: a key without a value, and deeper-indented rows below it.
    """
    rows = _without_chatter(table.rows)
    legacy = any(not row.key.islower() for row in rows) and not any("_" in row.key for row in rows)
    sections: list[tuple[int, str]] = []
    for row in rows:
        while sections and sections[-1][0] >= row.indent:
            sections.pop()
        if sections:
            sheet.drop(sections[-1][1])
        prefix = f"{sections[-1][1]}." if sections else ""
        name = prefix + _name(row.key, legacy=legacy)
        body, managed = split_value("".join(row.parts))
        if nested and not body:
            sections.append((row.indent, name))
        put_printed(sheet, name, body, managed=managed)
    if not rows:
        return None
    return "legacy" if legacy else "text"


def _without_chatter(rows: list[Row]) -> list[Row]:
    for start, row in enumerate(rows):
        if shows_a_table(snake_case(row.key)):
            return rows[start:]
    return []


def _name(key: str, *, legacy: bool) -> str:
    """The legacy form calls the version of the product `versionEngine`."""
    return "app_version" if legacy and key == "versionEngine" else snake_case(key)


def put_printed(sheet: Sheet, name: str, body: str, *, managed: bool) -> None:
    """Put one printed value, its suffix gone, into the sheet."""
    value = read_value(body)
    if isinstance(value, dict):
        pour(sheet, name, value, managed=managed)
    else:
        sheet.put(name, value, raw=body, managed=managed)


def _camel_case(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


_KNOWN_KEYS: Final = KNOWN | {_camel_case(name) for name in KNOWN} | {"versionEngine"}
