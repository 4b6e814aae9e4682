"""`make bench`: prints a table and writes `build/bench.json`. Timings inform; they never gate."""

from __future__ import annotations

import json
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from benchmarks import commands, idle, latency, start, storm, throughput
from benchmarks.figure import Figure, table

OUTPUT = Path("build/bench.json")
GROUPS: Mapping[str, Callable[[Path], Sequence[Figure]]] = {
    "commands": commands.measure,
    "start": start.measure,
    "latency": latency.measure,
    "storm": storm.measure,
    "throughput": throughput.measure,
    "idle": idle.measure,
}
SAID = "Medians of runs in turns, ratios to a bare interpreter, where nothing else is said"


def main(wanted: Sequence[str]) -> int:
    """Measure (only the groups that are named, if any), tell, and say whether all worked."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that no service is left behind
    if unknown := sorted(set(wanted) - GROUPS.keys()):
        print(
            f"cannot measure {', '.join(unknown)}: choose of {', '.join(GROUPS)}", file=sys.stderr
        )
        return 2
    found: list[Figure] = []
    broken: list[str] = []
    for name in wanted or GROUPS:
        print(f"measuring: {name}", file=sys.stderr)
        try:
            with tempfile.TemporaryDirectory(prefix="bench-") as top:
                found += GROUPS[name](Path(top))
        except Exception:  # noqa: BLE001 -- the others are still worth telling
            broken.append(name)
            traceback.print_exc()
    OUTPUT.parent.mkdir(exist_ok=True)
    OUTPUT.write_text(json.dumps([asdict(one) for one in found], indent=2) + "\n", encoding="utf-8")
    print(table(found))
    print(f"\n{SAID}; also in {OUTPUT}.")
    if broken:
        print(f"did not work: {', '.join(broken)}", file=sys.stderr)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
