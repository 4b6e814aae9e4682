"""Frozen dataclasses to JSON-ready values and back, by their own type hints. Strict on the way in.

A field that has its default is left out, so that a field added later reads as its default.
"""

from __future__ import annotations

import functools
import types
import typing
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from typing import Any, Literal, TypeVar

from mdeinspect.model import Severity

T = TypeVar("T")


def dump(value: Any) -> Any:
    """`value` as JSON can carry it: times as RFC 3339, severities as their word."""
    if isinstance(value, Severity):
        return value.word
    if isinstance(value, datetime):
        return value.isoformat()
    if is_dataclass(value):
        pairs = ((one, getattr(value, one.name)) for one in fields(value))
        return {one.name: dump(inner) for one, inner in pairs if inner != one.default}
    if isinstance(value, tuple):
        return [dump(inner) for inner in value]
    return value


def load(kind: type[T], value: Any) -> T:
    """The `kind` that `dump` made `value` of; raises ValueError where it does not fit."""
    if not isinstance(value, Mapping):
        raise ValueError(f"no {kind.__name__}")
    hints = _hints(typing.cast("Any", kind))
    given = {name: _fitted(hints[name], inner) for name, inner in value.items() if name in hints}
    try:
        return kind(**given)
    except TypeError as error:
        raise ValueError(f"no whole {kind.__name__}") from error


def _fitted(hint: Any, value: Any) -> Any:
    origin = typing.get_origin(hint)
    if hint is Any:
        return value
    if origin is Literal:
        return _checked(value, value in typing.get_args(hint))
    if origin in (types.UnionType, typing.Union):
        return _either(typing.get_args(hint), value)
    if origin is tuple:
        (inner, _) = typing.get_args(hint)
        return tuple(_fitted(inner, one) for one in _checked(value, isinstance(value, list)))
    if is_dataclass(hint):
        return load(typing.cast("type[Any]", hint), value)
    if origin is not None:  # a mapping from text to anything
        return _checked(value, isinstance(value, dict))
    return _plain(hint, value)


def _plain(hint: Any, value: Any) -> Any:
    if hint is datetime:
        moment = datetime.fromisoformat(_checked(value, isinstance(value, str)))
        return _checked(moment, moment.tzinfo is not None)
    if hint is Severity:
        return Severity.of(_checked(value, value in {one.word for one in Severity}))
    if hint is float:
        return float(_checked(value, type(value) in (int, float)))
    return _checked(value, type(value) is hint)


def _either(hints: tuple[Any, ...], value: Any) -> Any:
    if value is None:
        return _checked(value, type(None) in hints)
    for hint in hints:
        try:
            return _fitted(hint, value) if hint is not type(None) else _checked(value, fits=False)
        except ValueError:
            continue
    return _checked(value, fits=False)


def _checked(value: T, fits: bool) -> T:
    if not fits:
        raise ValueError("a value that does not fit its place")
    return value


@functools.cache
def _hints(kind: type[Any]) -> Mapping[str, Any]:
    return typing.get_type_hints(kind)
