"""The nouns of memory: what was last known of findings, policies, settings and the agent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from mdeinspect.model import AgentState, Channel, CheckinState, ReadingState, Severity, Verdict


@dataclass(frozen=True, slots=True)
class Flapping:
    """A finding that comes and goes too often to be told each time."""

    since: datetime
    count: int  # transitions since then
    last: datetime  # the newest of them
    told: str  # the state that was told last: `cleared`, or severity and facts


@dataclass(frozen=True, slots=True)
class PastFinding:
    """A finding that is raised, or that may be once its hold is over, or that was a while ago."""

    code: str
    subject: str
    candidate_since: datetime | None = None  # seen without a break since; None: not seen
    raised_at: datetime | None = None  # None: only a candidate, or cleared
    severity: Severity = Severity.INFO
    facts_digest: str = ""
    title: str = ""
    initial: bool = False  # nobody knows since when it is so
    suppressed: bool = False  # raised, and hidden by a cause that is raised itself
    readings: int = 0  # of health, that showed it
    reading_at: datetime | None = None  # the newest of them
    transitions: tuple[datetime, ...] = ()
    flapping: Flapping | None = None

    @property
    def key(self) -> tuple[str, str]:
        """What identifies a finding."""
        return self.code, self.subject

    @property
    def idle(self) -> bool:
        """True when there is nothing left to remember."""
        return not (self.candidate_since or self.raised_at or self.transitions or self.flapping)


@dataclass(frozen=True, slots=True)
class PastPolicy:
    """What a policy file said when it could last be read."""

    source: str
    channel: Channel
    path: str | None
    digest: str  # of the bytes
    content: str  # of the values, however they are written
    changed_at: datetime  # when the values were first seen so, or seen to be gone
    values: Mapping[str, Any] = field(default_factory=dict)  # by flat path
    governed: bool = False  # it carried the governing policy
    removed_at: datetime | None = None
    written_at: datetime | None = None  # when the file was last written, by its own times
    rewrites: tuple[datetime, ...] = ()  # when it was written again, lately

    @property
    def key(self) -> str:
        """What identifies it."""
        return self.source


@dataclass(frozen=True, slots=True)
class PastFlag:
    """The [managed] flag of a setting, under one policy and one authority."""

    under: str  # digest of both
    missed: int = 0  # readings of health that did not show it since it was last seen
    missed_at: datetime | None = None  # the newest of them


@dataclass(frozen=True, slots=True)
class Move:
    """An effective value that became another one.

    `own`: neither policy, nor who governs, nor the agent's version had changed for a while.
    """

    at: datetime
    before: Any
    after: Any
    own: bool = False


@dataclass(frozen=True, slots=True)
class PastSetting:
    """A setting as it was last known, or told."""

    key: str
    verdict: Verdict
    policy: Any = None
    effective: Any = None
    channel: str | None = None
    flag: PastFlag | None = None  # None: never seen with it
    moves: tuple[Move, ...] = ()  # of the effective value, lately


@dataclass(frozen=True, slots=True)
class PastSource:
    """Whether a needed source could be read."""

    name: str
    state: ReadingState
    path: str | None = None

    @property
    def key(self) -> str:
        """What identifies it."""
        return self.name


@dataclass(frozen=True, slots=True)
class PastAuthority:
    """Who governed when that was last known, since when, and who before; None: always, so far."""

    channel: Channel
    managed_by: str | None = None
    shadowed: tuple[Channel, ...] = ()
    since: datetime | None = None
    before: Channel | None = None


@dataclass(frozen=True, slots=True)
class PastCheckin:
    """The last known state of the check-in, and since when it is that."""

    state: CheckinState
    since: datetime
    last_success: datetime | None = None
    last_attempt: datetime | None = None


@dataclass(frozen=True, slots=True)
class PastDaemon:
    """The process that last had a role of the agent, and when that role was begun anew."""

    role: str
    pid: int
    started: datetime
    restarts: tuple[datetime, ...] = ()  # of late, without those that a boot or an upgrade explains


@dataclass(frozen=True, slots=True)
class PastHangs:
    """Calls of `mdatp health` in a row that did not end in time."""

    since: datetime
    count: int
    last: datetime


@dataclass(frozen=True, slots=True)
class PastTenant:
    """The tenant that this host belongs to, as far as it is known, and another one it went to."""

    home: str  # an id, or its digest where ids are redacted
    other: str | None = None
    other_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class PastAgent:
    """What was last known of the agent; None where nothing ever was."""

    state: AgentState | None = None
    version: str | None = None
    licensed: bool | None = None
    program: str | None = None
    changed_at: datetime | None = None  # when another version or program was first seen
    onboarded: bool = False  # it was seen to be licensed once
    newest: str | None = None  # the newest version that was ever seen
    older_since: datetime | None = None  # when an older one took its place
    daemons: tuple[PastDaemon, ...] = ()
    hangs: PastHangs | None = None
    tenant: PastTenant | None = None
    form: str | None = None  # of the health that `fields` are of
    fields: tuple[str, ...] = ()  # of health, that were ever shown in that form
