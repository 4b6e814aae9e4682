"""Three hosts for every rule: one that raises it, one close by that must not, one of which it
cannot tell. A module `cases_<family>.py` beside this one has `CASES`, by code; every one of them is
played by `test_every_rule.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from engine_support import Machine

from mdeinspect import catalogue, rules
from mdeinspect.config.model import Config
from mdeinspect.host.recorded import RecordedHost
from mdeinspect.inspect import Plan, take
from mdeinspect.model import Platform, Reading, Report
from mdeinspect.report import report
from support import NOW, HostFolder

Build = Callable[[Path], Report]
DENIED = "cannot read it: permission denied"


@dataclass(frozen=True)
class Case:
    """The three hosts of a rule. `unknown` may be a sentence: why the rule can always tell."""

    raises: Build
    silent: Build
    unknown: Build | str


def on(
    platform: Platform, play: Callable[[HostFolder], Any], config: Config | None = None
) -> Build:
    """A recorded host that `play` fills."""

    def build(folder: Path) -> Report:
        host = HostFolder(folder / "host", platform)
        play(host)
        return host.report(config)

    return build


def linux(play: Callable[[HostFolder], Any], config: Config | None = None) -> Build:
    """A recorded Linux host that `play` fills."""
    return on("linux", play, config)


def mac(play: Callable[[HostFolder], Any], config: Config | None = None) -> Build:
    """A recorded Mac that `play` fills."""
    return on("darwin", play, config)


def denied(source: str, play: Callable[[HostFolder], Any], platform: Platform = "linux") -> Build:
    """The same, where the inspector may not read one source."""

    def build(folder: Path) -> Report:
        host = HostFolder(folder / "host", platform)
        play(host)
        recorded = RecordedHost(str(host.root))
        seen = take(recorded, Plan())
        hidden = replace(seen[source], state="broken", value=None, kind="denied", reason=DENIED)
        seen = replace(seen, readings={**seen.readings, source: hidden})
        every = tuple(rules.load().values())
        return report(seen, Config(), catalogue.load(), every, recorded.now())

    return build


def remembering(play: Callable[[Machine], Any], platform: Platform = "linux") -> Build:
    """A host that is reported on again and again; the last report counts. `play` steps it."""

    def build(_folder: Path) -> Report:
        machine = Machine(platform=platform, now=NOW)
        machine.healthy()
        play(machine)
        return machine.report()

    return build


def unreadable(source: str) -> Reading[Any]:
    """A reading that was denied, for `Machine.more`."""
    return Reading(source, "broken", NOW, None, "denied", DENIED)


def nonsense(host: HostFolder) -> HostFolder:
    """An agent whose health is no health."""
    return host.command("health-json", "nonsense")


BY_HEALTH = linux(nonsense)  # where a rule cannot tell without health
