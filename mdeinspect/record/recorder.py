"""A host that notes everything an inspection asks of it, answers and refusals alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from mdeinspect.errors import MdeinspectError, NotThere, Unreadable
from mdeinspect.host import MAX_FILE, Host
from mdeinspect.model import Command, FileFacts, HostFacts, Output, Process

ANALYZED = "/mdatp_config.txt"


@dataclass(slots=True)
class Seen:
    """What was asked and what came of it, by the host's own paths and names.

    `refused` says why something could not be read: by path, `commands/<name>` or `processes`.
    """

    data: dict[str, bytes] = field(default_factory=dict)
    facts: dict[str, FileFacts] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    folders: set[str] = field(default_factory=set)
    filesystems: dict[str, str] = field(default_factory=dict)
    outputs: dict[str, Output] = field(default_factory=dict)
    processes: dict[int, Process] | None = None
    refused: dict[str, tuple[str, str]] = field(default_factory=dict)  # kind, reason

    def move_analyzed(self, path: str, now: datetime, late: timedelta) -> None:
        """Put an analyzer's file where a recorded host has it; leave one out that is too old.

        In a record it counts as taken at that moment, on a live host only while it is young.
        """
        data, facts = self.data.pop(path, None), self.facts.pop(path, None)
        if data is not None and facts and facts.mtime and now - facts.mtime < late:
            self.data[ANALYZED] = data
            self.facts[ANALYZED] = replace(facts, path=ANALYZED, links=())


class Recorder:
    """`host`, and a note of all it was asked. Raises whatever `host` raises."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self.seen = Seen()

    def facts(self) -> HostFacts:
        """See `Host.facts`."""
        return self._host.facts()

    def now(self) -> datetime:
        """See `Host.now`."""
        return self._host.now()

    def wait(self, seconds: float) -> bool:
        """See `Host.wait`."""
        return self._host.wait(seconds)

    def read(self, path: str, limit: int = MAX_FILE) -> tuple[bytes, FileFacts]:
        """See `Host.read`."""
        try:
            data, facts = self._host.read(path, limit)
        except Unreadable as error:
            self._refuse(path, error)
            raise
        self._note(path, data, facts)
        return data, facts

    def tail(self, path: str, limit: int) -> tuple[bytes, FileFacts]:
        """See `Host.tail`."""
        try:
            data, facts = self._host.tail(path, limit)
        except Unreadable as error:
            self._refuse(path, error)
            raise
        self._note(path, data, facts)
        return data, facts

    def stat(self, path: str) -> FileFacts:
        """See `Host.stat`."""
        facts = self._host.stat(path)
        self._met(facts)
        if path not in self.seen.data and self._is_folder(path):
            self.seen.folders.add(path)
        return facts

    def around(self, facts: FileFacts) -> FileFacts:
        """See `Host.around`."""
        found = self._host.around(facts)
        for one in found.folders:
            self._look(one.path)
            self.seen.folders.add(one.path)
        if found.filesystem:
            self.seen.filesystems[found.path] = found.filesystem
        return found

    def link(self, path: str) -> str | None:
        """See `Host.link`."""
        target = self._host.link(path)
        if target is not None:
            self.seen.links[path] = target
        elif path not in self.seen.facts:
            self._look(path)
        return target

    def names(self, path: str) -> Sequence[str]:
        """See `Host.names`."""
        try:
            found = self._host.names(path)
        except Unreadable as error:
            self._refuse(path, error)
            raise
        self._look(path)
        self.seen.folders.add(path)
        return found

    def run(self, command: Command) -> Output:
        """See `Host.run`."""
        try:
            output = self._host.run(command)
        except Unreadable as error:
            self.seen.refused[f"commands/{command.name}"] = (error.kind, str(error))
            raise
        self.seen.outputs[command.name] = output
        return output

    def processes(self, names: Sequence[str]) -> Sequence[Process]:
        """See `Host.processes`."""
        try:
            found = self._host.processes(names)
        except Unreadable as error:
            self.seen.refused["processes"] = (error.kind, str(error))
            raise
        self.seen.processes = {**(self.seen.processes or {}), **{one.pid: one for one in found}}
        return found

    # --- notes ----------------------------------------------------------------------------------

    def _note(self, path: str, data: bytes, facts: FileFacts) -> None:
        self.seen.data[path] = data
        self.seen.refused.pop(path, None)
        self._met(facts)

    def _refuse(self, path: str, error: Unreadable) -> None:
        self.seen.refused[path] = (error.kind, str(error))
        if isinstance(error.file, FileFacts):
            self._met(error.file)

    def _met(self, facts: FileFacts) -> None:
        """The state of a file, every link on the way to it, and the folder it lies in."""
        self.seen.facts[facts.path] = facts
        for link in facts.links:
            if link not in self.seen.links:
                target = self._host.link(link)
                if target is not None:
                    self.seen.links[link] = target
        folder = facts.path.rpartition("/")[0]
        if folder and folder not in self.seen.facts:
            self._look(folder)
            self.seen.folders.add(folder)

    def _look(self, path: str) -> None:
        try:
            self.seen.facts[path] = self._host.stat(path)
        except MdeinspectError:
            return  # that it could not be looked at is no part of what was asked

    def _is_folder(self, path: str) -> bool:
        try:
            self._host.names(path)
        except NotThere:
            return False
        except Unreadable as error:
            return error.kind == "denied"
        return True
