"""A story of a host in two pictures: how it was well, and what happened to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from mdeinspect.model import Platform
from mdeinspect.simulator.host import DAY, HOUR, SimulatedHost

Play = Callable[[SimulatedHost], None]
Codes = frozenset[str]
BOTH: Final[tuple[Platform, ...]] = ("linux", "darwin")


@dataclass(frozen=True, slots=True)
class Scenario:
    """A story in two pictures. `begin` and `finish` play it and record the host.

    `raises` are the codes of severity medium or above that the second picture shows, by platform;
    a platform that is not named raises none.
    """

    name: str
    title: str
    story_before: str
    story_after: str
    before: Play
    after: Play
    raises: Mapping[Platform, Codes] = field(default_factory=dict)
    platforms: tuple[Platform, ...] = BOTH
    rest: timedelta = HOUR  # how long the second picture is looked at after it happened

    def expected(self, platform: Platform) -> Codes:
        """The codes to be found after, on `platform`."""
        return self.raises.get(platform, frozenset())

    def begin(self, host: SimulatedHost) -> None:
        """Play the first picture; a day later the host is recorded."""
        self.before(host)
        host.restart()
        host.pass_time(DAY)
        host.record()

    def finish(self, host: SimulatedHost) -> None:
        """Play the second picture; after its rest the host is recorded."""
        host.pass_time(HOUR)
        self.after(host)
        host.pass_time(self.rest)
        host.record()
