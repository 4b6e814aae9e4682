"""Making it so: files written whole, programs of the system run, and everything said."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from mdeinspect.installer import InstallError, manager
from mdeinspect.installer.plan import File, Plan, Run, Traces, is_ours

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Place:
    """Where it is made so. `prefix` stands before every path.

    `run` None: no program is run. `dry`: nothing is written either, all is only said.
    """

    say: Say
    prefix: str = ""
    dry: bool = False
    run: manager.Runner | None = None

    def at(self, path: str) -> Path:
        """Where `path` of the plan lies. Raises `InstallError` where a link leads out of it."""
        here = Path(self.prefix + path)
        if self.prefix and not here.parent.resolve().is_relative_to(Path(self.prefix).resolve()):
            raise InstallError(f"cannot touch {path}: a link leads out of {self.prefix}")
        return here


def install(plan: Plan, traces: Traces, place: Place) -> None:
    """Write what is missing or differs, take away what an earlier choice left, and start it.

    Raises `InstallError`; before anything is changed where a file of somebody else is in the way.
    """
    _refuse_packaged(traces, place)
    wanted = [file for file in plan.files if _wanted(file, place)]
    left = [path for path in traces.files if path not in {file.path for file in plan.files}]
    left = [path for path in left if _ours(place.at(path))]
    _refuse_foreign(wanted, place)
    changed = [file for file in wanted if _differs(file, place)]
    _refuse_read_only([*(file.path for file in changed), *left], place)
    # The old unit is told to end while its file is still there.
    if left or any(file.path in traces.files for file in changed):
        _run_all(plan.stop, place)
    for path, mode in plan.folders:
        _folder(path, mode, place)
    for file in wanted:
        _write(file, place, differs=file in changed)
    for path in left:
        _remove(path, place)
    _run_all(plan.start, place)
    for note in plan.notes:
        place.say(note)


def uninstall(traces: Traces, place: Place, *, purge: bool) -> None:
    """Stop it and take away what is ours; with `purge` configuration, state and logs as well."""
    there = [path for path in traces.files if _ours(place.at(path))]
    folders = [path for path in traces.folders if purge and os.path.lexists(place.at(path))]
    if folders:
        _refuse_packaged(traces, place)
        _refuse_foreign((File(path, "") for path in traces.files), place)
    if not there and not folders:
        place.say(
            "nothing to remove: the service was not installed by `mdeinspect service install`"
        )
        return
    _refuse_read_only([*there, *folders], place)
    if there:
        _run_all(traces.stop, place)
    for path in (*there, *folders):
        _remove(path, place)
    for folder in {place.at(path).parent for path in traces.files}:
        _drop_empty(folder, place)
    if there:
        _run_all(traces.after, place)
    if purge:
        _run_all(traces.purge, place)
    kept = [path for path in traces.folders if os.path.lexists(place.at(path))]
    if kept and not place.dry:
        place.say(f"kept: {', '.join(kept)} (--purge removes them)")


# --- what stands in the way ---------------------------------------------------------------------


def _refuse_packaged(traces: Traces, place: Place) -> None:
    for path in traces.packaged:
        if place.at(path).is_file():
            raise InstallError(
                f"cannot touch the service: a package installed it ({path}); use systemctl, and "
                "the package manager to remove it"
            )


def _refuse_foreign(files: Iterable[File], place: Place) -> None:
    for file in files:
        path = place.at(file.path)
        if os.path.lexists(path) and not file.keep and not _ours(path):
            raise InstallError(
                f"cannot go on: {file.path} is there, and `mdeinspect service install` did not "
                "write it; look at it, and move it away"
            )


def _refuse_read_only(paths: Iterable[str], place: Place) -> None:
    """Better now than half way."""
    if place.dry:
        return
    for path in paths:
        folder = place.at(path).parent
        while not folder.exists():
            folder = folder.parent
        if os.statvfs(folder).f_flag & os.ST_RDONLY:
            raise InstallError(f"cannot change {path}: {folder} is on a read-only file system")
        if not os.access(folder, os.W_OK):
            raise InstallError(f"cannot change {path}: permission denied; run with sudo")


def _wanted(file: File, place: Place) -> bool:
    return not file.guest or place.at(file.path).parent.is_dir()


def _ours(path: Path) -> bool:
    """Whether a regular file with our mark is there; what cannot be read is not ours."""
    if path.is_symlink() or not path.is_file():
        return False
    with contextlib.suppress(OSError), path.open("rb") as file:
        return is_ours(file.read(4096))
    return False


def _differs(file: File, place: Place) -> bool:
    path = place.at(file.path)
    if file.keep:
        return not os.path.lexists(path)
    return not path.is_file() or path.read_text(encoding="utf-8", errors="replace") != file.text


# --- one step each ------------------------------------------------------------------------------


def _folder(path: str, mode: int, place: Place) -> None:
    here = place.at(path)
    if here.is_dir():
        return
    place.say(f"make   {path} ({mode:04o})")
    if not place.dry:
        with _explained(f"make {path}"):
            here.mkdir(parents=True)
            here.chmod(mode)


def _write(file: File, place: Place, *, differs: bool) -> None:
    if not differs:
        place.say(f"{'keep ' if file.keep else 'same '}  {file.path}")
        return
    place.say(f"write  {file.path} ({file.mode:04o})")
    if place.dry:
        return
    path = place.at(file.path)
    new = path.with_name(f".{path.name}.new")
    with _explained(f"write {file.path}"):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with new.open("w", encoding="utf-8") as out:
                out.write(file.text)
                out.flush()
                os.fchmod(out.fileno(), file.mode)
                os.fsync(out.fileno())
            new.rename(path)
        finally:
            new.unlink(missing_ok=True)


def _remove(path: str, place: Place) -> None:
    place.say(f"remove {path}")
    if place.dry:
        return
    here = place.at(path)
    with _explained(f"remove {path}"):
        if here.is_dir() and not here.is_symlink():
            shutil.rmtree(here)
        else:
            here.unlink(missing_ok=True)
    _drop_empty(here.parent, place)


def _drop_empty(folder: Path, place: Place) -> None:
    """Take away a folder for drop-ins with nothing in it any more."""
    if not place.dry and folder.name.endswith(".service.d"):
        with contextlib.suppress(OSError):  # another's drop-in is there, or no such folder
            folder.rmdir()


def _run_all(runs: Sequence[Run], place: Place) -> None:
    for one in runs:
        _run(one, place)


def _run(one: Run, place: Place) -> None:
    place.say(f"run    {' '.join((one.program, *one.args))}")
    if place.dry or place.run is None:
        return
    for attempt in range(one.tries):
        if attempt:
            manager.pause()
        ran = place.run(one.program, one.args)
        if ran.code == 0 or one.may_fail:
            return
    said = " ".join((ran.err or ran.out).split())[:400] or "nothing"
    raise InstallError(
        f"cannot go on: `{one.program} {' '.join(one.args)}` ended with {ran.code} and said: {said}"
    )


@contextlib.contextmanager
def _explained(doing: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InstallError(f"cannot {doing}: {error.strerror or error}") from error
