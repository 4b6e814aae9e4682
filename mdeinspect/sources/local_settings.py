"""Settings made on the host itself, by `mdatp config` (wdavcfg). JSON, same sections as policy."""

from __future__ import annotations

from mdeinspect.documents import policyjson
from mdeinspect.sources import FileSource

LOCAL_SETTINGS = FileSource(
    "wdavcfg",
    {
        "linux": ("/etc/opt/microsoft/mdatp/wdavcfg",),
        "darwin": ("/Library/Application Support/Microsoft/Defender/wdavcfg",),
    },
    policyjson.parse,
    channel="local",
    wake="event",
)
SOURCES = (LOCAL_SETTINGS,)
