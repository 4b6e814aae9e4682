"""What the checkups look at: a host, a configuration, a state folder, and the machine below."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mdeinspect import rules
from mdeinspect.config import load as config_file
from mdeinspect.config.model import Config
from mdeinspect.doctor.machine import Machine
from mdeinspect.errors import ConfigError
from mdeinspect.inspect import Plan, look
from mdeinspect.installer import InstallError, linux, vitals
from mdeinspect.model import Reading
from mdeinspect.sinks import chosen
from mdeinspect.sources import Source
from mdeinspect.store import place, size

if TYPE_CHECKING:
    from mdeinspect.host import Host
    from mdeinspect.installer.manager import Unit
    from mdeinspect.model import HostFacts, Platform


@dataclass(frozen=True)
class Scene:
    """One host, and how it is looked at.

    `config` are the defaults where `config_fault` says why the configuration cannot be used.
    `folder` is the state folder; None where none is known (a record).
    """

    host: Host
    machine: Machine
    recorded: bool = False
    config: Config = field(default_factory=Config)
    config_path: Path | None = None
    config_fault: str | None = None
    folder: Path | None = None

    @functools.cached_property
    def facts(self) -> HostFacts:
        """What the host says of itself."""
        return self.host.facts()

    @property
    def platform(self) -> Platform:
        """Of the host."""
        return self.facts.platform

    @property
    def now(self) -> datetime:
        """The present moment, by the host's clock."""
        return self.host.now()

    @functools.cached_property
    def plain(self) -> bool:
        """Whether this process may only do what any user may."""
        return not self.recorded and not self.machine.privileged()

    @functools.cached_property
    def units(self) -> tuple[Unit, ...]:
        """The units that are installed; empty where nobody can be asked (see `units_trouble`)."""
        return self._units[0]

    @property
    def units_trouble(self) -> str | None:
        """Why nobody can be asked for units; None where somebody was."""
        return self._units[1]

    @property
    def daemon(self) -> Unit | None:
        """The unit of the service, if that is installed."""
        return next((one for one in self.units if one.name != linux.TIMER), None)

    @functools.cached_property
    def _units(self) -> tuple[tuple[Unit, ...], str | None]:
        try:
            return self.machine.units(self.platform), None
        except InstallError as error:
            return (), str(error)

    def readings(self, sources: tuple[Source, ...]) -> Mapping[str, Reading[Any]]:
        """What some sources give now."""
        plan = Plan(client_analyzer=self.config.paths.client_analyzer)
        return look(self.host, self.facts, plan, sources, {})

    def heartbeat(self) -> vitals.Sign:
        """When the service last said that it lives."""
        return vitals.heartbeat(self._folder(), self.now)

    def last_report(self) -> vitals.Sign:
        """When the service last wrote its report."""
        return vitals.last_report(self._folder(), self.now)

    def _folder(self) -> Path:
        return self.folder or place.SYSTEM[self.platform]


def of(
    *,
    root: str | None,
    platform: Platform | None,
    config: Path | None,
    state: Path | None,
    mdatp: str | None,
) -> Scene:
    """This machine, or the record in `root`. A wrong configuration is a fact like any other."""
    path = config if config or root is not None else config_file.DEFAULT
    settings, fault = _configuration(path, named=config is not None)
    if root is not None:
        from mdeinspect.host.recorded import RecordedHost

        recorded = RecordedHost(root, platform=platform)
        return Scene(recorded, Machine(), True, settings, path, fault, state)
    from mdeinspect.host.live import LiveHost

    cli, timeout = mdatp or settings.agent.cli, settings.agent.timeout.total_seconds()
    folder = state or place.to_read(place.here())
    return Scene(
        LiveHost(cli=cli, timeout=timeout), Machine(), False, settings, path, fault, folder
    )


def _configuration(path: Path | None, *, named: bool) -> tuple[Config, str | None]:
    """The configuration, or the defaults and why it cannot be used."""
    try:
        config = config_file.load(path if path and (named or path.exists()) else None)
        rules.validate(config)
        chosen(config.sinks)
        size.parse(config.store.max_size)
    except (ConfigError, OSError) as error:
        return Config(), str(error)
    return config, None
