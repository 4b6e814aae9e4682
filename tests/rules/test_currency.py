"""Is what the agent works with still current? Definitions and the end of the build."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from engine_support import Machine

from mdeinspect import catalogue, rules
from mdeinspect.config.model import Config
from mdeinspect.host.recorded import RecordedHost
from mdeinspect.inspect import Plan, take
from mdeinspect.model import Report, Severity
from mdeinspect.report import report
from support import DAY, HOUR, MINUTE, NOW, HostFolder, codes, found, unknown

SECOND = timedelta(seconds=1)
WEEK = 7 * DAY
ZONE = 14 * HOUR


def milliseconds(moment: datetime) -> str:
    """A moment as JSON health shows it."""
    return str(int(moment.timestamp() * 1000))


def text(**fields: str) -> str:
    """The text form of a healthy agent's health."""
    shown = {
        "healthy": "true",
        "health_issues": "[]",
        "licensed": "true",
        "app_version": '"101.25082.0003"',
        "real_time_protection_enabled": "true",
        "passive_mode_enabled": "false",
        "definitions_updated_minutes_ago": "180",
        "product_expiration": printed(NOW + 200 * DAY),
        **fields,
    }
    return "".join(f"{name:<44}: {value}\n" for name, value in shown.items())


def printed(moment: datetime) -> str:
    """A moment as the text form shows it, if the host is in UTC."""
    return f"{moment:%b %d, %Y at %I:%M:%S %p}"


def ago(minutes: int, **fields: Any) -> dict[str, Any]:
    """Health that counts minutes and shows no date."""
    return {"definitionsUpdatedMinutesAgo": minutes, "without": ["definitionsUpdated"], **fields}


def by_date(moment: datetime) -> dict[str, Any]:
    """Health that shows an exact date and counts no minutes."""
    return {
        "definitionsUpdated": milliseconds(moment),
        "without": ["definitionsUpdatedMinutesAgo"],
    }


# --- definitions-old ----------------------------------------------------------------------------


def test_definitions_older_than_a_week_are_a_finding(host: HostFolder) -> None:
    """Medium, on the agent; the facts hold the moment, to the minute, and no age."""
    (finding,) = found(host.health(**ago(8 * 24 * 60)).report(), "definitions-old")
    assert (finding.severity, finding.subject) == (Severity.MEDIUM, "agent")
    assert finding.facts == {"updated": NOW - 8 * DAY, "exact": True, "max_age_days": 7}


@pytest.mark.parametrize(
    ("age", "old"),
    [(timedelta(), False), (WEEK - MINUTE, False), (WEEK, False), (WEEK + MINUTE, True)],
)
@pytest.mark.parametrize("form", ["minutes", "date"])
def test_the_limit_is_exact_where_the_age_is(
    host: HostFolder, form: str, age: timedelta, old: bool
) -> None:
    """At seven days definitions are still in time; a minute later they are old."""
    host.health(**(ago(int(age / MINUTE)) if form == "minutes" else by_date(NOW - age)))
    told = host.report()
    assert bool(found(told, "definitions-old")) is old
    assert unknown(told) == []


def test_minutes_count_before_a_date_that_contradicts(host: HostFolder) -> None:
    """Minutes are what the agent counted itself: they decide."""
    both = {"definitionsUpdatedMinutesAgo": 9 * 24 * 60, "definitionsUpdated": milliseconds(NOW)}
    (finding,) = found(host.health(**both).report(), "definitions-old")
    assert finding.facts["updated"] == NOW - 9 * DAY


@pytest.mark.parametrize("seconds", [0, 7, 59])
def test_the_moment_does_not_waver_between_readings(host: HostFolder, seconds: int) -> None:
    """Whole minutes counted at different seconds are of one moment where a date tells it."""
    updated = NOW - 9 * DAY + timedelta(seconds=20)
    host.now = NOW + timedelta(seconds=seconds)
    host.about(now=host.now.isoformat())
    host.health(
        definitionsUpdatedMinutesAgo=int((host.now - updated) / MINUTE),
        definitionsUpdated=milliseconds(updated),
    )
    (finding,) = found(host.report(), "definitions-old")
    assert finding.facts["updated"] == updated


