"""Is the configuration right, and in good hands?"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from mdeinspect.config.load import FRAGMENTS
from mdeinspect.doctor import Outcome, checkup, could_not_run, failing, passing
from mdeinspect.doctor.scene import Scene


@checkup("configuration", "The configuration can be used", recorded=True)
def configuration(scene: Scene) -> Iterator[Outcome]:
    """As `mdeinspect config check`: keys, values, sinks, rules."""
    if scene.config_fault is not None:
        denied = scene.plain and "ermission denied" in scene.config_fault
        make = could_not_run if denied else failing
        remedy = (
            "run it with sudo" if denied else "correct it; `mdeinspect config check` tells more"
        )
        yield make(scene.config_fault, remedy)
    elif scene.config_path is None or not scene.config_path.exists():
        yield passing("there is none, the defaults apply")
    else:
        yield passing(f"{scene.config_path}: valid")


@checkup("configuration-owner", "Only root can change the configuration")
def configuration_owner(scene: Scene) -> Iterator[Outcome]:
    """It names the program that a privileged service runs, and where events go."""
    path = scene.config_path
    if path is None:
        return
    try:
        modes = _modes(path)
    except FileNotFoundError:
        return
    except OSError as error:
        yield could_not_run(f"{path} cannot be looked at: {error.strerror}", "run it with sudo")
        return
    loose = [name for name, found in modes.items() if found.st_mode & 0o022]
    others = [name for name, found in modes.items() if found.st_uid != 0]
    if loose:
        why = f"{', '.join(loose)}: can be written by others than the owner"
        yield failing(why, "chmod go-w, each")
    elif others and (scene.daemon is not None or not scene.plain):
        yield failing(f"{', '.join(others)}: does not belong to root", "chown root, each")
    else:
        yield passing("it and its fragments are changed by their owner alone")


def _modes(path: Path) -> dict[str, os.stat_result]:
    """The configuration, its folder and its fragments. Raises OSError."""
    files = [path, path.parent, *sorted((path.parent / FRAGMENTS).glob("*.toml"))]
    return {str(one): one.stat() for one in files}
