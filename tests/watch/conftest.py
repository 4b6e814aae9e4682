"""The fixture of the tests that watch."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from watch_place import Place


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """An empty host; its watchers are stopped in the end."""
    if not sys.platform.startswith("linux"):
        pytest.skip("these promises are about inotify")
    place = Place(tmp_path.resolve() / "host")
    place.folder.mkdir()
    yield place
    for watcher in place.watchers:
        watcher.stop()
