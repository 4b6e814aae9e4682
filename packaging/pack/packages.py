"""`.deb` and `.rpm` from one description, `nfpm.yaml`."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from string import Template
from typing import Final

from pack.places import BUILD, HERE
from pack.run import run

MAINTAINER: Final = "The mdeinspect maintainers <maintainers@mdeinspect.invalid>"
KINDS: Final = ("deb", "rpm")
_PRE: Final = re.compile(r"\.?(a|b|rc|dev)(\d+)")


def build(version: str, folder: Path, kinds: tuple[str, ...] = KINDS, squeeze: str = "xz") -> None:
    """Write the packages of what is laid out into `folder`, compressed by `squeeze`."""
    folder.mkdir(parents=True, exist_ok=True)
    told = {
        "VERSION": package_version(version),
        "COMPRESSION": squeeze,
        "MAINTAINER": MAINTAINER,
    }
    text = Template((HERE / "nfpm.yaml").read_text("utf-8")).substitute(told)
    description = BUILD / "nfpm.yaml"
    description.write_text(text, "utf-8")
    nfpm = Path(sys.executable).with_name("nfpm")
    for kind in kinds:
        run(nfpm, "package", "-f", description, "-p", kind, "-t", folder, quiet=True)


def package_version(version: str) -> str:
    """`1.2.0rc1` becomes `1.2.0~rc1`, which both package managers sort before `1.2.0`."""
    return _PRE.sub(r"~\1\2", version, count=1)
