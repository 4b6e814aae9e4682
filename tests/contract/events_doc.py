"""docs/events.md, made of the schema and of one real event for each type."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from mdeinspect.contract import EVENTS, schema
from mdeinspect.contract.envelope import Envelope

HEAD = """\
# Events: the contract

Generated from the models (`mdeinspect/contract/`) by `make contract`; do not edit.

One JSON object a line, `mdeinspect.event/1`, UTF-8 (ASCII, all else escaped), below 8 KB.
`mdeinspect schema` prints its JSON Schema (2020-12), `mdeinspect schema TYPE` that of one type. The
copy in [schema/mdeinspect.event-1.json](schema/mdeinspect.event-1.json) is checked against it. What
is here is the `native` format; [formats.md](formats.md) tells how it looks as ECS, OCSF or a table.

Within version 1, keys may be added and never change their meaning or type; a receiver ignores those
it does not know. A new type, or a new `because`, comes with a line in the changelog. The schema is
strict about the release that prints it: it names every key, and allows no other.

## Around every event

"""
CUT = """
An event that would be too large has `"truncated": true`. Its largest details are cut until it fits:
a text keeps its beginning and ends with `[cut sha256:...]`; a list or an object (marked "may be
cut", and `data` as a whole) becomes `{"truncated": true, "digest": "sha256:...", "start": "..."}`.
Equal details have equal digests. A `subject` is cut only where it alone is too long.
"""
Rows = Iterator[tuple[str, str, bool, str]]


def document(examples: Mapping[str, Any]) -> str:
    """The page."""
    parts = [HEAD, _table(_rows(schema.of_type("heartbeat"), skip={"data", "type"})), _enveloped()]
    parts += [CUT]
    for name, model in EVENTS.items():
        parts.append(f"\n## `{name}`\n\n{_prose(model)}\n{_because(schema.of_type(name))}\n")
        parts += [_data(schema.of_type(name))]
        text = json.dumps(examples[name], indent=2)
        parts.append(f"\n```json\n{text}\n```\n")
    return "".join(parts)


def _enveloped() -> str:
    return (
        "\n`type` is one of the types below. Events about the host also have `subject`: `host`,\n"
        "`agent`, `channel:<name>`, `file:<path>` or `key:<dotted path>[#item]`; those about a\n"
        "finding also `code`, the rule's code. Code and subject together identify a finding.\n"
    )


def _prose(model: type[Envelope]) -> str:
    return " ".join((model.__doc__ or "").split())


def _because(found: dict[str, Any]) -> str:
    words = _words(found, found["properties"].get("because", {}))
    return f"\n`because`: {words}\n" if words != "text" else ""


def _data(found: dict[str, Any]) -> str:
    shapes = [one["$ref"] for one in found["properties"]["data"]["anyOf"]]
    tables = []
    for shape in shapes:
        model = _resolved(found, {"$ref": shape})
        if shape.endswith("/Cut"):
            continue
        rows = _table(_rows({**model, "$defs": found["$defs"]}))
        tables.append(f"{' '.join(model['description'].split())}\n\n{rows}")
    return "\nOr:\n\n".join(tables)


def _table(rows: Rows) -> str:
    lines = ["| key | type | | |", "|---|---|---|---|"]
    for name, kind, required, text in rows:
        lines.append(f"| `{name}` | {kind} | {'' if required else 'optional'} | {text} |")
    return "\n".join(lines) + "\n"


def _rows(
    found: dict[str, Any], path: str = "", skip: frozenset[str] | set[str] = frozenset()
) -> Rows:
    """Every key of an object, and of the objects in it."""
    definitions = found.get("$defs", {})
    for name, one in found["properties"].items():
        if name in skip:
            continue
        full = f"{path}{name}"
        required = name in found["required"] if "required" in found else False
        yield full, _words(found, one).replace("|", "\\|"), required, one.get("description", "")
        for step, inner in _inside(found, one):
            yield from _rows({**inner, "$defs": definitions}, f"{full}{step}")


def _inside(found: dict[str, Any], one: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The objects within a value, and how a path goes on into them."""
    for choice in one.get("anyOf", [one]):
        if choice.get("$ref", "").endswith("/Cut"):
            continue
        whole = _resolved(found, choice)
        if "properties" in whole:
            yield ".", whole
        elif "items" in whole:
            yield from (("[].", inner) for _, inner in _inside(found, whole["items"]))
        elif isinstance(whole.get("additionalProperties"), dict):
            more = whole["additionalProperties"]
            yield from ((".<name>.", inner) for _, inner in _inside(found, more))


def _words(found: dict[str, Any], one: dict[str, Any]) -> str:
    """A type in words."""
    if "anyOf" in one:
        cut = [choice for choice in one["anyOf"] if choice.get("$ref", "").endswith("/Cut")]
        rest = [_words(found, choice) for choice in one["anyOf"] if choice not in cut]
        words = ", ".join(dict.fromkeys(rest))
        return words + (" (may be cut)" if cut and not words.endswith(")") else "")
    if "$ref" in one:
        return _words(found, _resolved(found, one))
    if "const" in one:
        return f"`{json.dumps(one['const'])}`" if one["const"] is True else f"`{one['const']}`"
    if "enum" in one:
        return " ".join(f"`{word}`" for word in one["enum"])
    if one.get("type") == "array":
        return f"list of {_words(found, one['items'])}"
    if one.get("pattern", "").startswith("^\\d{4}"):
        return "time"
    words = {"string": "text", "null": "null", "boolean": "true or false", "integer": "number"}
    kinds = {**words, "number": "number", "object": "object"}
    return kinds.get(one.get("type", ""), "any")


def _resolved(found: dict[str, Any], one: dict[str, Any]) -> dict[str, Any]:
    """What a reference points at."""
    name = one.get("$ref", "").removeprefix("#/$defs/")
    resolved: dict[str, Any] = found["$defs"][name] if name else one
    return resolved
