"""What shows the effective value of a preference, and how much each such sight weighs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mdeinspect.catalogue import HealthField, Preference
from mdeinspect.documents.health import Health
from mdeinspect.model import Platform, Snapshot

SWITCH = {"enabled": True, "disabled": False}
LISTS = {
    "exclusion-list": ("antivirusEngine.exclusions", "exclusionSettings.exclusions"),
    "threat-allowed-list": ("antivirusEngine.allowedThreats",),
}


@dataclass(frozen=True, slots=True)
class Sight:
    """One place that shows something of a preference's effective value.

    `proves` is True for main-view health alone: the rest can support a verdict, never accuse.
    `field` is None where the value stands in the preference's own terms.
    """

    source: str
    name: str  # as reported in `observed_in`
    value: Any  # None: shown as unavailable
    managed: bool | None
    proves: bool
    at: datetime | None
    field: HealthField | None = None


def sights(preference: Preference, snapshot: Snapshot) -> Sequence[Sight]:
    """All that was seen of `preference`, the strongest first."""
    return [
        *_in_health(preference, snapshot),
        *_in_lists(preference, snapshot),
        *_in_log(preference, snapshot),
    ]


def agrees(sight: Sight, policy: Any, platform: Platform, version: str | None) -> bool | None:
    """Whether a sight fits what policy wants; None when it cannot tell.

    A word outside the known vocabulary, or another type, tells nothing: shapes change.
    """
    if sight.value is None:
        return None
    if isinstance(policy, list):
        return _contains(sight.value, policy) or None
    if sight.field is None:
        return same(sight.value, policy)
    expected = sight.field.expects(policy, platform, version)
    if expected is None:
        return None
    if any(same(sight.value, value) for value in expected):
        return True
    known = sight.field.vocabulary(platform, version)
    if known is None:
        return False if alike(sight.value, policy) else None
    return False if any(same(sight.value, word) for word in known) else None


def effective(
    preference: Preference, seen: Sequence[Sight], platform: Platform, version: str | None
) -> Any:
    """The effective value in the preference's own terms, where the sights allow just one."""
    shown = [sight for sight in seen if sight.value is not None]
    strong = [sight for sight in shown if sight.proves] or shown
    candidates = [
        value
        for value in preference.allowed(platform)
        if (opinions := [agrees(sight, value, platform, version) for sight in strong])
        and None not in opinions
        and all(opinions)
    ]
    if len(candidates) == 1:
        return candidates[0]
    direct = [s for s in strong if s.field is None or s.field.rule == "same"]
    return direct[0].value if direct and not isinstance(direct[0].value, frozenset) else None


def same(one: Any, other: Any) -> bool:
    """Equal in meaning: letter case, "enabled" for true, and digits for a number do not matter."""
    one, other = _canonical(one), _canonical(other)
    return type(one) is type(other) and bool(one == other)


def alike(one: Any, other: Any) -> bool:
    """Of one type, so that a difference means something."""
    return type(_canonical(one)) is type(_canonical(other))


def texts(value: Any) -> Iterator[str]:
    """Every text in a value, at any depth, mapping keys apart."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from texts(inner)
    elif isinstance(value, list | tuple | frozenset | set):
        for inner in value:
            yield from texts(inner)


def _canonical(value: Any) -> Any:
    if isinstance(value, str):
        word = value.strip().lower()
        return int(word) if word.isdecimal() and len(word) < 19 else SWITCH.get(word, word)
    return value


def _contains(shown: Any, wanted: Sequence[Any]) -> bool:
    """True when everything wanted is among the texts that are shown."""
    known = {text.rstrip("/") for text in texts(shown)}
    return all(any(t.rstrip("/") in known for t in _principal(item)) for item in wanted)


def _principal(item: Any) -> Sequence[str]:
    """The text that identifies a list entry, whatever its kind."""
    if isinstance(item, Mapping):
        values = [item.get(name) for name in ("path", "extension", "name", "value", "signingId")]
        return [value for value in values if isinstance(value, str)]
    return [item] if isinstance(item, str) else []


def _in_health(preference: Preference, snapshot: Snapshot) -> Iterator[Sight]:
    platform = snapshot.host.platform
    for field in preference.shown(platform):
        source = "health" if field.view == "main" else f"health-details-{field.view}"
        reading = snapshot[source]
        health = reading.value
        if not isinstance(health, Health) or (found := health.get(field.field)) is None:
            continue
        if field.rule != "tell" or isinstance(found.value, list):
            yield Sight(
                source,
                f"{source}.{field.field}",
                found.value,
                found.managed,
                field.view == "main" and field.weight == "prove",
                reading.taken_at,
                field,
            )


def _in_lists(preference: Preference, snapshot: Snapshot) -> Iterator[Sight]:
    for source, keys in LISTS.items():
        reading = snapshot[source]
        if reading.present and set(keys) & set(preference.keys(snapshot.host.platform)):
            yield Sight(source, source, reading.value, None, False, reading.taken_at)


def _in_log(preference: Preference, snapshot: Snapshot) -> Iterator[Sight]:
    merged = snapshot.value("merged_configuration")
    if merged is None:
        return
    for key in preference.keys(snapshot.host.platform):
        here = merged.values
        for part in key.split("."):
            here = here.get(part) if isinstance(here, Mapping) else None
        if here is not None:
            name = "merged_configuration"
            yield Sight(name, name, here, None, False, merged.logged_at)
