"""finding.raised, .changed and .cleared."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from mdeinspect.contract.base import Absent, Count, Cut, Data, SeverityWord, Strict, Time
from mdeinspect.contract.envelope import AboutHost


class Flapping(Strict):
    """A finding that comes and goes: told at the 4th, 8th and 16th transition only."""

    count: Count = Field(description="Transitions since then")
    since: Time
    over: Literal[True] | Absent = Field(
        default=None, description="Six hours of quiet have ended it"
    )


class Previous(Strict):
    """What the finding was before."""

    severity: SeverityWord
    title: str


class FindingData(Data):
    """What is known of a finding. Its text is rendered from the facts."""

    title: str
    since: Time | None = Field(description="Since when it is so, by evidence or first sight")
    flapping: Flapping | Cut | Absent = None


class FindingText(FindingData):
    """A finding that is there. It cannot be described while its source says nothing."""

    detail: str | Absent = Field(default=None, description="What was seen")
    remedy: str | Absent = Field(default=None, description="What to do")
    facts: dict[str, Any] | Cut | Absent = Field(
        default=None, description="What it rests on, as the rule's reference names it"
    )


class Raised(FindingText):
    """What the finding is; `initial` at the first look."""

    initial: Literal[True] | Absent = Field(
        default=None, description="At the first look: nobody knows since when it is so"
    )


class Changed(FindingText):
    """What the finding is now; `flapping` when it comes and goes too often to be told each time."""

    previous: Previous | Cut | Absent = None
    state: Literal["raised", "cleared"] | Absent = Field(
        default=None, description="With `flapping`: what the finding is at the moment"
    )


class Finding(AboutHost):
    """An event about a finding, known by `code` and `subject`."""

    code: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", description="The rule's code")


class FindingRaised(Finding):
    """A finding came, after its hold."""

    type: Literal["finding.raised"]
    data: Raised | Cut


class FindingChanged(Finding):
    """A finding has another severity or other facts."""

    type: Literal["finding.changed"]
    data: Changed | Cut


class FindingCleared(Finding):
    """A finding went. What cannot be seen any more does not clear it."""

    type: Literal["finding.cleared"]
    because: Literal["resolved", "rule-off", "accepted", "subject-gone"]
    data: FindingData | Cut
