"""The agent's own run-time state (wdavstate), which holds the times of the SenseCM check-ins.

Sample: `{"securityManagement": {"mLastCheckinAttemptInFileTime": 134116992000000000}}`
"""

from __future__ import annotations

from mdeinspect.documents import jsondoc
from mdeinspect.documents.filetime import CheckinTimes, find_checkins
from mdeinspect.sources import FileSource


def _parse(data: bytes) -> CheckinTimes:
    return find_checkins(jsondoc.parse(data).value)


PRODUCT_STATE = FileSource(
    "wdavstate",
    {
        "linux": ("/var/opt/microsoft/mdatp/wdavstate",),
        "darwin": ("/Library/Application Support/Microsoft/Defender/wdavstate",),
    },
    _parse,
)
SOURCES = (PRODUCT_STATE,)
