"""Everything that must be so for `mdeinspect` to do its work, looked at one by one.

A checkup is a function under `@checkup(...)` in a module of `checkups`. It gets the `Scene` and
yields an `Outcome` for each thing that it looked at: none where it does not apply. "Could not be
run" is not "failing". `run` is for whoever wants the list: `mdeinspect doctor`, a support bundle.
"""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from mdeinspect.errors import MdeinspectError
from mdeinspect.privacy import mask

if TYPE_CHECKING:
    from mdeinspect.doctor.scene import Scene
    from mdeinspect.model import Platform

State = Literal["passing", "warning", "failing", "could-not-run"]
SCHEMA = "mdeinspect.doctor/1"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a checkup found. `remedy` says what to do, for all but passing.

    `subject` names the thing where a checkup looks at several (a sink, a folder).
    """

    state: State
    detail: str
    remedy: str | None = None
    subject: str | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """An outcome with the name of its checkup, which is stable, and what that looks at."""

    name: str
    title: str
    state: State
    detail: str
    remedy: str | None
    subject: str | None

    def as_data(self) -> dict[str, Any]:
        """The same as plain data."""
        return asdict(self)


Look = Callable[["Scene"], Iterator[Outcome]]


@dataclass(frozen=True, slots=True)
class Checkup:
    """One thing to look at. `recorded`: whether that makes sense on a recorded host."""

    name: str
    title: str
    recorded: bool
    look: Look


_known: list[Checkup] = []


def checkup(name: str, title: str, *, recorded: bool = False) -> Callable[[Look], Look]:
    """Make a function a checkup; `title` says what is so when it passes."""

    def add(look: Look) -> Look:
        _known.append(Checkup(name, title, recorded, look))
        return look

    return add


def passing(detail: str, subject: str | None = None) -> Outcome:
    """It is as it should be."""
    return Outcome("passing", detail, None, subject)


def warning(detail: str, remedy: str, subject: str | None = None) -> Outcome:
    """It works, and could do better or soon do worse."""
    return Outcome("warning", detail, remedy, subject)


def failing(detail: str, remedy: str, subject: str | None = None) -> Outcome:
    """Something will not work."""
    return Outcome("failing", detail, remedy, subject)


def could_not_run(detail: str, remedy: str, subject: str | None = None) -> Outcome:
    """It cannot be told from here."""
    return Outcome("could-not-run", detail, remedy, subject)


@functools.cache
def load() -> tuple[Checkup, ...]:
    """Every checkup, in the order of module names."""
    from mdeinspect.doctor import checkups

    for module in pkgutil.iter_modules(checkups.__path__, f"{checkups.__name__}."):
        importlib.import_module(module.name)
    return tuple(_known)


def run(
    *,
    root: str | None = None,
    platform: Platform | None = None,
    config: Path | None = None,
    state: Path | None = None,
    mdatp: str | None = None,
) -> list[Result]:
    """Look at everything that makes sense for this machine, or for the record in `root`.

    Changes nothing and sends nothing. Raises `UsageError` for a host that cannot be inspected.
    """
    from mdeinspect.doctor.scene import of

    scene = of(root=root, platform=platform, config=config, state=state, mdatp=mdatp)
    return examine(scene)


def examine(scene: Scene) -> list[Result]:
    """Every checkup on one scene; one that fails by itself stops none of the others."""
    return [
        Result(
            one.name,
            one.title,
            found.state,
            mask(found.detail),
            mask(found.remedy),
            mask(found.subject),
        )
        for one in load()
        if one.recorded or not scene.recorded
        for found in _outcomes(one, scene)
    ]


def exit_code(results: Sequence[Result]) -> int:
    """0 all is well (warnings included), 1 something is failing, 3 something could not be run."""
    states = {one.state for one in results}
    return 1 if "failing" in states else 3 if "could-not-run" in states else 0


def _outcomes(one: Checkup, scene: Scene) -> Iterator[Outcome]:
    try:
        yield from one.look(scene)
    except MdeinspectError as error:
        yield could_not_run(str(error), "correct that, and look again")
    except Exception as error:  # noqa: BLE001 -- one faulty checkup must not hide the others
        fault = f"{type(error).__name__}: {error}".splitlines()[0]
        yield could_not_run(f"a fault of mdeinspect itself: {fault}", "please report it")
