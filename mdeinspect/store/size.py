"""Sizes as the configuration writes them: "64MiB"."""

from __future__ import annotations

import re

from mdeinspect.errors import ConfigError

MINIMUM = 1024 * 1024  # below that the memory alone may not fit
MAXIMUM = 1024**4
_UNITS = {"": 1, "k": 10**3, "ki": 2**10, "m": 10**6, "mi": 2**20, "g": 10**9, "gi": 2**30}
_SIZE = re.compile(r"\s*([0-9]{1,15})\s*(?:([kmg]i?)?b)?\s*", re.IGNORECASE)


def parse(text: str, key: str = "store.max_size") -> int:
    """The bytes that `text` names; raises `ConfigError` that names the key."""
    match = _SIZE.fullmatch(text)
    if match is None:
        why = f'"{text}" is not a size; write one such as "64MiB" or "1GiB"'
        raise ConfigError(f"cannot use the configuration: {key}: {why}")
    found = int(match[1]) * _UNITS[(match[2] or "").lower()]
    if not MINIMUM <= found <= MAXIMUM:
        why = f'"{text}" is not between 1MiB and 1024GiB'
        raise ConfigError(f"cannot use the configuration: {key}: {why}")
    return found
