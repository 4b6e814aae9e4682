"""A file that a person named on the command line, read as carefully as those of a host."""

from __future__ import annotations

import os

from mdeinspect.errors import NotThere, Unreadable
from mdeinspect.host import MAX_FILE
from mdeinspect.host.files import Files


def read_named(name: str, limit: int = MAX_FILE) -> bytes:
    """The bytes of a regular file; links are followed, and nothing else is ever opened.

    Raises `Unreadable`, of kind `missing` where there is none, in words that use the given name.
    """
    try:
        path = os.path.join(os.getcwd(), name)
        return Files().read(path, limit)[0]
    except NotThere as error:
        raise Unreadable(f"cannot read {name}: there is no such file", kind="missing") from error
    except Unreadable as error:
        raise Unreadable(str(error).replace(path, name), kind=error.kind) from error
    except OSError as error:  # the working folder itself is gone
        why = error.strerror or str(error)
        raise Unreadable(f"cannot read {name}: {why}", kind="io") from error
