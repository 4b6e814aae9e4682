"""policy.changed: a policy file came, went, or says something else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime

from mdeinspect.channels import delivering
from mdeinspect.difference import Difference, canonical, compare, flatten, hide
from mdeinspect.documents import Document
from mdeinspect.events import Event, Evidence
from mdeinspect.memory import PastPolicy
from mdeinspect.model import Channel, Reading, Severity
from mdeinspect.rules.history import is_gone, replaced
from mdeinspect.rules.movement import REWRITTEN
from mdeinspect.transitions.scene import Scene, evidence

REWRITES = 8  # how many are remembered of a file
Policies = Mapping[str, PastPolicy]


def policies(scene: Scene) -> tuple[Policies, list[Event]]:
    """What is remembered of every policy file, and one event for each that changed.

    Of the local settings only what policy could set counts: the agent keeps notes of its own there.
    """
    found: dict[str, PastPolicy] = {}
    events: list[Event] = []
    for source, channel, reading in _files(scene):
        past = scene.past.policies.get(source)
        kept, told = _looked_at(scene, channel, reading, past)
        if kept is not None:
            found[source] = kept
        if told is not None:
            events.append(told)
    return found, events


def _looked_at(
    scene: Scene, channel: Channel, reading: Reading[Document] | None, past: PastPolicy | None
) -> tuple[PastPolicy | None, Event | None]:
    """What becomes of one file. A broken one is neither gone nor changed."""
    if reading is not None and reading.value is not None:
        return _present(scene, channel, reading, reading.value, past)
    if past is not None and is_gone(past, scene.report.sources):
        return _gone(scene, past)
    return past, None


def _files(scene: Scene) -> Iterator[tuple[str, Channel, Reading[Document] | None]]:
    """Every policy file that is read or remembered."""
    read = {
        reading.source: (channel, reading)
        for channel, policy in scene.channels.items()
        for reading in policy.readings
    }
    for source in sorted(read.keys() | scene.past.policies.keys()):
        if source in read:
            yield source, *read[source]
        else:
            yield source, scene.past.policies[source].channel, None


def _present(
    scene: Scene,
    channel: Channel,
    reading: Reading[Document],
    document: Document,
    past: PastPolicy | None,
) -> tuple[PastPolicy, Event | None]:
    there = past is not None and past.removed_at is None
    if past and there and past.digest == document.digest and not _privacy_changed(scene):
        kept = replace(past, governed=_governs(scene, channel, past))
        return _dated(scene, kept, reading, past), None
    new = _dated(scene, _read(scene, channel, reading, document, past), reading, past)
    if past is None or not there:
        silent = scene.first or (past is None and not _was_missing(scene, reading.source))
        empty = channel == "local" and not new.values
        if silent or empty:
            return replace(new, changed_at=_written(reading)), None
        return new, _told(scene, "added", None, new, compare({}, new.values, same=False), reading)
    same = past.content == new.content
    if same:
        new = replace(new, changed_at=past.changed_at)
    if past.digest == new.digest or (same and channel == "local"):
        return new, None
    changes = _changes(scene, past, document, same=same)
    return new, _told(scene, changes.kind, past, new, changes, reading)


def _gone(scene: Scene, past: PastPolicy) -> tuple[PastPolicy, Event | None]:
    if past.removed_at is not None:
        return past, None
    reading = scene.reading(past.source)
    kept = replace(past, removed_at=scene.now, changed_at=min(reading.taken_at, scene.now))
    if past.channel == "local" and not past.values:
        return kept, None
    lost = hide(past.values, scene.platform, scene.catalogue, _newly_private(scene))
    told = _told(scene, "removed", past, None, compare(lost, {}, same=False), reading)
    return replace(kept, values={}), told


def _read(
    scene: Scene,
    channel: Channel,
    reading: Reading[Document],
    document: Document,
    past: PastPolicy | None,
) -> PastPolicy:
    local, value = channel == "local", document.value
    values = flatten(value, scene.platform, scene.catalogue, scene.redacted, known_only=local)
    whole = flatten(value, scene.platform, scene.catalogue, known_only=True) if local else value
    return PastPolicy(
        source=reading.source,
        channel=channel,
        path=reading.file.path if reading.file else None,
        digest=document.digest,
        content=canonical(whole),
        changed_at=min(reading.taken_at, scene.now),
        values=values,
        governed=_governs(scene, channel, past),
    )


def _dated(
    scene: Scene, one: PastPolicy, reading: Reading[Document], past: PastPolicy | None
) -> PastPolicy:
    """A policy with when its file was written; the agent's own notes are written all the time."""
    written = reading.file.changed if reading.file else None
    if one.channel == "local" or written is None:
        return one
    rewrites = past.rewrites if past else ()
    recent = tuple(moment for moment in rewrites if scene.now - moment < REWRITTEN)
    if past is not None and past.written_at is not None and written > past.written_at:
        recent = (*recent, min(written, scene.now))[-REWRITES:]
    return replace(one, written_at=written, rewrites=recent)


def _governs(scene: Scene, channel: Channel, past: PastPolicy | None) -> bool:
    """Whether this channel's files carry the governing policy, as far as that is known."""
    if scene.report.authority.channel == "unknown" or scene.doubtful:
        return past is not None and past.governed
    governing = delivering(scene.report.authority, scene.channels, scene.platform)
    return channel != "local" and channel == governing


def _changes(scene: Scene, past: PastPolicy, document: Document, *, same: bool) -> Difference:
    """The difference of values, with all that is private now or was before as digests."""
    private = {*scene.redacted, *scene.past.redacted}
    local = past.channel == "local"
    return compare(
        hide(past.values, scene.platform, scene.catalogue, _newly_private(scene)),
        flatten(document.value, scene.platform, scene.catalogue, private, known_only=local),
        same=same,
    )


def _privacy_changed(scene: Scene) -> bool:
    return not scene.first and scene.redacted != scene.past.redacted


def _newly_private(scene: Scene) -> tuple[str, ...]:
    return tuple(one for one in scene.redacted if one not in scene.past.redacted)


def _was_missing(scene: Scene, source: str) -> bool:
    """Whether a file that nothing is remembered of was surely not there before."""
    before = scene.past.sources.get(source)
    if before is not None:
        return before.state == "missing"
    folder = source.partition(":")[0]  # one of many, that are only listed when they are there
    listed = scene.past.sources.get(folder)
    return folder != source and (listed is None or listed.state != "broken")


def _written(reading: Reading[Document]) -> datetime:
    changed = reading.file.changed if reading.file else None
    return min(changed or reading.taken_at, reading.taken_at)


def _told(
    scene: Scene,
    kind: str,
    old: PastPolicy | None,
    new: PastPolicy | None,
    changes: Difference,
    reading: Reading[Document],
) -> Event:
    one = new or old
    if one is None:
        raise AssertionError("a policy that neither was nor is")
    lost = kind == "removed" and one.governed
    graver = lost and not replaced(one, scene.report.authority, scene.channels)
    rests = evidence([reading])
    if one.path and not (reading.file and reading.file.path):
        rests = (Evidence(reading.source, one.path, reading.taken_at),)
    return Event(
        "policy.changed",
        scene.now,
        Severity.MEDIUM if graver else Severity.INFO,
        {
            "channel": one.channel,
            "file": one.path,
            "kind": kind,
            "old_digest": old.digest if old else None,
            "new_digest": new.digest if new else None,
            "difference": changes.data(),
        },
        subject=f"file:{one.path or one.source}",
        evidence=rests,
    )
