"""One preference of the agent: where it is set, what it may be, and where health shows it."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from mdeinspect.catalogue.shown import HealthField
from mdeinspect.catalogue.values import Values, same_value
from mdeinspect.catalogue.versions import at_least, version_key, within
from mdeinspect.model import Platform

Sensitivity = Literal["exclusions", "tags", "ids", "url"]
Grade = Literal["CERTAIN", "ONE SOURCE", "ASSUMED"]


class NoDefault(enum.Enum):
    """The type of NO_DEFAULT; None could be mistaken for a value."""

    NO_DEFAULT = "no default known"


NO_DEFAULT: Final = NoDefault.NO_DEFAULT

# The catalogue tells three ways of setting a default apart; each goes by several names.
_DEFAULT_CHANNELS = {"mdm": "managed_file", "portal": "mde_attach", "cli": "local"}


@dataclass(frozen=True, slots=True, eq=False)
class Since:
    """When a preference, or one of its values (`for_value`), first came: a version or a month.

    `ring` names the release ring in which that version was seen, where it was not production.
    """

    version: str | None = None
    released: str | None = None
    for_value: Any = None
    ring: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Default:
    """One rule of a default: `value` holds from version `since` on and for `channel`, if given.

    `channel` is `managed_file` (the JSON file or the profile), `mde_attach` or `local`.
    `stated_by` names the document, where documents disagree.
    """

    value: Any
    since: str | None = None
    channel: str | None = None
    stated_by: str | None = None

    def holds(self, version: str | None, channel: str | None) -> bool | None:
        """Whether this rule applies; None when `version` or `channel` would be needed."""
        if self.channel is not None and channel is not None and channel != self.channel:
            return False
        of_version = within(version, self.since, None)
        if of_version and self.channel is not None and channel is None:
            return None
        return of_version


@dataclass(frozen=True, slots=True, eq=False)
class Preference:
    """One preference, as the catalogue knows it. Made once by `load`; equal only to itself.

    `linux` and `darwin` are the dotted key paths, the primary one first. `local_only` marks a key
    of the agent's own local file that nobody manages, `linux_local_only` one that only macOS lets
    policy manage. `strength` orders values, the weakest first; for a list of `{key, value}` the
    values of its entries. `type` is `string boolean integer object array<object> array<string>` or
    `unknown`; `also_types` are types that real files have as well. `item` describes the members of
    an object or of each entry of a list. `grade` says how certain all this is.
    """

    id: str
    linux: tuple[str, ...]
    darwin: tuple[str, ...]
    local_only: bool
    linux_local_only: bool
    values: Values
    also_types: tuple[str, ...]
    json_text: bool
    defaults: Mapping[Platform, tuple[Default, ...]]
    disputed: frozenset[Platform]  # where documents disagree on the default
    first: Mapping[Platform, tuple[Since, ...]]
    ended: Mapping[Platform, str]  # the version from which on it has no effect
    deprecated: bool
    deprecated_note: str | None
    replaced_by: str | None
    health: tuple[HealthField, ...]
    other_cli: str | None
    weak_values: tuple[Any, ...]
    strength: tuple[Any, ...]
    weak_conditions: tuple[str, ...]
    sensitivity: Sensitivity | None
    impact: str
    item: Mapping[str, Mapping[str, Any]]
    notes: str | None
    grade: Grade
    sources: tuple[str, ...]

    @property
    def type(self) -> str:
        """The documented type."""
        return self.values.type

    @property
    def range(self) -> tuple[int, int] | None:
        """Least and greatest value, both allowed."""
        return self.values.range

    @property
    def platforms(self) -> tuple[Platform, ...]:
        """Where the preference exists."""
        both: tuple[Platform, ...] = ("linux", "darwin")
        return tuple(platform for platform in both if self.keys(platform))

    def keys(self, platform: Platform) -> tuple[str, ...]:
        """Every spelling on `platform`, the primary one first; empty where it does not exist."""
        return self.linux if platform == "linux" else self.darwin

    def key(self, platform: Platform) -> str | None:
        """The primary spelling on `platform`."""
        return next(iter(self.keys(platform)), None)

    def managed(self, platform: Platform) -> bool:
        """Whether policy can set it on `platform`: it exists there, and not as a local key only."""
        local = self.local_only or (platform == "linux" and self.linux_local_only)
        return bool(self.keys(platform)) and not local

    def allowed(self, platform: Platform) -> tuple[Any, ...]:
        """The documented values; of its entries for a list; empty when open."""
        return self.values.allowed[platform]

    def default(self, platform: Platform, version: str | None, channel: str | None = None) -> Any:
        """The value without any policy; NO_DEFAULT when disputed, not known or not decidable.

        `channel` is a channel of the model, or `portal` or `cli`; it matters to very few.
        """
        channel = None if channel is None else _DEFAULT_CHANNELS.get(channel, channel)
        if platform not in self.disputed:
            for rule in self.defaults[platform]:
                holds = rule.holds(version, channel)
                if holds is not False:
                    return _copied(rule.value) if holds else NO_DEFAULT
        return NO_DEFAULT

    def holds_up(self, value: Any, against: Any) -> bool | None:
        """Whether `value` is as strong as `against` or stronger; None where there is no order.

        Where one of only two values is weak, that is the order.
        """
        order = self.strength or self._weak_first()
        ranks = [
            next((rank for rank, one in enumerate(order) if same_value(one, given)), None)
            for given in (value, against)
        ]
        mine, theirs = ranks
        return None if mine is None or theirs is None else mine >= theirs

    def _weak_first(self) -> tuple[Any, ...]:
        every = self.values.allowed["linux"] or self.values.allowed["darwin"]
        strong = [one for one in every if not any(same_value(one, w) for w in self.weak_values)]
        return (*self.weak_values, *strong) if len(every) == 2 and len(strong) == 1 else ()

    def since(self, platform: Platform) -> tuple[Since, ...]:
        """When it first came. Several entries without `for_value`: the documents disagree."""
        return self.first[platform]

    def surely_unsupported(
        self, platform: Platform, version: str | None, value: Any = None
    ) -> bool:
        """Whether `version` is below the lowest version stated, for `value` too where given."""
        plain = [one for one in self.first[platform] if one.for_value is None]
        special = [
            one
            for one in self.first[platform]
            if one.for_value is not None and same_value(one.for_value, value)
        ]
        return _below_all(version, plain) or _below_all(version, special)

    def over(self, platform: Platform, version: str | None) -> bool:
        """Whether `version` is surely one of those that take no notice of it any more."""
        ended = self.ended.get(platform)
        return ended is not None and at_least(version, ended) is True

    def shown(self, platform: Platform) -> tuple[HealthField, ...]:
        """The fields of health that show it on `platform`."""
        return tuple(field for field in self.health if platform in field.platforms)


def _below_all(version: str | None, stated: list[Since]) -> bool:
    floors = [one.version for one in stated]
    if version is None or version_key(version) is None or not floors:
        return False
    return all(floor is not None and at_least(version, floor) is False for floor in floors)


def _copied(value: Any) -> Any:
    """A default that the caller may change without changing the catalogue."""
    if isinstance(value, list):
        return [dict(one) if isinstance(one, dict) else one for one in value]
    return value
