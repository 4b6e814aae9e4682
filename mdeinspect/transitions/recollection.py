"""What is remembered of the agent for the rules that judge by its past."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from mdeinspect.documents.health import Health
from mdeinspect.memory import PastAgent
from mdeinspect.rules import _past
from mdeinspect.rules._chosen import days
from mdeinspect.rules._tenant import org_of
from mdeinspect.transitions.scene import Scene


def recollected(scene: Scene, new: PastAgent) -> PastAgent:
    """`new` with all else that is remembered of the agent after this report."""
    past, report, host = scene.past.agent, scene.report, scene.report.host
    reading = scene.reading("health")
    health = reading.value if isinstance(reading.value, Health) else None
    form, fields = _past.shown(past, health)
    newest, older_since = _past.newest(
        past, report.agent.version, scene.now, _days(scene, "agent-downgraded")
    )
    return replace(
        new,
        onboarded=past.onboarded or past.licensed is True or new.licensed is True,
        newest=newest,
        older_since=older_since,
        daemons=_past.daemons(
            past,
            scene.reading("processes"),
            host,
            scene.now,
            same_version=past.version in (None, new.version),
        ),
        hangs=_past.hangs(past.hangs, reading, host),
        tenant=_past.tenant(
            past.tenant,
            org_of(health),
            scene.now,
            _days(scene, "tenant-changed"),
            hide="ids" in scene.redacted,
        ),
        form=form,
        fields=fields,
    )


def _days(scene: Scene, code: str) -> timedelta:
    return days(scene.config, scene.rules, code) or timedelta.max
