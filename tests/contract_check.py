"""Is an event within the published contract? The JSON Schema is the judge, not the models."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

from mdeinspect.contract import schema
from mdeinspect.events import Event, EventHost, native

STREAM = "5f0e7a7e-3a53-4d9f-8a52-0f6c9e0f2b11"
HOST = EventHost("web-07", "7d1c2c7e-95c3-4a57-9c70-6a2d0b1f8e44", "linux")


@functools.cache
def validator(kind: Any) -> Draft202012Validator:
    return Draft202012Validator(schema.of_type(kind))


def fault(found: Mapping[str, Any]) -> str | None:
    """What is wrong with the native object of an event; None when it is within the contract."""
    error = best_match(validator(found["type"]).iter_errors(found))
    return None if error is None else f"{found['type']}: {error.json_path}: {error.message}"


def check(found: Mapping[str, Any]) -> None:
    """Fail when the native object of an event is not within the contract."""
    assert fault(found) is None


def check_events(events: Iterable[Event]) -> None:
    """The same, of events that no store has numbered yet."""
    for event in events:
        check(native(event, stream=STREAM, seq=1, host=HOST))
