"""What both kinds of host are asked the same way: where things are, what system it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from mdeinspect.errors import MdeinspectError
from mdeinspect.plist import readPlistFromString

if TYPE_CHECKING:
    from mdeinspect.host import Host
    from mdeinspect.model import Platform

# `mdatp` is looked for here and nowhere else: never through PATH.
PROGRAMS: Mapping[Platform, tuple[str, ...]] = {
    "linux": (
        "/usr/bin/mdatp",
        "/bin/mdatp",
        "/opt/microsoft/mdatp/sbin/wdavdaemonclient",
    ),
    "darwin": (
        "/usr/local/bin/mdatp",
        "/Applications/Microsoft Defender.app/Contents/MacOS/wdavdaemonclient",
    ),
}
OS_RELEASE = ("/etc/os-release", "/usr/lib/os-release")
SYSTEM_VERSION = "/System/Library/CoreServices/SystemVersion.plist"


def os_name(host: Host, platform: Platform) -> str | None:
    """The operating system in words, such as `Debian GNU/Linux 12`; None when not told."""
    try:
        return _macos(host) if platform == "darwin" else _linux(host)
    except MdeinspectError:
        return None


def _linux(host: Host) -> str | None:
    for path in OS_RELEASE:
        try:
            data, _ = host.read(path, 64 * 1024)
        except MdeinspectError:
            continue
        pairs = (line.partition("=") for line in data.decode("utf-8", "replace").splitlines())
        values = {key.strip(): value.strip().strip("'\"") for key, _, value in pairs}
        return values.get("PRETTY_NAME") or values.get("NAME") or None
    return None


def _macos(host: Host) -> str | None:
    value = readPlistFromString(host.read(SYSTEM_VERSION, 64 * 1024)[0])
    if not isinstance(value, dict):
        return None
    words = [value.get("ProductName"), value.get("ProductVersion")]
    return " ".join(word for word in words if isinstance(word, str)) or None
