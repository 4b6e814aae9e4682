"""Verdicts: the policy channels laid over each other, and over what the agent really does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from mdeinspect.catalogue import NO_DEFAULT, Preference
from mdeinspect.channels import Stated
from mdeinspect.evidence import Sight, effective, same, sights
from mdeinspect.model import (
    Channel,
    SettingState,
    Verdict,
    Wish,
)
from mdeinspect.verdicts import (
    LEVEL,
    Scene,
    all_readable,
    is_after,
    is_foreign,
    is_managed,
    judge,
    proves,
)

# Where MDE Attach governs a Linux host, these are still merged from the managed file.
MERGED_ANYWAY = frozenset(
    {
        "antivirusEngine.offlineDefinitionUpdate",
        "antivirusEngine.offlineDefinitionUpdateUrl",
        "antivirusEngine.offlineDefinitionUpdateFallbackToCloud",
        "features.offlineDefinitionUpdateVerifySig",
        "cloudService.proxy",
    }
)
# Likewise, but only its entries of global scope.
GLOBAL_EXCLUSIONS = "exclusionSettings.exclusions"
BEHAVIOUR = frozenset({"antivirusEngine.behaviorMonitoring", "features.behaviorMonitoring"})


def settings(scene: Scene) -> tuple[SettingState, ...]:
    """One row for each preference that a channel sets or that the agent shows, by key."""
    found = {}
    for preference in scene.catalogue.preferences:
        row = _row(scene, preference)
        if row is not None:
            found[row.key] = row
    _excuse(found)
    return tuple(found[key] for key in sorted(found))


# --- one row ------------------------------------------------------------------------------------


def _row(scene: Scene, preference: Preference) -> SettingState | None:
    key = preference.key(scene.platform)
    if key is None:
        return None
    keys = preference.keys(scene.platform)
    governing = scene.governing()
    stated = governing.state(keys) if governing else None
    others = [(policy.channel, other) for policy in scene.others() if (other := policy.state(keys))]
    seen = sights(preference, scene.snapshot)
    row = SettingState(
        key=key,
        verdict="unknown",
        effective=effective(preference, seen, scene.platform, scene.version),
        managed=is_managed(seen),
        observed_in=tuple(sight.name for sight in seen if sight.value is not None),
        also=tuple(Wish(channel, other.value) for channel, other in others),
    )
    silent = preference.deprecated or row.effective is None
    if stated is None and not others and silent and not is_foreign(scene, preference, seen, row):
        return None
    channel = scene.authority.channel
    if channel == "unknown":
        return _undecided(scene, preference, row, others)
    stated, channel = _merged_anyway(scene, key, stated, others, channel)
    if stated is not None:
        return _judged(scene, preference, seen, row, stated, channel)
    return _without_policy(scene, preference, seen, row, others)


def _judged(
    scene: Scene,
    preference: Preference,
    seen: Sequence[Sight],
    row: SettingState,
    stated: Stated,
    channel: Channel,
) -> SettingState:
    verdict, because = judge(scene, preference, seen, stated, channel)
    also = tuple(
        wish for wish in row.also if wish.channel != channel or wish.policy != stated.value
    )
    return replace(
        row,
        policy=stated.value,
        channel=channel,
        also=also,
        verdict=verdict,
        because=because,
    )


def _merged_anyway(
    scene: Scene,
    key: str,
    stated: Stated | None,
    others: Sequence[tuple[Channel, Stated]],
    channel: Channel,
) -> tuple[Stated | None, Channel]:
    """The documented exceptions: what a shadowed managed file still contributes on Linux."""
    managed = next((other for name, other in others if name == "managed_file"), None)
    if scene.platform != "linux" or "managed_file" not in scene.authority.shadowed or not managed:
        return stated, channel
    if stated is None and key in MERGED_ANYWAY:
        return managed, "managed_file"
    if key == GLOBAL_EXCLUSIONS and isinstance(managed.value, list):
        everywhere = [item for item in managed.value if is_global(item)]
        if everywhere and stated is None:
            return replace(managed, value=everywhere), "managed_file"
        if everywhere and stated and isinstance(stated.value, list):
            merged = [*stated.value, *(item for item in everywhere if item not in stated.value)]
            return replace(stated, value=merged), channel
    return stated, channel


def _may_be_merged(scene: Scene, key: str) -> bool:
    """Whether a managed file that cannot be read may contribute `key` all the same."""
    managed = scene.channels.get("managed_file")
    exception = key in MERGED_ANYWAY or key == GLOBAL_EXCLUSIONS
    attached = scene.authority.channel == "mde_attach" and scene.platform == "linux"
    return exception and attached and managed is not None and not managed.readable


def is_global(item: Any) -> bool:
    """True for an entry of `exclusionSettings.exclusions` that applies everywhere.

    In a managed file an entry without `scopes` is global.
    """
    if not isinstance(item, Mapping):
        return False
    scopes = item.get("scopes")
    return not scopes or (isinstance(scopes, list) and "global" in scopes)


def _undecided(
    scene: Scene,
    preference: Preference,
    row: SettingState,
    others: Sequence[tuple[Channel, Stated]],
) -> SettingState:
    """Nobody knows who governs: only what no channel sets can be told."""
    wished = any(wish.channel != "local" for wish in row.also)
    if wished or not all(policy.readable for policy in scene.channels.values()) or row.managed:
        return replace(row, verdict="unknown", because="it is not known which channel governs")
    return _unmanaged(scene, preference, row, others)


def _without_policy(
    scene: Scene,
    preference: Preference,
    seen: Sequence[Sight],
    row: SettingState,
    others: Sequence[tuple[Channel, Stated]],
) -> SettingState:
    shadowed = [(name, other) for name, other in others if name in scene.authority.shadowed]
    for channel, other in shadowed:
        newer = scene.health.present and is_after(other.changed, scene.health.taken_at, scene.now)
        if proves(scene, seen, other.value) and row.managed and not newer:
            because = f"{channel} is overridden, but health shows this value with [managed]"
            verdict: Verdict = "enforced"
            return replace(
                row,
                verdict=verdict,
                policy=other.value,
                channel=channel,
                also=tuple(wish for wish in row.also if wish.channel != channel),
                because=because,
            )
    governing = scene.governing()
    if governing is not None and not governing.readable:
        return replace(row, verdict="unknown", because="the governing policy cannot be read")
    if shadowed:
        governor = scene.authority.channel
        return replace(row, verdict="shadowed", because=f"{governor} governs and does not set it")
    if is_foreign(scene, preference, seen, row):
        return replace(row, verdict="foreign", because="[managed], and no policy file sets it")
    if row.managed and not all_readable(scene):
        return replace(row, verdict="unknown", because="not every policy file can be read")
    if _may_be_merged(scene, row.key):
        because = "the managed file, which may still set it, cannot be read"
        return replace(row, verdict="unknown", because=because)
    return _unmanaged(scene, preference, row, others)


def _unmanaged(
    scene: Scene,
    preference: Preference,
    row: SettingState,
    others: Sequence[tuple[Channel, Stated]],
) -> SettingState:
    channel = _origin(scene, preference, row, others)
    verdict: Verdict = "unmanaged" if row.effective is not None else "unobservable"
    return replace(row, verdict=verdict, channel=channel)


def _origin(
    scene: Scene,
    preference: Preference,
    row: SettingState,
    others: Sequence[tuple[Channel, Stated]],
) -> Any:
    """Where an unmanaged value comes from: `local`, `default`, or None."""
    local = next((other.value for name, other in others if name == "local"), None)
    if local is not None and (row.effective is None or same(row.effective, local)):
        return "local"
    default = preference.default(scene.platform, scene.version)
    matches = default is not NO_DEFAULT and same(row.effective, default)
    return "default" if local is None and matches else None


# --- afterthoughts ------------------------------------------------------------------------------


def _excuse(rows: dict[str, SettingState]) -> None:
    """Behaviour monitoring only works in real time: elsewhere its being off accuses nobody."""
    level = rows.get(LEVEL)
    if level is None or level.effective in (None, "real_time"):
        return
    for key in BEHAVIOUR & rows.keys():
        if rows[key].verdict == "not-enforced":
            because = "behaviour monitoring only works while protection is in real time"
            rows[key] = replace(rows[key], verdict="unknown", because=because)
