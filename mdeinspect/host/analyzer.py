"""What Microsoft's Client Analyzer collected, as a recorded host.

The bundle holds outputs of `mdatp`, parts of the agent's files in `mdatp_config.txt`, whole files
in `mde_diagnostic.zip`, and a listing of the agent's folders. A file that none of them tells of
was perhaps not collected: it cannot be seen, which is neither there nor missing.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from mdeinspect.documents import analyzer
from mdeinspect.errors import MdeinspectError, NotThere, ParseError, Unreadable, UsageError
from mdeinspect.host.collected import (
    AGENT,
    EARLIEST,
    LATEST,
    LOG,
    MACOS_ONLY,
    OUTPUTS,
    PLACES,
    as_plist,
    checkins,
    health_moment,
    logged,
)
from mdeinspect.host.entry import MAX_MEMBER, Damaged, Entry, Tree, of_bytes
from mdeinspect.host.marks import CONFIG, DIAGNOSTIC, LISTING, MARKS, RECORD
from mdeinspect.host.memory import MemoryFiles
from mdeinspect.host.zips import open_zip
from mdeinspect.model import Platform

MAX_TEXT: Final = 16 * 1024 * 1024
UNIT: Final = "/usr/lib/systemd/system/mdatp.service"
WANTS: Final = "/etc/systemd/system/multi-user.target.wants/mdatp.service"
OWN_UNIT: Final = "/etc/systemd/system/mdatp.service"


def inside(tree: Tree) -> str | None:
    """The folder of the bundle in `tree` (`""`, or one folder down); None when it is none."""
    top = {name.partition("/")[0] for name in tree}
    if top & RECORD:
        return None
    for folder in ("", *(f"{name}/" for name in sorted(top)[:1] if len(top) == 1)):
        if any(f"{folder}{mark}" in tree for mark in MARKS):
            return folder
    return None


def read(tree: Tree, path: str, today: datetime, platform: Platform | None) -> MemoryFiles:
    """The host in the bundle `tree`, as files in memory. `today` is the real present moment.

    Raises `UsageError` for a bundle that is hostile.
    """
    prefix = inside(tree) or ""
    own = {name.removeprefix(prefix): e for name, e in tree.items() if name.startswith(prefix)}
    return _Bundle(own, path, today, platform).files()


class _Bundle:
    """One bundle on its way to becoming a host."""

    def __init__(self, tree: Tree, path: str, today: datetime, platform: Platform | None) -> None:
        self._tree = tree
        self._config = self._blocks()
        self._uname = analyzer.uname(self._text("uname.txt") or b"")
        self._platform = platform or self._guess()
        self._now = self._moment(today)
        listed = self._text(LISTING)
        self._listing = analyzer.listing(listed, self._now) if listed else analyzer.Listing({})
        self._why = "the bundle does not hold it"
        self._diagnostic = self._nested(path)

    def files(self) -> MemoryFiles:
        """Every file that the host is known to have, and what stands for the others."""
        found: dict[str, Entry] = {}
        if self._platform == "linux":
            found.update(self._boot())
        found.update(self._listed())
        found.update(self._from_config())
        found.update(self._from_diagnostic())
        found.update({f"/commands/{name}.stdout": e for name, e in self._outputs()})
        found["/host.json"] = of_bytes(json.dumps(self._about()).encode())
        return MemoryFiles(found, self._gap)

    # --- what it tells ----------------------------------------------------------------------

    def _text(self, name: str) -> bytes | None:
        """A text at the root of the bundle; None when there is none, or it is too large."""
        entry = self._tree.get(name)
        if entry is None or entry.kind != "file" or entry.size > MAX_TEXT:
            return None
        try:
            return entry.load(MAX_TEXT)
        except Unreadable:
            return None  # a damaged member tells nothing, and hides no other

    def _blocks(self) -> Mapping[str, bytes | None]:
        try:
            return analyzer.blocks(self._text(CONFIG) or b"")
        except ParseError:
            return {}

    def _guess(self) -> Platform:
        if self._uname:
            return "darwin" if self._uname[0] == "Darwin" else "linux"
        config = self._text(CONFIG) or b""
        if b"/Library/Managed Preferences/" in config or b"/Library/Application Support/" in config:
            return "darwin"
        return "darwin" if any(name in self._tree for name in MACOS_ONLY) else "linux"

    def _moment(self, today: datetime) -> datetime:
        """When the analyzer ran: health tells it to the minute, file times at best roughly."""
        health = self._config.get(analyzer.HEALTH)
        exact = health_moment(health) if health else None
        if exact and EARLIEST <= exact < LATEST:
            return exact
        told = [self._tree[name].mtime for name in MARKS if name in self._tree]
        known = [one for one in told if one and EARLIEST <= one <= today]
        state = self._config.get(analyzer.STATE)
        seen = [one for one in checkins(state) if one <= today]
        return max((*known[:1], *seen), default=today)

    def _about(self) -> dict[str, Any]:
        about: dict[str, Any] = {"platform": self._platform, "now": self._now.isoformat()}
        if self._uname:
            about["hostname"] = self._uname[1].removesuffix(".local")
        up = analyzer.uptime(self._text("uptime_info.txt") or b"")
        if up is not None:
            about["boot_time"] = (self._now - up).isoformat()
        members = analyzer.service(self._text("service_status.txt") or b"").processes
        if self._platform == "linux" and members is not None:
            about["processes"] = [
                {
                    "pid": pid,
                    "name": command.split()[0].rpartition("/")[2],
                    "exe": command.split()[0],
                    "cmdline": command.split(),
                }
                for pid, command in members
            ]
        listed = {path: self._listing.find(path) for path in PLACES[self._platform].values()}
        about["files"] = {
            path: {"uid": 0, "gid": 0} if one.root else {} for path, one in listed.items() if one
        }
        return about

    def _outputs(self) -> Iterator[tuple[str, Entry]]:
        health = self._config.get(analyzer.HEALTH)
        if health is not None:
            yield "health-json", of_bytes(health)
        for command, name in OUTPUTS.items():
            text = self._text(name)
            if text and text.strip():
                yield command, of_bytes(text)

    # --- its files --------------------------------------------------------------------------

    def _from_config(self) -> Iterator[tuple[str, Entry]]:
        """The blocks that are files of the host. One without JSON is left to the listing."""
        config = self._text(CONFIG)
        if config is not None:  # check-in times are looked for in every block of it
            yield f"/{CONFIG}", of_bytes(config)
        for title, path in PLACES[self._platform].items():
            block = self._config.get(title)
            if block is None:
                continue
            data = as_plist(block) if path.endswith(".plist") else block
            if data is not None:
                yield path, self._dated(path, data)
        merged = self._config.get(analyzer.MERGED)
        if merged is not None:
            yield LOG[self._platform], of_bytes(logged(merged))

    def _listed(self) -> Iterator[tuple[str, Entry]]:
        """The agent's files that the listing shows: there, and not to be read unless collected."""
        for folder, names in self._listing.folders.items():
            for name, one in names.items():
                path = f"{folder.rstrip('/')}/{name}"
                if one.kind == "-" and path.startswith(AGENT):
                    why = f"cannot see {path}: it is there, and {self._why}"
                    yield path, Entry("file", one.mode, one.modified, one.size, reason=why)

    def _dated(self, path: str, data: bytes) -> Entry:
        listed = self._listing.find(path)
        if listed is None:
            return of_bytes(data)
        return of_bytes(data, mode=listed.mode, mtime=listed.modified)

    def _from_diagnostic(self) -> Iterator[tuple[str, Entry]]:
        """The agent's own collection: whole files. Its members' times are not the files'."""
        for name, entry in self._diagnostic.items():
            path = f"/{name}"
            if entry.kind != "file" or not (path.startswith(AGENT) or path.endswith("os-release")):
                continue
            if path.startswith(("/var/log/", "/Library/Logs/")) and analyzer.MERGED in self._config:
                continue  # the analyzer has taken the line from there already
            listed = self._listing.find(path)
            mode, mtime = (listed.mode, listed.modified) if listed else (None, None)
            yield path, Entry("file", mode, mtime, entry.size, load=entry.load)

    def _nested(self, path: str) -> Tree:
        """The members of the agent's own collection; none where it is damaged or too large."""
        entry = self._tree.get(DIAGNOSTIC)
        if entry is None or entry.kind != "file":
            return {}
        if entry.size > MAX_MEMBER:
            self._why = f"{DIAGNOSTIC} is too large: {entry.size:,} bytes"
            return {}
        try:
            data = entry.load(MAX_MEMBER)
            return open_zip(lambda: io.BytesIO(data), f"{path}/{DIAGNOSTIC}")
        except (Unreadable, Damaged):
            self._why = f"{DIAGNOSTIC} is damaged"
            return {}

    def _boot(self) -> Iterator[tuple[str, Entry]]:
        """systemd's links, as far as `systemctl status` tells of them."""
        told = analyzer.service(self._text("service_status.txt") or b"")
        if told.masked:
            yield OWN_UNIT, Entry("link", target="/dev/null")
        elif told.unit is not None and told.enabled is not None:
            yield UNIT, of_bytes(b"")
            if told.enabled:
                yield WANTS, Entry("link", target=UNIT)

    def _gap(self, path: str) -> MdeinspectError:
        """What is said of a path that no part of the bundle holds."""
        folder = path.rpartition("/")[0]
        known = self._listing.find(path) is None and self._listing.covers(folder)
        if known or not path.startswith(AGENT):
            return NotThere(f"{path} does not exist")
        return Unreadable(f"cannot see {path}: {self._why}", kind="denied")


def refuse(path: str) -> UsageError:
    """The error for what is neither a bundle nor a recorded host."""
    return UsageError(
        f"cannot inspect {path}: it holds no recorded host (host.json, commands/, etc/) and no "
        f"bundle of the Client Analyzer ({', '.join(MARKS)})"
    )
