"""The configuration as plain data, and as the TOML that would give it."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from mdeinspect.config.model import Config

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def as_data(config: Config) -> dict[str, Any]:
    """Every key with its value; durations as text, unset ones as null."""
    found: dict[str, Any] = _plain(dataclasses.asdict(config))
    return found


def as_toml(data: Mapping[str, Any]) -> str:
    """`data` as TOML; what is unset stands as a comment."""
    tables = [_table(name, table) for name, table in data.items() if isinstance(table, Mapping)]
    accepted = [_block("[[accept]]", entry) for entry in data.get("accept", ())]
    return "\n".join([*(text for table in tables for text in table), *accepted])


def _table(name: str, table: Mapping[str, Any]) -> list[str]:
    nested = [_block(f"[{name}.{key}]", v) for key, v in table.items() if isinstance(v, Mapping)]
    flat = {key: value for key, value in table.items() if not isinstance(value, Mapping)}
    return [_block(f"[{name}]", flat), *nested] if flat or not nested else nested


def _block(head: str, pairs: Mapping[str, Any]) -> str:
    lines = [
        f"# {key} is not set" if value is None else f"{_key(key)} = {_value(value)}"
        for key, value in pairs.items()
    ]
    return "\n".join([head, *lines, ""])


def _key(key: str) -> str:
    return key if _BARE.fullmatch(key) else json.dumps(key)


def _value(value: Any) -> str:
    """JSON texts, numbers, booleans and lists of them are TOML as well; objects are not."""
    if isinstance(value, Mapping):
        inner = (f"{_key(key)} = {_value(one)}" for key, one in value.items())
        return f"{{ {', '.join(inner)} }}"
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    return json.dumps(value)


def _plain(value: Any) -> Any:
    if isinstance(value, timedelta):
        return _duration(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return value


def _duration(length: timedelta) -> str:
    left = int(length.total_seconds())
    parts = []
    for unit, seconds in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        number, left = divmod(left, seconds)
        if number:
            parts.append(f"{number}{unit}")
    return "".join(parts)
