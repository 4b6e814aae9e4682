"""Shared fixtures: a recorded host to fill, and the samples where they are at hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from support import HostFolder

SAMPLES = Path(__file__).resolve().parents[2] / "shared" / "samples"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="rewrite the golden outputs")


@pytest.fixture
def host(tmp_path: Path) -> HostFolder:
    """An empty recorded Linux host."""
    return HostFolder(tmp_path / "host")


@pytest.fixture
def mac(tmp_path: Path) -> HostFolder:
    """An empty recorded Mac."""
    return HostFolder(tmp_path / "mac", platform="darwin")


@pytest.fixture(scope="session")
def samples() -> Path:
    """The folder of real samples; skips where it is not at hand."""
    if not SAMPLES.is_dir():
        pytest.skip("the real samples are not at hand beside this checkout")
    return SAMPLES
