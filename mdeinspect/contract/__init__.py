"""The public contract as models: one for each type of event, the shape of its data included.

Only the command `schema` and the tests import this room: pydantic is not for the daemon, nor for
`status`. The models are strict: a key that is not named here is a fault.
"""

from __future__ import annotations

from collections.abc import Mapping

from mdeinspect.contract.changes import (
    AgentChanged,
    AuthorityChanged,
    CheckinChanged,
    PolicyChanged,
    SettingChanged,
    SourceChanged,
)
from mdeinspect.contract.daemon import DaemonStarted, DaemonStopped, EventsDropped, Heartbeat
from mdeinspect.contract.envelope import Envelope
from mdeinspect.contract.findings import FindingChanged, FindingCleared, FindingRaised
from mdeinspect.events import EventType

EVENTS: Mapping[EventType, type[Envelope]] = {
    "finding.raised": FindingRaised,
    "finding.changed": FindingChanged,
    "finding.cleared": FindingCleared,
    "policy.changed": PolicyChanged,
    "setting.changed": SettingChanged,
    "authority.changed": AuthorityChanged,
    "checkin.changed": CheckinChanged,
    "agent.changed": AgentChanged,
    "source.changed": SourceChanged,
    "heartbeat": Heartbeat,
    "daemon.started": DaemonStarted,
    "daemon.stopped": DaemonStopped,
    "events.dropped": EventsDropped,
}
