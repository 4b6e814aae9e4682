"""The nouns: what was read, what it means, what was found. Frozen, and free of I/O and clocks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, Literal, TypeVar

from mdeinspect.severity import Severity as Severity

T = TypeVar("T")

Platform = Literal["linux", "darwin"]
ReadingState = Literal["present", "missing", "broken"]
AgentState = Literal["running", "unreachable", "missing", "unknown"]
Channel = Literal["mde_attach", "mdm", "managed_file", "local", "none", "unknown"]
Verdict = Literal[
    "enforced",
    "unproven",
    "pending",
    "not-enforced",
    "unmanaged",
    "foreign",
    "shadowed",
    "unobservable",
    "unknown",
]
CheckinState = Literal[
    "not-applicable", "clock-skew", "never", "failing", "stale", "late", "fresh", "unknown"
]


# --- what was read ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Folder:
    """Who may change what lies in a folder; None where that is not known."""

    path: str
    uid: int | None = None
    gid: int | None = None
    mode: int | None = None  # permission bits only


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What the file system says of one file, links followed. Paths are the host's own.

    What comes last is only looked up for policy files: where the file really is, every folder
    that leads to it or to a link on the way, and the type of the file system it lies on.
    """

    path: str
    links: tuple[str, ...] = ()  # each link on the way, as met; empty for a plain path
    uid: int | None = None
    gid: int | None = None
    mode: int | None = None  # permission bits only
    size: int = 0
    mtime: datetime | None = None
    changed: datetime | None = None  # newest of mtime and inode change; None where not known
    real: str | None = None
    folders: tuple[Folder, ...] = ()
    filesystem: str | None = None


# Where a path cannot be followed to its end, nobody knows whether anything is there.
UNSEEN = frozenset({"denied", "lost-folder", "io"})


@dataclass(frozen=True, slots=True)
class Reading(Generic[T]):
    """What came of reading one source: present, missing or broken. None of these is "off".

    `kind` and `reason` say why something is broken. `file` is set when a file was found, even one
    that could not be opened. `seconds` is None where nothing was timed (a recorded host).
    """

    source: str
    state: ReadingState
    taken_at: datetime
    value: T | None = None
    kind: str | None = None
    reason: str | None = None
    seconds: float | None = None
    file: FileFacts | None = None

    @property
    def present(self) -> bool:
        """True when there is a value to work with."""
        return self.state == "present"

    @property
    def there(self) -> bool | None:
        """Whether it exists on the host: True, False, or None when that could not be seen."""
        if self.state == "missing":
            return False
        return True if self.present or self.file is not None or self.kind not in UNSEEN else None


@dataclass(frozen=True, slots=True)
class Process:
    """One running program of the agent. Times are UTC; `cpu_seconds` and `rss_bytes` if known."""

    pid: int
    name: str
    exe: str | None = None
    cmdline: tuple[str, ...] = ()
    started: datetime | None = None
    cpu_seconds: float | None = None
    rss_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Nap:
    """A stretch of time of which the host was switched off or asleep for `seconds`."""

    start: datetime
    end: datetime
    seconds: float


@dataclass(frozen=True, slots=True)
class AwakeLog:
    """When the host was awake, as far as it was watched. Before `since` nothing is known."""

    since: datetime
    at: datetime  # when it was last looked at
    boot_time: datetime | None = None
    awake_seconds: float | None = None  # as the host told at `at`
    naps: tuple[Nap, ...] = ()


@dataclass(frozen=True, slots=True)
class HostFacts:
    """The machine that was inspected."""

    name: str | None
    platform: Platform
    os: str | None = None
    boot_time: datetime | None = None
    awake_seconds: float | None = None  # since boot_time, without suspended time
    recorded: bool = False
    whole: bool = False  # recorded in full by `record`: what it does not hold was not there
    program: str | None = None  # where `mdatp` was found; None when it was not
    awake_log: AwakeLog | None = None  # from memory; None without one


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The newest reading of every source, and the machine it comes from."""

    host: HostFacts
    taken_at: datetime
    readings: Mapping[str, Reading[Any]]

    def __getitem__(self, source: str) -> Reading[Any]:
        """The reading of `source`; one that was not tried counts as missing."""
        found = self.readings.get(source)
        return found or Reading(source=source, state="missing", taken_at=self.taken_at)

    def value(self, source: str) -> Any:
        """The value of `source`, or None."""
        return self[source].value


@dataclass(frozen=True, slots=True)
class Command:
    """A read-only `mdatp` call: the name it is recorded under, and its arguments."""

    name: str
    args: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Output:
    """What a command printed. `seconds` is None where nothing ran (a recorded host)."""

    stdout: bytes
    stderr: bytes
    exit: int
    seconds: float | None = None


# --- what it means ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Authority:
    """Which channel governs the settings, and the signs that say so."""

    channel: Channel
    managed_by: str | None  # verbatim; "" when empty, None when not known
    shadowed: tuple[Channel, ...] = ()
    signs: tuple[str, ...] = ()
    probable: bool = False


@dataclass(frozen=True, slots=True)
class Wish:
    """What one channel says about one preference."""

    channel: Channel
    policy: Any


@dataclass(frozen=True, slots=True)
class SettingState:
    """One preference: what policy wants, what the agent does, and whether they agree."""

    key: str
    verdict: Verdict
    policy: Any = None  # None: no governing channel sets it
    effective: Any = None  # in the preference's own terms; None: not known
    managed: bool | None = None
    channel: Channel | Literal["default"] | None = None
    observed_in: tuple[str, ...] = ()
    also: tuple[Wish, ...] = ()
    because: str | None = None  # why the verdict is not a plain yes


@dataclass(frozen=True, slots=True)
class CheckinEvidence:
    """One moment that tells something of SenseCM, and where it was seen."""

    source: str
    kind: Literal["exact", "proxy"]
    time: datetime | None  # None: exactly "never"
    path: str | None


@dataclass(frozen=True, slots=True)
class Checkin:
    """When SenseCM last checked in. Ages are whole seconds since the last success."""

    state: CheckinState
    last_success: datetime | None = None
    last_attempt: datetime | None = None
    age_seconds: int | None = None
    awake_age_seconds: int | None = None
    evidence: tuple[CheckinEvidence, ...] = ()


@dataclass(frozen=True, slots=True)
class Agent:
    """The agent as it describes itself."""

    state: AgentState
    version: str | None = None
    healthy: bool | None = None
    licensed: bool | None = None
    health_issues: tuple[str, ...] | None = None


# --- what was found -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, identified by `code` and `subject`."""

    code: str
    severity: Severity
    subject: str
    title: str
    detail: str
    remedy: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    since: datetime | None = None
    accepted: str | None = None  # the reason given in the configuration
    line: int | None = None
    column: int | None = None


@dataclass(frozen=True, slots=True)
class Unknown:
    """A rule that could not tell, and why."""

    code: str
    because: str


@dataclass(frozen=True, slots=True)
class Report:
    """Everything one inspection has to say. The same snapshot always gives the same report."""

    taken_at: datetime
    host: HostFacts
    agent: Agent
    authority: Authority
    checkin: Checkin
    settings: tuple[SettingState, ...]
    findings: tuple[Finding, ...]
    unknown: tuple[Unknown, ...]
    sources: Mapping[str, Reading[Any]]
    blind: tuple[str, ...] = ()  # needed sources that could not be read
