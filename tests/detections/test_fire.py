"""Every Sigma rule, as SQL, fires on the host it is for and stays silent on the others."""

from __future__ import annotations

from pathlib import Path

import dialects
import pytest
import siem
from stories import STORIES, Story
from watched import Watched, as_lines, attached, managed

from mdeinspect.model import Platform

pytestmark = pytest.mark.slow
CASES = [
    pytest.param(one, platform, id=f"{one.rule}-{platform}")
    for one in STORIES
    for platform in one.platforms
]


def test_every_rule_has_a_story() -> None:
    """No detection without a host that makes it fire, and one close by that must not."""
    assert sorted(one.rule for one in STORIES) == sorted(siem.rules())


@pytest.mark.parametrize(("story", "platform"), CASES)
def test_fires_on_the_bad_host(story: Story, platform: Platform, tmp_path: Path) -> None:
    """Silent while all is well; then it fires, once, with all that belongs to it and no more.

    So does each other backend, as far as its query can be judged on events in its format.
    """
    with Watched(tmp_path, story.start, platform) as watched:
        watched.quiet(1)
        assert siem.fired(as_lines(watched.deliver())) == {}
        story.bad(watched)
        found = watched.deliver()
    expected = dict.fromkeys(story.expected(platform), 1)
    assert siem.fired(as_lines(found)) == expected
    for dialect in dialects.here():
        assert dialect.fired(found) == expected, dialect.format


@pytest.mark.parametrize("name", ["native", "ecs", "flat"])
def test_every_backend_is_judged(name: str) -> None:
    """The format that a backend takes is there, so that the test above judges its queries."""
    assert name in [one.format for one in dialects.here()]


@pytest.mark.parametrize(("story", "platform"), CASES)
def test_silent_close_by(story: Story, platform: Platform, tmp_path: Path) -> None:
    """What looks like it, and is not, does not make it fire."""
    with Watched(tmp_path, story.start, platform) as watched:
        watched.quiet(1)
        story.near(watched)
        fired = siem.fired(as_lines(watched.deliver()))
    assert story.rule not in fired


@pytest.mark.parametrize("start", [managed, attached])
@pytest.mark.parametrize("platform", ["linux", "darwin"])
def test_half_a_day_on_a_good_host(start: object, platform: Platform, tmp_path: Path) -> None:
    """Not one detection in half a day of health and heartbeats."""
    with Watched(tmp_path, start, platform) as watched:  # type: ignore[arg-type]
        watched.quiet(12)
        lines = as_lines(watched.deliver())
    assert len(lines) > 12
    assert siem.fired(lines) == {}
