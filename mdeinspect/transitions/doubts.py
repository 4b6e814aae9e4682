"""Whether a finding that is not in the report is gone, or cannot be seen. Unknown clears none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mdeinspect.memory import PastFinding
from mdeinspect.model import Reading
from mdeinspect.rules.protection import LEVEL_KEYS
from mdeinspect.transitions.scene import Scene

CAUSES = frozenset({"agent-missing", "agent-unreachable"})
# Rules that keep silent while the verdict on these settings is not known, or has to wait.
_VERDICTS: Mapping[str, frozenset[str]] = {
    "protection-off": LEVEL_KEYS,
    "protection-passive-by-policy": LEVEL_KEYS,
    "tamper-protection-off": frozenset({"tamperProtection.enforcementLevel"}),
}
# Likewise, on the key that is their subject.
OWN_VERDICT = frozenset(
    {"not-enforced", "foreign-managed", "managed-flag-lost", "baseline-effective-drift"}
)
# Those of them that are about a policy, and gone with it.
_OF_POLICY = frozenset({"not-enforced", "managed-flag-lost"})


def cannot_tell(scene: Scene, one: PastFinding) -> bool:
    """Whether the report leaves open what became of a finding."""
    rule = scene.rules.get(one.code)
    if any(unknown.code == one.code for unknown in scene.report.unknown):
        return True
    if rule and not all(scene.reading(name).present for name in rule.needs):
        return True
    return _of_subject(scene, one) or _of_verdict(scene, one)


def disputed(scene: Scene, one: PastFinding) -> bool:
    """Whether a finding may have come or gone for a moment only.

    So it is while health does not say who governs, and while a policy file that has just been
    removed may be back before anyone should hear of what follows from that.
    """
    kind, _, rest = one.subject.partition(":")
    if one.code == "policy-removed" or kind == "agent":
        return False
    return rest in scene.removed if kind == "file" else scene.doubtful or bool(scene.removed)


def too_early(scene: Scene, one: PastFinding) -> bool:
    """Whether a finding may be there only because the agent is still applying a new policy."""
    return scene.settling and (one.code in OWN_VERDICT or one.code in _VERDICTS)


def is_gone(scene: Scene, one: PastFinding) -> bool:
    """Whether what a finding was about is not there any more."""
    kind, _, rest = one.subject.partition(":")
    if kind == "file":
        return all(
            reading.state == "missing" or (reading.file is not None and not _about(reading, rest))
            for policy in scene.channels.values()
            for reading in policy.readings
        )
    if kind == "channel":
        return any(name == rest and one.there is False for name, one in scene.channels.items())
    if one.code in OWN_VERDICT:
        row = scene.rows.get(rest)
        return row is None or (row.policy is None and one.code in _OF_POLICY)
    return kind == "key" and not any(policy.there for policy in scene.channels.values())


def _about(reading: Reading[Any], path: str) -> bool:
    """Whether a path is that of a file, or of a folder that leads to it."""
    file = reading.file
    return file is not None and (
        file.path == path or any(folder.path == path for folder in file.folders)
    )


def _of_subject(scene: Scene, one: PastFinding) -> bool:
    """What depends on the agent, on who governs, or on the check-in, and that is not known."""
    state = scene.report.agent.state
    if one.subject == "agent":
        if state == "missing":
            return one.code != "agent-missing"
        return one.code in CAUSES and state == "unknown"
    if one.subject.startswith("channel:") and scene.report.authority.channel == "unknown":
        return True
    if one.code.startswith("checkin-") and scene.report.checkin.state == "unknown":
        return True
    return disputed(scene, one)


def _of_verdict(scene: Scene, one: PastFinding) -> bool:
    if one.code in OWN_VERDICT:
        row = scene.rows.get(one.subject.partition(":")[2])
        if row is None:
            return not scene.reading("health").present
        if one.code == "foreign-managed" and row.policy is not None:
            return False  # a policy accounts for it, whatever else is not known
        return row.verdict in ("unknown", "unobservable", "pending")
    rows = [scene.rows[key] for key in _VERDICTS.get(one.code, ()) if key in scene.rows]
    return any(row.verdict in ("unknown", "pending") for row in rows)
