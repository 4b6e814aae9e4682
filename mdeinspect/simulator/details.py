"""What `mdatp` prints besides the main view: details, lists, its version. Pure.

The views `antivirus`, `definitions` and `edr` follow captures of single builds. Of `features`,
`permissions`, `scheduled_scan` and `system_extensions`, and of both lists, no whole output is
public: their shapes are assumed, in the vendor's manner.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from mdeinspect.catalogue import at_least
from mdeinspect.simulator.agent import LEVEL, SENSE_GUID, SimulatedAgent
from mdeinspect.simulator.health import WIDTH, notice, printed, table

RULER: Final = "=" * 37
UPDATES: Final = "https://go.microsoft.com/fwlink/?linkid=2144709"
VERIFIED: Final = "101.26062.0005"  # from here on, definitions are always verified (Linux)
Rows = Iterator[tuple[str, str]]


def details(agent: SimulatedAgent, feature: str, now: datetime) -> str | None:
    """What `mdatp health --details FEATURE` prints; None for a feature without such a view."""
    view = _VIEWS.get(feature)
    if view is None:
        return None
    body = view(agent, now)
    return notice(agent, now) + body if body else None


def version(agent: SimulatedAgent) -> str:
    """What `mdatp version` prints."""
    return f"Product version: {agent.version}\n"


def exclusions(agent: SimulatedAgent) -> str:
    """What `mdatp exclusion list` prints: an entry for each exclusion in force."""
    entries = [
        *agent.setting("antivirusEngine.exclusions", []),
        *agent.setting("exclusionSettings.exclusions", []),
    ]
    blocks = ["\n".join(_exclusion(entry)) for entry in entries if isinstance(entry, Mapping)]
    return _ruled(blocks, "No exclusions")


def allowed_threats(agent: SimulatedAgent) -> str:
    """What `mdatp threat allowed list` prints: the name of each allowed threat."""
    names = agent.setting("antivirusEngine.allowedThreats", [])
    return _ruled([f'Name: "{name}"' for name in names], "No allowed threats")


def _exclusion(entry: Mapping[str, Any]) -> Iterator[str]:
    kind = entry.get("$type")
    if kind == "excludedFileExtension":
        yield from ("Excluded extension", f'Extension: "{entry.get("extension")}"')
    elif kind == "excludedFileName":
        yield from ("Excluded process", f'Process name: "{entry.get("name")}"')
    else:
        yield "Excluded folder" if entry.get("isDirectory") else "Excluded file"
        yield f'Path: "{entry.get("path")}"'
    if entry.get("scopes"):
        yield f'Scope: "{", ".join(entry["scopes"])}"'


def _ruled(blocks: list[str], nothing: str) -> str:
    body = "\n---\n".join(blocks) or nothing
    return f"{RULER}\n{body}\n{RULER}\n"


# --- views --------------------------------------------------------------------------------------


def _rows(agent: SimulatedAgent, now: datetime, *names: str) -> Rows:
    """Fields of the main view as they are."""
    fields = agent.fields(now)
    for name in names:
        yield name, printed(fields[name], managed=agent.flagged(name))


def _settings(agent: SimulatedAgent, keys: Mapping[str, str]) -> Rows:
    """Preferences under the names of this view; those without a value are left out."""
    for name, key in keys.items():
        value = agent.setting(key)
        if value is not None:
            yield name, printed(value, managed=agent.by_administrator(key))


def _antivirus(agent: SimulatedAgent, now: datetime) -> str:
    engine = "antivirusEngine"
    network = ("network_events_subsystem",) if agent.platform == "darwin" else ()
    rows = [
        *_rows(
            agent,
            now,
            "passive_mode_enabled",
            "real_time_protection_enabled",
            "real_time_protection_available",
            "real_time_protection_subsystem",
            *network,
        ),
        *_settings(
            agent,
            {
                "scan_archives": f"{engine}.scanArchives",
                "scan_after_definition_update": f"{engine}.scanAfterDefinitionUpdate",
                "scan_results_retention_days": f"{engine}.scanResultsRetentionDays",
                "scan_history_maximum_items": f"{engine}.scanHistoryMaximumItems",
                "enable_file_hash_computation": f"{engine}.enableFileHashComputation",
                "maximum_on_demand_scan_threads": f"{engine}.maximumOnDemandScanThreads",
            },
        ),
        ("enforcement_level", printed(agent.setting(LEVEL))),
    ]
    return table(rows)


def _definitions(agent: SimulatedAgent, now: datetime) -> str:
    rows = [
        *_rows(
            agent,
            now,
            "automatic_definition_update_enabled",
            "definitions_updated",
            "definitions_updated_minutes_ago",
            "definitions_version",
            "definitions_status",
        ),
        ("definitions_update_source_uri", printed(UPDATES)),
        ("definitions_update_fail_reason", printed("")),
        *_settings(
            agent,
            {
                "offline_definition_url_configured": "antivirusEngine.offlineDefinitionUpdateUrl",
                "offline_definition_update": "antivirusEngine.offlineDefinitionUpdate",
            },
        ),
        *_verification(agent),
        *_settings(
            agent,
            {
                "offline_definition_update_fallback_to_cloud": (
                    "antivirusEngine.offlineDefinitionUpdateFallbackToCloud"
                )
            },
        ),
    ]
    return table(rows)


def _verification(agent: SimulatedAgent) -> Rows:
    key = "features.offlineDefinitionUpdateVerifySig"
    if agent.platform == "linux" and at_least(agent.version, VERIFIED):
        yield "offline_definition_update_verify_sig", printed("DEPRECATED")
        yield "engine_signature_verification", printed("enabled")
    else:
        yield from _settings(agent, {"offline_definition_update_verify_sig": key})


def _edr(agent: SimulatedAgent, now: datetime) -> str:
    names = (
        "edr_early_preview_enabled",
        "edr_device_tags",
        "edr_group_ids",
        "edr_configuration_version",
        "edr_machine_id",
    )
    extra = [("edr_sense_guid", printed(SENSE_GUID)), ("edr_preferred_geo", printed("europe"))]
    return table([*_rows(agent, now, *names), *extra])


def _features(agent: SimulatedAgent, now: datetime) -> str:
    return table([*_rows(agent, now, "behavior_monitoring"), *_verification(agent)])


def _scheduled_scan(agent: SimulatedAgent, _now: datetime) -> str:
    weekly, daily = "scheduledScan.weeklyConfiguration", "scheduledScan.dailyConfiguration"
    week = {"day_of_week": f"{weekly}.dayOfWeek", "time_of_day": f"{weekly}.timeOfDay"}
    day = {"time_of_day": f"{daily}.timeOfDay"}
    return _section("weekly_scan_configuration", _settings(agent, week)) + _section(
        "daily_scan_configuration", _settings(agent, day)
    )


def _section(name: str, rows: Rows) -> str:
    inside = table(((f"    {key}", value) for key, value in rows), WIDTH)
    return f"{name:<{WIDTH}}:\n{inside}"


def _permissions(agent: SimulatedAgent, now: datetime) -> str:
    """Known of macOS alone, where they are what the user has to grant."""
    if agent.platform == "linux":
        return ""
    return table(_rows(agent, now, "full_disk_access_enabled"))


def _system_extensions(agent: SimulatedAgent, now: datetime) -> str:
    """Of macOS alone: approved, or not to be had."""
    if agent.platform == "linux":
        return ""
    ready = bool(agent.fields(now)["real_time_protection_available"])
    names = ("network_extension_enabled", "network_extension_installed")
    rows = [(name, printed(True)) for name in names]
    rows.append(("endpoint_security_extension_ready", printed(ready)))
    rows.append(("endpoint_security_extension_installed", printed(ready)))
    return table(rows)


_VIEWS: Final[Mapping[str, Callable[[SimulatedAgent, datetime], str]]] = {
    "antivirus": _antivirus,
    "definitions": _definitions,
    "edr": _edr,
    "features": _features,
    "permissions": _permissions,
    "scheduled_scan": _scheduled_scan,
    "system_extensions": _system_extensions,
}
