"""What others say that ECS and OCSF are: a field list, and schemas of a published package."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match
from ocsf_json_schema.embedded import OcsfJsonSchemaEmbedded
from ocsf_json_schema.loader import get_ocsf_schema

from mdeinspect.formats import ocsf

LIST = json.loads((Path(__file__).parent / "ecs-9.4.0.json").read_text())
FIELDS: dict[str, str] = LIST["fields"]
ALLOWED: dict[str, list[str]] = LIST["allowed"]
DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
Leaf = tuple[str, Any]
SOURCE = get_ocsf_schema(ocsf.VERSION)
ORACLE = OcsfJsonSchemaEmbedded(SOURCE)


def leaves(value: Any, path: str = "") -> Iterator[Leaf]:
    """Every value that is no object, by its dotted name."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, f"{path}.{key}" if path else key)
    else:
        yield path, value


def fits(kind: str, value: Any) -> bool:
    """Whether a value is what a field of this type of Elasticsearch takes."""
    if kind.endswith("[]"):
        return isinstance(value, list) and all(fits(kind[:-2], one) for one in value)
    if kind in ("keyword", "match_only_text", "wildcard"):
        return isinstance(value, str)
    if kind == "date":
        return isinstance(value, str) and DATE.fullmatch(value) is not None
    return kind == "long" and isinstance(value, int) and not isinstance(value, bool)


def ecs_faults(rendered: dict[str, Any]) -> list[str]:
    """What of a document ECS does not have, or has otherwise."""
    told = []
    for name, value in leaves({k: v for k, v in rendered.items() if k != "mdeinspect"}):
        if name not in FIELDS:
            told.append(f"{name} is no field of ECS")
        elif not fits(FIELDS[name], value):
            told.append(f"{name}: {value!r} is no {FIELDS[name]}")
        for one in value if isinstance(value, list) else [value]:
            if one not in ALLOWED.get(name, [one]):
                told.append(f"{name}: {one!r} is not allowed")
    expected = {
        kind for one in rendered["event"]["category"] for kind in LIST["types_of_category"][one]
    }
    return told + [
        f"{one} is not expected" for one in rendered["event"]["type"] if one not in expected
    ]


@functools.cache
def validator(class_uid: int, profiles: tuple[str, ...]) -> Draft202012Validator:
    name = ORACLE.lookup_class_name_from_uid(class_uid)
    assert "@deprecated" not in SOURCE["classes"][name]
    return Draft202012Validator(ORACLE.get_class_schema(name, list(profiles)))


def ocsf_fault(event: dict[str, Any]) -> str | None:
    """What is wrong with an OCSF event; None when nothing is."""
    judge = validator(event["class_uid"], tuple(event["metadata"].get("profiles", ())))
    error = best_match(judge.iter_errors(event))
    return None if error is None else f"{error.json_path}: {error.message}"
