"""What the service must remember between two reports: frozen, and kept row by row.

Row names: `meta`, `awake`, `authority`, `agent`, `checkin`, `source:<name>`, `policy:<source>`,
`setting:<key>`, `finding:<code>|<subject>`. Equal rows have equal values, so a store need only
write those that changed. What is remembered is masked, and redacted as configured, before it
comes here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from mdeinspect.documents import plain
from mdeinspect.memory.past import (
    Flapping,
    Move,
    PastAgent,
    PastAuthority,
    PastCheckin,
    PastDaemon,
    PastFinding,
    PastFlag,
    PastHangs,
    PastPolicy,
    PastSetting,
    PastSource,
    PastTenant,
)
from mdeinspect.memory.rows import dump, load
from mdeinspect.model import AwakeLog, Severity
from mdeinspect.privacy import mask

__all__ = [
    "Flapping",
    "Memory",
    "Move",
    "PastAgent",
    "PastAuthority",
    "PastCheckin",
    "PastDaemon",
    "PastFinding",
    "PastFlag",
    "PastHangs",
    "PastPolicy",
    "PastSetting",
    "PastSource",
    "PastTenant",
    "identity",
]

T = TypeVar("T")


def identity(code: str, subject: str) -> tuple[str, str]:
    """What a finding is remembered by: a subject is stored without secrets, and as plain text."""
    return code, str(mask(plain(subject)))


@dataclass(frozen=True, slots=True)
class Memory:
    """Everything that is remembered. `lost` names the rows that could not be read back."""

    reported_at: datetime | None = None
    rules: frozenset[str] = frozenset()  # codes of the rules that have judged this host
    redacted: tuple[str, ...] = ()  # what was replaced by digests
    findings: Mapping[tuple[str, str], PastFinding] = field(default_factory=dict)
    policies: Mapping[str, PastPolicy] = field(default_factory=dict)
    settings: Mapping[str, PastSetting] = field(default_factory=dict)
    sources: Mapping[str, PastSource] = field(default_factory=dict)
    authority: PastAuthority | None = None
    checkin: PastCheckin | None = None
    agent: PastAgent = field(default_factory=PastAgent)
    awake: AwakeLog | None = None
    lost: tuple[str, ...] = ()

    def standing(self) -> dict[str, int]:
        """How many findings are raised, by severity; those that a cause hides are `suppressed`."""
        raised = [one for one in self.findings.values() if one.raised_at is not None]
        seen = Counter(one.severity for one in raised if not one.suppressed)
        counts = {severity.word: seen[severity] for severity in reversed(Severity)}
        return {**counts, "suppressed": sum(one.suppressed for one in raised)}

    def raised_at(self, code: str, subject: str) -> datetime | None:
        """Since when a finding has been raised; None for one that is not."""
        known = self.findings.get(identity(code, subject))
        return known.raised_at if known else None

    def rows(self) -> dict[str, Any]:
        """Everything as row name -> JSON-ready value."""
        meta = _Meta(self.reported_at, tuple(sorted(self.rules)), self.redacted)
        found = {"meta": dump(meta), "agent": dump(self.agent)}
        for name in ("authority", "checkin", "awake"):
            if (value := getattr(self, name)) is not None:
                found[name] = dump(value)
        for kind in _MANY:
            found.update({_row(kind, one.key): dump(one) for one in getattr(self, kind).values()})
        return found

    @classmethod
    def from_rows(cls, rows: Mapping[str, Any]) -> Memory:
        """The memory that `rows` were made of. Rows of another kind are none of ours."""
        back = _Back(rows)
        meta = back.one("meta", _Meta) or _Meta()
        return cls(
            reported_at=meta.reported_at,
            rules=frozenset(meta.rules),
            redacted=meta.redacted,
            findings=back.many("findings"),
            policies=back.many("policies"),
            settings=back.many("settings"),
            sources=back.many("sources"),
            authority=back.one("authority", PastAuthority),
            checkin=back.one("checkin", PastCheckin),
            agent=back.one("agent", PastAgent) or PastAgent(),
            awake=back.one("awake", AwakeLog),
            lost=tuple(back.lost),
        )


@dataclass(frozen=True, slots=True)
class _Meta:
    reported_at: datetime | None = None
    rules: tuple[str, ...] = ()
    redacted: tuple[str, ...] = ()


# Field of the memory -> how its rows are called, and what is in each.
_MANY: Mapping[str, tuple[str, type[Any]]] = {
    "findings": ("finding", PastFinding),
    "policies": ("policy", PastPolicy),
    "settings": ("setting", PastSetting),
    "sources": ("source", PastSource),
}


def _row(kind: str, key: Any) -> str:
    """The name of the row of one of many; that of a finding is its code and subject."""
    return f"{_MANY[kind][0]}:{'|'.join(key) if isinstance(key, tuple) else key}"


class _Back:
    """Reads rows, and remembers which could not be read."""

    def __init__(self, rows: Mapping[str, Any]) -> None:
        self.lost: list[str] = []
        self._rows = rows

    def one(self, name: str, kind: type[T]) -> T | None:
        """The value of the row `name`; None where there is none, or none that fits."""
        if name not in self._rows:
            return None
        try:
            return load(kind, self._rows[name])
        except ValueError:
            self.lost.append(name)
            return None

    def many(self, field_name: str) -> Mapping[Any, Any]:
        """Every row of one kind, by its key. A row under a name that is not its own is lost."""
        prefix, kind = _MANY[field_name]
        found: dict[Any, Any] = {}
        for name in sorted(self._rows):
            if not name.startswith(f"{prefix}:"):
                continue
            value = self.one(name, kind)
            if value is not None and _row(field_name, value.key) != name:
                self.lost.append(name)
            elif value is not None:
                found[value.key] = value
        return found
