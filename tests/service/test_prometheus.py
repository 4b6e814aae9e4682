"""Metrics, in the text format that node_exporter reads."""

from __future__ import annotations

import re
import shutil
import subprocess
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mdeinspect.service import own
from mdeinspect.views.prometheus import metrics
from mdeinspect.views.status import status
from support import ATTACH, MANAGED, HostFolder

# The text format, version 0.0.4, line by line.
NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\[\\"n])*"'
VALUE = r"[+-]?(?:\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|Inf)|NaN"
HELP = re.compile(rf"# HELP (?P<name>{NAME}) (?P<text>(?:[^\\\n]|\\[\\n])*)")
TYPE = re.compile(rf"# TYPE (?P<name>{NAME}) (?P<kind>counter|gauge|histogram|summary|untyped)")
SAMPLE = re.compile(
    rf"(?P<name>{NAME})(?:\{{(?P<labels>{LABEL}(?:,{LABEL})*)\}})? (?P<value>{VALUE})"
)


class Sample(NamedTuple):
    """One line of a metric."""

    name: str
    labels: dict[str, str]
    value: float


def parsed(text: str) -> list[Sample]:
    """The samples; fails for whatever the format does not allow."""
    assert text.endswith("\n")
    found: list[Sample] = []
    helped: set[str] = set()
    typed: dict[str, str] = {}
    order: list[str] = []
    for line in text[:-1].split("\n"):
        if match := HELP.fullmatch(line):
            assert match["name"] not in helped, "a family has one HELP"
            helped.add(match["name"])
        elif match := TYPE.fullmatch(line):
            assert match["name"] not in typed, "a family has one TYPE"
            assert match["name"] not in order, "TYPE comes before the samples"
            typed[match["name"]] = match["kind"]
        else:
            match = SAMPLE.fullmatch(line)
            assert match, f"no line of the text format: {line!r}"
            found.append(_sample(match))
            if match["name"] not in order[-1:]:
                assert match["name"] not in order, "the samples of a family stand together"
                order.append(match["name"])
    assert set(order) <= helped & typed.keys()
    keys = [(one.name, *sorted(one.labels.items())) for one in found]
    assert len(keys) == len(set(keys)), "no sample occurs twice"
    return found


def _sample(match: re.Match[str]) -> Sample:
    labels = re.findall(
        r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"', match["labels"] or ""
    )
    plain = {
        name: re.sub(r"\\(.)", lambda one: {"n": "\n"}.get(one[1], one[1]), value)
        for name, value in labels
    }
    assert len(plain) == len(labels), "no label occurs twice"
    return Sample(match["name"], plain, float(match["value"]))


def told(host: HostFolder, **numbers: float) -> tuple[dict[str, Any], str]:
    plain = status(host.report())
    return plain, metrics(plain, numbers)


def value(samples: list[Sample], name: str, **labels: str) -> float:
    (found,) = [one for one in samples if (one.name, one.labels) == (f"mdeinspect_{name}", labels)]
    return found.value


def test_grammar(host: HostFolder) -> None:
    """Every line is one of the text format, and every family has its HELP and TYPE first."""
    host.health().file(MANAGED, {"antivirusEngine": {"enforcementLevel": "passive"}})
    assert len(parsed(told(host, **own.numbers())[1])) > 15


def test_counts(host: HostFolder) -> None:
    """Findings and settings are counted as the report has them; none is a zero, not an absence."""
    host.health().file(MANAGED, {"networkProtection": {"enforcementLevel": "block"}})
    plain, text = told(host)
    samples = parsed(text)
    for word in ("critical", "high", "medium", "low", "info"):
        wanted = sum(one["severity"] == word for one in plain["findings"])
        assert value(samples, "findings", severity=word) == wanted
    assert value(samples, "settings", verdict="not-enforced") == 1
    total = sum(one.value for one in samples if one.name == "mdeinspect_settings")
    assert total == len(plain["settings"])


def test_sources(host: HostFolder) -> None:
    """A source that could not be read is 0, one that is not there is left out."""
    host.health().file(MANAGED, "{")
    samples = parsed(told(host)[1])
    assert value(samples, "source_up", source="mdatp_managed") == 0
    assert value(samples, "source_up", source="health") == 1
    assert not [one for one in samples if one.labels.get("source") == "mdeattach_managed"]


def test_moments(host: HostFolder) -> None:
    """Moments are seconds since 1970; what is not known is left out, never 0."""
    plain, text = told(host.health())
    assert value(parsed(text), "taken_at_seconds") == pytest.approx(host.now.timestamp())
    assert "checkin_last_success" not in text
    host.file(ATTACH, {}).checkin(timedelta(hours=2), timedelta(hours=1)).health(managedBy="MDE")
    samples = parsed(told(host)[1])
    ago = host.now.timestamp() - value(samples, "checkin_last_success_seconds")
    assert ago == pytest.approx(7200, abs=1)
    assert plain["checkin"]["last_success"] is None


@given(name=st.text(), number=st.floats(-1e15, 1e15))
def test_any_text(name: str, number: float) -> None:
    """No name of a source and no number breaks the format."""
    plain = {
        "findings": [],
        "settings": [],
        "sources": {name: {"state": "present"}},
        "taken_at": "2026-11-22T11:04:00Z",
        "checkin": {"last_success": None, "last_attempt": None},
    }
    samples = parsed(metrics(plain, {"number": number}))
    assert value(samples, "source_up", source=name) == 1
    assert value(samples, "service_number") == pytest.approx(number, rel=1e-9)


def test_promtool(host: HostFolder) -> None:
    """Prometheus's own linter has nothing to say."""
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed")
    _, text = told(host.health(), **own.numbers())
    checked = subprocess.run(
        [promtool, "check", "metrics"], input=text, capture_output=True, text=True, check=False
    )
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


def test_replaced_at_once(tmp_path: Path) -> None:
    """The file is readable by all, and nothing else is left in the folder."""
    path = tmp_path / "mdeinspect.prom"
    for text in ("one\n", "two\n"):
        own.write_text(path, text)
        assert path.read_text() == text
        assert path.stat().st_mode & 0o777 == 0o644
    assert list(tmp_path.iterdir()) == [path]
