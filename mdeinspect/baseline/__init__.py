"""The settings that an organisation wants on its hosts, whichever channel delivers them. Pure.

A baseline is a mapping of dotted keys, or of the sections of a policy, to values::

    "networkProtection.enforcementLevel" = "block"      # wherever there is such a setting
    [linux]
    antivirusEngine.scanArchives = true                 # on Linux only

so that a policy file works as one. Strict: a key that is none, or a value that the setting cannot
have, is an error.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from mdeinspect.catalogue import PLATFORMS, Catalogue, Preference, same_value
from mdeinspect.errors import ConfigError
from mdeinspect.model import Platform

MAX_DEPTH = 8  # no key has more parts
_TYPES: Mapping[str, type | tuple[type, ...]] = {
    "string": str,
    "boolean": bool,
    "integer": int,
    "object": dict,
    "array<object>": list,
    "array<string>": list,
}


@dataclass(frozen=True, slots=True)
class Baseline:
    """What is wanted on each platform, by the primary spelling of each key."""

    name: str
    settings: Mapping[Platform, Mapping[str, Any]] = field(default_factory=dict)

    def on(self, platform: Platform) -> Mapping[str, Any]:
        """The settings wanted on `platform`."""
        return self.settings.get(platform, {})

    @property
    def empty(self) -> bool:
        """True when nothing is wanted anywhere."""
        return not any(self.settings.values())


def parse(data: Mapping[str, Any], catalogue: Catalogue, name: str) -> Baseline:
    """The baseline that `data` writes down; `name` says where from, in errors.

    Raises `ConfigError` for an unknown key, with the nearest known one, and for a wrong value.
    """
    reader = _Reader(catalogue, name)
    everywhere = {key: value for key, value in data.items() if key not in PLATFORMS}
    found: dict[Platform, dict[str, Any]] = {platform: {} for platform in PLATFORMS}
    for key, value in reader.leaves(everywhere, PLATFORMS, ""):
        for platform in PLATFORMS:
            reader.put(found[platform], platform, key, value, lenient=True)
    for platform in PLATFORMS:
        section = data.get(platform, {})
        if not isinstance(section, Mapping):
            raise ConfigError(f"cannot use {name}: {platform} is a table of settings")
        for key, value in reader.leaves(section, (platform,), ""):
            reader.put(found[platform], platform, key, value, lenient=False)
    return Baseline(name, found)


class _Reader:
    """Turns one document into settings; knows what to say about what does not fit."""

    def __init__(self, catalogue: Catalogue, name: str) -> None:
        self._catalogue = catalogue
        self._name = name

    def leaves(
        self, section: Mapping[str, Any], platforms: tuple[Platform, ...], above: str
    ) -> Iterator[tuple[str, Any]]:
        """Every setting in `section` by its dotted key; a key that is none raises."""
        for key, value in section.items():
            path = f"{above}.{key}" if above else str(key)
            if any(self._catalogue.find(path, platform) for platform in platforms):
                yield path, value
            elif (
                isinstance(value, Mapping)
                and path.count(".") < MAX_DEPTH
                and any(path in self._catalogue.sections(platform) for platform in platforms)
            ):
                yield from self.leaves(value, platforms, path)
            else:
                raise ConfigError(self._unknown(path, platforms))

    def put(
        self, into: dict[str, Any], platform: Platform, key: str, value: Any, *, lenient: bool
    ) -> None:
        """Note one setting of `platform`. `lenient`: it may be a setting of the other one alone."""
        preference = self._catalogue.find(key, platform)
        if preference is None and lenient:
            return
        primary = preference.key(platform) if preference else None
        if preference is None or primary is None or not preference.managed(platform):
            if lenient and self._elsewhere(key, platform):
                return
            raise ConfigError(
                f"cannot use {self._name}: {key} cannot be managed on {platform}; leave it out"
            )
        self._check(preference, platform, key, value)
        into[primary] = value

    def _elsewhere(self, key: str, platform: Platform) -> bool:
        others = (one for one in PLATFORMS if one != platform)
        found = [(other, self._catalogue.find(key, other)) for other in others]
        return any(one is not None and one.managed(other) for other, one in found)

    def _check(self, preference: Preference, platform: Platform, key: str, value: Any) -> None:
        kind, allowed = preference.type, preference.allowed(platform)
        fits = kind == "unknown" or isinstance(value, _TYPES[kind])
        if kind == "integer" and isinstance(value, bool):
            fits = False
        if not fits:
            raise ConfigError(f"cannot use {self._name}: {key} is of type {kind}")
        entries = value if isinstance(value, list) else [value]
        for entry in entries if allowed else ():
            if not any(same_value(entry, one) for one in allowed):
                words = ", ".join(map(str, allowed))
                raise ConfigError(
                    f"cannot use {self._name}: {key} cannot be {entry!r}; it is one of {words}"
                )
        low_high = preference.range
        if low_high and not low_high[0] <= value <= low_high[1]:
            raise ConfigError(
                f"cannot use {self._name}: {key} cannot be {value}; it is {low_high[0]} to "
                f"{low_high[1]}"
            )

    def _unknown(self, path: str, platforms: tuple[Platform, ...]) -> str:
        near = next(filter(None, (self._catalogue.nearest(path, one) for one in platforms)), None)
        hint = f"did you mean {near}?" if near else "see `mdeinspect settings`"
        return f"cannot use {self._name}: there is no setting {path[:160]!r}; {hint}"
