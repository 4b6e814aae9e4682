"""The interpreter, from the cache or built in an old root; its key is the digest of the recipe."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

from pack.places import BUILD, HERE
from pack.run import run

RECIPE = HERE / "interpreter"


def interpreter() -> Path:
    """The archive of its folder. Building takes some minutes, and needs mmdebstrap and dpkg-dev."""
    made = BUILD / "interpreter" / f"{digest()}.tar.gz"
    if not made.exists():
        made.parent.mkdir(parents=True, exist_ok=True)
        _build(made)
    return made


def digest() -> str:
    """Changes whenever anything of the recipe does."""
    whole = hashlib.sha256()
    for path in sorted(RECIPE.iterdir()):
        whole.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return whole.hexdigest()[:16]


def settings() -> dict[str, str]:
    """What `recipe.conf` says."""
    lines = (RECIPE / "recipe.conf").read_text("utf-8").splitlines()
    pairs = (line.partition("=") for line in lines if line and not line.startswith("#"))
    return {name: value.strip('"') for name, _, value in pairs}


def _build(made: Path) -> None:
    told = settings()
    draft = made.with_suffix(".new")
    scratch = made.parent / "scratch"
    scratch.mkdir(exist_ok=True)
    print(f"building the interpreter in {told['ROOT_SUITE']}, for {made.name}", flush=True)
    try:
        run(
            "mmdebstrap",
            "--variant=minbase",
            f"--include={told['ROOT_PACKAGES']}",
            f'--customize-hook="{RECIPE}/hook.sh" "$1" "{draft}"',
            told["ROOT_SUITE"],
            "/dev/null",
            *os.environ.get("MDEINSPECT_MIRROR", "").split(),
            more={"TMPDIR": str(scratch)},
            quiet=True,
        )
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    draft.replace(made)
