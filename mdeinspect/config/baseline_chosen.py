"""Which baseline applies: the configured one, else the one that was pinned on this machine."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mdeinspect.baseline import Baseline
    from mdeinspect.config.model import Config


def with_baseline(config: Config, pinned: Path | None, path: Path | None) -> Config:
    """The configuration, with what its baseline says in `baseline.settings`, and checked.

    `pinned` is the pinned baseline, if there is one; `path` the file of the configuration: a
    relative `baseline.file` lies beside it. Raises `ConfigError`.
    """
    chosen = config.baseline
    if chosen.file or chosen.settings:
        pinned = None
    elif pinned is None:
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
