"""Taking a snapshot: every source that applies is read once, and nothing it does stops the rest."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from mdeinspect import readers
from mdeinspect.errors import NotThere, ParseError, Unreadable
from mdeinspect.host import Host
from mdeinspect.mentions import mentions
from mdeinspect.model import HostFacts, Reading, Snapshot
from mdeinspect.presence import present
from mdeinspect.sources import (
    CommandSource,
    FileSource,
    LinkSource,
    MentionSource,
    PresenceSource,
    ProcessSource,
    Source,
    load,
)

MOST = 250  # how many files of one source are read, each for itself


@dataclass(frozen=True, slots=True)
class Plan:
    """What to look at beyond what costs next to nothing.

    `details` asks for the optional views, each a call of `mdatp`; a recorded host tells them all.
    `client_analyzer` is where `mdatp_config.txt` lies; a recorded host has its own.
    """

    details: bool = False
    client_analyzer: str | None = None


def take(host: Host, plan: Plan) -> Snapshot:
    """One reading of every source. Files come first, so that health is the newer evidence."""
    facts = host.facts()
    readings = look(host, facts, plan, sorted(load(), key=_turn), {})
    return Snapshot(facts, host.now(), readings)


def look(
    host: Host,
    facts: HostFacts,
    plan: Plan,
    sources: Iterable[Source],
    known: Mapping[str, Reading[Any]],
) -> dict[str, Reading[Any]]:
    """A reading of each of `sources`; `known` are the readings of others that they go by."""
    # An agent that hung then may have recovered: only a timeout of this round ends the asking.
    known = {name: one for name, one in known.items() if one.kind != "timeout"}
    readings: dict[str, Reading[Any]] = {}
    for source in sources:
        for reading in _read(host, facts, source, plan, {**known, **readings}):
            readings[reading.source] = reading
    return readings


def _turn(source: Source) -> int:
    """Files, then what is always asked, then what is asked for only in the light of that."""
    if isinstance(source, CommandSource):
        return 1 + source.detail
    return 1 if isinstance(source, MentionSource | PresenceSource) else 0  # by what files say


def _read(
    host: Host,
    facts: HostFacts,
    source: Source,
    plan: Plan,
    readings: Mapping[str, Reading[Any]],
) -> Iterator[Reading[Any]]:
    if isinstance(source, CommandSource):
        if _asked_for(source, facts, plan, readings):
            yield _timed(host, facts, source.name, partial(readers.command, host, source))
    elif isinstance(source, MentionSource):
        if all(readings[name].there if name in readings else False for name in source.when):
            yield _timed(host, facts, source.name, partial(mentions, host, facts, source))
    elif isinstance(source, ProcessSource):
        yield _timed(host, facts, source.name, partial(readers.processes, host, source))
    elif isinstance(source, PresenceSource):
        paths = () if facts.recorded else source.paths(readings)
        if paths:
            look_for = partial(present, host, facts.platform, paths)
            yield _timed(host, facts, source.name, lambda: (look_for(), None))
    else:
        yield from _placed(host, facts, source, _places(source, facts, plan))


def _placed(
    host: Host, facts: HostFacts, source: FileSource | LinkSource, places: Sequence[str]
) -> Iterator[Reading[Any]]:
    if isinstance(source, FileSource) and source.each:
        yield from _each(host, facts, source, places)
    elif places:
        read: Callable[[], readers.Value] = (
            partial(readers.links, host, source, places)
            if isinstance(source, LinkSource)
            else partial(readers.file, host, source, places)
        )
        yield _timed(host, facts, source.name, read)


def _each(
    host: Host, facts: HostFacts, source: FileSource, places: Sequence[str]
) -> Iterator[Reading[Any]]:
    """A reading of every match; only one, broken, where the matches cannot be listed.

    One, broken, for all that are too many: thousands would make every look last for minutes.
    """
    try:
        paths = readers.matches(host, places)
    except Unreadable:
        yield _timed(host, facts, source.name, partial(readers.file, host, source, places))
        return
    count = 0
    for path in paths:
        name = f"{source.name}:{readers.wildcard(path, places)}"
        reading = _timed(host, facts, name, partial(readers.file, host, source, (path,)))
        if _beside(host, path, reading):
            continue
        count += 1
        if count > MOST:
            yield _timed(host, facts, source.name, partial(_too_many, places))
            return
        yield reading


def _beside(host: Host, path: str, reading: Reading[Any]) -> bool:
    """Whether this is of a folder, or of a link to nothing, that is no user's."""
    return reading.state == "missing" or (
        reading.kind in readers.NOWHERE and not _leads_somewhere(host, path.rpartition("/")[0])
    )


def _too_many(places: Sequence[str]) -> readers.Value:
    message = f"cannot read more than {MOST} files of {places[0]}: remove those of no use"
    raise Unreadable(message, kind="too-many")


def _leads_somewhere(host: Host, folder: str) -> bool:
    try:
        host.stat(folder)
    except NotThere:
        return False
    except Unreadable as error:
        return error.kind not in readers.NOWHERE
    return True


def _asked_for(
    source: CommandSource, facts: HostFacts, plan: Plan, readings: Mapping[str, Reading[Any]]
) -> bool:
    if facts.platform not in source.platforms:
        return False
    if not source.detail or facts.recorded:
        return True
    if any(reading.kind == "timeout" for reading in readings.values()):
        return False  # a hung agent is not asked twice
    health = readings.get("health")
    if source.name == "version":  # only where health does not tell it
        return not (health and health.value and health.value.value("app_version"))
    return plan.details and bool(health and health.present)


def _places(source: FileSource | LinkSource, facts: HostFacts, plan: Plan) -> tuple[str, ...]:
    if source.name == "client_analyzer" and not facts.recorded:
        return (plan.client_analyzer,) if plan.client_analyzer else ()
    return source.places.get(facts.platform, ())


def _timed(
    host: Host, facts: HostFacts, name: str, look: Callable[[], readers.Value]
) -> Reading[Any]:
    """The reading that `look` yields; whatever it raises of ours is an answer too."""
    started = host.now()
    state: Any = "present"
    value: Any = None
    kind = reason = file = None
    try:
        value, file = look()
        if value is None:
            state = "missing"
    except NotThere:
        state = "missing"
    except (ParseError, Unreadable) as error:
        state, kind, reason = "broken", error.kind, str(error)
        file = getattr(error, "file", None)
    except Exception as error:  # noqa: BLE001 -- one faulty parser must not spoil the rest
        state, kind = "broken", "internal"
        reason = f"cannot read {name}: a fault of mdeinspect itself ({type(error).__name__})"
    seconds = None if facts.recorded else round((host.now() - started).total_seconds(), 3)
    return Reading(name, state, started, value, kind, reason, seconds, file)
