"""What the agent works with: its policy files laid over each other by the documented rules.

Linux: MDE Attach's file is the configuration; of the managed file only offline update settings,
entries of global exclusion and the proxy are still merged. macOS: MDE Attach excludes the managed
preferences wholly. Below what governs come the local settings, then defaults. All else is assumed
and says so. Pure.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from mdeinspect.catalogue import NO_DEFAULT, Catalogue, Preference
from mdeinspect.model import Platform

Source = Literal["mde_attach", "mdm", "managed_file", "local", "default"]


class Broken(enum.Enum):
    """The type of BROKEN: a file that is there and cannot be parsed. Assumed: it sets nothing."""

    BROKEN = "broken"


BROKEN: Final = Broken.BROKEN
PolicyFile = Mapping[str, Any] | Broken | None  # parsed, broken, or not there


@dataclass(frozen=True, slots=True)
class PolicyFiles:
    """The policy files of one host. `managed` is the JSON file, or the preferences of a profile."""

    attach: PolicyFile = None
    managed: PolicyFile = None
    local: PolicyFile = None


@dataclass(frozen=True, slots=True)
class Setting:
    """The value that is in force, and the strongest source that it comes from."""

    value: Any
    source: Source


@dataclass(frozen=True, slots=True)
class Layer:
    """What one source contributes, strongest first in a list of them."""

    source: Source
    content: Mapping[str, Any]


Configuration = Mapping[str, Setting]

_ADMINISTRATOR: Final[Mapping[Platform, Source]] = {"linux": "managed_file", "darwin": "mdm"}
_TYPES: Final[Mapping[str, type | tuple[type, ...]]] = {
    "string": str,
    "boolean": bool,
    "integer": int,
    "object": dict,
    "array<object>": list,
    "array<string>": list,
}
# Lists that merge with the local ones, and the merge policies asked in turn.
_MERGING: Final[Mapping[str, tuple[str, ...]]] = {
    "antivirusEngine.exclusions": (
        "exclusionSettings.mergePolicy",
        "antivirusEngine.exclusionsMergePolicy",
    ),
    "exclusionSettings.exclusions": ("exclusionSettings.mergePolicy",),
    "antivirusEngine.threatTypeSettings": ("antivirusEngine.threatTypeSettingsMergePolicy",),
}
_LEVEL: Final = "antivirusEngine.enforcementLevel"
_REAL_TIME: Final = "antivirusEngine.enableRealTimeProtection"
_PASSIVE: Final = "antivirusEngine.passiveMode"
_CONSENT: Final = "cloudService.automaticSampleSubmissionConsent"
_SUBMISSION: Final = "cloudService.automaticSampleSubmission"
_ABSENT: Final = object()


def merged(
    platform: Platform, version: str, files: PolicyFiles, catalogue: Catalogue
) -> Configuration:
    """Every preference that has a value, by its primary key; defaults are those of `version`.

    A value that the agent does not know is passed over for the next weaker one (assumed).
    """
    stack = layers(platform, files)
    found: dict[str, Setting] = {}
    for preference in catalogue.preferences:
        setting = _setting(preference, stack, platform, version, governor(platform, files))
        key = preference.key(platform)
        if key is not None and setting is not None:
            found[key] = setting
    _translate_legacy(found, stack)
    return found


def governor(platform: Platform, files: PolicyFiles) -> Source:
    """The strongest source that is there; `default` when nothing is."""
    if files.attach is not None:
        return "mde_attach"
    if files.managed is not None:
        return _ADMINISTRATOR[platform]
    return "local" if files.local is not None else "default"


def layers(platform: Platform, files: PolicyFiles) -> Sequence[Layer]:
    """What counts, the strongest first."""
    managed = _content(files.managed)
    stack = []
    if files.attach is not None:
        stack.append(Layer("mde_attach", _content(files.attach)))
        managed = _still_merged(managed) if platform == "linux" else {}
    stack.append(Layer(_ADMINISTRATOR[platform], managed))
    stack.append(Layer("local", _content(files.local)))
    return stack


def _content(file: PolicyFile) -> Mapping[str, Any]:
    return file if isinstance(file, Mapping) else {}


def _still_merged(managed: Mapping[str, Any]) -> Mapping[str, Any]:
    """What an attached Linux host still takes from its managed file."""
    kept: dict[str, dict[str, Any]] = {}
    for section, content in managed.items():
        for name, value in content.items() if isinstance(content, Mapping) else ():
            if name.startswith("offlineDefinition") or (section, name) == ("cloudService", "proxy"):
                kept.setdefault(section, {})[name] = value
    exclusions = _dig(managed, "exclusionSettings.exclusions")
    if everywhere := [*_global_entries(exclusions)]:
        kept["exclusionSettings"] = {"exclusions": everywhere}
    return kept


def _global_entries(value: Any) -> Iterable[Any]:
    """Entries of global scope; one without `scopes` is global in a policy file."""
    for item in value if isinstance(value, list) else ():
        if isinstance(item, Mapping) and "global" in (item.get("scopes") or ["global"]):
            yield item


# --- one preference -----------------------------------------------------------------------------


def _setting(
    preference: Preference,
    stack: Sequence[Layer],
    platform: Platform,
    version: str,
    governing: Source,
) -> Setting | None:
    said = [
        Setting(value, layer.source)
        for layer in stack
        if (value := _said(preference, layer, platform, version)) is not _ABSENT
    ]
    if said:
        key = preference.key(platform) or ""
        return _joined(said, stack, key) if key in _MERGING else said[0]
    channel = "managed_file" if governing == "default" else governing
    default = preference.default(platform, version, channel)
    return None if default is NO_DEFAULT else Setting(default, "default")


def _said(preference: Preference, layer: Layer, platform: Platform, version: str) -> Any:
    """The first value among its spellings that an agent of `version` understands."""
    for key in preference.keys(platform):
        value = _dig(layer.content, key)
        if value is _ABSENT or preference.surely_unsupported(platform, version, value):
            continue
        if _understood(preference, platform, value):
            return value
    return _ABSENT


def _understood(preference: Preference, platform: Platform, value: Any) -> bool:
    kind = _TYPES.get(preference.type)
    if kind is None:
        return True
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        return False
    allowed = preference.allowed(platform)
    return not allowed or isinstance(value, list) or value in allowed


def _joined(said: Sequence[Setting], stack: Sequence[Layer], key: str) -> Setting:
    """A list with what weaker sources add, unless the administrator wants his entries alone."""
    alone = any(_merge_policy(stack, policy) == "admin_only" for policy in _MERGING[key])
    items: list[Any] = []
    for setting in said:
        if not (alone and setting.source == "local"):
            items.extend(item for item in setting.value if not _has(items, item))
    return Setting(items, said[0].source)


def _merge_policy(stack: Sequence[Layer], key: str) -> Any:
    told = (_dig(layer.content, key) for layer in stack if layer.source != "local")
    return next((value for value in told if value is not _ABSENT), None)


def _has(items: Sequence[Any], item: Any) -> bool:
    """Whether a list has an entry, or one about the same type of threat."""
    about = item.get("key") if isinstance(item, Mapping) else None
    same = any(about is not None and other.get("key") == about for other in items)
    return same or item in items


def _dig(content: Mapping[str, Any], key: str) -> Any:
    here: Any = content
    for part in key.split("."):
        here = here.get(part, _ABSENT) if isinstance(here, Mapping) else _ABSENT
    return here


# --- old spellings ------------------------------------------------------------------------------


def _translate_legacy(found: dict[str, Setting], stack: Sequence[Layer]) -> None:
    """Give old keys their say where the same source does not use the new one (assumed)."""
    for layer in stack:
        if _dig(layer.content, _LEVEL) is not _ABSENT:
            break
        level = _legacy_level(layer.content)
        if level is not None:
            found[_LEVEL] = Setting(level, layer.source)
            break
    submission = found.get(_SUBMISSION)
    if submission and submission.source != "default" and found[_CONSENT].source == "default":
        value = "safe" if submission.value else "none"
        found[_CONSENT] = Setting(value, submission.source)


def _legacy_level(content: Mapping[str, Any]) -> str | None:
    if _dig(content, _PASSIVE) is True:
        return "passive"
    if _dig(content, _REAL_TIME) is False:
        return "on_demand"
    spoken = _dig(content, _REAL_TIME) is True or _dig(content, _PASSIVE) is False
    return "real_time" if spoken else None
