"""Does the evidence show what policy wants? One verdict for each setting that a policy sets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from mdeinspect.catalogue import Catalogue, Preference
from mdeinspect.channels import Policy, Stated, delivering
from mdeinspect.evidence import Sight, agrees
from mdeinspect.model import Authority, Channel, Platform, Reading, SettingState, Snapshot, Verdict

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
AHEAD = timedelta(minutes=5)
# Why a verdict is `pending` and no time will change that.
WAITS = "it takes effect when the daemon is restarted"
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


def judge(
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
    if main and is_after(changed, scene.health.taken_at, scene.now):
        return "pending", "health was read before the policy changed"
    answers = _answers(scene, seen, stated.value)
    if answers and all(answers):
        missing = _missing_flags(scene, seen, channel)
        if missing:
            return "unproven", f"{', '.join(missing)} should carry [managed] and does not"
        return "enforced", None
    outright = _told_outright(scene, seen, stated)
    if outright or (answers and all(answer is False for answer in answers)):
        return _contradicted(scene, preference, stated, changed)
    if None in answers and len(answers) > 1:
        return "unknown", NOT_SAID
    if False in answers:
        return "unknown", DISAGREE
    if proves(scene, seen, stated.value, weak=True, since=changed):
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
        return "pending", WAITS
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


def _told_outright(scene: Scene, seen: Sequence[Sight], stated: Stated) -> bool:
    """Whether a field names another value of the preference, and all others fit that value too.

    They are no second opinion then: network protection is `started` for block and for audit.
    """

    def fits(sight: Sight, value: Any) -> bool | None:
        return agrees(sight, value, scene.platform, scene.version)

    asked = [sight for sight in seen if sight.proves and _expected(scene, sight, stated.value)]
    named = [sight for sight in asked if sight.field and sight.field.rule == "same"]
    return any(
        fits(one, stated.value) is False and all(fits(other, one.value) for other in asked)
        for one in named
    )


def _expected(scene: Scene, sight: Sight, policy: Any) -> bool:
    field = sight.field
    return bool(field and field.expects(policy, scene.platform, scene.version) is not None)


def proves(
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


def is_after(changed: datetime | None, read: datetime, now: datetime) -> bool:
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


def is_managed(seen: Sequence[Sight]) -> bool | None:
    """The [managed] flag of what health shows; None when it shows nothing."""
    flags = [s.managed for s in seen if s.managed is not None and s.value is not None]
    return any(flags) if flags else None


def is_foreign(
    scene: Scene, preference: Preference, seen: Sequence[Sight], row: SettingState
) -> bool:
    """True when something is [managed] that no visible policy accounts for."""
    if not row.managed or scene.authority.channel in ("mde_attach", "unknown"):
        return False
    if preference.deprecated or not all_readable(scene):
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


def all_readable(scene: Scene) -> bool:
    """True when no policy file of the platform hides what it says."""
    return all(p.readable for p in scene.channels.values() if p.channel != "local")
