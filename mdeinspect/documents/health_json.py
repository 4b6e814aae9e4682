"""JSON as mdatp prints it: found in other output, read within bounds, poured into fields."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any, Final

from mdeinspect.documents.health_fields import MAX_NAME, Sheet
from mdeinspect.documents.health_kinds import KINDS, TEXTS, UNREADABLE, snake_case
from mdeinspect.errors import ParseError

MAX_DEPTH: Final = 200

_ESCAPED: Final = re.compile("[\0\ud800-\udfff]")  # what only a \u escape can bring in


def _whole(digits: str) -> int | str:
    """An integer no machine word holds stays the text it was."""
    return int(digits) if len(digits.lstrip("-")) < 19 else digits


# A number with a fraction, NaN and Infinity stay text: no field has one, and none is lost.
_DECODER: Final = json.JSONDecoder(parse_float=str, parse_int=_whole, parse_constant=str)


def read_json(text: str, start: int = 0) -> tuple[Any, int]:
    """The JSON value at `start` and where it ends; UNREADABLE when there is none.

    Raises ParseError (too-deep) beyond 200 levels.
    """
    try:
        value, end = _DECODER.raw_decode(text, start)
    except RecursionError:
        raise _too_deep() from None
    except ValueError:
        return UNREADABLE, start
    if text.count("[", start, end) + text.count("{", start, end) > MAX_DEPTH:
        _refuse_depth(value)
    escaped = text.find("\\u", start, end) >= 0
    return (_printable(value) if escaped else value), end


def _refuse_depth(value: Any) -> None:
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [inner for item in level for inner in _members(item)]
    if any(isinstance(item, dict | list) for item in level):
        raise _too_deep()


def _members(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _too_deep() -> ParseError:
    return ParseError(
        f"cannot read this JSON: it is nested deeper than {MAX_DEPTH} levels", kind="too-deep"
    )


def _printable(value: Any) -> Any:
    """The value without NUL and lone surrogates, which nothing downstream could write."""
    if isinstance(value, str):
        return _ESCAPED.sub("\ufffd", value)
    if isinstance(value, list):
        return [_printable(item) for item in value]
    if isinstance(value, dict):
        return {_printable(key): _printable(item) for key, item in value.items()}
    return value


def compact(value: Any) -> str:
    """A text as it is, anything else as compact JSON."""
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def pour(sheet: Sheet, name: str, value: Any, *, managed: bool = False) -> None:
    """Put a JSON value under `name`: a setting is unwrapped, other objects flatten with dots.

    `{"displayValue": true, "isManaged": false, "value": X}` counts as X, `{"$type": "upToDate"}`
    as the text `up_to_date`. A known field that is any other object cannot be read.
    """
    if not isinstance(value, dict):
        sheet.put(name, value, raw=compact(value), managed=managed)
    elif "value" in value:
        managed = managed or value.get("isManaged") in (True, "true")
        pour(sheet, name, value["value"], managed=managed)
    elif isinstance(value.get("$type"), str) and (len(value) == 1 or name in TEXTS):
        sheet.put(name, snake_case(value["$type"]), raw=compact(value), managed=managed)
    elif name in KINDS or not value.keys() - {"$type"}:
        sheet.put(name, UNREADABLE, raw=compact(value), managed=managed)
    else:
        pour_all(sheet, value, f"{name}.", managed=managed)


def pour_all(sheet: Sheet, value: dict[str, Any], prefix: str = "", managed: bool = False) -> None:
    """Put every member of an object but its `$type`."""
    if len(prefix) > MAX_NAME:
        return
    for key, member in value.items():
        if key != "$type":
            pour(sheet, prefix + snake_case(key), member, managed=managed)
