"""Building a recorded host in a few lines, and asking for its report."""

from __future__ import annotations

import json
import os
import plistlib
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from mdeinspect import catalogue, rules
from mdeinspect.config.model import Config
from mdeinspect.host.recorded import RecordedHost
from mdeinspect.inspect import Plan, take
from mdeinspect.model import Finding, Report, SettingState
from mdeinspect.report import report

NOW = datetime(2026, 11, 22, 11, 4, tzinfo=UTC)
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)

MANAGED = "/etc/opt/microsoft/mdatp/managed/mdatp_managed.json"
ATTACH = "/etc/opt/microsoft/mdatp/managed/mdeattach_managed.json"
LOCAL = "/etc/opt/microsoft/mdatp/wdavcfg"
STATE = "/var/opt/microsoft/mdatp/wdavstate"
ONBOARD = "/etc/opt/microsoft/mdatp/mdatp_onboard.json"
CORE_LOG = "/var/log/microsoft/mdatp/microsoft_defender_core.log"
UNIT = "/usr/lib/systemd/system/mdatp.service"
WANTS = "/etc/systemd/system/multi-user.target.wants/mdatp.service"
MAC_MANAGED = "/Library/Managed Preferences/com.microsoft.wdav.plist"
MAC_ATTACH = "/Library/Preferences/com.microsoft.mdeattach.plist"
MAC_STATE = "/Library/Application Support/Microsoft/Defender/wdavstate"
MAC_LOCAL = "/Library/Application Support/Microsoft/Defender/wdavcfg"

# What a healthy, protected agent prints, by JSON name. Wrapped settings stand in WRAPPED.
BASE: dict[str, Any] = {
    "appVersion": "101.25082.0003",
    "automaticDefinitionUpdateEnabled": True,
    "behaviorMonitoring": "enabled",
    "cloudAutomaticSampleSubmissionConsent": "safe",
    "cloudDiagnosticEnabled": False,
    "cloudEnabled": True,
    "conflictingApplications": [],
    "definitionsStatus": {"$type": "upToDate"},
    "definitionsUpdatedMinutesAgo": 180,
    "definitionsVersion": "1.441.100.0",
    "edrDeviceTags": [],
    "edrEarlyPreviewEnabled": "disabled",
    "edrGroupIds": "",
    "edrMachineId": "0123456789abcdef0123456789abcdef01234567",
    "engineVersion": "1.1.25090.3000",
    "healthIssues": [],
    "healthy": True,
    "licensed": True,
    "logLevel": "info",
    "machineGuid": "11111111-2222-3333-4444-555555555555",
    "managedBy": "",
    "networkProtectionEnforcementLevel": "disabled",
    "networkProtectionStatus": "stopped",
    "orgId": "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee",
    "passiveModeEnabled": False,
    "realTimeProtectionAvailable": True,
    "realTimeProtectionEnabled": True,
    "realTimeProtectionSubsystem": "fanotify",
    "releaseRing": "Production",
    "supplementaryEventsSubsystem": "ebpf",
    "tamperProtection": "disabled",
    "troubleshootingMode": False,
}
MAC_ONLY = {
    "realTimeProtectionSubsystem": "endpoint_security_extension",
    "networkEventsSubsystem": "network_filter_extension",
    "deviceControlEnforcementLevel": "audit",
    "dataLossPreventionStatus": "disabled",
    "fullDiskAccessEnabled": True,
    "tamperProtection": "block",
}
WRAPPED = frozenset(
    {
        "automaticDefinitionUpdateEnabled",
        "behaviorMonitoring",
        "cloudAutomaticSampleSubmissionConsent",
        "cloudDiagnosticEnabled",
        "cloudEnabled",
        "edrDeviceTags",
        "edrEarlyPreviewEnabled",
        "edrGroupIds",
        "managedBy",
        "networkProtectionEnforcementLevel",
        "passiveModeEnabled",
        "realTimeProtectionEnabled",
        "tamperProtection",
    }
)


def health_json(
    platform: str = "linux",
    *,
    managed: Iterable[str] = (),
    without: Iterable[str] = (),
    **fields: Any,
) -> bytes:
    """`mdatp health --output json` of a healthy agent, changed by `fields` (JSON names).

    `managed` names the fields that carry the flag, `without` those that are not printed.
    """
    shown = {**BASE, **(MAC_ONLY if platform == "darwin" else {}), **fields}
    if platform == "darwin":
        shown.pop("supplementaryEventsSubsystem", None)
    shown.setdefault("definitionsUpdated", str(int((NOW - 3 * HOUR).timestamp() * 1000)))
    shown.setdefault("productExpiration", str(int((NOW + 200 * DAY).timestamp() * 1000)))
    printed = {
        name: {"displayValue": True, "isManaged": name in set(managed), "value": value}
        if name in WRAPPED
        else value
        for name, value in shown.items()
        if name not in set(without)
    }
    body = {"$type": "getHealthAllResult", **dict(sorted(printed.items()))}
    return json.dumps(body, separators=(",", ":")).encode()


