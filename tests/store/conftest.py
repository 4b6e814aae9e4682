"""An open store, and folders that others can reach."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from mdeinspect.store.writer import Store


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A state folder that is not there yet."""
    return tmp_path / "state"


@pytest.fixture
def store(folder: Path) -> Iterator[Store]:
    """An open, new store."""
    with Store.open(folder) as opened:
        yield opened


@pytest.fixture
def public() -> Iterator[Path]:
    """A folder that everyone may enter, unlike those of pytest."""
    path = Path(tempfile.mkdtemp(prefix="mdeinspect-test-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)
