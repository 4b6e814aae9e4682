"""A host that was recorded: its files, its commands' outputs, its clock.

Layout: files at `DIR/<absolute path>`, outputs at `DIR/commands/<name>.stdout` (`.stderr`,
`.exit`), and optionally `DIR/host.json`. Nothing in it is ever executed.
"""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from mdeinspect.errors import MdeinspectError, NotThere, Unreadable, UsageError
from mdeinspect.host import MAX_FILE, MAX_OUTPUT
from mdeinspect.host.files import Files, describe, folders
from mdeinspect.host.system import PROGRAMS, os_name
from mdeinspect.model import Command, FileFacts, HostFacts, Output, Platform, Process

if TYPE_CHECKING:
    from mdeinspect.host.memory import MemoryFiles  # zip, tar and what goes with them

COMMANDS = "/commands"
HOST_JSON = "/host.json"
EXIT = re.compile(rb"-?[0-9]{1,4}")
MODE = re.compile(r"(?:0o)?[0-7]{1,7}")
YEARS = range(1970, 3000)  # beyond, arithmetic with times would leave the calendar


class RecordedHost:
    """The host recorded in a folder, or in memory. Raises `UsageError` when it is malformed.

    `live_clock` makes it use the present moment even when the record tells its own.
    """

    def __init__(
        self,
        root: str | MemoryFiles,
        *,
        platform: Platform | None = None,
        live_clock: bool = False,
    ) -> None:
        self._overrides: Mapping[str, dict[str, Any]] = {}
        self._files: Files | MemoryFiles
        if not isinstance(root, str | os.PathLike):
            self._files = root
            root.describe = self._told
        elif os.path.isdir(root):
            self._files = Files(os.path.realpath(root).rstrip("/"), self._describe)
        else:
            raise UsageError(f"cannot inspect {root}: there is no such folder")
        self._about = _about(self._files)
        self._overrides = self._about.get("files", {})
        self._refused: Mapping[str, Refusal] = self._about.get("unreadable", {})
        self._platform: Platform = platform or self._about.get("platform") or self._guess()
        self._now = None if live_clock else self._about.get("now")

    def facts(self) -> HostFacts:
        """See `Host.facts`."""
        return HostFacts(
            name=self._about.get("hostname") or self._hostname(),
            platform=self._platform,
            os=self._about.get("os") or os_name(self, self._platform),
            boot_time=self._about.get("boot_time"),
            awake_seconds=self._about.get("awake_seconds"),
            recorded=True,
            whole=self._about.get("whole", False),
            program=next((path for path in PROGRAMS[self._platform] if self._lies(path)), None),
        )

    def now(self) -> datetime:
        """See `Host.now`."""
        return self._now or datetime.now(UTC)

    def wait(self, seconds: float) -> bool:
        """See `Host.wait`."""
        del seconds
        return False

    def read(self, path: str, limit: int = MAX_FILE) -> tuple[bytes, FileFacts]:
        """See `Host.read`."""
        self._refuse(path)
        return self._files.read(path, limit)

    def tail(self, path: str, limit: int) -> tuple[bytes, FileFacts]:
        """See `Host.tail`."""
        self._refuse(path)
        return self._files.tail(path, limit)

    def stat(self, path: str) -> FileFacts:
        """See `Host.stat`."""
        return self._files.stat(path)

    def around(self, facts: FileFacts) -> FileFacts:
        """See `Host.around`. The top of the record is no folder of the host, unless told."""
        facts = self._files.around(facts)
        above = tuple(one for one in facts.folders if one.path in self._overrides or one.path[1:])
        return replace(facts, folders=above, filesystem=self._filesystem(facts))

    def _filesystem(self, facts: FileFacts) -> str | None:
        """What the record tells of the file, or of the nearest folder above it."""
        path = facts.real or facts.path
        for place in (path, *folders(path)):
            if kind := self._overrides.get(place, {}).get("filesystem"):
                return str(kind)
        return facts.filesystem

    def link(self, path: str) -> str | None:
        """See `Host.link`."""
        return self._files.link(path)

    def names(self, path: str) -> Sequence[str]:
        """See `Host.names`."""
        self._refuse(path)
        return self._files.names(path)

    def run(self, command: Command) -> Output:
        """The recorded output of `command`; an exit status that was not recorded counts as 0."""
        self._refuse(f"commands/{command.name}")
        parts = {end: self._part(command, end) for end in ("stdout", "stderr", "exit")}
        if all(part is None for part in parts.values()):
            raise NotThere(f"no output of {command.name} is recorded")
        code = (b"0" if parts["exit"] is None else parts["exit"]).strip()
        if not EXIT.fullmatch(code):
            message = f"cannot use commands/{command.name}.exit: it holds no exit status"
            raise Unreadable(message, kind="malformed")
        return Output(parts["stdout"] or b"", parts["stderr"] or b"", int(code))

    def processes(self, names: Sequence[str]) -> Sequence[Process]:
        """See `Host.processes`; `NotThere` when the record does not tell of processes."""
        self._refuse("processes")
        if "processes" not in self._about:
            raise NotThere("no processes are recorded")
        found = [p for p in self._about["processes"] if p.name.lower().startswith(tuple(names))]
        return sorted(found, key=lambda process: process.pid)

    def _part(self, command: Command, end: str) -> bytes | None:
        try:
            return self._files.read(f"{COMMANDS}/{command.name}.{end}", MAX_OUTPUT)[0]
        except NotThere:
            return None

    def _refuse(self, path: str) -> None:
        """Raise what the recorder met at `path`, where it could not read it either."""
        refusal = self._refused.get(path)
        if refusal is None:
            return
        try:
            file = self._files.stat(path) if path.startswith("/") else None
        except MdeinspectError:
            file = None  # not even its state could be seen
        raise Unreadable(refusal.reason, kind=refusal.kind, file=file)

    def _describe(self, path: str, links: Sequence[str], found: os.stat_result) -> FileFacts:
        """Modes and times count as they lie there, owners only as the record tells them."""
        facts = describe(path, links, found)
        return self._told(replace(facts, uid=None, gid=None, changed=facts.mtime))

    def _told(self, facts: FileFacts) -> FileFacts:
        """The facts with what the record tells in their place."""
        told = self._overrides.get(facts.path, {})
        if "mtime" in told:
            facts = replace(facts, changed=told["mtime"])
        return replace(facts, **told)

    def _guess(self) -> Platform:
        return "darwin" if self._lies("/Library") and not self._lies("/etc/opt") else "linux"

    def _hostname(self) -> str | None:
        try:
            data, _ = self._files.read("/etc/hostname", 4096)
        except (NotThere, Unreadable):
            return None
        return data.decode("utf-8", "replace").strip() or None

    def _lies(self, path: str) -> bool:
        """Whether anything is recorded at `path`, be it a link to nowhere."""
        try:
            self._files.link(path)
        except NotThere:
            return False
        except Unreadable as error:
            return error.kind not in ("dangling-link", "lost-folder")
        return True


