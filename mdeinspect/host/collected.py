"""What a Client Analyzer bundle collects: under which names, and what its values tell."""

from __future__ import annotations

import json
import plistlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from mdeinspect.documents import analyzer, jsondoc
from mdeinspect.documents.filetime import find_checkins
from mdeinspect.documents.health import moment, parse_health
from mdeinspect.errors import ParseError
from mdeinspect.model import Platform

OUTPUTS: Final[Mapping[str, str]] = {
    "health-text": "health.txt",
    "health-details-features": "health_details_features.txt",
    "health-details-permissions": "permissions.txt",
    "health-details-definitions": "definitions.txt",
    "exclusion-list": "exclusions.txt",
}
PLACES: Final[Mapping[Platform, Mapping[str, str]]] = {
    "linux": {
        analyzer.MANAGED: "/etc/opt/microsoft/mdatp/managed/mdatp_managed.json",
        analyzer.LOCAL: "/etc/opt/microsoft/mdatp/wdavcfg",
        analyzer.STATE: "/var/opt/microsoft/mdatp/wdavstate",
    },
    "darwin": {
        analyzer.MANAGED: "/Library/Managed Preferences/com.microsoft.wdav.plist",
        analyzer.LOCAL: "/Library/Application Support/Microsoft/Defender/wdavcfg",
        analyzer.STATE: "/Library/Application Support/Microsoft/Defender/wdavstate",
    },
}
# What lies here belongs to the agent: it may be there without having been collected.
AGENT: Final = (
    *("/etc/opt/microsoft/", "/var/opt/microsoft/", "/var/log/microsoft/"),
    *("/Library/Managed Preferences/", "/Library/Preferences/com.microsoft."),
    *("/Library/Application Support/Microsoft/", "/Library/Logs/Microsoft/"),
)
LOG: Final[Mapping[Platform, str]] = {
    "linux": "/var/log/microsoft/mdatp/microsoft_defender_core.log",
    "darwin": "/Library/Logs/Microsoft/mdatp/microsoft_defender_core.log",
}
MACOS_ONLY: Final = ("system_extensions.txt", "launchd_dumpstate.txt", "tcc_db.txt")
EARLIEST: Final = datetime(2019, 1, 1, tzinfo=UTC)
LATEST: Final = datetime(2200, 1, 1, tzinfo=UTC)


def health_moment(data: bytes) -> datetime | None:
    """When health was asked: the definitions' time and their age tell it, to the minute."""
    try:
        health = parse_health(data)
    except ParseError:
        return None
    field, age = health.get("definitions_updated"), health.value("definitions_updated_minutes_ago")
    updated, exact = moment(field) if field else (None, False)
    if updated is None or not exact or isinstance(age, bool) or not isinstance(age, int):
        return None
    return updated + timedelta(minutes=age) if 0 <= age < 10_000_000 else None


def checkins(data: bytes | None) -> list[datetime]:
    try:
        times = find_checkins(jsondoc.parse(data or b"").value)
    except ParseError:
        return []
    return [one for one in (*times.attempts, *times.successes) if one is not None]


def as_plist(data: bytes) -> bytes | None:
    """JSON that `plutil` made of a property list, turned back; None when it cannot be."""
    try:
        return plistlib.dumps(jsondoc.parse(data).value)
    except (ParseError, TypeError, OverflowError, ValueError):
        return None


def logged(block: bytes) -> bytes:
    """The merged configuration as the line of the log that it was cut from."""
    try:
        value = jsondoc.parse(block).value
        line = json.dumps(value).encode()
    except (ParseError, ValueError):
        line = b""
    return b"Features merged with capabilities: " + line + b"\n"
