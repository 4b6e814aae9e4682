"""The report as a whole, where no single room answers for it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from mdeinspect import catalogue, rules
from mdeinspect.config.model import Config
from mdeinspect.host.recorded import RecordedHost
from mdeinspect.inspect import Plan, take
from mdeinspect.report import report
from mdeinspect.rules import Context, Outcome, Raise
from support import MANAGED, HostFolder


def _faulty(_context: Context) -> Iterator[Outcome]:
    yield Raise("host")
    raise KeyError("a fault")


@pytest.mark.parametrize("code", ["policy-malformed", "not-enforced"])
def test_a_rule_that_fails_is_unknown_and_silences_no_other(host: HostFolder, code: str) -> None:
    """Neither a finding of it nor a traceback: its code is told as unknown, all others speak."""
    host.health(healthy=False, healthIssues=["odd"]).file(MANAGED, "noise")
    every = rules.load()
    broken = [replace(one, check=_faulty) if one.code == code else one for one in every.values()]
    source = RecordedHost(str(host.root))
    snapshot = take(source, Plan())
    found = report(snapshot, Config(), catalogue.load(), broken, source.now())
    assert [one.because for one in found.unknown if one.code == code] == [
        "cannot tell: a fault of mdeinspect itself (KeyError)"
    ]
    codes = {finding.code for finding in found.findings}
    assert code not in codes
    assert "agent-unhealthy" in codes
