"""Policy that an MDM profile delivers to a Mac, for the machine and for single users."""

from __future__ import annotations

from mdeinspect.documents import profile
from mdeinspect.sources import FileSource

FOLDER = "/Library/Managed Preferences"


def _source(name: str, path: str, *, each: bool = False) -> FileSource:
    return FileSource(
        name, {"darwin": (path,)}, profile.parse, channel="mdm", wake="event", each=each
    )


SOURCES = (
    _source("managed_preferences", f"{FOLDER}/com.microsoft.wdav.plist"),
    _source("managed_preferences_ext", f"{FOLDER}/com.microsoft.wdav.ext.plist"),
    _source("managed_preferences_user", f"{FOLDER}/*/com.microsoft.wdav.plist", each=True),
    _source("managed_preferences_ext_user", f"{FOLDER}/*/com.microsoft.wdav.ext.plist", each=True),
)
