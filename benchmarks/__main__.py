"""`make bench`: prints a table and writes `build/bench.json`. Timings inform; they never gate."""

from __future__ import annotations

import json
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks import hosts
from benchmarks.measure import in_process, whole_runs
from mdeinspect.documents.health import parse_health

OUTPUT = Path("build/bench.json")
BARE = "python3 -c pass"


@dataclass(frozen=True, slots=True)
class Timing:
    """One line: `value` in `unit`, and how many bare interpreters that is."""

    name: str
    value: float
    unit: str
    ratio: float
    note: str


def main() -> None:
    """Build the hosts, measure, and tell."""
    with tempfile.TemporaryDirectory() as top:
        found = measure(Path(top))
    OUTPUT.parent.mkdir(exist_ok=True)
    OUTPUT.write_text(json.dumps([asdict(one) for one in found], indent=2) + "\n", encoding="utf-8")
    print(table(found))
    print(f"\nMedians of runs in turns; also in {OUTPUT}.")


def measure(top: Path) -> list[Timing]:
    """Every timing, on hosts that are built below `top`."""
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
    return [
        Timing(name, round(value, 3), "ms", round(value / bare, 2), note)
        for name, (value, note) in values.items()
    ]


def table(found: list[Timing]) -> str:
    """The timings for people: milliseconds, bare interpreters, and the aim."""
    head = f"{'':<24}{'ms':>9}{'x bare':>9}  "
    lines = [f"{one.name:<24}{one.value:>9.2f}{one.ratio:>9.2f}  {one.note}" for one in found]
    return "\n".join([head.rstrip(), *lines])


def _on(root: Path) -> list[str]:
    return ["-m", "mdeinspect", "--root", str(root)]


if __name__ == "__main__":
    main()
