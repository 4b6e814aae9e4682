"""Who governs: the policy channels of a host, and the one that wins, always with its signs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mdeinspect.documents import Document
from mdeinspect.model import Authority, Channel, Platform, Reading, Snapshot
from mdeinspect.sources import policy_sources

MISSING = object()
# The channel of the administrator's own file, by platform.
ADMINISTRATOR: Mapping[Platform, Channel] = {"linux": "managed_file", "darwin": "mdm"}
# On macOS these words of `managed_by` mean an MDM profile; others name no channel.
MDM_WORDS = frozenset({"MEM", "MDM"})
MDE_WORD = "MDE"


@dataclass(frozen=True, slots=True)
class Stated:
    """What a channel says about one preference, and since when."""

    value: Any
    reading: Reading[Document]
    key: str  # the spelling that was used
    conflict: bool = False  # two spellings, two values

    @property
    def changed(self) -> datetime | None:
        """When the file last changed; None when that is not known."""
        return self.reading.file.changed if self.reading.file else None


@dataclass(frozen=True, slots=True)
class Policy:
    """One channel and its files, the strongest first."""

    channel: Channel
    readings: tuple[Reading[Document], ...]

    @property
    def there(self) -> bool | None:
        """Whether any of its files exists; None when that could not be seen."""
        seen = [reading.there for reading in self.readings]
        return True if True in seen else None if None in seen else False

    @property
    def readable(self) -> bool:
        """True when no file of this channel hides what it says."""
        return all(reading.state != "broken" for reading in self.readings)

    def documents(self) -> Sequence[Reading[Document]]:
        """The files that could be read."""
        return [reading for reading in self.readings if reading.present]

    def state(self, keys: Sequence[str]) -> Stated | None:
        """What it says about a preference with these spellings, the primary one first."""
        found = [
            Stated(value, reading, key)
            for reading in self.documents()
            for key in keys
            if (value := dig(reading.value, key)) is not MISSING
        ]
        if not found:
            return None
        first = found[0]
        same_file = [other for other in found if other.reading is first.reading]
        conflict = any(other.value != first.value for other in same_file)
        return Stated(first.value, first.reading, first.key, conflict)


def dig(document: Document | None, key: str) -> Any:
    """The value at a dotted path, or MISSING."""
    here = document.value if document else MISSING
    for part in key.split("."):
        here = here.get(part, MISSING) if isinstance(here, Mapping) else MISSING
    return here


def policies(snapshot: Snapshot) -> Mapping[Channel, Policy]:
    """Every channel of the platform, those without a file included."""
    found: dict[Channel, list[Reading[Document]]] = {}
    for source in policy_sources():
        if snapshot.host.platform in source.places and source.channel:
            of_source = [
                reading
                for name, reading in sorted(snapshot.readings.items())
                if name.partition(":")[0] == source.name
            ]
            found.setdefault(source.channel, []).extend(of_source)
    return {channel: Policy(channel, tuple(readings)) for channel, readings in found.items()}


def authority(
    platform: Platform, managed_by: str | None, channels: Mapping[Channel, Policy]
) -> Authority:
    """The governing channel. `managed_by` is verbatim, None when health does not show it."""
    word = managed_by.strip().upper() if managed_by is not None else None
    administrator = ADMINISTRATOR[platform]
    attach = channels["mde_attach"].there
    signs = _signs(managed_by, channels)
    if word == MDE_WORD:
        shadowed = _shadowed(channels, administrator) if attach else ()
        return Authority("mde_attach", managed_by, shadowed, signs)
    if word:
        named = administrator if platform == "linux" or word in MDM_WORDS else None
        if attach is not False:  # left over, or not to be seen: the agent's word decides
            known = named is not None and channels[named].there is True
            return Authority(named if known and named else "unknown", managed_by, (), signs)
    elif attach:
        rival = platform == "darwin" and channels[administrator].there is not False
        if rival:
            return Authority("unknown", managed_by, (), signs)
        shadowed = _shadowed(channels, administrator)
        return Authority("mde_attach", managed_by, shadowed, signs, probable=True)
    elif attach is None:
        return Authority("unknown", managed_by, (), signs)
    return Authority(_without_attach(channels, administrator), managed_by, (), signs)


def delivering(
    authority: Authority, channels: Mapping[Channel, Policy], platform: Platform
) -> Channel:
    """The channel whose files carry the governing policy.

    Older agents deliver MDE Attach policy through the administrator's file.
    """
    if authority.channel == "mde_attach" and channels["mde_attach"].there is False:
        return ADMINISTRATOR[platform]
    return authority.channel


def attached(authority: Authority, channels: Mapping[Channel, Policy]) -> bool:
    """True when there is any sign of MDE Attach."""
    return authority.channel == "mde_attach" or channels["mde_attach"].there is True


def _without_attach(channels: Mapping[Channel, Policy], administrator: Channel) -> Channel:
    for channel in (administrator, "local"):
        there = channels[channel].there
        if there is None:
            return "unknown"
        if there:
            return channel
    return "none"


def _shadowed(channels: Mapping[Channel, Policy], administrator: Channel) -> tuple[Channel, ...]:
    return (administrator,) if channels[administrator].there else ()


def _signs(managed_by: str | None, channels: Mapping[Channel, Policy]) -> tuple[str, ...]:
    word = "not shown" if managed_by is None else managed_by or "empty"
    files = [
        reading.file.path if reading.file else reading.source
        for policy in channels.values()
        for reading in policy.readings
        if reading.there
    ]
    unseen = [
        f"{reading.source}: not to be seen"
        for policy in channels.values()
        for reading in policy.readings
        if reading.there is None
    ]
    return (f"managed_by {word}", *sorted(files), *unseen)
