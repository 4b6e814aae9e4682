"""`python -m pack`: wheel and sdist, packages, bill of materials, checksums, all in `dist/`."""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from pack import packages, sbom
from pack.payload import lay_out
from pack.places import CHECKOUT, DIST
from pack.run import run


def main() -> None:
    """Build everything, or only what is asked for."""
    ask = argparse.ArgumentParser(prog="pack", description=__doc__)
    ask.add_argument("what", choices=("dist", "packages"), help="wheel and sdist; all of it")
    ask.add_argument("--folder", type=Path, default=DIST, help="where to (dist)")
    told = ask.parse_args()
    os.environ.setdefault("SOURCE_DATE_EPOCH", _last_change())
    folder: Path = told.folder.resolve()
    shutil.rmtree(folder, ignore_errors=True)
    version = product_version()
    run(sys.executable, "-m", "build", "--outdir", folder, quiet=True)
    if told.what == "packages":
        [wheel] = folder.glob("*.whl")
        stage = lay_out(wheel, version)
        packages.build(version, folder)
        sbom.write(stage, version, folder / f"mdeinspect-{version}.cdx.json")
    _sums(folder)


def product_version() -> str:
    """What `mdeinspect/__init__.py` says, without importing it."""
    text = (CHECKOUT / "mdeinspect/__init__.py").read_text("utf-8")
    found = re.search(r'^__version__ = "(.+)"$', text, re.MULTILINE)
    if found is None:
        raise SystemExit("cannot tell the version: mdeinspect/__init__.py has no __version__")
    return found[1]


def _last_change() -> str:
    """The moment of the last commit, so that the same sources give the same files."""
    asked = ["git", "log", "-1", "--format=%ct"]
    said = subprocess.run(asked, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    return said.stdout.strip() or str(int((CHECKOUT / "pyproject.toml").stat().st_mtime))


def _sums(folder: Path) -> None:
    """`SHA256SUMS`, in the form that `sha256sum --check` reads."""
    files = sorted(path for path in folder.iterdir() if path.name != "SHA256SUMS")
    lines = (f"{hashlib.sha256(one.read_bytes()).hexdigest()}  {one.name}\n" for one in files)
    (folder / "SHA256SUMS").write_text("".join(lines), "utf-8")
    for one in files:
        print(f"{one.stat().st_size / 1e6:7.2f} MB  {one.relative_to(folder.parent)}")


main()
