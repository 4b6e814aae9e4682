"""setting.changed: what the agent does, or whether that is policy, is not as it was last told.

A policy that takes effect in time is told by `policy.changed` alone: the agent doing as it says is
no news. While the agent may still be applying a new policy nothing is compared, so that one edit
makes one event at most.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from mdeinspect.difference import canonical
from mdeinspect.documents import plain
from mdeinspect.events import Event
from mdeinspect.memory import Move, PastFlag, PastSetting
from mdeinspect.model import SettingState
from mdeinspect.privacy import digest, mask
from mdeinspect.rules.history import LOST, conditions
from mdeinspect.rules.movement import KEPT, QUIET
from mdeinspect.transitions.policies import Policies
from mdeinspect.transitions.scene import START, Scene, evidence

IN_FORCE = frozenset({"enforced", "unproven"})
NOT_KNOWN = frozenset({"unknown", "unobservable"})
LONGEST = 2000  # of a value; longer ones are remembered as digests
SHOWN = 40  # settings in one event
MOVES = 16  # of one setting, the newest

Settings = Mapping[str, PastSetting]
Change = dict[str, Any]


def settings(scene: Scene, policies: Policies) -> tuple[Settings, list[Event]]:
    """What is remembered of every setting, and at most one event for all that changed."""
    if scene.doubtful:
        return scene.past.settings, []
    waits = _waits(scene, policies)
    under = conditions(scene.report.authority, scene.channels)
    shown = _is_taken_up(scene, policies)
    quiet = _is_quiet(scene, policies)
    found: dict[str, PastSetting] = {}
    changes: list[Change] = []
    for key in sorted(scene.rows.keys() | scene.past.settings.keys()):
        told, row = scene.past.settings.get(key), scene.rows.get(key)
        kept, change = (told, None) if waits else _judged(scene, told, row)
        if kept is not None:
            moves = _moves(scene, told, kept, row, own=quiet)
            found[key] = replace(kept, flag=_flag(scene, told, row, under, shown), moves=moves)
        if change is not None:
            changes.append(change)
    return found, [_event(scene, changes)] if changes else []


def settling(scene: Scene, policies: Policies) -> bool:
    """Whether the grace after the newest change of a policy is still running."""
    changed = _newest(policies)
    if scene.first or changed is None:
        return False
    return timedelta() <= scene.now - changed < scene.config.schedule.grace


def _waits(scene: Scene, policies: Policies) -> bool:
    """Whether the agent may still be applying a policy that has just changed."""
    changed = _newest(policies)
    if changed is None or not settling(scene, policies):
        return False
    health = scene.reading("health")
    if not health.present or health.taken_at < changed:
        return True
    return any(_awaited(row, scene.past.settings.get(key)) for key, row in scene.rows.items())


def _newest(policies: Policies) -> datetime | None:
    changes = (one.changed_at for one in policies.values() if one.channel != "local")
    return max(changes, default=None)


def _awaited(row: SettingState, told: PastSetting | None) -> bool:
    """Whether this row may yet become what a new policy makes of it."""
    if row.verdict == "pending" or told is None:
        return row.verdict == "pending"
    now = _known(row, told)
    moved = not _same(now.policy, told.policy)
    still = _same(now.effective, told.effective)
    return moved and still and row.verdict not in IN_FORCE | NOT_KNOWN


def _judged(
    scene: Scene, told: PastSetting | None, row: SettingState | None
) -> tuple[PastSetting | None, Change | None]:
    """What to remember of a setting, and what to tell of it."""
    if row is None:
        return (None if scene.reading("health").present else told), None
    if told is None:
        if row.verdict == "pending":
            return None, None
        new = _known(row, None)
        notable = row.verdict == "not-enforced" and not scene.first
        return new, _change(None, new) if notable else None
    new = _known(row, told)
    if _hidden_now(scene, row.key) or told.verdict in NOT_KNOWN:
        return new, None
    if row.verdict in NOT_KNOWN or row.verdict == "pending":
        return told, None
    moved = not _same(new.policy, told.policy)
    if row.verdict in IN_FORCE and moved:
        return new, None  # policy changed, and is in force
    alike = _word(new.verdict) == _word(told.verdict) and _same(new.effective, told.effective)
    return new, None if alike else _change(told, new)


def _known(row: SettingState, told: PastSetting | None) -> PastSetting:
    """A row as it is remembered; an effective value that is not known now is the last known."""
    effective = _compact(row.effective)
    if effective is None and told is not None:
        effective = told.effective
    return PastSetting(row.key, row.verdict, _compact(row.policy), effective, row.channel)


def _hidden_now(scene: Scene, key: str) -> bool:
    """Whether the configuration has changed its mind about keeping this one private."""
    preference = scene.catalogue.find(key, scene.platform)
    sort = preference.sensitivity if preference else None
    return (sort in scene.redacted) != (sort in scene.past.redacted)


def _flag(
    scene: Scene, told: PastSetting | None, row: SettingState | None, under: str, shown: bool
) -> PastFlag | None:
    """The [managed] flag: seen now, missed by one reading more, or of other conditions.

    `shown`: the reading of health is one of the conditions of now.
    """
    before, health = (told.flag if told else None), scene.reading("health")
    if row is None or row.managed is None or not health.present:
        return before
    if row.managed and shown:
        return PastFlag(under)
    if before is None or before.under != under:
        return None
    if row.managed or before.missed >= LOST or before.missed_at == health.taken_at:
        return before
    return PastFlag(under, before.missed + 1, health.taken_at)


def _is_taken_up(scene: Scene, policies: Policies) -> bool:
    """Whether health was read after the agent had time to take up who governs now, and by what.

    Before that it may still show the flags of the policy before.
    """
    past = scene.past.authority
    if past is not None and past.channel != scene.report.authority.channel:
        return False
    changes = [_newest(policies), past.since if past else None]
    grace, taken = scene.config.schedule.grace, scene.reading("health").taken_at
    return all(one is None or taken - one >= grace for one in changes)


def _is_quiet(scene: Scene, policies: Policies) -> bool:
    """Whether nothing has changed for a while that would account for another effective value."""
    past, now = scene.past, scene.report
    governors = past.authority.channel if past.authority else now.authority.channel
    if governors != now.authority.channel or past.agent.version != now.agent.version:
        return False
    if scene.starting < QUIET:
        return False
    changes = (
        _newest(policies),
        past.agent.changed_at,
        past.authority.since if past.authority else None,
    )
    return all(one is None or scene.now - one >= QUIET for one in changes)


def _moves(
    scene: Scene,
    told: PastSetting | None,
    kept: PastSetting,
    row: SettingState | None,
    *,
    own: bool,
) -> tuple[Move, ...]:
    """How the effective value moved lately. Only the main view of health is watched for that.

    An agent that has just started shows this and that.
    """
    if told is None:
        return ()
    recent = tuple(one for one in told.moves if scene.now - one.at < KEPT)
    unknown = row is None or told.effective is None or kept.effective is None
    if unknown or _same(told.effective, kept.effective) or _hidden_now(scene, kept.key):
        return recent
    seen = row is not None and any(name.startswith("health.") for name in row.observed_in)
    if not seen or scene.starting < START:
        return recent
    return (*recent, Move(scene.now, told.effective, kept.effective, own))[-MOVES:]


def _event(scene: Scene, changes: list[Change]) -> Event:
    carriers = {scene.rows[one["key"]].channel for one in changes}
    files = [
        reading
        for channel, policy in scene.channels.items()
        for reading in policy.documents()
        if channel in carriers
    ]
    data: dict[str, Any] = {"settings": changes[:SHOWN], "count": len(changes)}
    rests = evidence([scene.reading("health"), *files])
    return Event("setting.changed", scene.now, data=data, subject="host", evidence=rests)


def _change(old: PastSetting | None, new: PastSetting) -> Change:
    return {"key": new.key, "before": _side(old) if old else None, "after": _side(new)}


def _side(one: PastSetting) -> dict[str, Any]:
    return {
        "policy": one.policy,
        "effective": one.effective,
        "verdict": one.verdict,
        "channel": one.channel,
    }


def _word(verdict: str) -> str:
    """A missing flag is a finding of its own: the value is as policy has it."""
    return "enforced" if verdict in IN_FORCE else verdict


def _same(one: Any, other: Any) -> bool:
    return one is other or canonical(one) == canonical(other)


def _compact(value: Any) -> Any:
    value = mask(plain(value))
    return value if len(json.dumps(value)) <= LONGEST else digest(value)
