"""`mdatp health` as the agent prints it: which fields a version shows, in which form. Pure.

A field appears from the version in which it was first documented or seen, which may be later than
the version that brought it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from mdeinspect.catalogue import at_least
from mdeinspect.model import Platform
from mdeinspect.simulator.agent import UNAVAILABLE, SimulatedAgent

ATTENTION: Final = "ATTENTION: No license found. Contact your administrator for help."
WIDTH: Final = 44
LEGACY_WIDTH: Final = 40
MODERN: Final = "101.0"  # before, keys were camelCase and JSON was not known
MONTHS: Final = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()  # noqa: SIM905
_BOTH: Final[tuple[Platform, ...]] = ("linux", "darwin")


@dataclass(frozen=True, slots=True)
class Column:
    """One field of the main view: where it is shown, since when, and whether JSON wraps it.

    `hidden` fields are in JSON only; `hidden_empty` ones are in the table unless they are empty.
    """

    name: str
    wrapped: bool = False
    linux: str | None = MODERN  # since this version; None: never
    darwin: str | None = MODERN
    hidden: bool = False
    hidden_empty: bool = False

    def on(self, platform: Platform, version: str) -> bool:
        """Whether an agent of `version` has it."""
        since = self.linux if platform == "linux" else self.darwin
        return since is not None and at_least(version, since) is True


_2022: Final = "101.70.19"
_2023: Final = "101.23062.0001"
# In the order of the table.
COLUMNS: Final = (
    Column("healthy"),
    Column("health_issues", linux=_2022, darwin=_2022),
    Column("licensed"),
    Column("engine_version"),
    Column("engine_load_status", linux="101.24092.0001", darwin="101.24092.0001"),
    Column("app_version"),
    Column("org_id"),
    Column("log_level"),
    Column("machine_guid"),
    Column("release_ring"),
    Column("product_expiration"),
    Column("cloud_enabled", wrapped=True),
    Column("cloud_automatic_sample_submission_consent", wrapped=True),
    Column("cloud_diagnostic_enabled", wrapped=True),
    Column("passive_mode_enabled", wrapped=True, linux=_2022, darwin=_2022),
    Column("behavior_monitoring", wrapped=True, linux=_2023, darwin="101.24042.0002"),
    Column("real_time_protection_enabled", wrapped=True),
    Column("real_time_protection_available"),
    Column("real_time_protection_subsystem"),
    Column("antivirus_enforcement_level", linux="101.26062.0007", darwin=None),
    Column("supplementary_events_subsystem", linux="101.94.13", darwin=None),
    Column("network_events_subsystem", linux=None, darwin=_2022),
    Column("device_control_enforcement_level", linux=None, darwin=_2022),
    Column("tamper_protection", wrapped=True, linux=_2023, darwin=_2022),
    Column("automatic_definition_update_enabled", wrapped=True),
    Column("definitions_updated"),
    Column("definitions_updated_minutes_ago"),
    Column("definitions_version"),
    Column("definitions_status"),
    Column("edr_early_preview_enabled", wrapped=True, linux=_2022, darwin=_2022),
    Column("edr_device_tags", wrapped=True, linux=_2022, darwin=_2022),
    Column("edr_group_ids", wrapped=True, linux=_2022, darwin=_2022),
    Column("edr_configuration_version", linux=_2022, darwin=_2022),
    Column("edr_machine_id", linux=_2022, darwin=_2022),
    Column("managed_by", wrapped=True, linux=_2023, darwin="101.24012.0001", hidden_empty=True),
    Column("conflicting_applications", linux=_2022, darwin=_2022),
    Column("network_protection_status", linux=_2022, darwin=_2022),
    Column("network_protection_enforcement_level", wrapped=True, linux=_2023, darwin=_2023),
    Column("data_loss_prevention_status", linux=None, darwin=_2022),
    Column("full_disk_access_enabled", linux=None, darwin=_2022),
    Column("troubleshooting_mode", linux=_2023, darwin="101.24042.0002"),
    Column("functionality_mode", wrapped=True, hidden=True, linux=_2023, darwin=_2023),
    Column("proxy", wrapped=True, hidden=True, linux=_2023, darwin=None),
    Column("telemetry_client", wrapped=True, hidden=True, linux=_2023, darwin=_2023),
)
# The legacy table, by its own names, in its own alphabetical order.
LEGACY: Final[Mapping[str, str]] = {
    "cloudAutomaticSampleSubmission": "cloud_automatic_sample_submission_consent",
    "cloudDiagnosticEnabled": "cloud_diagnostic_enabled",
    "cloudEnabled": "cloud_enabled",
    "definitionsUpdated": "definitions_updated",
    "definitionsUpdatedMinutesAgo": "definitions_updated_minutes_ago",
    "definitionsVersion": "definitions_version",
    "edrDeviceTags": "edr_device_tags",
    "edrEarlyPreviewEnabled": "edr_early_preview_enabled",
    "edrMachineId": "edr_machine_id",
    "healthy": "healthy",
    "licensed": "licensed",
    "logLevel": "log_level",
    "orgId": "org_id",
    "realTimeProtectionAvailable": "real_time_protection_available",
    "realTimeProtectionEnabled": "real_time_protection_enabled",
    "releaseRing": "release_ring",
    "versionEngine": "app_version",
}


def is_legacy(version: str) -> bool:
    """Whether an agent of `version` prints camelCase text and knows no JSON."""
    return at_least(version, MODERN) is not True


def as_text(agent: SimulatedAgent, now: datetime) -> str:
    """The table of `mdatp health`, in the legacy form where the version asks for that."""
    if is_legacy(agent.version):
        return _legacy(agent, now)
    fields = agent.fields(now)
    rows = (
        (column.name, printed(fields[column.name], managed=agent.flagged(column.name)))
        for column in _columns(agent)
        if _displayed(column, fields[column.name])
    )
    return notice(agent, now) + table(rows)


def as_json(agent: SimulatedAgent, now: datetime) -> str:
    """The one line of `mdatp health --output json`.

    That the ATTENTION line stands before it is assumed.
    """
    fields = agent.fields(now)
    body = {camel_case(column.name): _member(agent, column, fields) for column in _columns(agent)}
    document = {"$type": "getHealthAllResult", **dict(sorted(body.items()))}
    line = json.dumps(document, separators=(",", ":"), ensure_ascii=False)
    return notice(agent, now) + line + "\n"


def one_field(agent: SimulatedAgent, name: str, now: datetime) -> str | None:
    """What `mdatp health --field NAME` prints; None for a field that this agent has not."""
    if name not in {column.name for column in _columns(agent)}:
        return None
    value = printed(agent.fields(now)[name], managed=agent.flagged(name))
    return f"{notice(agent, now)}{value}\n"


def notice(agent: SimulatedAgent, now: datetime) -> str:
    """The line that an unlicensed agent prints before anything else; empty otherwise."""
    return "" if agent.licensed(now) else f"{ATTENTION}\n"


def table(rows: Iterable[tuple[str, str]], width: int = WIDTH) -> str:
    """Rows of `key : value`, the colon in column `width`, counted from 0."""
    return "".join(f"{name:<{width}}: {value}\n" for name, value in rows)


def printed(value: Any, *, managed: bool = False) -> str:
    """A value as the table shows it."""
    suffix = " [managed]" if managed else ""
    if value == UNAVAILABLE:
        return f"{UNAVAILABLE}{suffix}"
    if isinstance(value, datetime):
        return f"{_date(value)}{suffix}"
    return f"{json.dumps(value, ensure_ascii=False)}{suffix}"


def camel_case(name: str) -> str:
    """`app_version` -> `appVersion`."""
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def milliseconds(moment: datetime) -> str:
    """A moment as JSON and the legacy form tell it: epoch milliseconds, as text."""
    return str(int(moment.timestamp() * 1000))


def _columns(agent: SimulatedAgent) -> Iterator[Column]:
    return (
        column
        for column in COLUMNS
        if column.on(agent.platform, agent.version) and column.name not in agent.hidden
    )


def _displayed(column: Column, value: Any) -> bool:
    return not column.hidden and not (column.hidden_empty and value == "")


def _member(agent: SimulatedAgent, column: Column, fields: Mapping[str, Any]) -> Any:
    value = fields[column.name]
    if isinstance(value, datetime):
        return milliseconds(value)
    if column.name == "definitions_status":
        return {"$type": camel_case(value)}
    if not column.wrapped:
        return value
    displayed, managed = _displayed(column, value), agent.flagged(column.name)
    return {"displayValue": displayed, "isManaged": managed, "value": value}


def _legacy(agent: SimulatedAgent, now: datetime) -> str:
    fields = agent.fields(now)
    rows = ((name, _legacy_value(name, fields[field])) for name, field in LEGACY.items())
    return notice(agent, now) + table(rows, LEGACY_WIDTH)


def _legacy_value(name: str, value: Any) -> str:
    if name == "cloudAutomaticSampleSubmission":
        return printed(value != "none")
    return printed(milliseconds(value) if isinstance(value, datetime) else value)


def _date(moment: datetime) -> str:
    """`Apr 10, 2024 at 01:34:28 PM`, in English whatever the locale; UTC is assumed."""
    return f"{MONTHS[moment.month - 1]} {moment:%d, %Y at %I:%M:%S} {'AP'[moment.hour > 11]}M"
