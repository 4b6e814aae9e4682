"""Formats: pure functions from the native object of an event to one line; a module a format.

A module of this package that has `render` is a format, and its name is the name in the
configuration. The line it returns is one JSON object without a line end, below `LIMIT` bytes, with
the time and the id of the event within the first 256.
"""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Callable, Mapping
from typing import Any

from mdeinspect.errors import ConfigError

LIMIT = 8192  # bytes of one line with its line end

# The native object, and the `seq` that was last handed to the sink; None before the first.
Format = Callable[[dict[str, Any], int | None], str]


@functools.cache
def load() -> Mapping[str, Format]:
    """Every format of this package, by the name of its module."""
    found: dict[str, Format] = {}
    for info in pkgutil.iter_modules(__path__):
        module = importlib.import_module(f"{__name__}.{info.name}")
        if hasattr(module, "render"):
            found[info.name] = module.render
    return found


def get(name: str) -> Format:
    """The format called `name`; raises `ConfigError` where there is none."""
    known = load()
    if name not in known:
        choice = ", ".join(sorted(known))
        raise ConfigError(f"cannot use the format {name!r}: choose one of {choice}")
    return known[name]
