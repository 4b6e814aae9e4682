"""The hosts of the rules about check-ins."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from cases import Case, linux

from support import ATTACH, DAY, HOUR, MANAGED, STATE, HostFolder

REPORT = "/var/opt/microsoft/mdatp/security_management/current_report"
TOLD = "where the times are not known, checkin-stale says so"


def attached(success: timedelta | None, attempt: timedelta | None = None) -> Any:
    """A host of the portal that last checked in so long ago."""

    def play(host: HostFolder) -> None:
        host.health(managedBy="MDE").file(ATTACH, {}, age=30 * DAY).checkin(success, attempt)

    return linux(play)


def left_behind(host: HostFolder) -> None:
    """What an earlier enrolment left: a record of check-ins on a host of a configuration tool."""
    host.health().file(MANAGED, {}).checkin(None)


def reporting(**results: str) -> Any:
    """A host of the portal, and how applying its settings ended."""
    settings = [{"name": name, "value": value} for name, value in results.items()]

    def play(host: HostFolder) -> None:
        host.health(managedBy="MDE").file(ATTACH, {}, age=2 * HOUR).checkin(HOUR)
        host.file(REPORT, {"policyInfo": [{"settings": settings}]}, age=HOUR)

    return linux(play)


CASES = {
    "checkin-failing": Case(attached(25 * HOUR, HOUR), attached(23 * HOUR, HOUR), TOLD),
    "checkin-stale": Case(
        attached(25 * HOUR),
        attached(4 * HOUR),
        linux(lambda host: host.health(managedBy="MDE").file(ATTACH, {}, age=DAY).file(STATE, {})),
    ),
    "checkin-late": Case(attached(5 * HOUR), attached(4 * HOUR), TOLD),
    "checkin-never": Case(attached(None), linux(left_behind), TOLD),
    "checkin-clock-skew": Case(attached(-HOUR), attached(-timedelta(minutes=4)), TOLD),
    "portal-setting-failed": Case(
        reporting(DisableRealtimeMonitoring="Error", CloudBlockLevel="Success"),
        reporting(DisableRealtimeMonitoring="applied", CloudBlockLevel=""),
        reporting(DisableRealtimeMonitoring="Deferred"),
    ),
}
