"""A folder in the layout of a recorded host, written piece by piece."""

from __future__ import annotations

import json
import os
import plistlib
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any


class Folder:
    """The host recorded in `root`: files at `root/<absolute path>`, `host.json`, `commands/`.

    Paths that methods take are the host's own. Every file belongs to root there.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir(parents=True, exist_ok=True)

    def place(self, path: str) -> Path:
        """Where the host's `path` lies here."""
        return self.root / path.lstrip("/")

    def write(self, path: str, content: Any, moment: datetime, mode: int = 0o644) -> None:
        """A file of the host, last changed at `moment`. Data becomes JSON, or a plist by name."""
        self._free(path)
        times = (moment.timestamp(), moment.timestamp())
        _replace(self.place(path), _bytes(path, content), mode, times)
        self._own(path)

    def link(self, path: str, target: str) -> None:
        """A symbolic link of the host."""
        self._free(path)
        self.remove(path)
        self.place(path).symlink_to(target)

    def remove(self, path: str) -> None:
        """Remove a file or a link of the host; nothing happens when there is none."""
        self.place(path).unlink(missing_ok=True)

    def read(self, path: str) -> bytes | None:
        """The bytes of a file of the host; None when there is none."""
        try:
            return self.place(path).read_bytes()
        except FileNotFoundError:
            return None

    def about(self, **told: Any) -> None:
        """Add to `host.json`; None removes."""
        known = {**self.told(), **told}
        kept = {name: value for name, value in known.items() if value is not None}
        self.note("host.json", json.dumps(kept, indent=1) + "\n")

    def note(self, name: str, text: str) -> None:
        """Write a file beside the host's own, such as `host.json`."""
        _replace(self.root / name, text.encode())

    def told(self) -> dict[str, Any]:
        """What `host.json` tells; empty without one."""
        place = self.root / "host.json"
        found: dict[str, Any] = json.loads(place.read_text("utf-8")) if place.exists() else {}
        return found

    def now(self) -> datetime:
        """The host's own clock; the present moment where the record tells none."""
        told = self.told().get("now")
        return datetime.fromisoformat(told) if told else datetime.now(UTC)

    def output(self, name: str, stdout: str, stderr: str, code: int) -> None:
        """The recorded output of one command."""
        commands = self.root / "commands"
        commands.mkdir(exist_ok=True)
        (commands / f"{name}.stdout").write_text(stdout, encoding="utf-8")
        (commands / f"{name}.stderr").write_text(stderr, encoding="utf-8")
        (commands / f"{name}.exit").write_text(f"{code}\n", encoding="utf-8")

    def forget_outputs(self) -> None:
        """Remove every recorded output."""
        for place in (self.root / "commands").glob("*.*"):
            place.unlink()

    def _free(self, path: str) -> None:
        """Make the folders of `path`, with modes that do not depend on the umask."""
        here = self.root
        for part in Path(path.lstrip("/")).parent.parts:
            here = here / part
            if not here.is_dir():
                here.mkdir()
                here.chmod(0o755)

    def _own(self, path: str) -> None:
        above = [path[:at] for at, sign in enumerate(path) if sign == "/" and at]
        owned = {one: {"uid": 0, "gid": 0} for one in (*above, path)}
        self.about(files={**self.told().get("files", {}), **owned})


def _replace(
    place: Path, data: bytes, mode: int = 0o644, times: tuple[float, float] | None = None
) -> None:
    """Write a file by renaming, so that nobody ever sees half of it."""
    draft = place.with_name(f".{place.name}.new")
    draft.write_bytes(data)
    draft.chmod(mode)
    os.utime(draft, times)
    draft.replace(place)


def _bytes(path: str, content: Any) -> bytes:
    if isinstance(content, bytes):
        return content
    if isinstance(content, str):
        return content.encode()
    if path.endswith(".plist") and isinstance(content, Mapping):
        return plistlib.dumps(dict(content))
    return (json.dumps(content, indent=2) + "\n").encode()
