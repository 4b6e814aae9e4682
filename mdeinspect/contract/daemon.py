"""What the daemon tells of itself; never held back by `min_severity`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from mdeinspect.contract.base import Absent, Count, Cut, Data, Strict, Time
from mdeinspect.contract.envelope import Envelope
from mdeinspect.model import AgentState, Channel, CheckinState, ReadingState


class Watch(Strict):
    """How policy files are watched."""

    mode: str = Field(description="`events` or `polling`")
    why: str | None = Field(description="Why not by events")


class Tally(Strict):
    """Findings that are raised, by severity."""

    critical: Count
    high: Count
    medium: Count
    low: Count
    info: Count


class HeartbeatAgent(Strict):
    """The agent, in short."""

    state: AgentState
    version: str | None


class HeartbeatCheckin(Strict):
    """The check-in, in short."""

    state: CheckinState
    last_success: Time | None
    last_attempt: Time | None


class SinkStatus(Strict):
    """One sink: `retrying` while it fails; `seq` is the number last handed to it."""

    state: Literal["ok", "retrying"]
    seq: int | None


class HeartbeatData(Data):
    """How things stand."""

    findings: Tally
    suppressed: Count = Field(description="Raised, and hidden by a cause that is raised itself")
    sources: dict[str, str] | Cut = Field(description="By name: `present`, `broken: <kind>`, ...")
    authority: Channel
    agent: HeartbeatAgent | Cut
    checkin: HeartbeatCheckin
    sinks: dict[str, SinkStatus] | Cut
    watch: Watch | Cut
    asking_seconds: Count = Field(description="For how long the agent has been asked; else 0")
    rss_bytes: Count = Field(description="Own memory")
    cpu_seconds: float = Field(ge=0, description="Own processor time since the start")
    children_cpu_seconds: float = Field(ge=0, description="That of the programs it ran")
    store_bytes: Count | Absent = None


class Heartbeat(Envelope):
    """Alive, every `heartbeat.every`. One that is missing is an alarm."""

    type: Literal["heartbeat"]
    data: HeartbeatData | Cut


class StartedData(Data):
    """What started, and how it watches; or that another store was begun while it ran."""

    version: str
    config_digest: str | Absent = None
    sources: dict[str, ReadingState] | Cut | Absent = None
    watch: Watch | Cut | Absent = None
    platform: Literal["linux", "darwin"] | Absent = None
    recorded: Literal[True] | Absent = Field(default=None, description="Not a live host")
    set_aside: str | Absent = Field(default=None, description="Where a broken store went")
    stream_before: str | Absent = Field(default=None, description="The stream until now")
    lost_memory: list[str] | Cut | Absent = Field(
        default=None, description="What could not be remembered"
    )


class DaemonStarted(Envelope):
    """The service started, or begun another store (because `store-set-aside`)."""

    type: Literal["daemon.started"]
    because: Literal["store-set-aside"] | Absent = None
    data: StartedData | Cut


class StoppedData(Data):
    """What stopped."""

    version: str


class DaemonStopped(Envelope):
    """The service ended on purpose; `because` is the signal."""

    type: Literal["daemon.stopped"]
    data: StoppedData | Cut


class DroppedData(Data):
    """What a sink will never get: it was down for longer than the store keeps."""

    sink: str
    from_seq: int
    to_seq: int
    count: Count


class EventsDropped(Envelope):
    """Events were dropped before a sink got them; one event for each outage."""

    type: Literal["events.dropped"]
    because: Literal["retention"]
    data: DroppedData | Cut
