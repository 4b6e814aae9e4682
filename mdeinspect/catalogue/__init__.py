"""Every preference of the agent on Linux and macOS, as data, and its loader."""

from __future__ import annotations

import functools
import json
import pkgutil
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from mdeinspect.catalogue import spelling
from mdeinspect.catalogue.preference import NO_DEFAULT, Default, NoDefault, Preference, Since
from mdeinspect.catalogue.shown import HealthField, Translation
from mdeinspect.catalogue.values import Values, same_value
from mdeinspect.catalogue.versions import MDE_ATTACH_MINIMUM, at_least, version_key
from mdeinspect.errors import MdeinspectError
from mdeinspect.model import Platform

__all__ = [
    "MDE_ATTACH_MINIMUM",
    "NO_DEFAULT",
    "PLATFORMS",
    "Catalogue",
    "Default",
    "HealthField",
    "NoDefault",
    "Preference",
    "Since",
    "Translation",
    "Values",
    "at_least",
    "load",
    "same_value",
    "version_key",
]

PLATFORMS: tuple[Platform, ...] = ("linux", "darwin")


class Catalogue:
    """All preferences, and the ways to find one. Not changed once made."""

    __slots__ = ("_fields", "_ids", "_keys", "_sections", "preferences")

    def __init__(self, preferences: Iterable[Preference]) -> None:
        self.preferences: tuple[Preference, ...] = tuple(preferences)
        self._ids = {preference.id: preference for preference in self.preferences}
        self._keys = {platform: self._by_key(platform) for platform in PLATFORMS}
        self._sections = {platform: _prefixes(self._keys[platform]) for platform in PLATFORMS}
        self._fields = {platform: self._by_field(platform) for platform in PLATFORMS}

    def find(self, key: str, platform: Platform) -> Preference | None:
        """The preference spelt `key` on `platform`, whichever of its spellings that is."""
        return self._keys[platform].get(key)

    def get(self, id_or_key: str) -> Preference | None:
        """The preference with that id, or spelt so on any platform."""
        found = self._ids.get(id_or_key)
        for platform in PLATFORMS:
            found = found or self.find(id_or_key, platform)
        return found

    def keys(self, platform: Platform) -> Mapping[str, Preference]:
        """Every spelling on `platform`, those of local-only keys included."""
        return self._keys[platform]

    def sections(self, platform: Platform) -> frozenset[str]:
        """Every proper prefix of a key path: `antivirusEngine`, `scheduledScan.weekly...`."""
        return self._sections[platform]

    def nearest(self, key: str, platform: Platform) -> str | None:
        """The primary key on `platform` that `key` most likely meant; None when nothing is near.

        Keys that policy cannot set are never proposed.
        """
        known = (one.key(platform) for one in self.preferences if one.managed(platform))
        return spelling.nearest(key, filter(None, known))

    def fields(
        self, platform: Platform
    ) -> Mapping[str, tuple[tuple[Preference, HealthField], ...]]:
        """Fields of main-view health, and which preferences each of them shows."""
        return self._fields[platform]

    def _by_key(self, platform: Platform) -> Mapping[str, Preference]:
        return MappingProxyType(
            {key: one for one in self.preferences for key in one.keys(platform)}
        )

    def _by_field(
        self, platform: Platform
    ) -> Mapping[str, tuple[tuple[Preference, HealthField], ...]]:
        found: dict[str, tuple[tuple[Preference, HealthField], ...]] = {}
        for preference in self.preferences:
            for field in preference.shown(platform):
                if field.view == "main":
                    found[field.field] = (*found.get(field.field, ()), (preference, field))
        return MappingProxyType(found)


@functools.cache
def load() -> Catalogue:
    """The catalogue that ships with this package; read once.

    Raises MdeinspectError when the package is incomplete.
    """
    data = pkgutil.get_data(__name__, "preferences.json")
    if data is None:
        raise MdeinspectError("cannot read preferences.json of this package: install it again")
    return Catalogue(map(_preference, json.loads(data)))


def _preference(record: Mapping[str, Any]) -> Preference:
    """One object of preferences.json, whose absent members mean "no", "none" or "not known"."""
    values = _values(record)
    platforms = tuple(platform for platform in PLATFORMS if platform in record)
    return Preference(
        id=record["id"],
        linux=tuple(record.get("linux", ())),
        darwin=tuple(record.get("darwin", ())),
        local_only=record.get("local_only", False),
        linux_local_only=record.get("linux_local_only", False),
        values=values,
        also_types=tuple(record.get("also_types", ())),
        json_text=record.get("json_text", False),
        defaults={
            p: tuple(Default(**r) for r in record.get(f"default_{p}", ())) for p in PLATFORMS
        },
        disputed=frozenset(p for p in PLATFORMS if record.get(f"disputed_{p}")),
        first={p: tuple(Since(**s) for s in record.get(f"since_{p}", ())) for p in PLATFORMS},
        ended={p: record[f"ended_{p}"] for p in PLATFORMS if f"ended_{p}" in record},
        deprecated=record.get("deprecated", False),
        deprecated_note=record.get("deprecated_note"),
        replaced_by=record.get("replaced_by"),
        health=tuple(_health(field, values, platforms) for field in record.get("health", ())),
        other_cli=record.get("other_cli"),
        weak_values=tuple(record.get("weak_values", ())),
        strength=tuple(record.get("strength", ())),
        weak_conditions=tuple(record.get("weak_conditions", ())),
        sensitivity=record.get("sensitivity"),
        impact=record["impact"],
        item=MappingProxyType(record.get("item", {})),
        notes=record.get("notes"),
        grade=record["grade"],
        sources=tuple(record["sources"]),
    )


def _values(record: Mapping[str, Any]) -> Values:
    """A boolean needs no list of values; macOS has its own list only where it differs."""
    allowed = tuple(record.get("allowed", (True, False) if record["type"] == "boolean" else ()))
    low_high = record.get("range")
    return Values(
        type=record["type"],
        range=(low_high[0], low_high[1]) if low_high else None,
        allowed={"linux": allowed, "darwin": tuple(record.get("allowed_darwin", allowed))},
    )


def _health(
    record: Mapping[str, Any], values: Values, platforms: tuple[Platform, ...]
) -> HealthField:
    rows = (Translation(**{**row, "expect": tuple(row["expect"])}) for row in record.get("map", ()))
    return HealthField(
        field=record["field"],
        view=record.get("view", "main"),
        platforms=tuple(record.get("platforms", platforms)),
        weight=record["weight"],
        rule=record.get("rule", "tell"),
        values=values,
        map=tuple(rows),
        part=record.get("part"),
        note=record.get("note"),
    )


def _prefixes(keys: Iterable[str]) -> frozenset[str]:
    parts = (key.split(".") for key in keys)
    return frozenset(".".join(one[:end]) for one in parts for end in range(1, len(one)))
