"""`mdatp_config.txt` of Microsoft's Client Analyzer: five blocks of text, most of them JSON.

Sample: `WDAVSTATE CONFIGURATIONS`, a path line, then JSON indented by four or `Error: ...`.
Where it lies is told by the configuration; in a recorded host, beside `host.json`.
"""

from __future__ import annotations

from mdeinspect.documents.filetime import CheckinTimes, find_checkins
from mdeinspect.sources import FileSource


def _parse(data: bytes) -> CheckinTimes:
    """The check-in times of every block that can be read; one that cannot hides no other."""
    from mdeinspect.documents import analyzer  # only where there is one

    return find_checkins(list(analyzer.values(analyzer.blocks(data))))


CLIENT_ANALYZER = FileSource(
    "client_analyzer",
    {"linux": ("/mdatp_config.txt",), "darwin": ("/mdatp_config.txt",)},
    _parse,
)
SOURCES = (CLIENT_ANALYZER,)