@pytest.mark.parametrize("zone", [-9.5 * HOUR, timedelta(), 5.75 * HOUR])
def test_a_printed_date_in_any_zone_gives_the_same_moment(
    host: HostFolder, zone: timedelta
) -> None:
    """With minutes beside it, the zone of a printed date is known."""
    updated = NOW - 9 * DAY + timedelta(seconds=20)
    fields = {
        "definitions_updated": printed(updated + zone),
        "definitions_updated_minutes_ago": str(int((NOW - updated) / MINUTE)),
    }
    (finding,) = found(host.command("health-text", text(**fields)).report(), "definitions-old")
    assert finding.facts["updated"] == updated


@pytest.mark.parametrize(
    ("age", "outcome"),
    [
        (WEEK - ZONE, "in time"),
        (WEEK - ZONE + MINUTE, "unknown"),
        (WEEK, "unknown"),
        (WEEK + ZONE, "unknown"),
        (WEEK + ZONE + MINUTE, "old"),
    ],
)
def test_a_date_without_a_zone_counts_only_beyond_every_zone(
    host: HostFolder, age: timedelta, outcome: str
) -> None:
    """Text dates may be off by 14 hours either way: between, nobody can tell."""
    fields = {
        "definitions_updated": printed(NOW - age),
        "definitions_updated_minutes_ago": "unavailable",
    }
    told = host.command("health-text", text(**fields)).report()
    assert bool(found(told, "definitions-old")) is (outcome == "old")
    assert unknown(told) == (["definitions-old"] if outcome == "unknown" else [])


def test_a_date_without_a_zone_says_so(host: HostFolder) -> None:
    """The facts tell an exact moment from one that may be off."""
    fields = {
        "definitions_updated": printed(NOW - 20 * DAY),
        "definitions_updated_minutes_ago": "unavailable",
    }
    (finding,) = found(host.command("health-text", text(**fields)).report(), "definitions-old")
    assert finding.facts == {"updated": NOW - 20 * DAY, "exact": False, "max_age_days": 7}


@pytest.mark.parametrize(
    ("about", "old"),
    [
        ({"boot_time": (NOW - 30 * DAY).isoformat()}, True),
        ({"boot_time": (NOW - HOUR).isoformat()}, False),
        ({"boot_time": (NOW - WEEK).isoformat()}, False),
        ({"boot_time": (NOW - WEEK - MINUTE).isoformat()}, True),
        ({"awake_seconds": 6 * 86_400}, False),
        ({"awake_seconds": 7 * 86_400 + 60}, True),
        ({"boot_time": None}, True),
    ],
)
def test_only_time_awake_counts(host: HostFolder, about: dict[str, Any], old: bool) -> None:
    """A host that was switched off or asleep could not fetch any; not knowing, the wall counts."""
    host.health(**ago(20 * 24 * 60)).about(**about)
    assert bool(found(host.report(), "definitions-old")) is old


def test_the_limit_can_be_configured(host: HostFolder) -> None:
    """`max_age_days`, also one beyond any calendar."""
    host.health(**ago(3 * 24 * 60))
    for days, old in ((2, True), (3, False), (10**30, False)):
        told = host.report(Config(rules={"definitions-old": {"max_age_days": days}}))
        assert bool(found(told, "definitions-old")) is old


@pytest.mark.parametrize(
    "fields",
    [
        {"without": ["definitionsUpdatedMinutesAgo", "definitionsUpdated"]},
        {"definitionsUpdatedMinutesAgo": None, "definitionsUpdated": "unavailable"},
        {"definitionsUpdatedMinutesAgo": -5, "definitionsUpdated": "0"},
        {"definitionsUpdatedMinutesAgo": "soon", "definitionsUpdated": "soon"},
        by_date(NOW + HOUR),
        by_date(datetime(1999, 1, 1, tzinfo=UTC)),
    ],
)
def test_an_age_that_is_not_known_is_unknown(host: HostFolder, fields: dict[str, Any]) -> None:
    """Absent, unavailable, senseless, before the product's time or ahead of the clock."""
    told = host.health(**fields).report()
    assert codes(told) == []
    assert unknown(told) == ["definitions-old"]
    assert told.unknown[0].because.startswith("cannot ")


