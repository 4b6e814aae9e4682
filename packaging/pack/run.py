"""Runs a program, or ends with one line that says which one failed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from pack.places import CHECKOUT


def run(*words: str | Path, more: Mapping[str, str] | None = None, quiet: bool = False) -> None:
    """Run to the end in the checkout; SystemExit with the program's name when it fails."""
    argv = [str(word) for word in words]
    try:
        said = subprocess.run(
            argv,
            cwd=CHECKOUT,
            env={**os.environ, **(more or {})},
            stdout=subprocess.PIPE if quiet else None,
            stderr=subprocess.STDOUT if quiet else None,
            check=False,
        )
    except OSError as error:
        raise SystemExit(f"cannot run {argv[0]}: {error.strerror}; install it") from error
    if said.returncode:
        sys.stderr.buffer.write(said.stdout or b"")
        raise SystemExit(f"cannot build: {' '.join(argv[:4])} ended with {said.returncode}")
