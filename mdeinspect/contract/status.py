"""What `status --json` prints, `mdeinspect.status/1`. Times are RFC 3339 UTC; not known is null."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from mdeinspect.contract.base import Absent, Count, SeverityWord, Strict
from mdeinspect.model import AgentState, Channel, CheckinState, ReadingState, Verdict

Moment = Annotated[
    str,
    Field(
        pattern=r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{6})?Z$",
        description="RFC 3339, UTC, microseconds only where there are any",
    ),
]


class Host(Strict):
    """The host that was inspected."""

    name: str | None
    platform: Literal["linux", "darwin"]
    os: str | None


class Agent(Strict):
    """The agent as it describes itself."""

    state: AgentState
    version: str | None
    healthy: bool | None
    licensed: bool | None
    health_issues: list[str] | None


class Authority(Strict):
    """Who governs the settings, and the signs that say so."""

    channel: Channel
    probable: bool
    managed_by: str | None = Field(description="As health shows it: empty when empty")
    shadowed: list[Channel]
    signs: list[str]


class CheckinEvidence(Strict):
    """A moment that tells something of SenseCM, and where it was seen."""

    source: str
    kind: Literal["exact", "proxy"]
    time: Moment | None
    path: str | None


class Checkin(Strict):
    """When SenseCM last checked in."""

    state: CheckinState
    last_success: Moment | None
    last_attempt: Moment | None
    age_seconds: int | None
    awake_age_seconds: int | None
    evidence: list[CheckinEvidence]


class Protection(Strict):
    """What health shows of protection."""

    real_time: bool | None
    passive: bool | None
    definitions_updated: Moment | None
    definitions_age_minutes: int | None
    definitions_status: Any


class Wish(Strict):
    """What another channel says of a setting."""

    channel: Channel
    policy: Any


class Setting(Strict):
    """One preference: what policy wants, what the agent does, and whether they agree."""

    key: str
    policy: Any
    effective: Any
    managed: bool | None
    channel: Channel | Literal["default"] | None
    verdict: Verdict
    because: str | None
    observed_in: list[str]
    also: list[Wish]


class Finding(Strict):
    """One thing that is wrong, known by code and subject."""

    code: str
    severity: SeverityWord
    subject: str
    title: str
    detail: str
    remedy: str
    since: Moment | None
    facts: dict[str, Any]
    accepted: str | None = Field(description="The reason given in the configuration")
    line: Count | Absent | None = None
    column: Count | Absent | None = None


class Unknown(Strict):
    """A rule that could not tell, and why."""

    code: str
    because: str


class Source(Strict):
    """What came of reading one source."""

    state: ReadingState
    kind: str | None
    reason: str | None
    taken_at: Moment
    seconds: float | None
    path: str | None
    links: list[str]
    modified: Moment | None


class Process(Strict):
    """One running program of the agent."""

    role: str
    pid: int
    name: str
    started: Moment | None
    cpu_seconds: float | None
    rss_bytes: int | None


class Status(Strict):
    """One inspection of one host."""

    schema_: Literal["mdeinspect.status/1"] = Field(alias="schema", description="Name and version")
    taken_at: Moment
    host: Host
    agent: Agent
    authority: Authority
    checkin: Checkin
    protection: Protection
    settings: list[Setting]
    findings: list[Finding]
    unknown: list[Unknown]
    sources: dict[str, Source]
    processes: list[Process]
    cannot_tell: list[str] = Field(description="Needed sources that say nothing: exit code 3")
