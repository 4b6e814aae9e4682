"""What the service knows of itself: its configuration's digest, its memory, its processor time."""

from __future__ import annotations

import json
import os
import resource
from pathlib import Path

import psutil

from mdeinspect.config.model import Config
from mdeinspect.config.show import as_data
from mdeinspect.privacy import digest as short_digest


def digest(config: Config) -> str:
    """A digest of the configuration that applies."""
    return short_digest(json.dumps(as_data(config), sort_keys=True))


def numbers() -> dict[str, float]:
    """Own memory in bytes, processor time in seconds."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {
        "rss_bytes": psutil.Process().memory_info().rss,
        "cpu_seconds": round(used.ru_utime + used.ru_stime, 3),
        "children_cpu_seconds": round(children.ru_utime + children.ru_stime, 3),
    }


def write_text(path: Path, text: str) -> None:
    """Replace a file at once, so that nobody reads half of it; readable by all. Raises OSError."""
    new = path.with_name(f".{path.name}.new")
    with new.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fchmod(file.fileno(), 0o644)
        os.fsync(file.fileno())
    new.replace(path)
