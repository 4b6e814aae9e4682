"""`mdatp health`: what the agent says of itself, and its version where health lacks it.

Sample (text form): `real_time_protection_enabled                : true [managed]`
"""

from __future__ import annotations

from mdeinspect.documents.health import parse_health, parse_version
from mdeinspect.model import Command
from mdeinspect.sources import CommandSource

HEALTH = CommandSource(
    "health",
    (
        Command("health-json", ("health", "--output", "json")),
        Command("health-text", ("health",)),
    ),
    parse_health,
)
VERSION = CommandSource("version", (Command("version", ("version",)),), parse_version, detail=True)
SOURCES = (HEALTH, VERSION)
