"""From a snapshot to a report: agent, authority, check-in, verdicts, findings. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from mdeinspect.awake import advance
from mdeinspect.catalogue import Catalogue
from mdeinspect.channels import Policy, authority, policies
from mdeinspect.checkin import checkin
from mdeinspect.config.model import Accept, Config
from mdeinspect.documents.health import Health
from mdeinspect.model import (
    Agent,
    AgentState,
    Finding,
    Report,
    SettingState,
    Severity,
    Snapshot,
    Unknown,
)
from mdeinspect.privacy import redact
from mdeinspect.resolve import settings
from mdeinspect.rules import Context, Rule, evaluate
from mdeinspect.rules._chosen import in_scope, matches
from mdeinspect.verdicts import Scene

if TYPE_CHECKING:
    from mdeinspect.memory import Memory  # only the service has one, and pays for it


def report(
    snapshot: Snapshot,
    config: Config,
    catalogue: Catalogue,
    rules: Sequence[Rule],
    now: datetime,
    memory: Memory | None = None,
) -> Report:
    """All there is to say about one host at `now` (UTC).

    With a memory, ages are of time awake, and `since` is when a finding was raised.
    """
    context = _context(_remembering(snapshot, memory, now), config, catalogue, now, memory)
    snapshot = context.snapshot
    findings, unknown = _findings(context, rules)
    return Report(
        taken_at=snapshot.taken_at,
        host=snapshot.host,
        agent=context.agent,
        authority=context.authority,
        checkin=context.checkin,
        settings=tuple(_redacted(row, context) for row in context.settings.values()),
        findings=findings,
        unknown=unknown,
        sources=dict(sorted(snapshot.readings.items())),
        blind=_blind(snapshot, context.agent, list(context.channels.values())),
    )


def _context(
    snapshot: Snapshot,
    config: Config,
    catalogue: Catalogue,
    now: datetime,
    memory: Memory | None,
) -> Context:
    """Everything that is known before the first rule is asked."""
    health = snapshot.value("health")
    health = health if isinstance(health, Health) else None
    channels = policies(snapshot)
    agent = _agent(snapshot, health)
    told = health.value("managed_by") if health else None
    managed_by = told if isinstance(told, str) else None
    governor = authority(snapshot.host.platform, managed_by, channels)
    grace = config.schedule.grace
    scene = Scene(snapshot, governor, channels, catalogue, agent.version, grace, now)
    return Context(
        snapshot=snapshot,
        now=now,
        config=config,
        catalogue=catalogue,
        agent=agent,
        authority=governor,
        channels=channels,
        settings={row.key: row for row in settings(scene)},
        checkin=checkin(snapshot, governor, channels, config.checkin, now),
        memory=memory,
    )


def _remembering(snapshot: Snapshot, memory: Memory | None, now: datetime) -> Snapshot:
    """The snapshot, its host with all that is known of when it was awake."""
    if memory is None:
        return snapshot
    awake = advance(memory.awake, snapshot.host, now)
    return replace(snapshot, host=replace(snapshot.host, awake_log=awake))


def _agent(snapshot: Snapshot, health: Health | None) -> Agent:
    told = health.value if health else lambda _name: None
    version = told("app_version") or snapshot.value("version")
    issues = told("health_issues")
    return Agent(
        state=_agent_state(snapshot),
        version=version if isinstance(version, str) else None,
        healthy=told("healthy"),
        licensed=told("licensed"),
        health_issues=tuple(map(str, issues)) if isinstance(issues, list) else None,
    )


def _agent_state(snapshot: Snapshot) -> AgentState:
    """Whether the agent answers. What cannot be told is `unknown`, never `unreachable`."""
    health = snapshot["health"]
    if health.present:
        return "running"
    if health.state == "broken":
        return "unreachable" if health.kind == "failed" else "unknown"
    if snapshot.host.program is not None or snapshot.value("processes"):
        return "unknown"
    traces = [reading for reading in snapshot.readings.values() if reading.there is not False]
    if not snapshot.host.recorded or snapshot.host.whole:
        return "missing"  # a file that a tool copied does not make an agent
    return "unknown" if [trace for trace in traces if trace.source != "processes"] else "missing"


def judge(
    context: Context, rules: Sequence[Rule]
) -> tuple[tuple[Finding, ...], tuple[Unknown, ...]]:
    """What these rules find and cannot tell, as the configuration grades and accepts it."""
    return _findings(context, rules)


def _findings(
    context: Context, rules: Sequence[Rule]
) -> tuple[tuple[Finding, ...], tuple[Unknown, ...]]:
    findings: list[Finding] = []
    unknown: list[Unknown] = []
    for one in rules:
        chosen = context.config.rules.get(one.code, {})
        if chosen.get("enabled", True) is False:
            continue
        asked = replace(context, options={**one.options, **chosen})
        for outcome in _outcomes(one, asked):
            if isinstance(outcome, Unknown):
                unknown.append(outcome)
            elif in_scope(chosen, outcome.subject):
                findings.append(_dated(_graded(outcome, chosen, context), context.memory))
    order = sorted(findings, key=lambda f: (-f.severity, f.code, f.subject))
    return tuple(order), tuple(sorted(set(unknown), key=lambda u: (u.code, u.because)))


def _outcomes(one: Rule, context: Context) -> Sequence[Finding | Unknown]:
    """What a rule says. One that fails must not silence the others, nor end the service."""
    try:
        return list(evaluate(one, context))
    except Exception as error:  # noqa: BLE001 -- said as unknown, which clears nothing
        fault = f"cannot tell: a fault of mdeinspect itself ({type(error).__name__})"
        return [Unknown(one.code, fault)]


def _dated(finding: Finding, memory: Memory | None) -> Finding:
    """A finding that has been raised is one since then."""
    since = memory.raised_at(finding.code, finding.subject) if memory else None
    return replace(finding, since=since) if since else finding


def _graded(finding: Finding, chosen: Any, context: Context) -> Finding:
    severity = chosen.get("severity")
    graded = replace(finding, severity=Severity.of(severity)) if severity else finding
    for accept in context.config.accept:
        if _accepts(accept, graded, context.now):
            return replace(graded, accepted=accept.reason or "accepted")
    return graded


def _accepts(accept: Accept, finding: Finding, now: datetime) -> bool:
    if accept.code != finding.code or not matches(accept.subject, finding.subject):
        return False
    if accept.until is None:
        return True
    if isinstance(accept.until, datetime):
        return now <= (accept.until if accept.until.tzinfo else accept.until.replace(tzinfo=UTC))
    day: date = accept.until
    return now.date() <= day  # through that day, in UTC: the same wherever it is read


def _redacted(row: SettingState, context: Context) -> SettingState:
    """A row without the values that the configuration keeps private."""
    preference = context.catalogue.find(row.key, context.platform)
    if preference is None or preference.sensitivity not in context.config.privacy.redact:
        return row
    return replace(
        row,
        policy=redact(row.policy),
        effective=redact(row.effective),
        also=tuple(replace(wish, policy=redact(wish.policy)) for wish in row.also),
    )


def _blind(snapshot: Snapshot, agent: Agent, channels: Sequence[Policy]) -> tuple[str, ...]:
    """The needed sources that say nothing: health, and every settings file that exists."""
    if agent.state == "missing":
        return ()  # a finding of its own
    found = [] if snapshot["health"].present else ["health"]
    for policy in channels:
        found += [reading.source for reading in policy.readings if reading.state == "broken"]
    return tuple(found)
