"""Is a value what the baseline wants, or stronger?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mdeinspect import baseline
from mdeinspect.catalogue import Catalogue, Preference
from mdeinspect.channels import Policy, delivering
from mdeinspect.config.model import BaselineConfig
from mdeinspect.difference import canonical
from mdeinspect.evidence import same
from mdeinspect.model import Authority, Channel, Platform, SettingState


@dataclass(frozen=True, slots=True)
class Wanted:
    """One setting of the baseline, and the row of the host that it is about, if there is one."""

    key: str
    preference: Preference
    value: Any
    row: SettingState | None

    @property
    def policy(self) -> bool | None:
        """Whether policy is as wanted; None where policy does not set it."""
        if self.row is None or self.row.policy is None:
            return None
        return meets(self.preference, self.row.policy, self.value)

    @property
    def effective(self) -> bool | None:
        """Whether the agent does as wanted; None where nothing shows what it does.

        Lists are shown in shapes of their own: they can confirm, and accuse nobody.
        """
        if self.row is None or self.row.effective is None:
            return None
        met = meets(self.preference, self.row.effective, self.value)
        return met or None if isinstance(self.value, list) else met


def wanted(
    config: BaselineConfig,
    catalogue: Catalogue,
    platform: Platform,
    rows: Mapping[str, SettingState],
) -> Iterator[Wanted]:
    """The settings of the baseline on `platform`; none where no baseline applies."""
    if not config.settings:
        return
    found = baseline.parse(config.settings, catalogue, config.file or "baseline.settings")
    for key, value in sorted(found.on(platform).items()):
        preference = catalogue.find(key, platform)
        if preference is not None:
            yield Wanted(key, preference, value, rows.get(key))


def meets(preference: Preference, found: Any, value: Any) -> bool:
    """Whether `found` is the wanted `value`, or one that the catalogue knows to be stronger.

    Order means nothing in lists. Where the entries of a list have a key and a value that the
    catalogue orders, each wanted entry counts alone.
    """
    if isinstance(value, list):
        if not isinstance(found, list | tuple):
            return False
        if preference.strength and all(isinstance(entry, Mapping) for entry in value):
            return all(_entry_met(preference, found, entry) for entry in value)
        return canonical(list(found)) == canonical(value)
    return same(found, value) or bool(preference.holds_up(found, value))


def not_to_be_told(
    authority: Authority, channels: Mapping[Channel, Policy], platform: Platform
) -> str | None:
    """Why nobody can say what policy wants; None where that can be told."""
    if authority.channel == "unknown":
        return "cannot tell what policy says: it is not known who governs"
    carrier = channels.get(delivering(authority, channels, platform))
    if carrier is not None and not carrier.readable:
        return "cannot tell what policy says: the governing policy cannot be read"
    return None


def _entry_met(preference: Preference, found: Any, entry: Any) -> bool:
    """Whether a list has this entry, or a stronger one; one that is missing has its default."""
    mine = preference.item.get("value", {}).get("default")
    for other in found:
        if isinstance(other, Mapping) and other.get("key") == entry.get("key"):
            mine = other.get("value")
    theirs = entry.get("value")
    return same(mine, theirs) or bool(preference.holds_up(mine, theirs))
