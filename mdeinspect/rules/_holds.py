"""How long the findings of each rule must last before an event tells of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from mdeinspect.model import Platform


@dataclass(frozen=True, slots=True)
class Hold:
    """How long a finding must last before an event tells of it; `status` shows it at once.

    `readings` is how many readings of health must show it.
    """

    time: timedelta = timedelta()
    readings: int = 1
    darwin: timedelta | None = None  # where it differs from Linux

    def on(self, platform: Platform) -> timedelta:
        """The time on `platform`."""
        return self.darwin if platform == "darwin" and self.darwin is not None else self.time


NO_HOLD = Hold()
# An agent that is being restarted or replaced is silent for a while.
_AGENT = Hold(timedelta(minutes=10), readings=2)
_DEPLOYING = Hold(timedelta(seconds=60))
# Here, and not beside each rule, so that all that wait stand together.
HOLDS: Mapping[str, Hold] = {
    "agent-missing": _AGENT,
    "agent-unreachable": _AGENT,
    "agent-unhealthy": _AGENT,
    "agent-roles-missing": _AGENT,
    "definitions-not-current": _AGENT,
    "engine-not-loaded": _AGENT,
    "health-field-lost": _AGENT,
    "network-protection-failed": _AGENT,
    "system-extension-not-running": _AGENT,
    "tenant-mismatch": _AGENT,
    # The report is written while the policy is still being applied.
    "portal-setting-failed": Hold(timedelta(minutes=10)),
    # Of the calls in a row that hang, the third.
    "agent-hung": Hold(timedelta(minutes=20), readings=2),
    # Tools replace files in two steps, and macOS takes profiles away for minutes.
    "policy-removed": Hold(timedelta(seconds=60), darwin=timedelta(minutes=10)),
    # Who governs may be in question while they do.
    "authority-changed": Hold(timedelta(minutes=10)),
    # And give them their owner and mode, or their last name, in a further one.
    "policy-file-writable": _DEPLOYING,
    "policy-folder-writable": _DEPLOYING,
    "policy-file-linked": _DEPLOYING,
}
