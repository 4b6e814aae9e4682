"""What a step looks at: the memory of before, the report of now, and what they rest on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from mdeinspect.awake import awake_between
from mdeinspect.catalogue import Catalogue
from mdeinspect.channels import Policy
from mdeinspect.config.model import Config
from mdeinspect.events import Evidence
from mdeinspect.memory import Memory
from mdeinspect.model import AwakeLog, Channel, Finding, Platform, Reading, Report, SettingState
from mdeinspect.rules import Rule

START = timedelta(minutes=10)  # an agent that has just been started or replaced


@dataclass(frozen=True, slots=True)
class Scene:
    """All that a step depends on. `first`: nothing was remembered, so nothing has changed."""

    past: Memory
    first: bool
    report: Report
    config: Config
    catalogue: Catalogue
    rules: Mapping[str, Rule]
    channels: Mapping[Channel, Policy]
    rows: Mapping[str, SettingState]
    awake: AwakeLog | None
    now: datetime
    removed: frozenset[str] = frozenset()  # files that are gone, and may be back in a moment
    settling: bool = False  # a policy has just changed, whatever the time of its file says

    @property
    def platform(self) -> Platform:
        """The platform of the host."""
        return self.report.host.platform

    @property
    def redacted(self) -> tuple[str, ...]:
        """What the configuration keeps private."""
        return tuple(sorted(self.config.privacy.redact))

    @property
    def doubtful(self) -> bool:
        """True when who governs seems to have changed only because health does not say it now."""
        before, now = self.past.authority, self.report.authority
        if before is None or not before.managed_by or now.managed_by is not None:
            return False
        return (before.channel, before.shadowed) != (now.channel, now.shadowed)

    def reading(self, source: str) -> Reading[Any]:
        """The reading of `source`; one that was not tried counts as missing."""
        found = self.report.sources.get(source)
        return found or Reading(source, "missing", self.report.taken_at)

    def elapsed(self, since: datetime) -> timedelta:
        """How long ago `since` was, of time awake where that is known."""
        since = min(since, self.now)
        if self.awake is not None and since >= self.awake.since:
            return awake_between(self.awake, since, self.now)
        return self.now - since

    @property
    def starting(self) -> timedelta:
        """How long ago the host was started; far longer than any hold where that is not known."""
        boot = self.report.host.boot_time
        return self.now - boot if boot and boot <= self.now else timedelta(days=365)


def evidence(readings: Iterable[Reading[Any]]) -> tuple[Evidence, ...]:
    """What an event rests on: of a file when it changed, of all else when it was read."""
    found: dict[str, Evidence] = {}
    for reading in readings:
        file = reading.file
        moment = (file.changed or file.mtime) if file else None
        path = file.path if file else None
        found[reading.source] = Evidence(reading.source, path, moment or reading.taken_at)
    return tuple(found.values())


def behind(scene: Scene, code: str, subject: str, finding: Finding | None) -> tuple[Evidence, ...]:
    """What a finding about `subject` rests on."""
    rule = scene.rules.get(code)
    kind, _, rest = subject.partition(":")
    names = set(rule.needs if rule else ())
    names.update(_of_subject(scene, kind, rest, finding))
    if kind == "host":
        names.update(one.source for one in scene.report.checkin.evidence if one.kind == "exact")
    readings = [scene.reading(name) for name in sorted(names or {"health"})]
    return evidence(readings)


def _of_subject(scene: Scene, kind: str, rest: str, finding: Finding | None) -> Iterable[str]:
    """The sources that speak of a file, a channel or a key."""
    file = (finding.facts.get("file") if finding else None) or (rest if kind == "file" else None)
    channel = rest if kind == "channel" else None
    row = scene.rows.get(rest.partition("#")[0]) if kind == "key" else None
    if row is not None and file is None:
        channel = row.channel
    if row is not None and row.observed_in:
        yield "health"
    for name, policy in scene.channels.items():
        for reading in policy.readings:
            if name == channel or (file and reading.file and reading.file.path == file):
                yield reading.source
