"""Policy that the portal delivers (MDE Attach). An attached Linux host without policy has `{}`."""

from __future__ import annotations

from mdeinspect.documents import Document, policyjson, profile
from mdeinspect.sources import FileSource


def _parse(data: bytes) -> Document:
    return policyjson.parse(data) if _is_json(data) else profile.parse(data)


def _is_json(data: bytes) -> bool:
    start = data.removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
    return start not in (b"<", b"b", b"0")


MDE_ATTACH = FileSource(
    "mdeattach_managed",
    {
        "linux": ("/etc/opt/microsoft/mdatp/managed/mdeattach_managed.json",),
        "darwin": ("/Library/Preferences/com.microsoft.mdeattach.plist",),
    },
    _parse,
    channel="mde_attach",
    wake="event",
)
SOURCES = (MDE_ATTACH,)
