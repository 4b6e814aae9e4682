"""The native format: the public object `mdeinspect.event/1`, and `prev`. Pure.

    {"time":"2026-11-22T11:04:00.000Z","id":"1f0c...-42","seq":42,"prev":40,"stream":"1f0c...",...}

`prev` is the `seq` last handed to this sink, null for its first line: a receiver that sees another
number than it last got has lost something, also behind a filter.
"""

from __future__ import annotations

from typing import Any

from mdeinspect.fitting import line


def render(found: dict[str, Any], prev: int | None) -> str:
    """`found` as one line, with `prev` right after `seq`."""
    delivered: dict[str, Any] = {}
    for name, value in found.items():
        delivered[name] = value
        if name == "seq":
            delivered["prev"] = prev
    return line(delivered)
