"""The commands that people and monitoring tools run, from start to end."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks import hosts
from benchmarks.figure import Figure, figure
from benchmarks.measure import in_process, whole_runs
from mdeinspect.documents.health import parse_health
from mdeinspect.store.last import write_report

BARE = "python3 -c pass"
LAST = ("status", "--last")


def measure(top: Path) -> Sequence[Figure]:
    """Every timing, on recorded hosts that are built below `top`."""
    usual = _on(hosts.usual(top / "usual"))
    many = _on(hosts.many_exclusions(top / "many"))
    huge = _on(hosts.huge_file(top / "huge"))
    runs = whole_runs(
        {
            "bare": ["-c", "pass"],
            "json": [*usual, "status", "--json"],
            "text": [*usual, "status"],
            "check": [*usual, "check"],
            "help": ["-m", "mdeinspect", "--help"],
            "last": ["-m", "mdeinspect", "--state", str(_reported(top / "state", usual)), *LAST],
            "many": [*many, "status", "--json"],
            "huge": [*huge, "status", "--json"],
        }
    )
    bare = runs.median("bare")
    health = hosts.health(60)
    values = {
        "bare-interpreter": (bare, BARE),
        "status-json": (runs.median("json"), "status --json on a recorded host; aim: under 200 ms"),
        "status-text": (runs.median("text"), "the screen of status; aim: under 300 ms"),
        "check": (runs.median("check"), "one line and an exit code; aim: under 150 ms"),
        "status-last": (runs.median("last"), "the last report on the screen; aim: under 80 ms"),
        "help": (runs.median("help"), "the list of commands; aim: under 100 ms"),
        "parse-health-60": (
            in_process(lambda: parse_health(health)),
            "JSON health of 60 fields, within a process; aim: under 1 ms",
        ),
        "policy-5000-exclusions": (
            runs.beyond("many", "json"),
            "what 5,000 exclusions add to status-json; aim: under 200 ms",
        ),
        "refuse-50mb": (
            runs.beyond("huge", "json"),
            "what a managed file of 50 MB adds to status-json; aim: a stat, so about nothing",
        ),
    }
    return [figure(name, value, "ms", note, base=bare) for name, (value, note) in values.items()]


def _reported(folder: Path, usual: Sequence[str]) -> Path:
    """A state folder with the report that a service would have left there."""
    done = subprocess.run(
        [sys.executable, *usual, "status", "--json"], capture_output=True, timeout=60, check=False
    )
    folder.mkdir()
    write_report(folder, json.loads(done.stdout))
    return folder


def _on(root: Path) -> list[str]:
    return ["-m", "mdeinspect", "--root", str(root)]
