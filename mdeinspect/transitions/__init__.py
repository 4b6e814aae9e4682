"""From one report to the next: what changed since, as events, and what to remember now. Pure.

The memory that comes back and the events belong together: a store commits both or neither.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from mdeinspect.awake import advance
from mdeinspect.catalogue import Catalogue
from mdeinspect.channels import policies as channels_of
from mdeinspect.config.model import Config
from mdeinspect.events import Event
from mdeinspect.memory import Memory
from mdeinspect.model import Report, Snapshot
from mdeinspect.rules import Rule
from mdeinspect.transitions.doubts import OWN_VERDICT
from mdeinspect.transitions.due import due_at
from mdeinspect.transitions.facts import agent, authority, checkin, sources
from mdeinspect.transitions.findings import findings, is_on
from mdeinspect.transitions.holds import time_of
from mdeinspect.transitions.policies import Policies, policies
from mdeinspect.transitions.scene import Scene
from mdeinspect.transitions.settings import settings, settling

__all__ = ["due_at", "step"]


def step(
    memory: Memory | None,
    report: Report,
    *,
    config: Config,
    catalogue: Catalogue,
    rules: Iterable[Rule],
    now: datetime,
) -> tuple[Memory, list[Event]]:
    """What is remembered after `report`, and the events it makes, the causes first.

    Without a memory every finding is told as `initial`, and nothing else. The daemon's own events
    and heartbeats are not made here.
    """
    scene = _scene(memory, report, config, catalogue, rules, now)
    past_agent, of_agent = agent(scene)
    past_sources, of_sources = sources(scene)
    past_policies, of_policies = policies(scene)
    scene = replace(scene, removed=_removed(scene, past_policies))
    past_authority, of_authority = authority(scene)
    past_settings, of_settings = settings(scene, past_policies)
    past_checkin, of_checkin = checkin(scene)
    scene = replace(scene, settling=settling(scene, past_policies))
    past_findings, of_findings = findings(scene, past_agent)
    after = Memory(
        reported_at=now,
        rules=_judged(scene),
        redacted=scene.redacted,
        findings=past_findings,
        policies=past_policies,
        settings=past_settings,
        sources=past_sources,
        authority=past_authority,
        checkin=past_checkin,
        agent=past_agent,
        awake=scene.awake,
    )
    facts = [*of_agent, *of_sources, *of_policies, *of_authority, *of_settings, *of_checkin]
    return after, [*facts, *of_findings]


def _scene(
    memory: Memory | None,
    report: Report,
    config: Config,
    catalogue: Catalogue,
    rules: Iterable[Rule],
    now: datetime,
) -> Scene:
    past = memory or Memory()
    return Scene(
        past=past,
        first=past.reported_at is None,
        report=report,
        config=config,
        catalogue=catalogue,
        rules={one.code: one for one in rules},
        channels=channels_of(Snapshot(report.host, report.taken_at, report.sources)),
        rows={row.key: row for row in report.settings},
        awake=advance(past.awake, report.host, now),
        now=now,
    )


def _removed(scene: Scene, policies: Policies) -> frozenset[str]:
    """The files whose removal is not held for long enough to be told as a finding."""
    hold = time_of("policy-removed", scene.rules, scene.config, scene.platform)
    return frozenset(
        one.path or one.source
        for one in policies.values()
        if one.removed_at is not None and scene.elapsed(one.removed_at) < hold
    )


def _judged(scene: Scene) -> frozenset[str]:
    """The rules that have said something certain of this host, now or before."""
    unsure = {one.code for one in scene.report.unknown}
    judged = {
        code
        for code, rule in scene.rules.items()
        if code not in unsure and all(scene.reading(name).present for name in _needs(rule))
    }
    return frozenset(code for code in judged | scene.past.rules if is_on(scene, code))


def _needs(rule: Rule) -> tuple[str, ...]:
    """What a rule must have seen to be certain; verdicts are worth nothing without health."""
    return ("health", *rule.needs) if rule.code in OWN_VERDICT else rule.needs
