"""Is a received line a native event by the published contract?

Two judges: the shape as the documentation states it, checked here, and the JSON Schema of
`mdeinspect schema`, where that command and a validator are there.
"""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime
from typing import Any, get_args
from uuid import UUID

from mdeinspect import events

TYPES = frozenset(get_args(events.EventType))
SEVERITIES = frozenset({"critical", "high", "medium", "low", "info"})
ALWAYS = ("time", "id", "seq", "prev", "stream", "schema", "type", "severity", "host")
KNOWN = {*ALWAYS, "code", "subject", "because", "evidence", "data", "truncated"}


def check(line: str) -> dict[str, Any]:
    """The event of a line; fails where it is not by the contract."""
    assert line.isascii()
    assert len(line) < 8192
    found: dict[str, Any] = json.loads(line)
    assert list(found)[: len(ALWAYS)] == list(ALWAYS)
    assert found.keys() <= KNOWN
    assert found["schema"] == events.SCHEMA
    assert found["type"] in TYPES
    assert found["severity"] in SEVERITIES
    assert UUID(found["stream"])
    assert type(found["seq"]) is int
    assert found["id"] == f"{found['stream']}-{found['seq']}"
    assert found["prev"] is None or 0 < found["prev"] < found["seq"]
    assert line.index(found["id"]) + len(found["id"]) < 256
    _moment(found["time"])
    assert found["host"].keys() == {"name", "id", "platform"}
    assert all(_evidence(one) for one in found["evidence"])
    assert isinstance(found["data"], dict)
    if found["type"].startswith("finding."):
        assert found["code"]
        assert found["subject"]
        assert found["data"]["title"]
    return found


def schema() -> Callable[[Any], None] | None:
    """A validator by the published JSON Schema, which raises; None where there is none yet."""
    if importlib.util.find_spec("jsonschema") is None:
        return None
    done = subprocess.run(
        [sys.executable, "-m", "mdeinspect", "schema"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if done.returncode:
        assert "No such command" in done.stderr, done.stderr
        return None
    import jsonschema

    validator = jsonschema.Draft202012Validator(json.loads(done.stdout))
    validate: Callable[[Any], None] = validator.validate
    return validate


def _moment(text: str) -> None:
    assert text.endswith("Z")
    assert datetime.fromisoformat(text).utcoffset() is not None


def _evidence(one: dict[str, Any]) -> bool:
    if "time" in one:
        _moment(one["time"])
    return bool(one["source"]) and one.keys() <= {"source", "path", "time"}
