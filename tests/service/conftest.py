"""Services that never outlive their test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from service_support import Daemon, simulated

from contract_check import check
from mdeinspect.simulator.host import SimulatedHost


@pytest.fixture
def governed(tmp_path: Path) -> SimulatedHost:
    """A host on the real clock, governed by a managed file."""
    return simulated(tmp_path / "host")


@pytest.fixture
def daemon_of(tmp_path: Path) -> Iterator[Callable[..., Daemon]]:
    """Makes services, each in a folder of its own; all are ended with the test."""
    made: list[Daemon] = []

    def make(host: SimulatedHost | None, **given: Any) -> Daemon:
        folder = tmp_path / f"service{len(made)}"
        made.append(Daemon(folder, host.folder if host else None, **given))
        return made[-1]

    yield make
    for one in made:
        one.kill()
        one.mailbox.close()
    for one in made:  # whatever a test made it say is within the published contract
        for told in one.told():
            check(told)


@pytest.fixture
def daemon(daemon_of: Callable[..., Daemon], governed: SimulatedHost) -> Daemon:
    """A service over the governed host, not started yet."""
    return daemon_of(governed)
