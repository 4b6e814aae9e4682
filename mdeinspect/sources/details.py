"""Views of `mdatp` that show what the main health view lacks. All optional, none documented whole.

Sample (`--details antivirus`): `scan_archives                               : true`
"""

from __future__ import annotations

from mdeinspect.documents.health import parse_details, parse_strings
from mdeinspect.model import Command, Platform
from mdeinspect.sources import CommandSource

BOTH: tuple[Platform, ...] = ("linux", "darwin")
FEATURES = ("antivirus", "definitions", "edr", "features", "permissions", "scheduled_scan")
ON_MAC = ("system_extensions",)


def _view(feature: str, platforms: tuple[Platform, ...] = BOTH) -> CommandSource:
    name = f"health-details-{feature}"
    command = Command(name, ("health", "--details", feature))
    return CommandSource(name, (command,), parse_details, detail=True, platforms=platforms)


EXCLUSIONS = CommandSource(
    "exclusion-list",
    (Command("exclusion-list", ("exclusion", "list")),),
    parse_strings,
    detail=True,
)
ALLOWED_THREATS = CommandSource(
    "threat-allowed-list",
    (Command("threat-allowed-list", ("threat", "allowed", "list")),),
    parse_strings,
    detail=True,
)
SOURCES = (
    *(_view(feature) for feature in FEATURES),
    *(_view(feature, ("darwin",)) for feature in ON_MAC),
    EXCLUSIONS,
    ALLOWED_THREATS,
)
