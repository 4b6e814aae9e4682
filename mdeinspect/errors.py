"""Every error this project raises on purpose: one base, one class for each seam."""

from __future__ import annotations


class MdeinspectError(Exception):
    """Base of all. The message starts with "cannot", names the thing, and says what to do."""


class UsageError(MdeinspectError):
    """The command line or the recorded host cannot be used; the process ends with 2."""


class ConfigError(MdeinspectError):
    """The configuration cannot be used; the process ends with 2."""


class ParseError(MdeinspectError):
    """Bytes cannot be read as what they should be.

    `kind` is `malformed`, `empty`, `too-deep` or `too-large`; `line` and `column` count from 1
    and are None where the format has no lines.
    """

    def __init__(
        self,
        message: str,
        *,
        kind: str = "malformed",
        line: int | None = None,
        column: int | None = None,
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.line = line
        self.column = column


class Unreadable(MdeinspectError):
    """Something is on the host and cannot be had.

    `kind` is one of `denied dangling-link link-loop lost-folder not-regular too-large too-deep
    too-many changing timeout failed untrusted malformed empty io`.
    `file` holds what the file system told of it (a `model.FileFacts`), where it told anything.
    """

    def __init__(self, message: str, *, kind: str, file: object = None) -> None:
        super().__init__(message)
        self.kind = kind
        self.file = file


class NotThere(MdeinspectError):
    """A file, folder or program does not exist on the host. Not a fault."""
