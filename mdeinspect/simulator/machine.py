"""A simulated host as it lies in its folder: the agent that its files make, and its answers."""

from __future__ import annotations

import json
import plistlib
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Final
from xml.parsers.expat import ExpatError

from mdeinspect.model import Platform
from mdeinspect.simulator import commands
from mdeinspect.simulator.agent import SimulatedAgent
from mdeinspect.simulator.commands import Answer
from mdeinspect.simulator.folder import Folder
from mdeinspect.simulator.merging import BROKEN, PolicyFile, PolicyFiles
from mdeinspect.simulator.places import PLACES
from mdeinspect.simulator.state import State

STATE: Final = "simulator.json"


class Machine:
    """The host that was built in `folder`.

    Raises OSError, ValueError or TypeError when none was.
    """

    def __init__(self, folder: str | Path) -> None:
        self._state = State.of((Path(folder) / STATE).read_text("utf-8"))
        self._folder = Folder(Path(folder))
        self._places = PLACES[self._state.platform]

    @property
    def folder(self) -> Path:
        """Where it lies: what `--root` takes."""
        return self._folder.root

    @property
    def platform(self) -> Platform:
        """linux or darwin."""
        return self._state.platform

    @property
    def now(self) -> datetime:
        """The host's clock, UTC."""
        return self._folder.now()

    def agent(self) -> SimulatedAgent:
        """The agent under the policy files as they lie there now."""
        state, places = self._state, self._places
        return SimulatedAgent(
            platform=state.platform,
            version=state.version,
            files=PolicyFiles(
                attach=self._policy(places.attach),
                managed=self._policy(places.managed),
                local=self._policy(places.local),
            ),
            onboarded=state.onboarded,
            definitions_updated=state.definitions_updated,
            product_expiration=state.product_expiration,
            diagnostic_level=state.diagnostic_level,
            tamper_switch=state.tamper_switch,
            organisation=state.organisation,
            hidden=tuple(state.hidden),
            overrides=state.overrides,
        )

    def ask(self, args: Sequence[str]) -> Answer:
        """What `mdatp ARGS...` says at this moment."""
        return commands.answer(self.agent(), args, self.now, self._state.daemon)

    def patience(self) -> float:
        """How many seconds an answer takes: 0 unless the daemon is slow."""
        return self._state.slow_seconds if self._state.daemon == "slow" else 0.0

    def _policy(self, path: str) -> PolicyFile:
        data = self._folder.read(path)
        if data is None:
            return None
        try:
            value = plistlib.loads(data) if path.endswith(".plist") else json.loads(data)
        except (ValueError, ExpatError, plistlib.InvalidFileException):
            return BROKEN
        return value if isinstance(value, dict) else BROKEN
