"""Recorded hosts to measure on: a usual one, one with a long policy, one with a huge file."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

NOW = datetime(2026, 11, 22, 11, 4, tzinfo=UTC)
MANAGED = "etc/opt/microsoft/mdatp/managed/mdatp_managed.json"
STATE = "var/opt/microsoft/mdatp/wdavstate"
CORE_LOG = "var/log/microsoft/mdatp/microsoft_defender_core.log"
UNIT = "usr/lib/systemd/system/mdatp.service"
WANTS = "etc/systemd/system/multi-user.target.wants/mdatp.service"
FILETIME_EPOCH = 11_644_473_600  # seconds from 1601 to 1970
MANY_EXCLUSIONS = 5_000
HUGE = 50 * 1024**2

POLICY: Mapping[str, Any] = {
    "antivirusEngine": {
        "enforcementLevel": "real_time",
        "behaviorMonitoring": "enabled",
        "scanArchives": True,
        "scanAfterDefinitionUpdate": True,
        "maximumOnDemandScanThreads": 2,
        "exclusionsMergePolicy": "merge",
        "threatTypeSettings": [
            {"key": "potentially_unwanted_application", "value": "block"},
            {"key": "archive_bomb", "value": "audit"},
        ],
    },
    "cloudService": {
        "enabled": True,
        "diagnosticLevel": "optional",
        "automaticSampleSubmissionConsent": "safe",
        "automaticDefinitionUpdateEnabled": True,
    },
    "networkProtection": {"enforcementLevel": "block"},
}
HEALTH: Mapping[str, Any] = {
    "appVersion": "101.25082.0003",
    "cloudEnabled": True,
    "definitionsUpdated": str(int((NOW - timedelta(hours=3)).timestamp() * 1000)),
    "definitionsUpdatedMinutesAgo": 180,
    "definitionsStatus": {"$type": "upToDate"},
    "healthIssues": [],
    "healthy": True,
    "licensed": True,
    "managedBy": {"displayValue": True, "isManaged": False, "value": ""},
    "networkProtectionEnforcementLevel": {
        "displayValue": True,
        "isManaged": True,
        "value": "block",
    },
    "orgId": "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee",
    "passiveModeEnabled": {"displayValue": True, "isManaged": True, "value": False},
    "productExpiration": str(int((NOW + timedelta(days=200)).timestamp() * 1000)),
    "realTimeProtectionEnabled": {"displayValue": True, "isManaged": True, "value": True},
    "tamperProtection": {"displayValue": True, "isManaged": False, "value": "disabled"},
}


def health(fields: int) -> bytes:
    """`mdatp health --output json` with so many fields: the known ones, and more of their kind."""
    more = {f"someFutureField{number}": f"value {number}" for number in range(fields)}
    shown = dict(list({**HEALTH, **more}.items())[:fields])
    return json.dumps({"$type": "getHealthAllResult", **shown}).encode()


def usual(root: Path) -> Path:
    """A server as most are: managed file, health, check-in times, a unit, a log of 200 KiB."""
    _write(root / "host.json", json.dumps(_about()).encode())
    _write(root / "commands" / "health-json.stdout", health(60))
    _write(root / MANAGED, json.dumps(POLICY, indent=2).encode())
    _write(root / STATE, json.dumps({"securityManagement": _checkin()}).encode())
    line = b"[12][34][2026-11-22 10:00:00.123456 UTC][info]: nothing of interest happened here\n"
    merged = b"[1][2][2026-11-22 10:00:01.1 UTC][info]: Features merged with capabilities: "
    body = line * 1200 + merged + json.dumps(POLICY).encode() + b"\n" + line * 1200
    _write(root / CORE_LOG, body)
    _write(root / UNIT, b"[Unit]\n")
    (root / WANTS).parent.mkdir(parents=True)
    (root / WANTS).symlink_to(f"/{UNIT}")
    return root


def many_exclusions(root: Path) -> Path:
    """The usual host with a managed file of 5,000 exclusions."""
    usual(root)
    exclusions = [
        {"$type": "excludedPath", "isDirectory": True, "path": f"/srv/app/{number}/data"}
        for number in range(MANY_EXCLUSIONS)
    ]
    engine = {**POLICY["antivirusEngine"], "exclusions": exclusions}
    _write(root / MANAGED, json.dumps({**POLICY, "antivirusEngine": engine}, indent=2).encode())
    return root


def huge_file(root: Path) -> Path:
    """The usual host with a managed file of 50 MB, every byte of it really there."""
    usual(root)
    with (root / MANAGED).open("wb") as file:
        for _ in range(HUGE // 1024**2):
            file.write(b" " * 1024**2)
    _age(root / MANAGED)
    return root


def _about() -> dict[str, Any]:
    return {
        "platform": "linux",
        "now": NOW.isoformat(),
        "hostname": "web-07",
        "os": "Debian GNU/Linux 12",
        "boot_time": (NOW - timedelta(days=30)).isoformat(),
        "processes": [{"pid": 812, "name": "wdavdaemon", "cmdline": ["wdavdaemon"]}],
    }


def _checkin() -> dict[str, int]:
    ticks = (int(NOW.timestamp()) - 1200 + FILETIME_EPOCH) * 10_000_000
    return {"mLastCheckinAttemptInFileTime": ticks, "mLastcheckinSuccessfulInFileTime": ticks}


def _write(place: Path, data: bytes) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(data)
    _age(place)


def _age(place: Path) -> None:
    moment = (NOW - timedelta(days=1)).timestamp()
    os.utime(place, (moment, moment))
