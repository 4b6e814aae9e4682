"""The last report of the service, as a file that is always whole: `report.json`."""

from __future__ import annotations

import contextlib
import json
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mdeinspect.store import files
from mdeinspect.store.errors import failed, of_system

NAME = "report.json"
NEW = "report.json.new"
SCHEMA = "mdeinspect.status/1"
MAX_BYTES = 32 * 1024 * 1024


def write_report(folder: Path, status: Mapping[str, Any]) -> None:
    """Replace the last report by a `mdeinspect.status/1` object; raises `StoreError`."""
    data = (json.dumps(status, indent=2, ensure_ascii=True, allow_nan=False) + "\n").encode()
    new = folder / NEW
    try:
        try:
            with os.fdopen(files.private(new, os.O_WRONLY | os.O_TRUNC), "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            new.rename(folder / NAME)
            files.sync(folder)
        except OSError:
            with contextlib.suppress(OSError):
                new.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise of_system(f"write the last report in {folder}", error) from error


def read_report(folder: Path) -> dict[str, Any]:
    """The last report. `StoreError` tells missing, denied and broken (`corrupt`) apart."""
    path = folder / NAME
    doing = f"read the last report in {folder}"
    try:
        found = json.loads(_bytes(path))
    except OSError as error:
        raise of_system(doing, error) from error
    except (ValueError, RecursionError) as error:
        raise failed(doing, "corrupt", f"{NAME} is not JSON ({error})") from error
    if not isinstance(found, dict) or found.get("schema") != SCHEMA:
        raise failed(doing, "corrupt", f"{NAME} is not a {SCHEMA} object")
    return found


def _bytes(path: Path) -> bytes:
    # Our own folder; without blocking, should something else than a file be there.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)  # noqa: TID251
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise ValueError("not a regular file")
        data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise ValueError(f"larger than {MAX_BYTES:,} bytes")
    return data
