"""The report as one plain object: what `status --json` prints, and what all other views read."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from mdeinspect.documents import plain
from mdeinspect.documents.health import Health, moment
from mdeinspect.model import Finding, Reading, Report, SettingState, Severity
from mdeinspect.privacy import mask
from mdeinspect.views.tools import Asked, Printed

SCHEMA = "mdeinspect.status/1"
PROTECTION = (
    "real_time",
    "passive",
    "definitions_updated",
    "definitions_age_minutes",
    "definitions_status",
)


def status(report: Report) -> dict[str, Any]:
    """The public object, `mdeinspect.status/1`. Times are RFC 3339 UTC; not known is null."""
    found = {
        "schema": SCHEMA,
        "taken_at": report.taken_at,
        "host": {
            "name": report.host.name,
            "platform": report.host.platform,
            "os": report.host.os,
        },
        "agent": {
            "state": report.agent.state,
            "version": report.agent.version,
            "healthy": report.agent.healthy,
            "licensed": report.agent.licensed,
            "health_issues": report.agent.health_issues,
        },
        "authority": {
            "channel": report.authority.channel,
            "probable": report.authority.probable,
            "managed_by": report.authority.managed_by,
            "shadowed": report.authority.shadowed,
            "signs": report.authority.signs,
        },
        "checkin": {
            "state": report.checkin.state,
            "last_success": report.checkin.last_success,
            "last_attempt": report.checkin.last_attempt,
            "age_seconds": report.checkin.age_seconds,
            "awake_age_seconds": report.checkin.awake_age_seconds,
            "evidence": [
                {"source": e.source, "kind": e.kind, "time": e.time, "path": e.path}
                for e in report.checkin.evidence
            ],
        },
        "protection": _protection(report),
        "settings": [_setting(row) for row in report.settings],
        "findings": [_finding(finding) for finding in report.findings],
        "unknown": [{"code": u.code, "because": u.because} for u in report.unknown],
        "sources": {name: _source(reading) for name, reading in report.sources.items()},
        "processes": _processes(report),
        "cannot_tell": report.blind,
    }
    result: dict[str, Any] = mask(_json(found))
    return result


def line(found: dict[str, Any]) -> str:
    """The object as one readable JSON document, the same wherever it is printed."""
    return json.dumps(found, indent=2, ensure_ascii=True, allow_nan=False)


def show(found: dict[str, Any], asked: Asked) -> Printed:
    """`status --format json`, which is `--json`."""
    return Printed(line(found), exit_code(found, asked.fail_on))


def exit_code(found: dict[str, Any], fail_on: Severity) -> int:
    """0 nothing found at or above `fail_on`, 1 something, 3 nothing and not able to tell."""
    counted = [f for f in found["findings"] if f["accepted"] is None]
    if any(Severity.of(f["severity"]) >= fail_on for f in counted):
        return 1
    return 3 if found["cannot_tell"] else 0


def _json(value: Any) -> Any:
    """Times as RFC 3339; all else as `plain` makes it."""
    if isinstance(value, dict):
        return {key: _json(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_json(inner) for inner in value]
    if isinstance(value, datetime):
        return rfc3339(value)
    return value if value is None or isinstance(value, str | bool | int) else plain(value)


def rfc3339(moment: datetime) -> str:
    """A moment as `2026-11-22T11:04:00Z`, with microseconds only where there are any."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _setting(row: SettingState) -> dict[str, Any]:
    return {
        "key": row.key,
        "policy": row.policy,
        "effective": row.effective,
        "managed": row.managed,
        "channel": row.channel,
        "verdict": row.verdict,
        "because": row.because,
        "observed_in": row.observed_in,
        "also": [{"channel": wish.channel, "policy": wish.policy} for wish in row.also],
    }


def _finding(finding: Finding) -> dict[str, Any]:
    found: dict[str, Any] = {
        "code": finding.code,
        "severity": finding.severity.word,
        "subject": finding.subject,
        "title": finding.title,
        "detail": finding.detail,
        "remedy": finding.remedy,
        "since": finding.since,
        "facts": finding.facts,
        "accepted": finding.accepted,
    }
    if finding.line is not None:
        found.update(line=finding.line, column=finding.column)
    return found


def _source(reading: Reading[Any]) -> dict[str, Any]:
    return {
        "state": reading.state,
        "kind": reading.kind,
        "reason": reading.reason,
        "taken_at": reading.taken_at,
        "seconds": reading.seconds,
        "path": reading.file.path if reading.file else None,
        "links": reading.file.links if reading.file else (),
        "modified": reading.file.mtime if reading.file else None,
    }


def _protection(report: Report) -> dict[str, Any]:
    reading = report.sources.get("health")
    health = reading.value if reading else None
    if not isinstance(health, Health):
        return dict.fromkeys(PROTECTION)
    field = health.get("definitions_updated")
    updated, exact = moment(field) if field else (None, False)
    told = (
        health.value("real_time_protection_enabled"),
        health.value("passive_mode_enabled"),
        updated if exact else None,
        health.value("definitions_updated_minutes_ago"),
        health.value("definitions_status"),
    )
    return dict(zip(PROTECTION, told, strict=True))


def _processes(report: Report) -> list[dict[str, Any]]:
    reading = report.sources.get("processes")
    return [
        {
            "role": one.role,
            "pid": one.process.pid,
            "name": one.process.name,
            "started": one.process.started,
            "cpu_seconds": one.process.cpu_seconds,
            "rss_bytes": one.process.rss_bytes,
        }
        for one in (reading.value or () if reading else ())
    ]
