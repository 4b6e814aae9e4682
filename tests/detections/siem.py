"""A SIEM of SQLite: the shipped table, and the shipped detections as they were converted."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

PACKAGING = Path(__file__).resolve().parents[2] / "packaging"
SIGMA = PACKAGING / "sigma"
QUERIES = PACKAGING / "queries"
_PREFIX = "mdeinspect_"
_HEAD = re.compile(
    r"^-- .* \([a-z]+, (?P<id>[0-9a-f-]{36})\)\n(?P<query>SELECT .*;)$", re.MULTILINE
)


def rules() -> dict[str, dict[str, Any]]:
    """Every Sigma rule, by its short name."""
    return {
        path.stem.removeprefix(_PREFIX): yaml.safe_load(path.read_text())
        for path in sorted((SIGMA / "rules").iterdir())
    }


def detections() -> dict[str, str]:
    """The SQLite query of every rule, by its short name."""
    text = (SIGMA / "converted" / "sqlite.sql").read_text()
    queries = {found["id"]: found["query"] for found in _HEAD.finditer(text)}
    return {name: queries[rule["id"]] for name, rule in rules().items()}


def table(lines: Iterable[str]) -> sqlite3.Connection:
    """The table of events, filled with these lines."""
    db = sqlite3.connect(":memory:")
    db.executescript((QUERIES / "table.sql").read_text())
    db.executemany("INSERT OR IGNORE INTO events (line) VALUES (?)", [(one,) for one in lines])
    return db


def fired(lines: Iterable[str]) -> dict[str, int]:
    """The detections that fire on these lines, and how often."""
    db = table(lines)
    counts = {name: len(db.execute(query).fetchall()) for name, query in detections().items()}
    db.close()
    return {name: count for name, count in counts.items() if count}


def asked(name: str, lines: Iterable[str], **given: Any) -> list[Mapping[str, Any]]:
    """What a query of packaging/queries finds in these lines."""
    db = table(lines)
    db.row_factory = sqlite3.Row
    named = {"now": None, "hours": None, **given}
    found = db.execute((QUERIES / f"{name}.sql").read_text(), named).fetchall()
    db.close()
    return [dict(row) for row in found]
