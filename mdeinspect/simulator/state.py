"""What a simulated host remembers beside its files: `simulator.json` in its folder."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from mdeinspect.model import Platform
from mdeinspect.simulator.agent import ORGANISATION
from mdeinspect.simulator.commands import Daemon

PATIENCE = 60.0  # seconds; twice what callers usually wait
_TIMES = frozenset({"definitions_updated", "product_expiration", "started", "success", "attempt"})


@dataclass(slots=True)
class State:
    """The agent's own state. Times are UTC.

    `success` and `attempt` are the check-ins of SenseCM, None for never; `checks_in` says whether
    it goes on by itself as time passes. `slow_seconds` is how long a slow daemon takes to answer.
    `lives` counts how often the daemon crashed and was begun anew; `hidden` are fields of health
    that this build does not print.
    """

    platform: Platform
    version: str
    started: datetime
    definitions_updated: datetime
    product_expiration: datetime | None
    daemon: Daemon = "up"
    onboarded: bool = True
    attached: bool = False  # SenseCM has something to do
    checks_in: bool = False
    success: datetime | None = None
    attempt: datetime | None = None
    diagnostic_level: str | None = None
    tamper_switch: bool = False
    slow_seconds: float = PATIENCE
    organisation: str = ORGANISATION
    lives: int = 0
    hidden: list[str] = field(default_factory=list)
    overrides: dict[str, Any] = field(default_factory=dict)

    def as_json(self) -> str:
        """The content of `simulator.json`."""
        plain = {
            name: value.isoformat() if isinstance(value, datetime) else value
            for name, value in dataclasses.asdict(self).items()
        }
        return json.dumps(plain, indent=1) + "\n"

    @classmethod
    def of(cls, text: str) -> State:
        """The state that `as_json` wrote; raises ValueError or TypeError for anything else."""
        raw = json.loads(text)
        times = {name: datetime.fromisoformat(raw[name]) for name in _TIMES if raw.get(name)}
        return cls(**{**raw, **times})
