"""The host as the service goes through it: nobody waits there, and calls of `mdatp` are counted."""

from __future__ import annotations

from typing import Any

from mdeinspect.errors import NotThere
from mdeinspect.host import Host
from mdeinspect.model import Command, Output


class Door:
    """Everything is the host's own but these two."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self.calls = 0

    def wait(self, seconds: float) -> bool:
        """The main thread has other things to do: whoever wants to wait comes again."""
        del seconds
        return False

    def run(self, command: Command) -> Output:
        """What `mdatp` prints; counted unless there is none to be asked."""
        self.calls += 1
        try:
            return self._host.run(command)
        except NotThere:
            self.calls -= 1
            raise

    def __getattr__(self, name: str) -> Any:
        """All else."""
        return getattr(self._host, name)
