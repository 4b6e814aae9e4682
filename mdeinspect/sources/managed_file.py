"""Policy that a configuration tool copies to a Linux host.

Sample: `{"antivirusEngine": {"enforcementLevel": "real_time"}}`
"""

from __future__ import annotations

from mdeinspect.documents import policyjson
from mdeinspect.sources import FileSource

MANAGED_FILE = FileSource(
    "mdatp_managed",
    {"linux": ("/etc/opt/microsoft/mdatp/managed/mdatp_managed.json",)},
    policyjson.parse,
    channel="managed_file",
    wake="event",
)
SOURCES = (MANAGED_FILE,)
