"""Metrics in the text format that node_exporter's textfile collector reads.

The service writes them itself; `status --format prometheus` prints them. The format is version
0.0.4 (prometheus.io/docs/instrumenting/exposition_formats). What is not known is left out, and
`mdeinspect_source_up` says what could not be read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from mdeinspect.views.tools import Asked, Printed
from mdeinspect.views.words import SEVERITIES

VERDICTS = (
    *("enforced", "unproven", "pending", "not-enforced", "unmanaged"),
    *("foreign", "shadowed", "unobservable", "unknown"),
)


def show(found: dict[str, Any], asked: Asked) -> Printed:
    """`status --format prometheus`. Ends with 0 whatever is found: the metrics tell that."""
    del asked
    return Printed(metrics(found, {}).removesuffix("\n"))


def metrics(status: dict[str, Any], own: Mapping[str, float]) -> str:
    """The metrics of a `mdeinspect.status/1` object; `own` are the service's own numbers."""
    lines: list[str] = []
    for name, text, samples in _families(status, own):
        lines += [f"# HELP mdeinspect_{name} {text}", f"# TYPE mdeinspect_{name} gauge"]
        lines += [f"mdeinspect_{name}{_labels(labels)} {value:.10g}" for labels, value in samples]
    return "\n".join(lines) + "\n"


Sample = tuple[Mapping[str, str], float]


def _families(
    status: dict[str, Any], own: Mapping[str, float]
) -> Iterator[tuple[str, str, list[Sample]]]:
    counted = Counter(f["severity"] for f in status["findings"] if f["accepted"] is None)
    yield (
        "findings",
        "Open findings by severity, accepted ones left out.",
        [({"severity": word}, counted[word]) for word in SEVERITIES],
    )
    verdicts = Counter(row["verdict"] for row in status["settings"])
    yield (
        "settings",
        "Settings by verdict.",
        [({"verdict": word}, verdicts[word]) for word in VERDICTS],
    )
    yield (
        "source_up",
        "1 for a source that could be read, 0 for a broken one; missing ones are left out.",
        [
            ({"source": name}, float(source["state"] == "present"))
            for name, source in status["sources"].items()
            if source["state"] != "missing"
        ],
    )
    yield "taken_at_seconds", "When the host was inspected.", [({}, _seconds(status["taken_at"]))]
    for name in ("last_success", "last_attempt"):
        if (moment := status["checkin"][name]) is not None:
            text = f"When SenseCM's {name.replace('_', ' ')} was."
            yield f"checkin_{name}_seconds", text, [({}, _seconds(moment))]
    for name, value in own.items():
        yield f"service_{name}", f"The service's own {name.replace('_', ' ')}.", [({}, value)]


def _labels(labels: Mapping[str, str]) -> str:
    inner = ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items())
    return f"{{{inner}}}" if inner else ""


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
