"""May a privileged service run from an installation? Only where all of it is root's alone."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from mdeinspect.installer import interpreter

PYTHON = "lib/python/bin/python"
MODULE = "lib/python/site-packages/package/module.py"


@pytest.fixture
def place() -> Iterator[Path]:
    """An installation of root's, at a path that is root's to its top; gone after the test."""
    if os.geteuid() != 0:
        pytest.skip("only root can make files that are trusted")
    made = Path(tempfile.mkdtemp(prefix="mdeinspect-test-", dir="/var/lib"))
    try:
        made.chmod(0o755)
        for name in (PYTHON, MODULE):
            (made / name).parent.mkdir(parents=True, exist_ok=True)
            (made / name).write_text("")
            (made / name).chmod(0o755)
        for folder in (one for one in made.rglob("*") if one.is_dir()):
            folder.chmod(0o755)
        yield made
    finally:
        shutil.rmtree(made)


def objections(place: Path) -> list[str]:
    return interpreter.objections(
        [str(place / PYTHON), str(place / "lib/python/site-packages")], "linux"
    )


def test_nothing_against_it(place: Path) -> None:
    """Root's own, all of it."""
    assert objections(place) == []


@pytest.mark.parametrize("name", [PYTHON, MODULE, "lib", "lib/python/site-packages/package"])
@pytest.mark.parametrize("mode", [0o775, 0o757])
def test_others_may_write(place: Path, name: str, mode: int) -> None:
    """The interpreter, a folder above it, a module somewhere below: each is found."""
    (place / name).chmod(mode)
    assert objections(place) == [f"{place / name} can be written by others than root"]


@pytest.mark.parametrize("name", [PYTHON, MODULE])
def test_it_belongs_to_another(place: Path, name: str) -> None:
    """Its owner may write it whatever its mode is now."""
    os.chown(place / name, 12345, -1)
    assert objections(place) == [f"{place / name} does not belong to root"]


def test_behind_a_link(place: Path) -> None:
    """A link is trusted as little as the folder that it lies in, and what it points to."""
    (place / "bin").mkdir(mode=0o777)
    (place / "bin").chmod(0o777)
    (place / "bin/python").symlink_to(place / PYTHON)
    found = interpreter.objections([str(place / "bin/python")], "linux")
    assert found == [f"{place / 'bin'} can be written by others than root"]


@pytest.mark.parametrize("folder", ["/home/me/venv", "/root/venv", "/tmp/venv"])
def test_where_no_service_can_rely_on_it(folder: str) -> None:
    """Homes are out of sight of the unit, and temporary folders are temporary."""
    found = interpreter.objections([f"{folder}/bin/python"], "linux")
    assert any("where the service cannot rely on it" in one for one in found)


def test_a_read_only_image(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An image that is mounted somewhere may be gone after the next boot; `/usr` may be one."""
    real = os.statvfs

    class ReadOnly:
        f_flag = os.ST_RDONLY

    monkeypatch.setattr(os, "statvfs", lambda _: ReadOnly)
    monkeypatch.setattr(interpreter, "mount_point", lambda _: "/media/image")
    assert any("read-only image at /media/image" in one for one in objections(place))
    monkeypatch.setattr(interpreter, "mount_point", lambda _: "/usr")
    assert objections(place) == []
    assert real("/")


def test_it_ends_after_a_few(place: Path) -> None:
    """Who made everything writable is told a few times, not a thousand times."""
    for number in range(20):
        folder = place / f"f{number}"
        folder.mkdir()
        folder.chmod(0o777)
    places = [str(place / PYTHON), *(str(place / f"f{number}") for number in range(20))]
    assert len(interpreter.objections(places, "linux")) == interpreter.ENOUGH


def test_what_is_looked_at() -> None:
    """The interpreter comes first; our own package and the library are among the rest."""
    found = interpreter.loaded()
    assert found[0] == sys.executable
    assert str(Path(interpreter.__file__).parents[1]) in found
    assert str(Path(os.__file__).parent) in found
    assert "" not in found


def test_how_it_is_started() -> None:
    """Isolated: no environment and no current folder has a say in what is loaded."""
    assert interpreter.command() == (sys.executable, "-I", "-m", "mdeinspect")
