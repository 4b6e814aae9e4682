"""`mdatp_config.txt` of Microsoft's Client Analyzer: five blocks of text, most of them JSON.

Each block is a description line, a title line, a path line, then JSON indented by four or
`Error: ...`. Where it lies is told by the configuration; in a recorded host, beside `host.json`.
"""

from __future__ import annotations

import re

from mdeinspect.documents import jsondoc
from mdeinspect.documents.filetime import CheckinTimes, find_checkins
from mdeinspect.errors import ParseError
from mdeinspect.sources import FileSource

TITLES = (
    "MDE HEALTH",
    "MERGED CONFIGURATIONS",
    "MANAGED CONFIGURATIONS",
    "WDAVCFG CONFIGURATIONS",
    "WDAVSTATE CONFIGURATIONS",
)
_TITLE = re.compile(rb"^[ \t]*(" + "|".join(TITLES).encode() + rb")[ \t]*\r?$", re.MULTILINE)


def _parse(data: bytes) -> CheckinTimes:
    """The check-in times of every block that can be read; one that cannot hides no other."""
    marks = list(_TITLE.finditer(data))
    if not marks:
        raise ParseError("cannot read this as mdatp_config.txt: none of its titles is in it")
    ends = [mark.start() for mark in marks[1:]] + [len(data)]
    blocks = [data[mark.end() : end] for mark, end in zip(marks, ends, strict=True)]
    return find_checkins([block for block in map(_json, blocks) if block is not None])


def _json(block: bytes) -> object:
    """The JSON of one block: from its first `{` to its last `}`."""
    start, end = block.find(b"{"), block.rfind(b"}")
    try:
        return jsondoc.parse(block[start : end + 1]).value if 0 <= start < end else None
    except ParseError:
        return None  # a block that cannot be read tells nothing


CLIENT_ANALYZER = FileSource(
    "client_analyzer",
    {"linux": ("/mdatp_config.txt",), "darwin": ("/mdatp_config.txt",)},
    _parse,
)
SOURCES = (CLIENT_ANALYZER,)
