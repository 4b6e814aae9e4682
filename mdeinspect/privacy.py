"""What must not travel: user info in URLs, always; and what the configuration has redacted."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Mapping
from typing import Any

# `scheme://user:password@`, also with slashes in the password, and the same without a scheme.
_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*://)(?:[^\s/?#]*|[^\s/@:]+:[^\s@]*)@")
_BARE = re.compile(r"(^|[\s\"'=,])[^\s/:@\"'=,]+:[^\s/@]+@(?=[A-Za-z0-9.\-\[]+(?::\d+|/|$))")
MASK = "***@"


def mask(value: Any) -> Any:
    """`value` with the user info of every URL in it masked, at any depth, keys included."""
    if isinstance(value, str):
        if "@" not in value:
            return value
        return _BARE.sub(rf"\g<1>{MASK}", _URL.sub(rf"\g<1>{MASK}", value))
    if isinstance(value, Mapping):
        return {mask(key): mask(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [mask(inner) for inner in value]
    return value


def digest(value: Any) -> str:
    """A short stand-in for a value: equal values have equal digests, and tell nothing else."""
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True, default=str)
    return "sha256:" + hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]


# What tells the shape of a value and nothing of its content.
SHAPE = frozenset(
    {
        *("$type", "key", "keys", "scopes", "isDirectory", "file", "channel", "kind"),
        *("reason", "allowed", "expected", "found", "also_in", "why"),
    }
)


def redact(value: Any, keep: Collection[str] = SHAPE) -> Any:
    """`value` with every text in it replaced by its digest; mapping keys in `keep` stay whole."""
    if isinstance(value, str):
        return digest(value)
    if isinstance(value, Mapping):
        return {k: inner if k in keep else redact(inner, keep) for k, inner in value.items()}
    if isinstance(value, list | tuple):
        return [redact(inner, keep) for inner in value]
    return value
