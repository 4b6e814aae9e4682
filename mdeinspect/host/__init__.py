"""The only door to the machine: files, commands, processes and clocks, live or recorded."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from mdeinspect.model import Command, FileFacts, HostFacts, Output, Process

MAX_FILE = 4 * 1024 * 1024
MAX_OUTPUT = 1024 * 1024


class Host(Protocol):
    """A machine that can be inspected. Paths are the machine's own, absolute.

    Every method that touches something raises `NotThere` when it does not exist and `Unreadable`
    (with a kind) when it exists and cannot be had.
    """

    def facts(self) -> HostFacts:
        """Name, platform, operating system, boot, and where `mdatp` is."""

    def now(self) -> datetime:
        """The present moment, UTC."""

    def wait(self, seconds: float) -> bool:
        """Let time pass; False where it cannot (a recorded host)."""

    def read(self, path: str, limit: int = MAX_FILE) -> tuple[bytes, FileFacts]:
        """The bytes of a regular file, links followed, and what the file system says of it."""

    def tail(self, path: str, limit: int) -> tuple[bytes, FileFacts]:
        """The last `limit` bytes of a regular file of any size."""

    def stat(self, path: str) -> FileFacts:
        """What the file system says of a path, links followed; nothing is opened."""

    def around(self, facts: FileFacts) -> FileFacts:
        """The same, with where the file really is, the folders above, and its file system.

        What cannot be seen is left out; nothing is raised.
        """

    def link(self, path: str) -> str | None:
        """The target of the link at `path`; None when something else is there."""

    def names(self, path: str) -> Sequence[str]:
        """The sorted names in a folder, at most some thousands."""

    def run(self, command: Command) -> Output:
        """What `mdatp` prints for `command`."""

    def processes(self, names: Sequence[str]) -> Sequence[Process]:
        """The running programs whose name starts with one of `names`, by pid."""