def test_minutes_are_counted_from_the_reading(host: HostFolder) -> None:
    """A report that is made later from an older reading speaks of the same moment."""
    host.health(**ago(8 * 24 * 60))
    seen = take(RecordedHost(str(host.root)), Plan())
    told = judged_at(seen, NOW + HOUR)
    assert found(told, "definitions-old")[0].facts["updated"] == NOW - 8 * DAY


def judged_at(seen: Any, now: datetime) -> Report:
    """A report on what was read, made at another moment."""
    return report(
        replace(seen, taken_at=now), Config(), catalogue.load(), tuple(rules.load().values()), now
    )


# --- product-expired and product-expiring -------------------------------------------------------


@pytest.mark.parametrize(
    ("ahead", "code"),
    [
        (-300 * DAY, "product-expired"),
        (-SECOND, "product-expired"),
        (timedelta(), "product-expired"),
        (SECOND, "product-expiring"),
        (30 * DAY, "product-expiring"),
        (30 * DAY + SECOND, None),
    ],
)
def test_an_exact_date_is_judged_to_the_second(
    host: HostFolder, ahead: timedelta, code: str | None
) -> None:
    """At its date a build has expired (high); within 30 days it is expiring (low)."""
    told = host.health(productExpiration=milliseconds(NOW + ahead)).report()
    assert codes(told) == ([code] if code else [])
    for finding in told.findings:
        assert finding.severity is (Severity.HIGH if code == "product-expired" else Severity.LOW)
        assert finding.subject == "agent"
        assert finding.facts == {
            "expires": NOW + ahead,
            "exact": True,
            "version": "101.25082.0003",
        }
    assert unknown(told) == []


@pytest.mark.parametrize(
    ("ahead", "code", "doubt"),
    [
        (-ZONE - SECOND, "product-expired", False),
        (-ZONE, "product-expired", False),
        (-ZONE + SECOND, "product-expiring", True),
        (ZONE - SECOND, "product-expiring", True),
        (ZONE, "product-expiring", False),
        (30 * DAY - ZONE, "product-expiring", False),
        (30 * DAY - ZONE + SECOND, None, False),
    ],
)
def test_a_date_without_a_zone_expires_when_it_is_past_everywhere(
    host: HostFolder, ahead: timedelta, code: str | None, doubt: bool
) -> None:
    """Text dates have 14 hours either way; meanwhile the build is expiring at least."""
    told = host.command("health-text", text(product_expiration=printed(NOW + ahead))).report()
    assert codes(told) == ([code] if code else [])
    assert unknown(told) == (["product-expired"] if doubt else [])


def test_the_warning_can_come_earlier(host: HostFolder) -> None:
    """`days`."""
    host.health(productExpiration=milliseconds(NOW + 45 * DAY))
    assert codes(host.report()) == []
    config = Config(rules={"product-expiring": {"days": 60}})
    assert codes(host.report(config)) == ["product-expiring"]


@pytest.mark.parametrize("shown", [None, "unavailable", "0", "someday", True])
def test_a_date_that_is_not_known_is_unknown(host: HostFolder, shown: Any) -> None:
    """Not shown, or no date: neither expired nor not."""
    told = host.health(productExpiration=shown).report()
    assert set(codes(told)) <= {"health-field-lost"}
    assert unknown(told) == ["product-expired", "product-expiring"]


def test_without_health_the_rules_say_that_they_cannot_tell(host: HostFolder) -> None:
    """Broken health is no evidence of anything."""
    told = host.command("health-json", "nonsense").report()
    assert codes(told) == []
    assert {"definitions-old", "product-expired", "product-expiring"} <= set(unknown(told))


# --- definitions-not-current --------------------------------------------------------------------

UPDATING = {"definitionsStatus": {"$type": "updating"}}
NONE_AT_ALL: dict[str, Any] = {
    "definitionsStatus": "unavailable",
    "definitionsVersion": None,
    "definitionsUpdated": "unavailable",
    "definitionsUpdatedMinutesAgo": None,
}


