"""A machine whose every answer can be chosen, and the outcome of one checkup on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mdeinspect.config.model import Config
from mdeinspect.doctor import Result, examine
from mdeinspect.doctor.machine import Machine, Space, Who
from mdeinspect.doctor.scene import Scene
from mdeinspect.errors import Unreadable
from mdeinspect.host import MAX_FILE
from mdeinspect.host.recorded import RecordedHost
from mdeinspect.installer import InstallError
from mdeinspect.installer.manager import Unit
from mdeinspect.model import FileFacts, Platform

ROOT = Who("root", 0, frozenset({0}), all_powerful=True)
PLAIN = Who("me", 1000, frozenset({1000}))
SERVICE = Who("mdeinspect", 777, frozenset({777}))
GIB = 1024**3
SETTINGS = {
    "User": "mdeinspect",
    "ProtectSystem": "strict",
    "StateDirectory": "mdeinspect",
    "LogsDirectory": "mdeinspect",
    "ReadWritePaths": "",
    "PrivateNetwork": "no",
    "CapabilityBoundingSet": "cap_dac_read_search",
}


def unit(name: str = "mdeinspect.service", **told: Any) -> Unit:
    """The unit of a service as it should be, changed by `told`; `settings` add to the usual."""
    settings = {**SETTINGS, **told.pop("settings", {})}
    usual: dict[str, Any] = {"installed": True, "enabled": True, "active": "active"}
    return Unit(name, **{**usual, "detail": "running", "restarts": 0, **told}, settings=settings)


class Bench(Machine):
    """All is well, but for what is told otherwise."""

    def __init__(self, **told: Any) -> None:
        self.told = told

    def privileged(self) -> bool:
        return bool(self.told.get("privileged", True))

    def myself(self) -> Who:
        found: Who = self.told.get("me", ROOT)
        return found

    def user(self, name: str) -> Who | None:
        users = {SERVICE.name: SERVICE, "root": replace(ROOT, all_powerful=False)}
        return users.get(name)

    def group(self, name: str) -> int | None:
        return {"mdeinspect": 777, "adm": 4}.get(name)

    def space(self, folder: str) -> Space:
        found = self.told.get("space", Space(10 * GIB, 10**6, read_only=False))
        if isinstance(found, OSError):
            raise found
        return found  # type: ignore[no-any-return]

    def synchronised(self) -> bool | None:
        found: bool | None = self.told.get("synchronised", True)
        return found

    def installed_at(self) -> datetime:
        found: datetime = self.told.get("installed_at", datetime(2026, 1, 1, tzinfo=UTC))
        return found

    def watch(self, paths: Sequence[str]) -> tuple[str, str | None]:
        assert all(path.startswith("/") and "*" not in path for path in paths)
        found: tuple[str, str | None] = self.told.get("watch", ("events", None))
        return found

    def units(self, platform: Platform) -> tuple[Unit, ...]:
        found = self.told.get("units", (unit(),))
        if isinstance(found, InstallError):
            raise found
        return tuple(found)

    def objections(self, platform: Platform) -> list[str]:
        return list(self.told.get("objections", []))

    def distrust(self, program: str, platform: Platform) -> str | None:
        found = self.told.get("distrust")
        if isinstance(found, OSError):
            raise found
        return found


def scene(root: Path, machine: Machine | None = None, **told: Any) -> Scene:
    """A live host whose files are those of a recorded one."""
    usual: dict[str, Any] = {"config": Config(), "recorded": False}
    return Scene(RecordedHost(str(root)), machine or Bench(), **{**usual, **told})


def outcomes(found: Scene, name: str) -> list[Result]:
    """What one checkup says of a scene."""
    return [one for one in examine(found) if one.name == name]


def outcome(found: Scene, name: str) -> Result:
    """The one thing that a checkup says; fails where it says several or nothing."""
    (one,) = outcomes(found, name)
    return one


class Guarded(RecordedHost):
    """A host that refuses to show some of its files."""

    def __init__(self, root: Path, *paths: str, kind: str = "denied") -> None:
        super().__init__(str(root))
        self._guarded = paths
        self._why = kind

    def _refuse(self, path: str) -> None:
        if path in self._guarded:
            raise Unreadable(f"cannot read {path}: {self._why}", kind=self._why)

    def read(self, path: str, limit: int = MAX_FILE) -> tuple[bytes, FileFacts]:
        self._refuse(path)
        return super().read(path, limit)

    def tail(self, path: str, limit: int) -> tuple[bytes, FileFacts]:
        self._refuse(path)
        return super().tail(path, limit)
