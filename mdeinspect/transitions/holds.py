"""How long a finding waits before it is told, and whether its wait is over."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from mdeinspect.config.model import Config, Duration
from mdeinspect.memory import PastAgent, PastFinding
from mdeinspect.model import Platform
from mdeinspect.rules import Rule
from mdeinspect.rules._holds import NO_HOLD
from mdeinspect.transitions.scene import START, Scene

# These rest on what health shows, and can tell something without it.
FROM_HEALTH = frozenset(
    {"not-enforced", "managed-flag-lost", "baseline-effective-drift", "unexplained-change"}
    | {"setting-flapping", "restart-needed", "pending-too-long"}
)


def time_of(code: str, rules: Mapping[str, Rule], config: Config, platform: Platform) -> timedelta:
    """The hold of a rule: the configured one, else its own."""
    chosen = _chosen(code, config)
    rule = rules.get(code)
    return chosen if chosen is not None else (rule.hold if rule else NO_HOLD).on(platform)


def start_of(code: str, config: Config) -> timedelta:
    """How long nothing is told of an agent that has just started; a configured hold counts."""
    chosen = _chosen(code, config)
    return START if chosen is None else chosen


def about_agent(code: str, subject: str, rules: Mapping[str, Rule]) -> bool:
    """Whether a finding rests on what the agent is or says."""
    rule = rules.get(code)
    return subject == "agent" or code in FROM_HEALTH or bool(rule and "health" in rule.needs)


def is_over(scene: Scene, one: PastFinding) -> bool:
    """Whether a candidate has lasted and been seen often enough."""
    rule = scene.rules.get(one.code)
    hold = time_of(one.code, scene.rules, scene.config, scene.platform)
    if one.candidate_since is None or one.readings < (rule.hold.readings if rule else 1):
        return False
    return scene.elapsed(one.candidate_since) >= hold


def is_starting(scene: Scene, agent: PastAgent, code: str, subject: str) -> bool:
    """Whether a finding rests on an agent that has just been started or replaced."""
    if not about_agent(code, subject, scene.rules):
        return False
    window = start_of(code, scene.config)
    changed = agent.changed_at
    recent = changed is not None and timedelta() <= scene.now - changed < window
    return recent or scene.starting < window


def read_again(scene: Scene, one: PastFinding) -> tuple[int, datetime | None]:
    """How many readings of health have shown it by now, and when the newest was taken."""
    rule = scene.rules.get(one.code)
    enough = rule.hold.readings if rule else 1
    taken = scene.reading("health").taken_at
    if enough <= 1:
        return enough, None
    if one.readings >= enough or taken == one.reading_at:
        return one.readings, one.reading_at
    return one.readings + 1, taken


def _chosen(code: str, config: Config) -> timedelta | None:
    text = config.rules.get(code, {}).get("hold")
    return None if text is None else Duration.of(text)
