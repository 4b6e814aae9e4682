"""What tests of the rules about policy files share: changing a policy, hiding a file, asking."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from clean_policies import FILE_CODES

from mdeinspect import catalogue, rules
from mdeinspect.config.model import Config
from mdeinspect.host.recorded import RecordedHost
from mdeinspect.inspect import Plan, take
from mdeinspect.model import Report
from mdeinspect.report import report
from support import HostFolder

DENIED = "cannot read it: permission denied"


def set_at(policy: dict[str, Any], key: str, value: Any) -> dict[str, Any]:
    """The policy with `value` at a dotted path, sections made as needed. Changes it in place."""
    *sections, last = key.split(".")
    here = policy
    for section in sections:
        here = here.setdefault(section, {})
    here[last] = value
    return policy


def only(key: str, value: Any) -> dict[str, Any]:
    """A policy that sets one key."""
    return set_at({}, key, value)


def raised(report: Report, among: Iterable[str] = FILE_CODES) -> set[tuple[str, str]]:
    """Code and subject of every finding of these rules."""
    return {(one.code, one.subject) for one in report.findings if one.code in set(among)}


def denied(host: HostFolder, source: str) -> Report:
    """The report on a host one of whose files the inspector may not read."""
    recorded = RecordedHost(str(host.root))
    snapshot = take(recorded, Plan())
    hidden = replace(snapshot[source], state="broken", value=None, kind="denied", reason=DENIED)
    snapshot = replace(snapshot, readings={**snapshot.readings, source: hidden})
    every = tuple(rules.load().values())
    return report(snapshot, Config(), catalogue.load(), every, recorded.now())
