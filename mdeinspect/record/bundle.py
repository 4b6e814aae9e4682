"""From what was seen to the members of an archive: a recorded host, and what supports it."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from mdeinspect.host.recorded import YEARS
from mdeinspect.model import FileFacts, HostFacts
from mdeinspect.record.recorder import Seen
from mdeinspect.record.redaction import Redactor
from mdeinspect.record.scope import is_own, scoped
from mdeinspect.record.trim import trim

MAX_BUNDLE: Final = 32 * 1024 * 1024  # unpacked
MAX_LINKS: Final = 40
OWN: Final = "mdeinspect"  # the folder of what is not the host's
WITHHELD: Final = "withheld"


@dataclass(frozen=True, slots=True)
class Member:
    """One thing in the bundle, by its relative path. `note` says what was done to it."""

    name: str
    data: bytes = b""
    mode: int = 0o644
    mtime: datetime | None = None
    target: str | None = None
    folder: bool = False
    note: str = ""


def members(
    seen: Seen, host: HostFacts, now: datetime, redactor: Redactor, own: Mapping[str, str]
) -> list[Member]:
    """Everything that goes into the bundle, sorted by name. `own` are texts about mdeinspect."""
    seen = scoped(seen)
    files = list(_files(seen, redactor))
    withheld = [one.name for one in files if one.note == WITHHELD]
    refused = {
        **{path: {"kind": kind, "reason": why} for path, (kind, why) in seen.refused.items()},
        **{f"/{name}": _withheld(f"/{name}") for name in withheld},
    }
    outputs = list(_outputs(seen, redactor))
    texts = [
        _redacted(f"{OWN}/{name}", text.encode("utf-8", "backslashreplace"), redactor)
        for name, text in own.items()
    ]
    kept, dropped = _bounded([*files, *outputs, *texts])
    refused |= {f"/{one.name}": _withheld(f"/{one.name}") for one in dropped if one in files}
    about = _about(seen, host, now, refused)
    told = redactor.text(json.dumps(about, indent=1))
    every = [Member("host.json", f"{told}\n".encode()), *kept, *_folders(seen), *_links(seen)]
    return sorted({one.name: one for one in reversed(every)}.values(), key=lambda one: one.name)


def packed(found: list[Member], now: datetime) -> bytes:
    """The members as a tar.gz. Each can be read by who unpacks it: `host.json` has the modes."""
    out = io.BytesIO()
    moment = int(now.timestamp())
    with (
        gzip.GzipFile(fileobj=out, mode="wb", mtime=moment) as stream,
        tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for one in found:
            info = tarfile.TarInfo(one.name)
            info.mtime = int(one.mtime.timestamp()) if one.mtime else moment
            info.mode = one.mode | (0o700 if one.folder else 0o600)
            if one.folder:
                info.type = tarfile.DIRTYPE
            elif one.target is not None:
                info.type, info.linkname = tarfile.SYMTYPE, one.target
            info.size = len(one.data)
            archive.addfile(info, io.BytesIO(one.data))
    return out.getvalue()


# --- the host -----------------------------------------------------------------------------------


def _files(seen: Seen, redactor: Redactor) -> Iterator[Member]:
    """What was read, at its real place; empty stand-ins for what was only looked at."""
    for path in sorted({*seen.data, *seen.facts} - seen.folders):
        name = _real(path, seen.links).lstrip("/")
        facts = seen.facts.get(path)
        if not name or facts is None:
            continue
        member = Member(name, mtime=facts.mtime, mode=facts.mode or 0o644)
        if path not in seen.data:
            yield replace(member, note="empty: only its state was looked at")
            continue
        cut = trim(path, seen.data[path])
        shown = _redacted(name, cut, redactor)
        part = cut != seen.data[path] or not is_own(path)
        note = shown.note or ("in part" if part else "")
        yield replace(member, data=shown.data, note=note)


def _outputs(seen: Seen, redactor: Redactor) -> Iterator[Member]:
    for name, output in sorted(seen.outputs.items()):
        place = f"commands/{name}"
        yield _redacted(f"{place}.stdout", output.stdout, redactor)
        if output.stderr:
            yield _redacted(f"{place}.stderr", output.stderr, redactor)
        yield Member(f"{place}.exit", f"{output.exit}\n".encode())


def _redacted(name: str, data: bytes, redactor: Redactor) -> Member:
    try:
        changed = redactor.data(data)
    except (ValueError, TypeError, OverflowError, RecursionError):
        return Member(name, note=WITHHELD)
    return Member(name, changed, note="redacted" if changed != data else "")


def _folders(seen: Seen) -> Iterator[Member]:
    for path in sorted(seen.folders):
        name = _real(path, seen.links).strip("/")
        facts = seen.facts.get(path)
        if name:
            mode = facts.mode if facts and facts.mode is not None else 0o755
            yield Member(name, mode=mode, mtime=facts.mtime if facts else None, folder=True)


def _links(seen: Seen) -> Iterator[Member]:
    for path, target in sorted(seen.links.items()):
        folder, _, last = path.rpartition("/")
        name = f"{_real(folder, seen.links)}/{last}".lstrip("/")
        yield Member(name, target=target, mode=0o777)


def _about(
    seen: Seen, host: HostFacts, now: datetime, refused: Mapping[str, Mapping[str, str]]
) -> dict[str, Any]:
    """`host.json`. What is not known is left out."""
    about: dict[str, Any] = {
        "platform": host.platform,
        "now": now.isoformat(),
        "hostname": host.name,
        "os": host.os,
        "boot_time": host.boot_time.isoformat() if host.boot_time else None,
        "awake_seconds": host.awake_seconds,
        "whole": True if host.whole or not host.recorded else None,
        "unreadable": dict(refused) or None,
        "files": {
            path: _facts(facts, seen.filesystems.get(path))
            for path, facts in sorted(seen.facts.items())
        },
    }
    if seen.processes is not None:
        about["processes"] = [
            {
                "pid": one.pid,
                "name": one.name,
                "exe": one.exe,
                "cmdline": list(one.cmdline),
                "started": one.started.isoformat() if one.started else None,
            }
            for one in seen.processes.values()
        ]
    return {name: value for name, value in about.items() if value is not None}


def _facts(facts: FileFacts, filesystem: str | None) -> dict[str, Any]:
    told: dict[str, Any] = {
        "uid": facts.uid,
        "filesystem": filesystem,
        "gid": facts.gid,
        "mode": None if facts.mode is None else f"{facts.mode:04o}",
        "mtime": _moment(facts.mtime),
        "changed": _moment(facts.changed),
    }
    return {name: value for name, value in told.items() if value is not None}


def _moment(when: datetime | None) -> str | None:
    """A time of a file; one that no record may tell is not known."""
    return when.isoformat() if when and when.year in YEARS else None


def _real(path: str, links: Mapping[str, str]) -> str:
    """Where `path` leads by the links that were met; as far as they tell."""
    todo = path.split("/")[::-1]
    done: list[str] = []
    met = 0
    while todo:
        part = todo.pop()
        if part in ("", "."):
            continue
        if part == "..":
            del done[-1:]
            continue
        target = links.get("/".join(["", *done, part]))
        met += target is not None
        if target is None or met > MAX_LINKS:
            done.append(part)
            continue
        if target.startswith("/"):
            done = []
        todo.extend(target.split("/")[::-1])
    return "/" + "/".join(done)


def _bounded(found: list[Member]) -> tuple[list[Member], list[Member]]:
    """As much as the bundle may hold, and the largest ones, which it then may not."""
    kept = sorted(found, key=lambda one: len(one.data))
    dropped = []
    while sum(len(one.data) for one in kept) > MAX_BUNDLE:
        dropped.append(kept.pop())
    return [*kept, *(replace(one, data=b"", note=WITHHELD) for one in dropped)], dropped


def _withheld(path: str) -> dict[str, str]:
    reason = f"cannot see {path}: it was withheld when the host was recorded"
    return {"kind": "denied", "reason": reason}
