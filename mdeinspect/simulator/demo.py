"""A scenario as a sequence of pictures, for the command `demo`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from mdeinspect.errors import UsageError
from mdeinspect.model import Platform
from mdeinspect.simulator.host import START, SimulatedHost
from mdeinspect.simulator.scenarios import SCENARIOS, names


def steps(
    scenario: str, platform: Platform, folder: str | Path, start: datetime = START
) -> Iterator[tuple[str, Path]]:
    """A headline and the folder of the recorded host, first before and then after the event.

    Both times it is the same folder: look at it before asking for the next step. Time passes in
    between, so that no grace is left. Raises `UsageError` for a scenario that `platform` has not.
    """
    if scenario not in names(platform):
        known = ", ".join(names(platform))
        raise UsageError(f"cannot play {scenario} on {platform}: choose one of {known}")
    story = SCENARIOS[scenario]
    host = SimulatedHost(folder, platform, now=start)
    story.begin(host)
    yield f"Before: {story.story_before}", host.folder
    story.finish(host)
    yield f"After: {story.story_after}", host.folder
