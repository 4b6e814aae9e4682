"""Versions of the agent: dotted numbers, compared part by part."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import zip_longest
from types import MappingProxyType

from mdeinspect.model import Platform

# The first agents that the portal can manage by itself (security settings management).
MDE_ATTACH_MINIMUM: Mapping[Platform, str] = MappingProxyType(
    {"linux": "101.23052.0009", "darwin": "101.23052.0004"}
)

# Nine digits are twice what any release has used; longer ones are hostile.
_VERSION = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,9}){1,7}")


def version_key(text: str) -> tuple[int, ...] | None:
    """The numbers of a version: `"101.23062.0010"` -> `(101, 23062, 10)`. Never raises.

    None for anything but two to eight dotted numbers of at most nine digits. The old three-part
    form (`"101.85.27"`) sorts below the form coded by year and month, as it should.
    """
    if _VERSION.fullmatch(text) is None:
        return None
    return tuple(int(part) for part in text.split("."))


def at_least(version: str | None, floor: str) -> bool | None:
    """Whether `version` is `floor` or newer; None when either cannot be read."""
    have = None if version is None else version_key(version)
    need = version_key(floor)
    if have is None or need is None:
        return None
    for ours, theirs in zip_longest(have, need, fillvalue=0):
        if ours != theirs:
            return ours > theirs
    return True


def within(version: str | None, since: str | None, before: str | None) -> bool | None:
    """Whether `since` <= `version` < `before`, an absent bound being no bound; None: not known."""
    lower = True if since is None else at_least(version, since)
    reached = False if before is None else at_least(version, before)
    if lower is False or reached is True:
        return False
    return None if lower is None or reached is None else True
