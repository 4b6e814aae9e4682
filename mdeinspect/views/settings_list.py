"""The catalogue for a person: rows of a table, and the page of one preference."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from mdeinspect.catalogue import (
    PLATFORMS,
    Catalogue,
    Default,
    HealthField,
    Preference,
    Since,
    Translation,
)
from mdeinspect.model import Platform

WIDTH = 80
_LABEL = 12  # columns in front of the text of a page

_SYSTEMS: dict[Platform, str] = {"linux": "Linux", "darwin": "macOS"}
_TYPES = {
    "string": "text",
    "boolean": "true or false",
    "integer": "whole number",
    "object": "object",
    "array<object>": "list of objects",
    "array<string>": "list of texts",
    "unknown": "not known",
}
_CHANNELS = {
    "managed_file": "through the managed file or profile",
    "mde_attach": "through the portal",
    "local": "through the command line",
}
_WEIGHTS = {
    "prove": "can prove that policy is not in force",
    "support": "can confirm policy, not disprove it",
    "tell": "for information only",
}
_GRADES = {
    "CERTAIN": "documented by Microsoft, in its schema or in its code",
    "ONE SOURCE": "known from one source only",
    "ASSUMED": "assumed; the sources are unclear",
}


# --- rows ---------------------------------------------------------------------------------------


def settings_rows(catalogue: Catalogue, platform: Platform | None) -> list[dict[str, Any]]:
    """One JSON-ready row per preference of `platform`, or of any; in the catalogue's order.

    `key` is the primary spelling on the first platform shown. `allowed`, `default` and `since`
    have a member per platform shown. A default is null where none is known, else `{disputed,
    rules: [{value, since?, channel?, stated_by?}]}`, of which the first rule that holds counts.
    """
    wanted = PLATFORMS if platform is None else (platform,)
    shown = ((one, [p for p in wanted if one.keys(p)]) for one in catalogue.preferences)
    return [_row(preference, platforms) for preference, platforms in shown if platforms]


def _row(preference: Preference, platforms: list[Platform]) -> dict[str, Any]:
    return {
        "key": preference.key(platforms[0]),
        "id": preference.id,
        "keys": {p: list(preference.keys(p)) for p in platforms},
        "platforms": platforms,
        "managed": any(preference.managed(p) for p in platforms),
        "type": preference.type,
        "range": list(preference.range) if preference.range else None,
        "allowed": {p: list(preference.allowed(p)) for p in platforms},
        "default": {p: _default_row(preference, p) for p in platforms},
        "since": {p: [_present(one) for one in preference.since(p)] for p in platforms},
        "deprecated": preference.deprecated,
        "replaced_by": preference.replaced_by,
        "health": _health_rows(preference, platforms),
        "weak_values": list(preference.weak_values),
        "strength": list(preference.strength),
        "weak_conditions": list(preference.weak_conditions),
        "sensitivity": preference.sensitivity,
        "impact": preference.impact,
        "grade": preference.grade,
    }


def _default_row(preference: Preference, platform: Platform) -> dict[str, Any] | None:
    rules = preference.defaults[platform]
    if not rules:
        return None
    return {
        "disputed": platform in preference.disputed,
        "rules": [{"value": rule.value, **_present(rule, "value")} for rule in rules],
    }


def _health_rows(preference: Preference, platforms: list[Platform]) -> list[dict[str, Any]]:
    return [
        {
            "field": field.field,
            "view": field.view,
            "platforms": [p for p in field.platforms if p in platforms],
            "weight": field.weight,
        }
        for field in preference.health
        if set(field.platforms) & set(platforms)
    ]


def _present(one: Since | Default, but: str = "") -> dict[str, Any]:
    """The members of a small record that say something."""
    names = (name for name in one.__slots__ if name != but)
    return {name: value for name in names if (value := getattr(one, name)) is not None}


# --- page ---------------------------------------------------------------------------------------


def preference_page(preference: Preference) -> str:
    """All that is known of one preference, in plain text of at most 80 columns."""
    title = preference.key("linux") or preference.key("darwin") or preference.id
    lines = [title, "", *textwrap.wrap(preference.impact, WIDTH)]
    if preference.notes:
        lines += ["", *textwrap.wrap(preference.notes, WIDTH)]
    lines.append("")
    for label, texts in _sections(preference):
        lines += _block(label, texts)
    return "\n".join(lines) + "\n"


def _sections(preference: Preference) -> Iterator[tuple[str, list[str]]]:
    """The labelled parts of a page, in order."""
    yield "Key", list(_keys(preference))
    yield "Type", [_type(preference)]
    yield "Values", _per_platform(preference, _allowed)
    yield "Members", [_member(name, facts) for name, facts in preference.item.items()]
    yield "Default", _per_platform(preference, _default)
    yield "Since", _per_platform(preference, _since)
    yield "Deprecated", _deprecation(preference)
    yield "Shown by", list(_shown(preference)) or ["no known field of `mdatp health`"]
    yield "Also", [f"`{preference.other_cli}` shows it"] if preference.other_cli else []
    yield "Strength", [" < ".join(map(_word, preference.strength))] if preference.strength else []
    yield "Weak", [*map(_word, preference.weak_values), *preference.weak_conditions]
    yield "Certainty", [f"{preference.grade}: {_GRADES[preference.grade]}"]
    yield "Sources", list(preference.sources)


def _block(label: str, texts: Iterable[str]) -> list[str]:
    """Wrapped texts beside their label; a text that starts with two spaces is set in."""
    lines: list[str] = []
    for text in texts:
        inset = " " * (_LABEL + len(text) - len(text.lstrip()))
        lines += textwrap.wrap(
            text.lstrip(),
            WIDTH,
            initial_indent=inset,
            subsequent_indent=inset + "  ",
            break_on_hyphens=False,
        )
    if lines:
        lines[0] = label.ljust(_LABEL) + lines[0][_LABEL:]
    return lines


def _per_platform(preference: Preference, say: Callable[[Preference, Platform], str]) -> list[str]:
    """What `say(preference, platform)` says, once where the platforms agree."""
    said = {p: say(preference, p) for p in preference.platforms}
    if len(set(said.values())) == 1:
        return [text for text in list(said.values())[:1] if text]
    return [f"{_SYSTEMS[p]}: {text or 'not known'}" for p, text in said.items()]


def _keys(preference: Preference) -> Iterator[str]:
    for platform in preference.platforms:
        for place, key in enumerate(preference.keys(platform)):
            remark = "" if place == 0 else " (also seen)"
            if not preference.managed(platform):
                remark += " (local file only, not managed)"
            yield f"{_SYSTEMS[platform]}: {key}{remark}"


def _type(preference: Preference) -> str:
    text = _TYPES[preference.type] + (" that holds JSON" if preference.json_text else "")
    also = ", ".join(_TYPES[one] for one in preference.also_types)
    return f"{text} (real files also have: {also})" if also else text


def _allowed(preference: Preference, platform: Platform) -> str:
    if preference.range:
        return "{} to {}".format(*preference.range)
    if preference.type == "boolean":
        return ""  # the type says it
    return ", ".join(map(_word, preference.allowed(platform)))


def _member(name: str, facts: Mapping[str, Any]) -> str:
    parts = [_TYPES.get(facts["type"], facts["type"])]
    parts += [f"one of {', '.join(facts['allowed'])}"] if "allowed" in facts else []
    parts += [f"with {facts['with']}"] if "with" in facts else []
    parts += [f"default {_word(facts['default'])}"] if "default" in facts else []
    parts += ["required"] if facts.get("required") else []
    parts += [facts["note"]] if "note" in facts else []
    return f"{name}: {'; '.join(parts)}"


def _default(preference: Preference, platform: Platform) -> str:
    rules = preference.defaults[platform]
    if platform in preference.disputed:
        views = (f"{_word(rule.value)} ({rule.stated_by})" for rule in rules)
        return "disputed: " + ", or ".join(views)
    return ", ".join(_default_rule(rule, place) for place, rule in enumerate(rules)) or "not known"


def _default_rule(rule: Default, place: int) -> str:
    parts = [_word(rule.value)]
    parts += [f"since {rule.since}"] if rule.since else []
    parts += [_CHANNELS[rule.channel]] if rule.channel else []
    if place and len(parts) == 1:
        parts.append("before that")
    return " ".join(parts)


def _since(preference: Preference, platform: Platform) -> str:
    plain = [one for one in preference.since(platform) if one.for_value is None]
    special = [one for one in preference.since(platform) if one.for_value is not None]
    parts = [" or ".join(map(_moment, plain)) + (" (sources differ)" if plain[1:] else "")]
    parts += [f"{_word(one.for_value)} from {_moment(one)}" for one in special]
    return "; ".join(part for part in parts if part)


def _moment(one: Since) -> str:
    return f"{one.version or one.released}" + (f" ({one.ring} ring)" if one.ring else "")


def _deprecation(preference: Preference) -> list[str]:
    if not preference.deprecated:
        return []
    texts = [preference.deprecated_note or "yes"]
    return texts + ([f"Use {preference.replaced_by}."] if preference.replaced_by else [])


def _shown(preference: Preference) -> Iterator[str]:
    for field in preference.health:
        view = "" if field.view == "main" else f" --details {field.view}"
        only = f" ({_SYSTEMS[field.platforms[0]]})" if len(field.platforms) == 1 else ""
        yield f"`mdatp health{view}`: {field.field}{only}"
        yield f"  {_WEIGHTS[field.weight]}"
        yield from (f"  {text}" for text in _translation(field))
        if field.note:
            yield f"  {field.note}"


def _translation(field: HealthField) -> list[str]:
    if field.rule == "same":
        return ["shows the value of the preference"]
    return [_map_row(row) for row in field.map]


def _map_row(row: Translation) -> str:
    policy = "any value" if row.any else _word(row.when)
    parts = [f"{policy} -> {' or '.join(map(_word, row.expect))}"]
    parts += [f"since {row.since}"] if row.since else []
    parts += [f"before {row.before}"] if row.before else []
    parts += [f"on {_SYSTEMS[row.platform]}"] if row.platform else []
    return " ".join(parts)


def _word(value: Any) -> str:
    """A value as a person would write it: text bare, everything else as JSON."""
    return value if isinstance(value, str) and value else json.dumps(value, ensure_ascii=False)
