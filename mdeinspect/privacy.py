"""What must not travel: user info in URLs, always; and what the configuration has redacted."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Mapping
from typing import Any

# All of these take time in proportion to the text: a hostile file must not hang the inspector.
_WORD = re.compile(r"\S+")
# After `scheme://`, also with slashes in the password or the wrong slashes, and after a bare `//`.
_URL = re.compile(
    r"(:[/\\]{2,}+|(?<![^\s\"'=,;])//|:[/\\](?=[^\s/@:]+:))(?:[^\s/?#]*|[^\s/@:]+:[^\s@]*)@"
)
# `user:password@host` on its own, or after `=` and the like; looked for in what precedes an `@`.
_BARE = re.compile(r"(?<![^\s/@])([^\s/@]+)@(?=[A-Za-z0-9.\-\[]+(?::\d+|[/;,\"']|$))")
_USER = re.compile(r"(^|[\"'=,;])[^:\"'=,;]+:.")
# A password with a blank in it, where the text is nothing but the URL.
_BLANK = re.compile(r"^(\s*[A-Za-z][A-Za-z0-9+.-]*://)[^\s/@:]+:(?!\d+(?:[/\s]|$))[^@]*@")
MASK = "***@"


def mask(value: Any) -> Any:
    """`value` with the user info of every URL in it masked, at any depth, keys included."""
    if isinstance(value, str):
        if "@" not in value:
            return value
        return _WORD.sub(_masked_word, _BLANK.sub(rf"\g<1>{MASK}", value))
    if isinstance(value, Mapping):
        return {mask(key): mask(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [mask(inner) for inner in value]
    return value


def _masked_word(found: re.Match[str]) -> str:
    word = found.group()
    end = word.rfind("@") + 1
    if not end:
        return word
    word = _URL.sub(rf"\g<1>{MASK}", word[:end]) + word[end:]
    return _BARE.sub(_masked_user, word)


def _masked_user(found: re.Match[str]) -> str:
    before = found.group(1)
    in_path = found.start() > 0 and found.string[found.start() - 1] in "/@"
    user = _USER.search(before, 1 if in_path else 0)
    if user is None or (in_path and not user.group(1)):
        return found.group()
    return before[: user.end(1)] + MASK


def digest(value: Any) -> str:
    """A short stand-in for a value: equal values have equal digests, and tell nothing else."""
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True, default=str)
    return "sha256:" + hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]


# What tells the shape of a value and nothing of its content.
SHAPE = frozenset(
    {
        *("$type", "key", "keys", "scopes", "isDirectory", "file", "channel", "kind"),
        *("reason", "allowed", "expected", "found", "also_in", "why", "expectation"),
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
