"""Which baseline applies: the configured one, else the one that was pinned on this machine."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from mdeinspect.errors import UsageError
from mdeinspect.store import place

if TYPE_CHECKING:
    from mdeinspect.baseline import Baseline
    from mdeinspect.cli import Target
    from mdeinspect.config.model import Config

_PINNED = "baseline.json"


def with_baseline(config: Config, target: Target, path: Path | None) -> Config:
    """The configuration, with what its baseline says in `baseline.settings`, and checked.

    `path` is the file of the configuration: a relative `baseline.file` lies beside it.
    """
    chosen = config.baseline
    pinned = None if chosen.file or chosen.settings else pinned_at(target)
    if not (chosen.file or chosen.settings or pinned):
        return config
    from mdeinspect.config import baseline_file

    found = dict(chosen.settings)
    name = chosen.file or (str(pinned) if pinned else None)
    if name:
        found = {**baseline_file.load(name, path.parent if path else None), **found}
    config = replace(config, baseline=replace(chosen, file=name, settings=found))
    baseline_of(config)
    return config


def baseline_of(config: Config) -> Baseline:
    """The baseline of a loaded configuration; an empty one where none applies.

    Raises `ConfigError` where it names what does not exist.
    """
    from mdeinspect import catalogue
    from mdeinspect.baseline import parse

    name = config.baseline.file or "baseline.settings"
    return parse(config.baseline.settings, catalogue.load(), name)


def pinned_at(target: Target) -> Path | None:
    """The pinned baseline of this machine, where there is one that this user may see.

    A recorded host is another machine: there only a state folder that is named counts.
    """
    try:
        places = [place_of_pin(target)]
        if target.state is None:  # of the service, where this user has none of his own
            places.append(place.to_read(place.here()) / _PINNED)
        return next((path for path in places if path.is_file()), None)
    except (UsageError, OSError):
        return None


def place_of_pin(target: Target) -> Path:
    """Where `baseline pin` writes when nobody names a file."""
    if target.state is not None:
        return target.state / _PINNED
    if target.root is not None:
        raise UsageError(
            "cannot tell where the baseline of a recorded host belongs; name it with --file"
        )
    return place.default(place.here()) / _PINNED
