"""The packages that `make package` left in `dist/`, and roots to install them in."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from container import Container, Root

CHECKOUT = Path(__file__).resolve().parents[2]
ROOTS = CHECKOUT / "build/roots"
PREVIOUS = "0.0.1"
# No interpreter in any of them: the packages bring their own.
BOOTABLE = "systemd,systemd-sysv,logrotate"

Archive = Callable[[str, str], Path]


def lacking(*programs: str) -> str | None:
    """Why these tests cannot run here; None when they can."""
    if os.geteuid() != 0:
        return "needs root, to enter a root file system"
    missing = [name for name in programs if shutil.which(name) is None]
    return f"needs {', '.join(missing)}" if missing else None


@pytest.fixture(scope="session")
def dist() -> Path:
    """The folder of the packages."""
    folder = Path(os.environ.get("MDEINSPECT_DIST", CHECKOUT / "dist"))
    if not list(folder.glob("*.deb")):
        pytest.skip(f"no package in {folder}: run `make package`")
    return folder


@pytest.fixture(scope="session")
def deb(dist: Path) -> Path:
    """The `.deb`."""
    [found] = dist.glob("*.deb")
    return found


@pytest.fixture(scope="session")
def rpm(dist: Path) -> Path:
    """The `.rpm`."""
    [found] = dist.glob("*.rpm")
    return found


@pytest.fixture(scope="session")
def previous(deb: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same package with a lower version: what an upgrade starts from."""
    folder = tmp_path_factory.mktemp("previous")
    code = (
        "import sys; from pathlib import Path; from pack import packages\n"
        "packages.build(sys.argv[1], Path(sys.argv[2]), ('deb',), 'gzip')"
    )
    words = [sys.executable, "-c", code, PREVIOUS, str(folder)]
    place = {**os.environ, "PYTHONPATH": str(CHECKOUT / "packaging")}
    subprocess.run(words, cwd=CHECKOUT, env=place, check=True, capture_output=True)
    [found] = folder.glob("*.deb")
    return found


@pytest.fixture(scope="session")
def archive() -> Archive:
    """Makes a Debian root of a suite with these packages, once: kept in `build/roots`."""
    if why := lacking("mmdebstrap", "tar", "unshare", "chroot"):
        pytest.skip(why)

    def made(suite: str, include: str) -> Path:
        key = hashlib.sha256(f"{suite} {include}".encode()).hexdigest()[:8]
        target = ROOTS / f"{suite}-{key}.tar"
        if not target.exists():
            ROOTS.mkdir(parents=True, exist_ok=True)
            draft = target.with_suffix(".new.tar")
            more = [f"--include={include}"] if include else []
            mirror = os.environ.get("MDEINSPECT_MIRROR", "").split()
            words = ["mmdebstrap", "--variant=minbase", *more, suite, str(draft), *mirror]
            said = subprocess.run(words, capture_output=True, text=True, check=False)
            assert said.returncode == 0, said.stderr[-2000:]
            draft.replace(target)
        return target

    return made


@pytest.fixture
def root(archive: Archive, tmp_path: Path) -> Iterator[Callable[..., Root]]:
    """Makes a fresh root of a suite, to enter by chroot."""
    made: list[Root] = []

    def make(suite: str, include: str = "") -> Root:
        made.append(Root(archive(suite, include), tmp_path / f"{suite}-{len(made)}"))
        return made[-1]

    yield make
    for one in made:
        one.remove()


@pytest.fixture(scope="module")
def boot(
    archive: Archive, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[], Container]]:
    """Boots a fresh Debian 12 with systemd. Every one is powered off at the end."""
    if why := lacking("systemd-nspawn", "nsenter", "setpriv"):
        pytest.skip(why)
    made: list[Container] = []

    def make() -> Container:
        folder = tmp_path_factory.mktemp("container") / "root"
        root = archive("bookworm", BOOTABLE)
        if why := _refused(root, folder.with_name("probe")):
            pytest.skip(why)
        made.append(Container(root, folder))
        made[-1].boot()
        return made[-1]

    yield make
    for one in made:
        one.end()
        one.remove()


def _refused(archive: Path, folder: Path) -> str | None:
    """What the kernel has against a container; None when it lets one run."""
    probe = Root(archive, folder)
    words = ["systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--pipe", "-D"]
    said = subprocess.run(
        [*words, str(folder), "/bin/true"],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        env={**os.environ, "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"},
    )
    probe.remove()
    return f"systemd-nspawn cannot run here: {said.stderr.strip()}" if said.returncode else None
