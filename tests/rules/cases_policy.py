"""The hosts of the rules about what stands in policy files."""

from __future__ import annotations

from typing import Any

from about_files import only
from cases import Build, Case, denied, linux, mac

from support import MAC_MANAGED, MANAGED, HostFolder

EPP = "antivirusEngine.exclusions"
GLOBAL = "exclusionSettings.exclusions"
LEVEL = "networkProtection.enforcementLevel"


def excluded(path: str, **more: Any) -> dict[str, Any]:
    """An entry of a list of exclusions."""
    return {"$type": "excludedPath", "path": path, "isDirectory": True, **more}


def deployed(content: Any) -> Build:
    """A Linux host with this managed file."""
    return linux(lambda host: host.health().file(MANAGED, content))


def _hidden(host: HostFolder) -> None:
    host.health().file(MANAGED, {})


HIDDEN = denied("mdatp_managed", _hidden)
ODD = "what cannot be read at all is told by policy-malformed and policy-unreadable"

CASES = {
    "policy-malformed": Case(deployed("{"), deployed("{}"), HIDDEN),
    "policy-unreadable": Case(
        linux(lambda host: host.health().file(f"{MANAGED}/inside", "")),
        linux(lambda host: host.health().file("/srv/p", {}).link(MANAGED, "/srv/p")),
        HIDDEN,
    ),
    "odd-policy-file": Case(deployed("\ufeff{}"), deployed("{}\n"), ODD),
    "duplicate-key": Case(
        deployed('{"edr": {"groupIds": "a", "groupIds": "b"}}'),
        deployed('{"edr": {"groupIds": "a"}, "cloudService": {}}'),
        HIDDEN,
    ),
    "unknown-key": Case(
        deployed(only("cloudService.enabledd", True)),
        deployed(only("cloudService.enabled", True)),
        HIDDEN,
    ),
    "misplaced-key": Case(
        deployed(only("behaviorMonitoring", "enabled")),
        deployed(only("antivirusEngine.behaviorMonitoring", "enabled")),
        HIDDEN,
    ),
    "other-platform-key": Case(
        deployed(only("tamperProtection.enforcementLevel", "block")),
        mac(
            lambda host: host.health().file(
                MAC_MANAGED, only("tamperProtection.enforcementLevel", "block")
            )
        ),
        HIDDEN,
    ),
    "deprecated-key": Case(
        deployed(only("antivirusEngine.passiveMode", False)),
        deployed(only("antivirusEngine.enforcementLevel", "real_time")),
        HIDDEN,
    ),
    "old-and-new-keys": Case(
        deployed({"antivirusEngine": {"passiveMode": False, "enforcementLevel": "real_time"}}),
        deployed(only("antivirusEngine.passiveMode", False)),
        HIDDEN,
    ),
    "wrong-type": Case(
        deployed(only("cloudService.enabled", "true")),
        deployed(only("cloudService.enabled", True)),
        HIDDEN,
    ),
    "value-not-allowed": Case(
        deployed(only(LEVEL, "blocked")), deployed(only(LEVEL, "block")), HIDDEN
    ),
    "broad-exclusion": Case(
        deployed(only(EPP, [excluded("/tmp")])),
        deployed(only(EPP, [excluded("/var/lib/postgresql")])),
        HIDDEN,
    ),
    "accidentally-global-exclusion": Case(
        deployed(only(GLOBAL, [excluded("/srv/db")])),
        deployed(only(GLOBAL, [excluded("/srv/db", scopes=["epp"])])),
        HIDDEN,
    ),
    "allowed-threats": Case(
        deployed(only("antivirusEngine.allowedThreats", ["EICAR-Test-File"])),
        deployed(only("antivirusEngine.allowedThreats", [])),
        HIDDEN,
    ),
}
