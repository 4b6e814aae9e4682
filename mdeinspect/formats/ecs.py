"""The Elastic Common Schema, release 9.4. Pure.

    {"@timestamp":"2026-11-22T11:04:00.000Z","event":{"id":"1f0c...-42","sequence":42,...},...}

What ECS has no field for lies under `mdeinspect`, with the data of each kind of event in an object
of its own (`mdeinspect.finding`, `mdeinspect.policy`, ...), so that no field has two types. Values
that may be of any type are JSON text, in fields that end with `_json`: one odd value of a policy
must not make Elasticsearch refuse the document.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mdeinspect import __version__
from mdeinspect.fitting import fit, is_cut, line
from mdeinspect.formats import LIMIT
from mdeinspect.formats._ecs_event import categories, kind, outcome, types
from mdeinspect.formats._words import PRODUCT, file_of, headline, is_moment, look, text, word
from mdeinspect.model import Severity

VERSION = "9.4.0"
JSON = "_json"
SYSTEMS = {"linux": "linux", "darwin": "macos"}
# Objects of the data whose keys are fixed; all others are JSON text.
OBJECTS = frozenset(
    {"before", "after", "previous", "flapping", "findings", "agent", "checkin", "watch"}
)
LONG = 2**63  # beyond this no field of Elasticsearch holds a number
EVIDENCE = frozenset({"source", "path", "time"})


def render(found: dict[str, Any], prev: int | None) -> str:
    """`found` as one line of ECS."""
    return fit(found, lambda one: line(_document(one, prev)), LIMIT - 2)


def _document(found: dict[str, Any], prev: int | None) -> dict[str, Any]:
    document = {
        "@timestamp": found["time"],
        "event": _event(found),
        "message": headline(found),
        "ecs": {"version": VERSION},
        "log": {"level": found["severity"]},
        "host": _host(found["host"]),
        "observer": {
            "vendor": PRODUCT,
            "product": PRODUCT,
            "type": "sensor",
            "version": __version__,
        },
        "rule": _rule(found),
        "file": _file(found),
        "package": _package(found),
        "service": _service(found),
        "error": _error(found),
        "mdeinspect": _own(found, prev),
    }
    return {name: value for name, value in document.items() if value}


def _host(host: dict[str, Any]) -> dict[str, Any]:
    system = SYSTEMS.get(host["platform"])
    told = {
        "name": host["name"],
        "hostname": host["name"],
        "id": host["id"],
        "os": {"platform": host["platform"], **({"type": system} if system else {})},
    }
    return {name: value for name, value in told.items() if value is not None}


def _event(found: dict[str, Any]) -> dict[str, Any]:
    since = look(found, "data", "since")
    event = {
        "id": found["id"],
        "sequence": found["seq"],
        "kind": kind(found),
        "category": categories(found),
        "type": types(found),
        "action": found["type"].replace(".", "-"),
        "severity": Severity.of(found["severity"]) + 1,
        "module": PRODUCT,
        "dataset": f"{PRODUCT}.event",
        "provider": PRODUCT,
        "code": found.get("code"),
        "reason": found.get("because"),
        "outcome": outcome(found),
        "start": since if is_moment(since) else None,
    }
    return {name: value for name, value in event.items() if value is not None}


def _rule(found: dict[str, Any]) -> dict[str, Any]:
    code = found.get("code")
    return {"id": code, "name": code, "ruleset": PRODUCT} if code else {}


def _file(found: dict[str, Any]) -> dict[str, Any]:
    path = file_of(found)
    if path is None:
        return {}
    folder, _, name = path.rpartition("/")
    digest = word(found, "data", "new_digest") if found["type"] == "policy.changed" else None
    return {
        "path": path,
        "name": name,
        "directory": folder or "/",
        **({"hash": {"sha256": digest}} if digest else {}),
    }


def _package(found: dict[str, Any]) -> dict[str, Any]:
    version = word(found, "data", "after", "version")
    return {"name": "mdatp", "version": version} if version else {}


def _service(found: dict[str, Any]) -> dict[str, Any]:
    if found["type"].partition(".")[0] not in ("daemon", "heartbeat", "events"):
        return {}
    return {"name": PRODUCT, "type": PRODUCT, "version": __version__}


def _error(found: dict[str, Any]) -> dict[str, Any]:
    reason, sort = word(found, "data", "reason"), word(found, "data", "kind")
    if found["type"] != "source.changed" or reason is None:
        return {}
    return {"message": reason, **({"type": sort} if sort else {})}


def _own(found: dict[str, Any], prev: int | None) -> dict[str, Any]:
    """What has no field in ECS."""
    own = {name: found[name] for name in ("schema", "type", "stream")} | {"prev": prev}
    own |= {name: found[name] for name in ("subject", "truncated") if name in found}
    evidence = found.get("evidence")
    own["evidence" if _is_evidence(evidence) else f"evidence{JSON}"] = (
        evidence if _is_evidence(evidence) else text(evidence)
    )
    data = found.get("data")
    if isinstance(data, dict) and not is_cut(data):
        own[found["type"].partition(".")[0]] = dict(_field(*item) for item in data.items())
    else:
        own[f"data{JSON}"] = text(data)
    return own


def _is_evidence(value: Any) -> bool:
    return isinstance(value, list) and all(
        isinstance(one, Mapping)
        and one.keys() <= EVIDENCE
        and all(isinstance(inner, str) for inner in one.values())
        for one in value
    )


def _field(name: str, value: Any) -> tuple[str, Any]:
    """A part of the data under a name that has one type for ever."""
    if name in OBJECTS and isinstance(value, dict) and not is_cut(value):
        return name, dict(_field(*item) for item in value.items())
    if _has_type(value) and not name.endswith(JSON):
        return name, value
    return f"{name}{JSON}", text(value)


def _has_type(value: Any) -> bool:
    """Whether this is a scalar, or a list of texts."""
    if isinstance(value, list):
        return all(isinstance(one, str) for one in value)
    if isinstance(value, int):
        return -LONG <= value < LONG
    return not isinstance(value, dict)
