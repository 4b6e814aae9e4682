"""What a service costs that has nothing to do: memory and processor time."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.figure import Figure, figure
from benchmarks.running import service, simulated

LENGTH = "MDEINSPECT_BENCH_IDLE"
DEFAULT = 60.0
LONGEST = 86_400.0
SETTLE = 3.0  # seconds after the first report, so that nothing of the start is counted
CONFIG = '[sinks.out]\ntype = "stdout"\nmin_severity = "info"\n'


def measure(top: Path) -> Sequence[Figure]:
    """Two services side by side: one on the defaults, one with a configuration to validate."""
    root, seconds = simulated(top / "host").folder, length()
    config = top / "config.toml"
    config.write_text(CONFIG, encoding="utf-8")
    with (
        service(root, top / "plain") as plain,
        service(root, top / "configured", "--config", str(config)) as configured,
    ):
        time.sleep(SETTLE)
        began, used = time.perf_counter(), plain.processor()
        time.sleep(seconds)
        share = (plain.processor() - used) / (time.perf_counter() - began) * 100
        rss, more = plain.resident(), configured.resident()
    return [
        figure("idle-rss", rss, "MiB", "of the service, no configuration; aim: under 45 MiB"),
        figure("idle-rss-configured", more, "MiB", "the same with a configuration file"),
        figure(
            "idle-cpu",
            share,
            "% core",
            f"over {seconds:.0f} s on the default schedule, no mdatp calls; aim: under 0.1",
        ),
    ]


def length() -> float:
    """Seconds to look on; the environment may say how many."""
    told = os.environ.get(LENGTH, "")
    return min(float(told), LONGEST) if told.isdecimal() and int(told) else DEFAULT