def filetime(moment: datetime) -> int:
    """A moment as a Windows FILETIME."""
    return (int(moment.timestamp()) + 11644473600) * 10_000_000


class HostFolder:
    """A recorded host, filled step by step. Files are a day old unless told otherwise."""

    def __init__(self, root: Path, platform: str = "linux", now: datetime = NOW) -> None:
        self.root = root
        self.platform = platform
        self.now = now
        root.mkdir(parents=True, exist_ok=True)
        self.about(platform=platform, now=now.isoformat(), boot_time=(now - 30 * DAY).isoformat())

    def about(self, **told: Any) -> HostFolder:
        """Add to host.json; None removes."""
        path = self.root / "host.json"
        known = json.loads(path.read_text()) if path.exists() else {}
        known.update(told)
        path.write_text(json.dumps({k: v for k, v in known.items() if v is not None}, indent=1))
        return self

    def file(
        self, path: str, content: Any, *, age: timedelta = DAY, mode: int = 0o644
    ) -> HostFolder:
        """A file of the host. Mappings become JSON, or a plist where the name ends so."""
        place = self.root / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(_bytes(path, content))
        place.chmod(mode)
        moment = (self.now - age).timestamp()
        os.utime(place, (moment, moment))
        return self

    def link(self, path: str, target: str) -> HostFolder:
        """A symbolic link of the host."""
        place = self.root / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(target)
        return self

    def command(
        self, name: str, stdout: bytes | str, *, exit: int | None = None, stderr: str = ""
    ) -> HostFolder:
        """A recorded output of `mdatp`."""
        folder = self.root / "commands"
        folder.mkdir(exist_ok=True)
        data = stdout.encode() if isinstance(stdout, str) else stdout
        (folder / f"{name}.stdout").write_bytes(data)
        if exit is not None:
            (folder / f"{name}.exit").write_text(f"{exit}\n")
        if stderr:
            (folder / f"{name}.stderr").write_text(stderr)
        return self

    def health(self, **fields: Any) -> HostFolder:
        """The JSON health of a healthy agent, changed by `fields`."""
        return self.command("health-json", health_json(self.platform, **fields))

    def enabled_at_boot(self) -> HostFolder:
        """The systemd unit and the link that starts it."""
        return self.file(UNIT, "[Unit]\n").link(WANTS, UNIT)

    def checkin(self, success: timedelta | None, attempt: timedelta | None = None) -> HostFolder:
        """The times of the last success and attempt, as ages; a success of None is `never`."""
        attempt = attempt if attempt is not None else success or HOUR
        times = {
            "mLastCheckinAttemptInFileTime": filetime(self.now - attempt),
            "mLastcheckinSuccessfulInFileTime": 0
            if success is None
            else filetime(self.now - success),
        }
        path = STATE if self.platform == "linux" else MAC_STATE
        return self.file(path, {"securityManagement": times})

    def report(self, config: Config | None = None) -> Report:
        """The report on this host, as `status` makes it."""
        source = RecordedHost(str(self.root))
        snapshot = take(source, Plan())
        return report(
            snapshot,
            config or Config(),
            catalogue.load(),
            tuple(rules.load().values()),
            source.now(),
        )


def row(report: Report, key: str) -> SettingState:
    """The row of one preference."""
    return next(row for row in report.settings if row.key == key)


def verdict(report: Report, key: str) -> str | None:
    """The verdict on one preference; None without a row."""
    return next((row.verdict for row in report.settings if row.key == key), None)


def codes(report: Report, at_least: int = 0) -> list[str]:
    """The codes of the findings, of some severity at least, sorted."""
    return sorted(f.code for f in report.findings if f.severity >= at_least)


def found(report: Report, code: str) -> list[Finding]:
    """The findings of one code."""
    return [finding for finding in report.findings if finding.code == code]


def unknown(report: Report) -> list[str]:
    """The codes of the rules that could not tell."""
    return [one.code for one in report.unknown]


def _bytes(path: str, content: Any) -> bytes:
    if isinstance(content, bytes):
        return content
    if isinstance(content, str):
        return content.encode()
    if path.endswith(".plist") and isinstance(content, Mapping):
        return plistlib.dumps(content)
    return json.dumps(content, indent=2).encode()
