"""The configuration of the service, validated in a process of its own that ends at once.

Validating takes pydantic, 11 MiB that a service would hold for ever, for the sake of a moment.
"""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import structlog

from mdeinspect import rules, sinks
from mdeinspect.config import load as config_file
from mdeinspect.config.baseline_chosen import with_baseline
from mdeinspect.config.model import Config
from mdeinspect.errors import ConfigError
from mdeinspect.sinks.options import Common
from mdeinspect.store import size

PATIENCE = 4.0  # seconds; it takes a fifth of one, and an end must not wait for it
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Settings:
    """A configuration, with the options of its sinks."""

    config: Config
    sinks: Mapping[str, Common]


def load(path: Path | None, pinned: Path | None = None) -> Settings:
    """The settings of a configuration file, of the defaults without one; raises `ConfigError`.

    `pinned` is the baseline that was pinned on this machine.
    """
    if path is None:
        return validate(None, pinned)
    try:
        return _apart(path, pinned)
    except (OSError, subprocess.SubprocessError, pickle.UnpicklingError, EOFError) as error:
        # No memory, no right to start programs, the end of the service itself: then here.
        log.warning("configuration not validated apart", error=str(error))
        return validate(path, pinned)


def validate(path: Path | None, pinned: Path | None = None) -> Settings:
    """The same, in this process."""
    config = config_file.load(path)
    rules.validate(config)
    config = with_baseline(config, pinned, path)
    options = sinks.checked(config.sinks)
    sinks.opened(options)
    size.parse(config.store.max_size)
    return Settings(config, options)


def _apart(path: Path, pinned: Path | None) -> Settings:
    files = [str(one) for one in (path, pinned) if one is not None]
    done = subprocess.run(  # noqa: S603 -- this very program
        [sys.executable, "-m", __name__, *files],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=PATIENCE,
        check=True,
    )
    found = pickle.loads(done.stdout)  # noqa: S301 -- written by our own module, just now
    if isinstance(found, str):
        raise ConfigError(found)
    if not isinstance(found, Settings):
        raise pickle.UnpicklingError("not settings")
    return found


def main() -> None:
    """What the process of its own does: the settings, or what is wrong with them, on stdout."""
    from mdeinspect.service import settings  # under its real name, which is the one that is pickled

    found: object
    try:
        found = settings.validate(*map(Path, sys.argv[1:]))
    except ConfigError as error:
        found = str(error)
    sys.stdout.buffer.write(pickle.dumps(found))


if __name__ == "__main__":
    sys.modules["rich"] = None  # type: ignore[assignment]
    main()