@pytest.mark.parametrize(("hours", "told"), [(23, False), (24, False), (25, True)])
def test_an_update_that_does_not_end_is_low(host: HostFolder, hours: int, told: bool) -> None:
    """More than a day of running time after the last one that did."""
    findings = found(host.health(**UPDATING, **ago(hours * 60)).report(), "definitions-not-current")
    assert bool(findings) is told
    for finding in findings:
        assert (finding.severity, finding.subject) == (Severity.LOW, "agent")
        assert finding.facts == {
            "status": "updating",
            "version": "1.441.100.0",
            "updated": NOW - hours * HOUR,
        }


def test_a_host_that_slept_has_time_to_update(host: HostFolder) -> None:
    """What is switched off fetches nothing."""
    host.about(boot_time=(NOW - HOUR).isoformat())
    assert codes(host.health(**UPDATING, **ago(9 * 24 * 60)).report()) == []


def test_an_agent_without_any_definitions_is_low(host: HostFolder) -> None:
    """No status, no version, no date: nothing is there to be old."""
    (finding,) = found(host.health(**NONE_AT_ALL).report(), "definitions-not-current")
    assert finding.facts == {"status": "unavailable", "version": None, "updated": None}


@pytest.mark.parametrize(
    "fields",
    [
        {"definitionsStatus": "unavailable"},
        {"definitionsStatus": {"$type": "resting"}},
        {**NONE_AT_ALL, **UPDATING},
        {**NONE_AT_ALL, "definitionsVersion": "1.441.100.0"},
        {**NONE_AT_ALL, "definitionsStatus": {"state": ["upToDate"]}},
        {**NONE_AT_ALL, "definitionsVersion": {"major": 1}},
        {**NONE_AT_ALL, "definitionsUpdated": ["1795345200000"]},
    ],
)
def test_a_status_that_tells_nothing_is_unknown(host: HostFolder, fields: dict[str, Any]) -> None:
    """Not known beside a version that is; another word; updating since nobody knows when;
    and a shape that is not known."""
    told = host.health(**fields).report()
    assert found(told, "definitions-not-current") == []
    assert "definitions-not-current" in unknown(told)


@pytest.mark.parametrize("status", [{"$type": "upToDate"}, "up_to_date"])
def test_current_definitions_are_no_finding_in_either_form(host: HostFolder, status: Any) -> None:
    """Their age has a rule of its own; agents that print no status are not judged."""
    assert codes(host.health(definitionsStatus=status).report()) == []
    assert codes(host.health(without=["definitionsStatus"]).report()) == []


# --- agent-downgraded ---------------------------------------------------------------------------


def downgraded(version: str = "101.25072.0004") -> Machine:
    """A host that went back to an older version an hour after it was first seen."""
    machine = Machine()
    machine.step()
    machine.later(HOUR).healthy(appVersion=version).step()
    return machine


def test_an_older_version_than_before_is_low() -> None:
    """With both; told once the ten minutes after a change of the agent are over."""
    machine = downgraded()
    machine.later(15 * MINUTE).ask().restart().step()
    (event,) = [one for one in machine.told if one.code == "agent-downgraded"]
    assert (event.type, event.severity, event.subject) == ("finding.raised", Severity.LOW, "agent")
    assert event.data["facts"] == {"version": "101.25072.0004", "newest": "101.25082.0003"}
    assert event.data["since"] == NOW + HOUR


@pytest.mark.parametrize("version", ["101.25082.0003", "101.25082.0004", "a.b", None])
def test_the_same_a_newer_or_no_version_is_no_downgrade(version: str | None) -> None:
    """A version that cannot be read is older than none."""
    assert found(downgraded(version).report(), "agent-downgraded") == []  # type: ignore[arg-type]


def test_an_update_ends_it_and_so_do_thirty_days() -> None:
    """The older version is then what the host is meant to have."""
    machine = downgraded()
    machine.later(HOUR).healthy(appVersion="101.25092.0001")
    assert found(machine.report(), "agent-downgraded") == []
    machine = downgraded()
    machine.later(30 * DAY - MINUTE).ask().step()
    assert found(machine.report(), "agent-downgraded")
    assert machine.due() == NOW + HOUR + 30 * DAY
    machine.later(MINUTE).ask().step()
    assert found(machine.report(), "agent-downgraded") == []
    machine.later(HOUR).ask().step()
    assert found(machine.report(), "agent-downgraded") == []
