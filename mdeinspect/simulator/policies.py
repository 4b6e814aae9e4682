"""Policies that the scenarios deliver: one that is hardened, and one that is not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from mdeinspect.model import Platform

_EXCLUDED: Final[Mapping[Platform, str]] = {
    "linux": "/var/lib/postgresql/16/main",
    "darwin": "/Library/Application Support/Backup/store",
}


def hardened(platform: Platform) -> dict[str, Any]:
    """What a careful team delivers: protection in real time, one narrow exclusion."""
    threats = ("potentially_unwanted_application", "archive_bomb")
    policy: dict[str, Any] = {
        "antivirusEngine": {
            "enforcementLevel": "real_time",
            "scanArchives": True,
            "scanAfterDefinitionUpdate": True,
            "maximumOnDemandScanThreads": 2,
            "exclusionsMergePolicy": "admin_only",
            "exclusions": [
                {"$type": "excludedPath", "path": _EXCLUDED[platform], "isDirectory": True}
            ],
            "disallowedThreatActions": ["allow", "restore"],
            "threatTypeSettingsMergePolicy": "admin_only",
            "threatTypeSettings": [{"key": threat, "value": "block"} for threat in threats],
        },
        "cloudService": {
            "enabled": True,
            "diagnosticLevel": "optional",
            "automaticSampleSubmissionConsent": "safe",
            "automaticDefinitionUpdateEnabled": True,
            "cloudBlockLevel": "high",
        },
        "networkProtection": {"enforcementLevel": "block"},
        "edr": {"tags": [{"key": "GROUP", "value": "Servers"}]},
    }
    if platform == "darwin":
        policy["features"] = {"behaviorMonitoring": "enabled"}
        policy["tamperProtection"] = {"enforcementLevel": "block"}
    else:
        policy["antivirusEngine"]["behaviorMonitoring"] = "enabled"
    return policy


def lax(platform: Platform) -> dict[str, Any]:
    """What an old role or profile brings back: passive, a whole disk excluded, a threat allowed."""
    policy = hardened(platform)
    policy["antivirusEngine"] |= {
        "enforcementLevel": "passive",
        "exclusions": [{"$type": "excludedPath", "path": "/", "isDirectory": True}],
        "allowedThreats": ["EICAR-Test-File (not a virus)"],
    }
    return policy
