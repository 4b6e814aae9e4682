"""Whether the agent will come back after a reboot, by systemd's links or launchd's job file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mdeinspect.errors import ParseError
from mdeinspect.plist import readPlistFromString
from mdeinspect.sources import FileSource, LinkSource

UNIT = "mdatp.service"
UNIT_FOLDERS = ("/etc/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system")


@dataclass(frozen=True, slots=True)
class Boot:
    """`enabled` is None when there is no unit to be enabled; `signs` are the paths that say so."""

    enabled: bool | None
    signs: tuple[str, ...] = ()


def _systemd(found: Mapping[str, str | None]) -> Boot | None:
    own = f"{UNIT_FOLDERS[0]}/{UNIT}"
    if found.get(own) == "/dev/null":
        return Boot(enabled=False, signs=(own,))
    wanted = tuple(
        path for path in found if path.rsplit("/", 2)[1].endswith((".wants", ".requires"))
    )
    units = tuple(path for path in found if path not in wanted)
    if wanted:
        return Boot(enabled=True, signs=wanted)
    return Boot(enabled=False, signs=units) if units else None


def _launchd(data: bytes) -> Boot:
    job = readPlistFromString(data)
    if not isinstance(job, dict):
        raise ParseError("cannot read this as a launchd job: its root is no dictionary")
    return Boot(enabled=job.get("Disabled") is not True)


SYSTEMD = LinkSource(
    "boot",
    {
        "linux": tuple(
            f"{folder}/{pattern}{UNIT}"
            for folder in UNIT_FOLDERS
            for pattern in ("", "*.wants/", "*.requires/")
        )
    },
    _systemd,
)
LAUNCHD = FileSource(
    "boot", {"darwin": ("/Library/LaunchDaemons/com.microsoft.fresno.plist",)}, _launchd
)
SOURCES = (SYSTEMD, LAUNCHD)
