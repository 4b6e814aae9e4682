"""Sinks: places that take lines; a module a kind, and its name is the `type` in the configuration.

A module of this package that has `Options` and `create` is a sink. What "delivered" means differs
by kind and is promised in `docs/sinks.md`. Making a sink touches nothing: that waits for the first
line, so that a place which is not there yet is tried again instead of ending the service.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import pkgutil
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Protocol

from mdeinspect import formats
from mdeinspect.errors import ConfigError, MdeinspectError
from mdeinspect.model import Severity
from mdeinspect.sinks.options import Common, Unfit

DEFAULT: Mapping[str, Mapping[str, Any]] = {"stdout": {"type": "stdout"}}


class SinkError(MdeinspectError):
    """Lines could not be handed over. They are kept, and tried again."""


@dataclass(frozen=True, slots=True)
class Line:
    """One event as the store keeps it; `line` is its native object as text."""

    seq: int
    type: str
    severity: str
    line: str


@dataclass(frozen=True, slots=True)
class Rendered:
    """One event as a sink gets it: the text to hand over, and the native object it was made of."""

    text: str
    event: Mapping[str, Any]


class Sink(Protocol):
    """A place that takes lines. Used by one thread only."""

    def deliver(self, lines: Sequence[Rendered]) -> None:
        """Hand `lines` over as promised; raises `SinkError` for lines to be tried again.

        A retry gets the same lines again. What was handed over before the error is not doubled.
        No lines mean a quiet minute: look after what was handed over last, where that is possible.
        """

    def close(self) -> None:
        """Let go of everything. A later `deliver` starts anew."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """One sink of the configuration, ready to be given a thread."""

    name: str
    sink: Sink
    format: formats.Format
    min_severity: Severity


@dataclass(frozen=True, slots=True)
class Needs:
    """What a sink needs to work, for `mdeinspect doctor`: `what` says in words where lines go.

    `writes` is a file that it writes, and `group` whom it gives a new one to. `connect` reaches the
    place and lets go of it again without handing anything over; it raises `SinkError`.
    """

    what: str
    writes: str | None = None
    group: str | None = None
    network: bool = False
    connect: Callable[[], None] | None = None


def needs(name: str, options: Mapping[str, Any]) -> Needs | None:
    """What the sink of `[sinks.<name>]` needs; None where its module does not say (`needs`).

    Raises `ConfigError`.
    """
    module = _module(name, options)
    told = getattr(module, "needs", None)
    found: Needs | None = told(_validated(name, module, options)) if told else None
    return found


def chosen(
    configured: Mapping[str, Mapping[str, Any]], stop: threading.Event | None = None
) -> tuple[Chosen, ...]:
    """Every sink that is configured; without any, native lines on standard output.

    Raises `ConfigError`.
    """
    return tuple(_chosen(*item, stop) for item in (configured or DEFAULT).items())


def make(name: str, options: Mapping[str, Any], stop: threading.Event | None = None) -> Sink:
    """The sink of `[sinks.<name>]`; `stop` ends its waits. Raises `ConfigError`."""
    return _chosen(name, options, stop).sink


@functools.cache
def types() -> Mapping[str, ModuleType]:
    """Every kind of sink in this package, by the name of its module."""
    modules = [
        (info.name, importlib.import_module(f"{__name__}.{info.name}"))
        for info in pkgutil.iter_modules(__path__)
    ]
    return {name: module for name, module in modules if hasattr(module, "create")}


def _chosen(name: str, options: Mapping[str, Any], stop: threading.Event | None) -> Chosen:
    module = _module(name, options)
    found = _validated(name, module, options)
    if found.format not in formats.load():
        choice = ", ".join(sorted(formats.load()))
        raise ConfigError(f"cannot use sinks.{name}.format: {found.format!r} is none of {choice}")
    try:
        sink: Sink = module.create(found, stop or threading.Event())
    except Unfit as error:
        raise ConfigError(f"cannot use sinks.{name}.{error.key}: {error}") from error
    severity = Severity.of(found.min_severity)
    return Chosen(name, sink, formats.get(found.format), severity)


def _module(name: str, options: Mapping[str, Any]) -> ModuleType:
    kind = options.get("type")
    module = types().get(kind) if isinstance(kind, str) else None
    if module is None:
        choice = ", ".join(sorted(types()))
        raise ConfigError(f"cannot use sinks.{name}.type: {kind!r} is none of {choice}")
    return module


def _validated(name: str, module: ModuleType, options: Mapping[str, Any]) -> Common:
    found: Common
    if set(options) == {"type"}:
        with contextlib.suppress(TypeError):  # an option that must be set: told below
            found = module.Options(**options)
            return found
    import pydantic  # 60 ms and 12 MiB that a run with plain sinks need not pay

    try:
        found = pydantic.TypeAdapter(module.Options).validate_python(dict(options))
    except pydantic.ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(str(part) for part in first["loc"])
        raise ConfigError(f"cannot use sinks.{name}.{key}: {_why(first)}") from error
    return found


def _why(first: Mapping[str, Any]) -> str:
    if first["type"] == "unexpected_keyword_argument":
        return "there is no such option"
    if first["type"] in ("missing", "missing_argument", "missing_keyword_only_argument"):
        return "it must be set"
    return str(first["msg"]).removeprefix("Value error, ")
