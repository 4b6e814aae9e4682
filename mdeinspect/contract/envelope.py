"""The envelope: what every event has around its data."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from mdeinspect.contract.base import Absent, Cut, SeverityWord, Strict, Time


class Host(Strict):
    """The host that the event is about."""

    name: str | None
    id: str | None = Field(description="UUID that stays with the host, and tells nothing else")
    platform: Literal["linux", "darwin"]


class Evidence(Strict):
    """What an event rests on: a source, and where and when it was seen."""

    source: str
    path: str | Absent = None
    time: Time | Absent = Field(
        default=None, description="Of a file when it changed, of all else when it was read"
    )


class Envelope(Strict):
    """One event. `type` says what `data` holds."""

    time: Time
    id: str = Field(description="`<stream>-<seq>`: the same wherever the event is told again")
    seq: int = Field(ge=1, description="Counts all events of one stream, without a gap")
    prev: int | None = Field(
        default=None,
        description="In delivered lines only: the `seq` last handed to this sink, null before any",
    )
    stream: str = Field(description="UUID of this numbering; a new store has a new one")
    schema_: Literal["mdeinspect.event/1"] = Field(alias="schema", description="Name and version")
    severity: SeverityWord
    host: Host
    because: str | Absent = Field(default=None, description="Why, in a word")
    evidence: list[Evidence | Cut] | Cut
    truncated: Literal[True] | Absent = Field(
        default=None, description="There only when something was cut to keep the line below 8 KB"
    )


class AboutHost(Envelope):
    """An event about the host, or a part of it."""

    subject: str = Field(
        description="`host`, `agent`, `channel:<name>`, `file:<path>` or `key:<dotted path>`"
    )
