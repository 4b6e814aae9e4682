"""A real service that writes every format at once: what each file tells is what happened."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from service_support import MANAGED, QUICK, Daemon

from inverse import INVERSE
from mdeinspect.simulator.host import SimulatedHost
from mdeinspect.simulator.policies import hardened, lax
from oracles import ecs_faults, ocsf_fault

pytestmark = pytest.mark.slow
SINK = (
    '[sinks.{name}]\ntype = "file"\npath = "{path}"\nformat = "{name}"\nmin_severity = "{least}"\n'
)


def test_four_files_tell_the_same(
    governed: SimulatedHost, daemon_of: Callable[..., Daemon], tmp_path: Path
) -> None:
    """Each line of each file gives back one event of the store; `prev` is the line before it."""
    paths = {name: tmp_path / "log" / f"{name}.ndjson" for name in INVERSE}
    sinks = "".join(SINK.format(name=name, path=path, least="info") for name, path in paths.items())
    alerts = tmp_path / "log" / "alerts.ndjson"
    sinks += SINK.format(name="ecs", path=alerts, least="medium").replace("sinks.ecs", "sinks.few")
    daemon = daemon_of(governed, config=QUICK + '[heartbeat]\nevery = "1s"\n' + sinks)
    daemon.start().assessed()
    governed.managed(lax("linux"))
    daemon.until_told("finding.raised", code="allowed-threats")
    (governed.folder / MANAGED.lstrip("/")).write_text('{"edr": ')
    daemon.until_told("source.changed")
    governed.managed(hardened("linux"))
    daemon.until_told("finding.cleared", code="allowed-threats")
    daemon.until_told("heartbeat")
    assert daemon.stop() == 0
    stored = daemon.told()
    for name, path in paths.items():
        back = [INVERSE[name](line) for line in path.read_text().splitlines()]
        assert [found for found, _ in back] == stored
        assert [prev for _, prev in back] == [None, *(one["seq"] for one in stored[:-1])]
    assert [ecs_faults(one) for one in _objects(paths["ecs"]) if ecs_faults(one)] == []
    assert [ocsf_fault(one) for one in _objects(paths["ocsf"]) if ocsf_fault(one)] == []
    _few(alerts, stored)


def _objects(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def _few(path: Path, stored: list[dict[str, Any]]) -> None:
    """Behind a filter `prev` still names the line before, whatever the format."""
    least = ("medium", "high", "critical")
    always = ("heartbeat", "daemon.started", "daemon.stopped", "events.dropped")
    wanted = [one for one in stored if one["severity"] in least or one["type"] in always]
    assert len(wanted) < len(stored)
    back = [INVERSE["ecs"](line) for line in path.read_text().splitlines()]
    assert [found for found, _ in back] == wanted
    assert [prev for _, prev in back] == [None, *(one["seq"] for one in wanted[:-1])]
