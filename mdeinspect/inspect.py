"""Taking a snapshot: every source that applies is read once, and nothing it does stops the rest."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from functools import partial
from typing import Any

from mdeinspect.errors import MdeinspectError, NotThere, ParseError, Unreadable
from mdeinspect.host import Host
from mdeinspect.mentions import mentions
from mdeinspect.model import FileFacts, HostFacts, Reading, Snapshot
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

SETTLE = timedelta(seconds=2)  # a file this young may still be being written
NOWHERE = frozenset({"dangling-link", "link-loop"})  # a path that leads to nothing
REFUSED = re.compile(
    r"permission denied|access denied|not permitted|(as|be|requires?|need) root|\bsudo\b",
    re.IGNORECASE,
)
NEWEST = 4  # how many matches of a pattern are looked into


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
            yield _timed(host, facts, source.name, partial(_command, host, source))
    elif isinstance(source, MentionSource):
        if all(readings[name].there if name in readings else False for name in source.when):
            yield _timed(host, facts, source.name, partial(mentions, host, facts, source))
    elif isinstance(source, ProcessSource):
        yield _timed(host, facts, source.name, partial(_processes, host, source))
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
        read: Callable[[], Value] = (
            partial(_links, host, source, places)
            if isinstance(source, LinkSource)
            else partial(_file, host, source, places)
        )
        yield _timed(host, facts, source.name, read)


def _each(
    host: Host, facts: HostFacts, source: FileSource, places: Sequence[str]
) -> Iterator[Reading[Any]]:
    """A reading of every match; only one, broken, where the matches cannot be listed."""
    try:
        paths = _matches(host, places)
    except Unreadable:
        yield _timed(host, facts, source.name, partial(_file, host, source, places))
        return
    for path in paths:
        name = f"{source.name}:{_wildcard(path, places)}"
        reading = _timed(host, facts, name, partial(_file, host, source, (path,)))
        beside = reading.state == "missing" or (
            reading.kind in NOWHERE and not _leads_somewhere(host, path.rpartition("/")[0])
        )
        if not beside:  # of a folder, or of a link to nothing, that is no user's
            yield reading


def _leads_somewhere(host: Host, folder: str) -> bool:
    try:
        host.stat(folder)
    except NotThere:
        return False
    except Unreadable as error:
        return error.kind not in NOWHERE
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


Value = tuple[Any, FileFacts | None]


def _timed(host: Host, facts: HostFacts, name: str, look: Callable[[], Value]) -> Reading[Any]:
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


# --- one kind of source each --------------------------------------------------------------------


def _command(host: Host, source: CommandSource) -> Value:
    """The first output that can be parsed; else why the last one could not."""
    trouble: MdeinspectError = NotThere(f"no output of {source.name}")
    for command in source.commands:
        try:
            output = host.run(command)
        except NotThere:
            continue
        except Unreadable as error:
            if error.kind == "timeout":
                raise  # a hung agent is not asked twice
            trouble = error
            continue
        try:
            return source.parse(output.stdout), None
        except ParseError as error:
            name = " ".join(("mdatp", *command.args))
            if output.exit == 0:
                trouble = Unreadable(f"{error} (`{name}`)", kind=error.kind)
            else:
                trouble = _failed(name, output.exit, output.stderr or output.stdout)
    raise trouble


def _failed(name: str, code: int, said: bytes) -> Unreadable:
    words = " ".join(said.decode("utf-8", "replace").split())[:200] or "nothing"
    refused = REFUSED.search(words) is not None
    hint = "; run with sudo" if refused else ""
    message = f"cannot read `{name}`: it ended with {code} and said: {words}{hint}"
    return Unreadable(message, kind="denied" if refused else "failed")


def _file(host: Host, source: FileSource, places: Sequence[str]) -> Value:
    """The first place that holds something of it; of a policy file also what lies around it."""
    try:
        value, file = _first(host, source, places)
    except Unreadable as error:
        if source.channel and isinstance(error.file, FileFacts):
            error.file = host.around(error.file)
        raise
    return value, host.around(file) if source.channel and file else file


def _first(host: Host, source: FileSource, places: Sequence[str]) -> Value:
    trouble: MdeinspectError | None = None
    for place in places:
        for path in _matches(host, (place,)):
            try:
                return _settled(host, source, path)
            except NotThere:
                continue
            except Unreadable as error:
                if error.kind != "not-regular":
                    raise  # it is there: nothing else stands in for it
                if f"{path}/*" not in places:  # else a folder, which is looked into next
                    trouble = trouble or error
    raise trouble or NotThere(f"{source.name} is not there")


def _settled(host: Host, source: FileSource, path: str) -> Value:
    """A file's value; one that cannot be parsed is read again if it may still be being written."""
    for attempt in (1, 2):
        read = host.tail if source.tail else host.read
        data, file = read(path, source.limit)
        try:
            value = source.parse(data)
        except ParseError as error:
            young = SETTLE - (host.now() - file.mtime) if file.mtime else timedelta()
            if attempt == 1 and timedelta() < young <= SETTLE and host.wait(young.total_seconds()):
                continue
            raise Unreadable(f"{error} ({path})", kind=error.kind, file=file) from error
        if value is None:
            raise NotThere(f"{path} holds nothing of it")
        return value, file
    raise AssertionError("unreachable")


def _links(host: Host, source: LinkSource, places: Sequence[str]) -> Value:
    found = {}
    for path in _matches(host, places):
        try:
            found[path] = host.link(path)
        except NotThere:
            continue
        except Unreadable as error:
            if error.kind not in NOWHERE:
                raise
    return source.parse(found), None


def _processes(host: Host, source: ProcessSource) -> Value:
    return source.parse(host.processes(source.names)), None


def _matches(host: Host, places: Sequence[str]) -> list[str]:
    """The paths that the patterns name. Files that a `*` ends with come newest first.

    Raises `Unreadable` where a folder cannot be listed.
    """
    found: list[str] = []
    for place in places:
        folder, star, rest = place.partition("*")
        if not star:
            found.append(place)
            continue
        folder, _, prefix = folder.rpartition("/")
        wildcard, slash, tail = rest.partition("/")
        names = [n for n in _names(host, folder) if fnmatchcase(n, f"{prefix}*{wildcard}")]
        paths = [f"{folder}/{name}{slash}{tail}" for name in names]
        found.extend(paths if slash else _newest(host, paths))
    return found


def _names(host: Host, folder: str) -> Sequence[str]:
    try:
        return host.names(folder)
    except NotThere:
        return ()
    except Unreadable as error:
        if error.kind not in NOWHERE:
            raise
        return ()


def _newest(host: Host, paths: Sequence[str]) -> list[str]:
    def age(path: str) -> datetime:
        try:
            moment = host.stat(path).mtime
        except (NotThere, Unreadable):
            moment = None
        return moment or datetime.min.replace(tzinfo=host.now().tzinfo)

    return sorted(paths, key=age, reverse=True)[:NEWEST]


def _wildcard(path: str, places: Sequence[str]) -> str:
    """What the `*` of a pattern stands for in a path that matches it."""
    head, _, tail = places[0].partition("*")
    return path.removeprefix(head).removesuffix(tail)
