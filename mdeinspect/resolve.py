"""Verdicts: the policy channels laid over each other, and over what the agent really does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from mdeinspect.catalogue import NO_DEFAULT, Catalogue, Preference
from mdeinspect.channels import Policy, Stated, delivering
from mdeinspect.evidence import Sight, agrees, effective, same, sights
from mdeinspect.model import (
    Authority,
    Channel,
    Platform,
    Reading,
    SettingState,
    Snapshot,
    Verdict,
    Wish,
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
# Changes of these wait for a restart of the daemon on Linux.
RESTART = frozenset({"cloudService.diagnosticLevel"})
# The fields whose [managed] flag is documented, by the channel that sets it.
FLAGGED: Mapping[tuple[Platform, Channel], frozenset[str]] = {
    ("linux", "managed_file"): frozenset(
        {
            "cloud_enabled",
            "cloud_automatic_sample_submission_consent",
            "passive_mode_enabled",
            "real_time_protection_enabled",
            "automatic_definition_update_enabled",
        }
    ),
    ("darwin", "mdm"): frozenset(
        {
            "cloud_enabled",
            "cloud_automatic_sample_submission_consent",
            "cloud_diagnostic_enabled",
            "passive_mode_enabled",
            "behavior_monitoring",
            "real_time_protection_enabled",
            "tamper_protection",
            "automatic_definition_update_enabled",
            "edr_early_preview_enabled",
            "edr_device_tags",
            "edr_group_ids",
            "network_protection_enforcement_level",
        }
    ),
}
LEVEL = "antivirusEngine.enforcementLevel"
LEGACY = ("antivirusEngine.enableRealTimeProtection", "antivirusEngine.passiveMode")
FAMILY = (LEVEL, *LEGACY)
BEHAVIOUR = frozenset({"antivirusEngine.behaviorMonitoring", "features.behaviorMonitoring"})
AHEAD = timedelta(minutes=5)
# Why a verdict is `unknown` although policy is clear: what health shows is not.
DISAGREE = "health shows it in two fields that disagree"
NOT_SAID = "health does not say it in words that are known"


@dataclass(frozen=True, slots=True)
class Scene:
    """All that verdicts depend on."""

    snapshot: Snapshot
    authority: Authority
    channels: Mapping[Channel, Policy]
    catalogue: Catalogue
    version: str | None
    grace: timedelta
    now: datetime

    @property
    def platform(self) -> Platform:
        """The platform of the host."""
        return self.snapshot.host.platform

    @property
    def health(self) -> Reading[Any]:
        """The main view of health."""
        return self.snapshot["health"]

    def governing(self) -> Policy | None:
        """The files that carry the governing policy; None when nothing governs."""
        channel = delivering(self.authority, self.channels, self.platform)
        return None if channel in ("local", "none") else self.channels.get(channel)

    def others(self) -> Sequence[Policy]:
        """The policy channels that do not govern, the local settings last."""
        governing = self.governing()
        rest = [policy for policy in self.channels.values() if policy is not governing]
        return sorted(rest, key=lambda policy: policy.channel == "local")


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
        managed=_managed(seen),
        observed_in=tuple(sight.name for sight in seen if sight.value is not None),
        also=tuple(Wish(channel, other.value) for channel, other in others),
    )
    silent = preference.deprecated or row.effective is None
    if stated is None and not others and silent and not _flagged(scene, preference, seen, row):
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
    verdict, because = _verdict(scene, preference, seen, stated, channel)
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
        newer = scene.health.present and _after(other.changed, scene.health.taken_at, scene.now)
        if _proves(scene, seen, other.value) and row.managed and not newer:
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
    if shadowed:
        governor = scene.authority.channel
        return replace(row, verdict="shadowed", because=f"{governor} governs and does not set it")
    governing = scene.governing()
    if governing is not None and not governing.readable:
        return replace(row, verdict="unknown", because="the governing policy cannot be read")
    if _flagged(scene, preference, seen, row):
        return replace(row, verdict="foreign", because="[managed], and no policy file sets it")
    if row.managed and not _all_readable(scene):
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


# --- verdicts on what policy wants --------------------------------------------------------------


def _verdict(
    scene: Scene,
    preference: Preference,
    seen: Sequence[Sight],
    stated: Stated,
    channel: Channel,
) -> tuple[Verdict, str | None]:
    if stated.conflict:
        return "unknown", "two spellings of it are set to different values"
    changed = stated.changed
    main = any(sight.proves for sight in seen)
    if main and _after(changed, scene.health.taken_at, scene.now):
        return "pending", "health was read before the policy changed"
    answers = _answers(scene, seen, stated.value)
    if answers and all(answers):
        missing = _missing_flags(scene, seen, channel)
        if missing:
            return "unproven", f"{', '.join(missing)} should carry [managed] and does not"
        return "enforced", None
    if answers and all(answer is False for answer in answers):
        return _contradicted(scene, preference, stated, changed)
    if None in answers and len(answers) > 1:
        return "unknown", NOT_SAID
    if False in answers:
        return "unknown", DISAGREE
    if _proves(scene, seen, stated.value, weak=True, since=changed):
        return "enforced", None
    return _not_shown(scene, preference, seen)


def _contradicted(
    scene: Scene, preference: Preference, stated: Stated, changed: datetime | None
) -> tuple[Verdict, str | None]:
    """Health says otherwise: not in force, unless there is a reason to wait or to doubt."""
    key = preference.key(scene.platform) or stated.key
    governing = scene.governing()
    if governing is not None and not governing.readable:
        return "unknown", "the governing policy cannot be read as a whole"
    rival = _rival(key, stated)
    if rival:
        return "unknown", f"{rival} is set as well, and which of them wins is not documented"
    if changed is None or changed - scene.now > AHEAD:
        return "unknown", "it is not known when the policy changed"
    if scene.now - changed < scene.grace:
        return "pending", "the policy changed a moment ago"
    if scene.platform == "linux" and key in RESTART and not _restarted_since(scene, changed):
        return "pending", "it takes effect when the daemon is restarted"
    return "not-enforced", None


def _not_shown(
    scene: Scene, preference: Preference, seen: Sequence[Sight]
) -> tuple[Verdict, str | None]:
    shown = [field for field in preference.shown(scene.platform) if field.rule != "tell"]
    if any(sight.proves or sight.value is None for sight in seen):
        return "unknown", NOT_SAID
    if seen:
        return "unknown", "only weaker evidence shows it, and does not support it"
    if any(field.view == "main" for field in shown) and not scene.health.present:
        return "unknown", "health could not be read"
    return "unobservable", None


def _answers(scene: Scene, seen: Sequence[Sight], policy: Any) -> list[bool | None]:
    """What each proving field that was shown says: it fits, it contradicts, or it cannot be judged.

    `unavailable` is of the last kind.
    """
    return [
        agrees(sight, policy, scene.platform, scene.version)
        for sight in seen
        if sight.proves and _expected(scene, sight, policy)
    ]


def _expected(scene: Scene, sight: Sight, policy: Any) -> bool:
    field = sight.field
    return bool(field and field.expects(policy, scene.platform, scene.version) is not None)


def _proves(
    scene: Scene,
    seen: Sequence[Sight],
    policy: Any,
    *,
    weak: bool = False,
    since: datetime | None = None,
) -> bool:
    """True when what is shown supports `policy`: strong sights only, or with `weak` the others.

    Weak evidence from before `since` is not counted.
    """
    opinions = [
        agrees(sight, policy, scene.platform, scene.version)
        for sight in seen
        if sight.proves != weak and not (weak and _too_old(sight, since))
    ]
    told = [opinion for opinion in opinions if opinion is not None]
    return bool(told) and all(told)


def _too_old(sight: Sight, since: datetime | None) -> bool:
    return sight.at is None or since is None or sight.at < since


def _after(changed: datetime | None, read: datetime, now: datetime) -> bool:
    """Whether the policy changed after health was read. A time far ahead is no time."""
    return changed is not None and read < changed <= now + AHEAD


def _missing_flags(scene: Scene, seen: Sequence[Sight], channel: Channel) -> list[str]:
    expected = FLAGGED.get((scene.platform, channel), frozenset())
    fields = [s for s in seen if s.proves and s.value is not None and s.field]
    return [
        s.field.field for s in fields if s.field and s.field.field in expected and not s.managed
    ]


def _rival(key: str, stated: Stated) -> str | None:
    """An old or new spelling of the protection level in the same file that means otherwise."""
    if key not in FAMILY:
        return None
    policy = Policy("unknown", (stated.reading,))
    mine = _implied(key, stated.value)
    for other in FAMILY:
        rival = policy.state((other,)) if other != key else None
        theirs = _implied(other, rival.value) if rival else {}
        if any(theirs[field] != mine[field] for field in theirs.keys() & mine.keys()):
            return other
    return None


def _implied(key: str, value: Any) -> Mapping[str, bool]:
    """What a value of the protection level or its old spellings asks of on-access protection."""
    if key == LEGACY[0]:
        return {"real_time": value is True}
    if key == LEGACY[1]:
        return {"passive": True, "real_time": False} if value is True else {"passive": False}
    return {"real_time": value == "real_time", "passive": value == "passive"}


def _restarted_since(scene: Scene, changed: datetime) -> bool:
    """Whether the daemon is known to have started after `changed`."""
    boot = scene.snapshot.host.boot_time
    if boot is not None and boot > changed:
        return True
    running = scene.snapshot.value("processes") or ()
    starts = [one.process.started for one in running if one.role == "main" and one.process.started]
    return any(start > changed for start in starts)


# --- flags --------------------------------------------------------------------------------------


def _managed(seen: Sequence[Sight]) -> bool | None:
    """The [managed] flag of what health shows; None when it shows nothing."""
    flags = [s.managed for s in seen if s.managed is not None and s.value is not None]
    return any(flags) if flags else None


def _flagged(
    scene: Scene, preference: Preference, seen: Sequence[Sight], row: SettingState
) -> bool:
    """True when something is [managed] that no visible policy accounts for."""
    if not row.managed or scene.authority.channel in ("mde_attach", "unknown"):
        return False
    if preference.deprecated or not _all_readable(scene):
        return False
    fields = {s.field.field for s in seen if s.managed and s.proves and s.field}
    if not fields:
        return False
    shown_by = scene.catalogue.fields(scene.platform)
    return not any(
        _set_by_any(scene, other) for name in fields for other, _ in shown_by.get(name, ())
    )


def _set_by_any(scene: Scene, preference: Preference) -> bool:
    keys = preference.keys(scene.platform)
    return any(p.state(keys) for p in scene.channels.values() if p.channel != "local")


def _all_readable(scene: Scene) -> bool:
    return all(p.readable for p in scene.channels.values() if p.channel != "local")


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
