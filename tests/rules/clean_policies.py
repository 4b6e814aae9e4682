"""Policies as the documentation recommends them, and the codes of the rules about policy files."""

from __future__ import annotations

from typing import Any

FILE_CODES = frozenset(
    {
        "accidentally-global-exclusion",
        "allowed-threats",
        "broad-exclusion",
        "deprecated-key",
        "duplicate-key",
        "empty-setting",
        "example-left-over",
        "impossible-global-exclusion",
        "key-too-new",
        "key-without-effect",
        "misplaced-key",
        "old-and-new-keys",
        "missing-exclusion",
        "other-platform-key",
        "password-in-policy",
        "policy-malformed",
        "policy-unreadable",
        "redundant-exclusion",
        "unknown-key",
        "unrendered-template",
        "unusable-proxy",
        "unusable-tag",
        "value-not-allowed",
        "weak-setting",
        "wrong-type",
    }
)

_SHARED_ENGINE: dict[str, Any] = {
    "enforcementLevel": "real_time",
    "scanAfterDefinitionUpdate": True,
    "scanArchives": True,
    "maximumOnDemandScanThreads": 2,
    "exclusionsMergePolicy": "admin_only",
    "exclusions": [
        {"$type": "excludedPath", "isDirectory": True, "path": "/var/lib/postgresql"},
        {"$type": "excludedPath", "isDirectory": False, "path": "/var/log/app/access.log"},
        {"$type": "excludedFileExtension", "extension": ".ibd"},
        {"$type": "excludedFileName", "name": "/opt/backup/bin/agentd"},
    ],
    "allowedThreats": [],
    "disallowedThreatActions": ["allow", "restore"],
    "enableFileHashComputation": False,
    "threatTypeSettingsMergePolicy": "admin_only",
    "threatTypeSettings": [
        {"key": "potentially_unwanted_application", "value": "block"},
        {"key": "archive_bomb", "value": "audit"},
    ],
    "scanResultsRetentionDays": 90,
    "scanHistoryMaximumItems": 10000,
}
_SCHEDULE: dict[str, Any] = {
    "dailyConfiguration": {"timeOfDay": 885, "interval": 0},
    "weeklyConfiguration": {"dayOfWeek": 4, "timeOfDay": 880, "scanType": "full"},
    "runScanWhenIdle": True,
    "lowPriorityScheduledScan": True,
    "checkForDefinitionsUpdate": True,
    "ignoreExclusions": False,
    "randomizeScanStartTime": 3,
}
_CLOUD: dict[str, Any] = {
    "enabled": True,
    "diagnosticLevel": "required",
    "cloudBlockLevel": "high",
    "automaticSampleSubmissionConsent": "safe",
    "automaticDefinitionUpdateEnabled": True,
    "definitionUpdatesInterval": 28800,
    "proxy": "http://proxy.example.net:3128/",
}
_EDR: dict[str, Any] = {
    "groupIds": "servers",
    "tags": [{"key": "GROUP", "value": "MDE-Management"}],
}


def linux() -> dict[str, Any]:
    """A whole policy for Linux."""
    return {
        "antivirusEngine": {
            **_SHARED_ENGINE,
            "behaviorMonitoring": "enabled",
            "nonExecMountPolicy": "unmute",
            "unmonitoredFilesystems": ["nfs", "fuse"],
            "scanFileModifyPermissions": True,
            "scanFileModifyOwnership": True,
            "scanNetworkSocketEvent": True,
            "offlineDefinitionUpdate": "enabled",
            "offlineDefinitionUpdateUrl": "http://mirror.example.net/linux/production/",
            "offlineDefinitionUpdateFallbackToCloud": True,
            "scheduledScan": "enabled",
        },
        "exclusionSettings": {
            "mergePolicy": "admin_only",
            "exclusions": [
                {
                    "$type": "excludedPath",
                    "isDirectory": True,
                    "path": "/srv/registry/blobs",
                    "scopes": ["epp", "global"],
                },
                {"$type": "excludedFileExtension", "extension": ".frm", "scopes": ["epp"]},
            ],
        },
        "scheduledScan": _SCHEDULE,
        "cloudService": _CLOUD,
        "features": {
            "moduleLoad": "enabled",
            "remediateInfectedFile": "enabled",
            "ebpfSupplementaryEventProvider": "enabled",
            "supplementarySensorConfigurations": {
                "enableFilePermissionEvents": "enabled",
                "enableRawSocketEvent": "disabled",
                "sendLowfiEvents": "disabled",
            },
        },
        "networkProtection": {"enforcementLevel": "block", "disableIcmpInspection": False},
        "edr": _EDR,
    }


def mac() -> dict[str, Any]:
    """A whole profile for macOS."""
    return {
        "antivirusEngine": {
            **_SHARED_ENGINE,
            "offlineDefinitionUpdate": "disabled",
        },
        "scheduledScan": _SCHEDULE,
        "cloudService": _CLOUD,
        "features": {
            "behaviorMonitoring": "enabled",
            "behaviorMonitoringConfigurations": {"blockExecution": "enabled"},
            "scheduledScan": "enabled",
            "dataLossPrevention": "enabled",
        },
        "networkProtection": {"enforcementLevel": "block", "disableIcmpParsing": False},
        "tamperProtection": {
            "enforcementLevel": "block",
            "exclusions": [
                {
                    "path": "/usr/bin/profiles",
                    "teamId": "",
                    "signingId": "com.apple.profiles",
                    "args": ["/usr/bin/profiles", "renew"],
                }
            ],
        },
        "userInterface": {
            "hideStatusMenuIcon": False,
            "userInitiatedFeedback": "disabled",
            "consumerExperience": "disabled",
        },
        "edr": _EDR,
        "dlp": {
            "features": [{"name": "DC_in_dlp", "state": "enabled"}],
            "exclusions": [{"signingId": "com.example.tool", "flag": 1}],
        },
        "deviceControl": {"policy": '{"groups": [], "rules": [], "settings": {}}'},
    }
