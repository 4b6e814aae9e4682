"""What every inspecting command does the same way: configuration, host, snapshot, report."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from mdeinspect import catalogue, rules
from mdeinspect.cli.wanted import pinned_at
from mdeinspect.config import load as config_file
from mdeinspect.config.baseline_chosen import with_baseline
from mdeinspect.errors import UsageError
from mdeinspect.inspect import Plan, take
from mdeinspect.report import report
from mdeinspect.views.status import status

if TYPE_CHECKING:
    import threading
    from pathlib import Path

    from mdeinspect.cli import Target
    from mdeinspect.config.model import Config
    from mdeinspect.host import Host
    from mdeinspect.model import Report


def configuration(target: Target) -> Config:
    """The configuration that applies; raises `ConfigError`."""
    path = config_path(target)
    config = config_file.load(path)
    rules.validate(config)
    return with_baseline(config, pinned_at(target), path)


def config_path(target: Target) -> Path | None:
    """The file that is named, else the usual one, if there; a recorded host has no usual one."""
    if target.config is None and target.root is None and config_file.DEFAULT.exists():
        return config_file.DEFAULT
    return target.config


def open_host(target: Target, config: Config, stop: threading.Event | None = None) -> Host:
    """The host that the options name."""
    if target.root is not None:
        from mdeinspect.host.opening import open_recorded

        return open_recorded(target.root, target.platform)
    from mdeinspect.host.live import LiveHost, this_platform

    if target.platform not in (None, this_platform()):
        raise UsageError(f"cannot inspect this machine as {target.platform}; name a --root")
    cli = target.mdatp or config.agent.cli
    if target.mdatp and not os.path.lexists(target.mdatp):
        raise UsageError(f"cannot run {target.mdatp}: there is no such program; correct --mdatp")
    return LiveHost(cli=cli, timeout=config.agent.timeout.total_seconds(), stop=stop)


def inspect(target: Target, *, details: bool = False) -> dict[str, Any]:
    """One inspection, as the public status object."""
    return status(look(target, configuration(target), details=details))


def look(target: Target, config: Config, *, details: bool = False) -> Report:
    """One inspection, without memory."""
    host = open_host(target, config)
    snapshot = take(host, Plan(details=details, client_analyzer=config.paths.client_analyzer))
    every = tuple(rules.load().values())
    return report(snapshot, config, catalogue.load(), every, host.now())
