"""policy, setting, authority, checkin, agent and source .changed."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from mdeinspect.contract.base import Absent, Count, Cut, Data, Sha256, Strict, Time
from mdeinspect.contract.envelope import AboutHost
from mdeinspect.model import AgentState, Channel, CheckinState, ReadingState, Verdict


class Entry(Strict):
    """A key of a policy, or one entry of a list (`key#entry`), that came or went."""

    key: str
    value: Any = Field(description="Digests of what the catalogue does not know or privacy hides")


class Edit(Strict):
    """A key that has another value."""

    key: str
    old: Any
    new: Any


class Difference(Strict):
    """What changed, key by key: at most 40 of each sort."""

    added: list[Entry | Cut] | Cut
    changed: list[Edit | Cut] | Cut
    removed: list[Entry | Cut] | Cut
    more: Count | Absent = Field(default=None, description="How many more there are")


class PolicyData(Data):
    """One policy file, before and after."""

    channel: Channel
    file: str | None
    kind: Literal["added", "removed", "values", "form"] = Field(
        description="`form`: only white space, order or spelling changed"
    )
    old_digest: Sha256 | None
    new_digest: Sha256 | None
    difference: Difference | Cut


class PolicyChanged(AboutHost):
    """A policy file came, went, or says something else."""

    type: Literal["policy.changed"]
    data: PolicyData | Cut


class Side(Strict):
    """What policy wants of a setting, what the agent does, and the verdict."""

    policy: Any
    effective: Any
    verdict: Verdict
    channel: Channel | Literal["default"] | None


class SettingRow(Strict):
    """One setting that changed."""

    key: str
    before: Side | Cut | None
    after: Side | Cut


class SettingData(Data):
    """All settings that changed at once: at most 40 are listed."""

    settings: list[SettingRow | Cut] | Cut
    count: Count


class SettingChanged(AboutHost):
    """What the agent does, or whether that is policy, is not as it was last told."""

    type: Literal["setting.changed"]
    data: SettingData | Cut


class Governor(Strict):
    """Who governed."""

    channel: Channel
    managed_by: str | None = Field(description="As health shows it; null when not known")
    shadowed: list[Channel]


class NewGovernor(Governor):
    """Who governs, and the signs that say so."""

    probable: bool
    signs: list[str] | Cut


class AuthorityData(Data):
    """Who governs the settings, before and after."""

    before: Governor | Cut
    after: NewGovernor | Cut


class AuthorityChanged(AboutHost):
    """Another channel governs."""

    type: Literal["authority.changed"]
    data: AuthorityData | Cut


class CheckinData(Data):
    """The state of SenseCM's check-in, before and after."""

    before: CheckinState
    after: CheckinState
    last_success: Time | None
    last_attempt: Time | None


class CheckinChanged(AboutHost):
    """The check-in has another state."""

    type: Literal["checkin.changed"]
    data: CheckinData | Cut


class AgentSide(Strict):
    """What of the agent changed."""

    version: str | Absent = None
    state: AgentState | Absent = None
    licensed: bool | Absent = None


class AgentData(Data):
    """The agent, before and after."""

    changed: list[Literal["version", "state", "licensed"]]
    before: AgentSide | Cut
    after: AgentSide | Cut


class AgentChanged(AboutHost):
    """Version, state or licence of the agent changed."""

    type: Literal["agent.changed"]
    data: AgentData | Cut


class SourceData(Data):
    """A needed source that can no longer be read, or again."""

    source: str
    file: str | None
    before: ReadingState
    after: ReadingState
    kind: str | None = Field(description="Why it cannot be read, in a word")
    reason: str | None = Field(description='Why, as a sentence that starts with "cannot"')


class ConfigData(Data):
    """The configuration, which was read again."""

    source: Literal["config"]
    state: Literal["present", "broken"] = Field(description="`broken`: the old one is kept")
    digest: str = Field(description="Of the configuration that applies")
    reason: str | Absent = None


class WatchData(Data):
    """The watching of the file system: by its events, or by looking again and again."""

    source: Literal["watch"]
    file: None
    before: Literal["events", "polling"]
    after: Literal["events", "polling"]
    kind: None
    reason: str | None = Field(description="Why events cannot be had")


class SourceChanged(AboutHost):
    """A source can no longer be read, or again; configuration or watching are not as they were."""

    type: Literal["source.changed"]
    because: (
        Literal["config-reloaded", "config-invalid", "watch-events", "watch-polling"] | Absent
    ) = Field(default=None, description="Of the configuration and of watching only")
    data: SourceData | ConfigData | WatchData | Cut
