"""Views of `mdatp` that show what the main health view lacks. All optional, none documented whole.

Sample (`--details antivirus`): `scan_archives                               : true`
"""

from __future__ import annotations

from mdeinspect.documents.health import parse_details, parse_strings
from mdeinspect.model import Command
from mdeinspect.sources import CommandSource

FEATURES = ("antivirus", "definitions", "edr", "features", "permissions", "scheduled_scan")


def _view(feature: str) -> CommandSource:
    name = f"health-details-{feature}"
    command = Command(name, ("health", "--details", feature))
    return CommandSource(name, (command,), parse_details, detail=True)


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
SOURCES = (*(_view(feature) for feature in FEATURES), EXCLUSIONS, ALLOWED_THREATS)