# --- host.json ----------------------------------------------------------------------------------


def _about(files: Files | MemoryFiles) -> dict[str, Any]:
    """What `host.json` tells, decoded; empty without one."""
    try:
        data, _ = files.read(HOST_JSON, MAX_FILE)
        raw = json.loads(data)
        return {name: _decoded(name, raw[name]) for name in DECODERS if name in _object(raw)}
    except NotThere:
        return {}
    except Unreadable as error:
        raise UsageError(f"cannot use host.json: {error}") from error
    except RecursionError as error:
        raise UsageError("cannot use host.json: it is nested too deeply") from error
    except (ValueError, TypeError) as error:
        raise UsageError(f"cannot use host.json: {error}") from error


def _decoded(name: str, value: Any) -> Any:
    try:
        return DECODERS[name](value)
    except (ValueError, TypeError, KeyError, OverflowError) as error:
        raise UsageError(f"cannot use host.json: {name}: {error}") from error


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise TypeError(f"expected an object, not {json.dumps(value)[:40]}")
    return value


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError(f"expected a list, not {json.dumps(value)[:40]}")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"expected text, not {json.dumps(value)[:40]}")
    return value


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e10:
        raise ValueError(f"expected seconds, not {json.dumps(value)[:40]}")
    return float(value)


def _whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**32:
        raise ValueError(f"expected a whole number, not {json.dumps(value)[:40]}")
    return value


def _mode(value: Any) -> int:
    if not MODE.fullmatch(_text(value)):
        raise ValueError(f'expected a mode such as "0644", not {json.dumps(value)[:40]}')
    return stat.S_IMODE(int(value, 8))


def _time(value: Any) -> datetime:
    moment = datetime.fromisoformat(_text(value))
    if moment.tzinfo is None:
        raise ValueError(f"{value!r} has no time zone; write it as RFC 3339")
    if moment.year not in YEARS:
        raise ValueError(f"{value!r} is no time of this host; correct the year")
    return moment.astimezone(UTC)


def _platform(value: Any) -> Platform:
    if value not in ("linux", "darwin"):
        raise ValueError(f"platform is linux or darwin, not {json.dumps(value)[:40]}")
    return value  # type: ignore[no-any-return]


def _process(value: Any) -> Process:
    raw = _object(value)
    return Process(
        pid=_whole(raw.get("pid", 0)),
        name=_text(raw.get("name")),
        exe=None if raw.get("exe") is None else _text(raw["exe"]),
        cmdline=tuple(_text(word) for word in _list(raw.get("cmdline", []))),
        started=None if raw.get("started") is None else _time(raw["started"]),
    )


def _files(value: Any) -> dict[str, dict[str, Any]]:
    decode = {
        "uid": _whole,
        "gid": _whole,
        "mode": _mode,
        "mtime": _time,
        "changed": _time,
        "filesystem": _text,
    }
    return {
        path: {name: decode[name](told[name]) for name in decode if name in _object(told)}
        for path, told in _object(value).items()
    }


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why something could not be read when the host was recorded: see `errors.Unreadable`."""

    kind: str
    reason: str


def _refusals(value: Any) -> dict[str, Refusal]:
    return {
        path: Refusal(_text(_object(told).get("kind")), _text(told.get("reason")))
        for path, told in _object(value).items()
    }


def _boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"expected true or false, not {json.dumps(value)[:40]}")
    return value


DECODERS: Mapping[str, Any] = {
    "platform": _platform,
    "now": _time,
    "hostname": _text,
    "os": _text,
    "boot_time": _time,
    "awake_seconds": _number,
    "processes": lambda value: [_process(one) for one in _list(value)],
    "files": _files,
    "unreadable": _refusals,
    "whole": _boolean,
}
