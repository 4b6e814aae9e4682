"""The profile that grants Full Disk Access, for the program that runs the service on this Mac.

macOS grants that to code, not to a path: the profile needs the program's code requirement, which is
read from its signature. Sample of `codesign --display --requirements - PROGRAM`:

    Executable=/usr/local/bin/example
    designated => identifier "org.example" and anchor apple generic and certificate leaf ...

An ad-hoc signature has only `# designated => cdhash H"..."`, good for this one build of the
program; one without any signature has none, and cannot be granted anything by a profile.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from xml.sax.saxutils import escape

from mdeinspect.installer import InstallError, manager, material

TEMPLATE = "launchd/mdeinspect-full-disk-access.mobileconfig"
_DESIGNATED = re.compile(r"^(?:# )?designated => (.+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Grant:
    """A code requirement and whether it outlives an upgrade; or `trouble`, why there is none."""

    program: str
    requirement: str | None = None
    lasting: bool = False
    trouble: str | None = None


def grant(program: str, runner: manager.Runner | None) -> Grant:
    """What a profile can say of the program behind the links of `program`.

    Without a `runner` (for an image) nobody is asked.
    """
    program = os.path.realpath(program)
    if runner is None:
        return Grant(program, trouble="the signature is only looked at on the Mac itself")
    try:
        ran = runner("codesign", ("--display", "--requirements", "-", program))
    except InstallError as error:
        return Grant(program, trouble=str(error))
    found = _DESIGNATED.search(f"{ran.out}\n{ran.err}")
    if ran.code or found is None:
        said = " ".join(ran.err.split()) or "no designated requirement"
        return Grant(program, trouble=f"cannot tell the code requirement of {program}: {said}")
    return Grant(program, found[1].strip(), lasting="cdhash" not in found[1])


def profile(found: Grant) -> str:
    """The profile as text. Raises `InstallError` where there is no requirement."""
    if found.requirement is None:
        raise InstallError(str(found.trouble))
    text = material.text(TEMPLATE).replace("@PROGRAM@", escape(found.program))
    return text.replace("@REQUIREMENT@", escape(found.requirement))


def note(found: Grant) -> str:
    """What the administrator should know of it."""
    if found.requirement is None:
        return f"no profile for Full Disk Access: {found.trouble} (docs/macos.md)"
    told = f"Full Disk Access: deliver the profile by your MDM; it grants it to {found.program}"
    if not found.lasting:
        told += ", in this build only: after an upgrade of it, install the service again"
    return f"{told} (docs/macos.md)"
