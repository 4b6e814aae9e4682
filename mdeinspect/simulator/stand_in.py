"""An executable in place of `mdatp` that answers for a simulated host, live."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import mdeinspect


def install(path: Path, folder: Path) -> Path:
    """Write the program to `path` and return it. It reads the host in `folder` at each call.

    A shell starts it, for the path of an interpreter may be too long for a `#!` line.
    """
    package = Path(mdeinspect.__file__).resolve().parents[1]
    words = [sys.executable, "-m", "mdeinspect.simulator", "--host", str(folder.resolve())]
    lines = (
        "#!/bin/sh",
        "# A stand-in for mdatp that answers for a simulated host. Not the vendor's program.",
        f'PYTHONPATH={shlex.quote(str(package))} exec {shlex.join(words)} "$@"',
    )
    path.write_text("\n".join((*lines, "")), encoding="utf-8")
    path.chmod(0o755)
    return path
