"""JSON Schema 2020-12 of events and status, generated from the models."""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema

from mdeinspect.contract import EVENTS
from mdeinspect.contract.status import Status
from mdeinspect.events import SCHEMA, EventType

DIALECT = GenerateJsonSchema.schema_dialect
BASE = "urn:mdeinspect:" + SCHEMA.removeprefix("mdeinspect.")


def of_type(name: EventType) -> dict[str, Any]:
    """The schema of one type of event."""
    model = EVENTS[name]
    schema = _plain(TypeAdapter(model).json_schema(by_alias=True))
    return _headed(f"{BASE}:{name}", f"{SCHEMA}: {name}", schema)


def of_all() -> dict[str, Any]:
    """One schema for every type of event; `type` tells which applies."""
    definitions: dict[str, Any] = {}
    for name in EVENTS:
        schema = of_type(name)
        definitions.update(schema.pop("$defs", {}))
        definitions[name] = {
            key: value
            for key, value in schema.items()
            if not key.startswith("$") and key != "title"
        }
    alone = [{"$ref": f"#/$defs/{name}"} for name in EVENTS]
    body = {"type": "object", "required": ["type"], "oneOf": alone, "$defs": definitions}
    return _headed(BASE, SCHEMA, body)


def of_status() -> dict[str, Any]:
    """The schema of what `status --json` prints."""
    name = "mdeinspect.status/1"
    schema = _plain(TypeAdapter(Status).json_schema(by_alias=True))
    return _headed(f"urn:{name.replace('.', ':')}", name, schema)


def _headed(uri: str, title: str, schema: dict[str, Any]) -> dict[str, Any]:
    head = {"$schema": DIALECT, "$id": uri, "title": title}
    return head | {name: value for name, value in schema.items() if name not in head}


def _plain(value: Any, *, names: bool = False) -> Any:
    """A schema without defaults, and without titles that only repeat a name."""
    if isinstance(value, list):
        return [_plain(one) for one in value]
    if not isinstance(value, dict):
        return value
    return {
        key: _plain(inner, names=key in ("properties", "$defs") and not names)
        for key, inner in value.items()
        if names or key not in ("default", "title")
    }
