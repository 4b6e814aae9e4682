"""When time alone could next change something, so that the service may sleep until then.

A moment too many costs one look in vain; a moment that is missing is told too late.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from mdeinspect.awake import awake_between
from mdeinspect.checkin import SKEW, awake_age
from mdeinspect.config.model import Config
from mdeinspect.documents.health import Health, moment
from mdeinspect.memory import Memory
from mdeinspect.model import Report
from mdeinspect.rules import Rule
from mdeinspect.rules._chosen import days
from mdeinspect.rules._past import LATELY, START
from mdeinspect.rules.checkin import LOST, NEW
from mdeinspect.rules.currency import ZONE
from mdeinspect.rules.movement import FLAPPING, REWRITTEN
from mdeinspect.sources import policy_sources
from mdeinspect.transitions.flapping import WINDOW
from mdeinspect.transitions.holds import start_of, time_of
from mdeinspect.verdicts import AHEAD

PAST = timedelta(seconds=1)  # what holds *until* a moment is over a little later


def due_at(
    memory: Memory, report: Report, *, config: Config, rules: Iterable[Rule], now: datetime
) -> datetime | None:
    """The earliest moment after `now` at which time alone could change the report or its events.

    `memory` is the one that came from `report`. A wait for another reading of health has no moment.
    """
    by_code = {one.code: one for one in rules}
    moments = [
        *_findings(memory, report, config, by_code, now),
        *_policies(memory, report, config, by_code, now),
        *_agent(memory, config, by_code),
        *_checkin(report, config, now),
        *_currency(report, config, by_code, now),
        *_acceptances(config),
    ]
    return min((one for one in moments if one > now), default=None)


def _findings(
    memory: Memory, report: Report, config: Config, rules: Mapping[str, Rule], now: datetime
) -> Iterator[datetime]:
    """Holds that run out, agents that have started, findings that come to rest."""
    starts = [one for one in (report.host.boot_time, memory.agent.changed_at) if one]
    for one in memory.findings.values():
        yield from (_plus(start, start_of(one.code, config)) for start in starts)
        if one.candidate_since is not None and one.raised_at is None:
            hold = time_of(one.code, rules, config, report.host.platform)
            yield _plus(now, hold, -_elapsed(memory, one.candidate_since, now))
        if one.flapping is not None:
            yield _plus(one.flapping.last, WINDOW)
    yield from _movement(memory, config, rules)
    if memory.agent.state != report.agent.state:
        yield from (_plus(start, start_of("", config)) for start in starts)


def _movement(memory: Memory, config: Config, rules: Mapping[str, Rule]) -> Iterator[datetime]:
    """What moved, and is told for a time."""
    told_for = days(config, rules, "unexplained-change")
    for setting in memory.settings.values():
        for move in setting.moves:
            yield from (_plus(move.at, FLAPPING), *([_plus(move.at, told_for)] if told_for else ()))
    told_for = days(config, rules, "authority-changed")
    if told_for and memory.authority is not None and memory.authority.since is not None:
        yield _plus(memory.authority.since, told_for)
    for policy in memory.policies.values():
        yield from (_plus(moment, REWRITTEN) for moment in policy.rewrites)


def _elapsed(memory: Memory, since: datetime, now: datetime) -> timedelta:
    if memory.awake is not None and since >= memory.awake.since:
        return awake_between(memory.awake, since, now)
    return now - since


def _policies(
    memory: Memory, report: Report, config: Config, rules: Mapping[str, Rule], now: datetime
) -> Iterator[datetime]:
    """Policies that are given time, lie ahead of the clock, or are gone for long enough."""
    grace = config.schedule.grace
    names = {source.name for source in policy_sources()}
    for name, reading in report.sources.items():
        changed = reading.file.changed if reading.file else None
        if changed is not None and name.partition(":")[0] in names:
            yield from (_plus(changed, grace), _plus(changed, -AHEAD), changed)
    told_for = days(config, rules, "policy-removed")
    hold = time_of("policy-removed", rules, config, report.host.platform)
    stuck = _option(config, rules, "pending-too-long", "minutes")
    for past in memory.policies.values():
        yield _plus(past.changed_at, grace)
        if stuck is not None:
            yield _plus(past.changed_at, timedelta(minutes=min(stuck, 1_000_000)))
        if past.removed_at is not None:
            yield _plus(now, hold, -_elapsed(memory, past.removed_at, now))
            if told_for is not None:
                yield _plus(past.removed_at, told_for)


def _agent(memory: Memory, config: Config, rules: Mapping[str, Rule]) -> Iterator[datetime]:
    """Daemons that have started, restarts that count no longer, what a host is after some days."""
    past = memory.agent
    for daemon in past.daemons:
        yield _plus(daemon.started, START)
        yield from (_plus(moment, LATELY) for moment in daemon.restarts)
    tenant = past.tenant.other_since if past.tenant else None
    for since, code in ((tenant, "tenant-changed"), (past.older_since, "agent-downgraded")):
        told_for = days(config, rules, code)
        if since is not None and told_for is not None:
            yield _plus(since, told_for)


def _checkin(report: Report, config: Config, now: datetime) -> Iterator[datetime]:
    """Thresholds of the check-in, by wall time and by time awake."""
    if report.checkin.state == "not-applicable":
        return
    limits = config.checkin
    for evidence in report.checkin.evidence:
        if evidence.time is not None:
            yield from (_plus(evidence.time, limits.late), _plus(evidence.time, -SKEW))
    success = report.checkin.last_success
    for limit in (limits.late, limits.stale, LOST):
        yield from _ages(report, success, limit, now)
    onboarded = report.sources.get("mdatp_onboard")
    if onboarded is not None and onboarded.file is not None and onboarded.file.mtime:
        yield _plus(onboarded.file.mtime, NEW)


def _currency(
    report: Report, config: Config, rules: Mapping[str, Rule], now: datetime
) -> Iterator[datetime]:
    """Definitions that grow old, a build that expires."""
    reading = report.sources.get("health")
    health = reading.value if reading else None
    if reading is None or not isinstance(health, Health):
        return
    old = days(config, rules, "definitions-old", "max_age_days")
    updated, _ = moment(health.get("definitions_updated"))
    minutes = health.value("definitions_updated_minutes_ago")
    told = [updated] if updated else []
    if isinstance(minutes, int):
        told.append(reading.taken_at - timedelta(minutes=min(minutes, 10_000_000)))
    limits = [old] if old is not None else []
    updating = rules.get("definitions-not-current")
    if updating is not None and health.value("definitions_status") == "updating":
        chosen = config.rules.get(updating.code, {})
        hours = {**updating.options, **chosen}["updating_hours"]
        limits.append(timedelta(hours=min(hours, 876_000)))
    for one in told:
        for base in (one, _plus(one, ZONE), _plus(one, -ZONE)):
            for limit in limits:
                yield from _ages(report, base, limit + PAST, now)
    soon = days(config, rules, "product-expiring")
    expires, _ = moment(health.get("product_expiration"))
    if expires is not None:
        yield from (expires, _plus(expires, ZONE), _plus(expires, PAST, -ZONE))
        if soon is not None:
            yield from (_plus(expires, -soon), _plus(expires, ZONE, -soon))


def _ages(
    report: Report, since: datetime | None, limit: timedelta, now: datetime
) -> Iterator[datetime]:
    """When `since` will be `limit` ago by the clock, and when of time awake if it stays awake."""
    if since is None:
        return
    yield _plus(since, limit)
    awake = awake_age(report.host, since, now)
    if awake is not None:
        yield _plus(now, limit, -awake)


def _acceptances(config: Config) -> Iterator[datetime]:
    """When findings are accepted no longer."""
    for one in config.accept:
        if isinstance(one.until, datetime):
            until = one.until if one.until.tzinfo else one.until.replace(tzinfo=UTC)
            yield _plus(until, PAST)
        elif isinstance(one.until, date):
            day = one.until + timedelta(days=1) if one.until < date.max else one.until
            yield datetime(day.year, day.month, day.day, tzinfo=UTC)


def _plus(base: datetime, *more: timedelta) -> datetime:
    """A moment after another; the end of the calendar where it lies beyond."""
    try:
        return sum(more, timedelta()) + base
    except OverflowError:
        return datetime.max.replace(tzinfo=UTC)


def _option(config: Config, rules: Mapping[str, Rule], code: str, option: str) -> Any:
    rule = rules.get(code)
    return config.rules.get(code, {}).get(option, rule.options[option] if rule else None)
