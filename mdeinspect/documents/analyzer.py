"""Texts of Microsoft's Client Analyzer: its configuration blocks, listings, service state.

`mdatp_config.txt` has five blocks, each a description line, a title line, a path line, then JSON
indented by four, or `Error: ...`. `mde_directories.txt` is a recursive long listing (`ls -lR`),
`service_status.txt` what `systemctl status mdatp` printed, `uname.txt` and `uptime_info.txt` what
`uname -a` and `uptime` did.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from mdeinspect.documents import jsondoc
from mdeinspect.errors import ParseError

HEALTH: Final = "MDE HEALTH"
MERGED: Final = "MERGED CONFIGURATIONS"
MANAGED: Final = "MANAGED CONFIGURATIONS"
LOCAL: Final = "WDAVCFG CONFIGURATIONS"
STATE: Final = "WDAVSTATE CONFIGURATIONS"
TITLES: Final = (HEALTH, MERGED, MANAGED, LOCAL, STATE)
_TITLE = re.compile(rb"^[ \t]*(" + "|".join(TITLES).encode() + rb")[ \t]*\r?$", re.MULTILINE)

# `-rw-r--r--. 1 root root 123 Nov 22 11:04 name`, with a year, an ISO date, or the full time.
_ENTRY = re.compile(
    r"(?P<kind>[-dlbcps])(?P<mode>[-rwxsStT]{9})[.+@]?\s+\d+\s+(?P<user>\S+)\s+(?P<group>\S+)\s+"
    r"(?P<size>\d{1,18})\s+"
    r"(?P<time>[A-Z][a-z]{2}\s+\d{1,2}\s+(?:\d{2}:\d{2}(?::\d{2})?(?:\s+\d{4})?|\d{4})|"
    r"\d{4}-\d\d-\d\d\s+\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:\s+[+-]\d{4})?)\s(?P<name>.+)"
)
_FOLDER = re.compile(r"(?P<path>/[^\0]*):")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DAY = timedelta(days=1)
MAX_ENTRIES: Final = 200_000

_LOADED = re.compile(r"Loaded: (?P<load>\w+)(?: \((?P<path>/[^;)]*);\s*(?P<enabled>[\w-]+))?")
# ` 11:04:00 up 31 days,  2:04,  1 user`, `up 20 min`, `up 2:04`; macOS: `up 5 days, 20 mins`.
_UPTIME = re.compile(
    r"(?m)\bup\s+(?:(?P<days>\d{1,5}) days?,\s*)?"
    r"(?:(?P<hours>\d{1,2}):(?P<minutes>\d\d)|(?P<only>\d{1,2}) min(?:s|utes?)?|"
    r"(?P<whole>\d{1,2}) h(?:rs?|ours?))?(?=,)"
)
_MEMBER = re.compile(r"[├└]─\s*(?P<pid>\d{1,9}) (?P<command>/.*)")


def blocks(data: bytes) -> Mapping[str, bytes | None]:
    """The JSON of each block by its title, cut out and not parsed; None for one without JSON.

    Raises ParseError when none of the titles is there.
    """
    marks = list(_TITLE.finditer(data))
    if not marks:
        raise ParseError("cannot read this as mdatp_config.txt: none of its titles is in it")
    ends = [mark.start() for mark in marks[1:]] + [len(data)]
    return {
        mark[1].decode(): _json(data[mark.end() : end])
        for mark, end in zip(marks, ends, strict=True)
    }


def _json(block: bytes) -> bytes | None:
    """From its first `{` to its last `}`."""
    start, end = block.find(b"{"), block.rfind(b"}")
    return block[start : end + 1] if 0 <= start < end else None


def values(found: Mapping[str, bytes | None]) -> Iterator[Any]:
    """The value of every block that can be parsed; one that cannot hides no other."""
    for block in found.values():
        if block is not None:
            try:
                yield jsondoc.parse(block).value
            except ParseError:
                continue  # a block that cannot be read tells nothing


# --- mde_directories.txt ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Listed:
    """One name in a listing. `modified` is None where the text leaves too much open."""

    kind: str
    mode: int
    root: bool  # whether it belongs to root
    size: int
    modified: datetime | None
    target: str | None = None


@dataclass(frozen=True, slots=True)
class Listing:
    """Folders with all the names in them."""

    folders: Mapping[str, Mapping[str, Listed]]

    def covers(self, folder: str) -> bool:
        """Whether it tells what is in `folder`, be it that there is no such folder."""
        if folder in self.folders:
            return True
        above, _, name = folder.rpartition("/")
        if not name:
            return False
        return (
            name not in self.folders.get(above, {})
            if above in self.folders
            else (self.covers(above))
        )

    def find(self, path: str) -> Listed | None:
        """What it says of `path`; None when it is not listed."""
        folder, _, name = path.rpartition("/")
        return self.folders.get(folder, {}).get(name)


def listing(data: bytes, now: datetime | None) -> Listing:
    """The folders of a recursive long listing; lines of another shape are passed over.

    A time without a zone is only taken when it lies a day or more before `now`, where hours do
    not matter.
    """
    folders: dict[str, dict[str, Listed]] = {}
    here: dict[str, Listed] | None = None
    count = 0
    for line in data.decode("utf-8", "replace").splitlines():
        if header := _FOLDER.fullmatch(line.strip()):
            here = folders.setdefault(header["path"].rstrip("/") or "/", {})
        elif here is not None and (entry := _ENTRY.fullmatch(line.strip())):
            name, listed = _listed(entry, now)
            here[name] = listed
            count += 1
        if count > MAX_ENTRIES:
            raise ParseError(f"cannot read more than {MAX_ENTRIES:,} names", kind="too-large")
    return Listing(folders)


def _listed(entry: re.Match[str], now: datetime | None) -> tuple[str, Listed]:
    name, target = entry["name"], None
    if entry["kind"] == "l":
        name, _, target = name.partition(" -> ")
    modified = _moment(entry["time"], now)
    root = entry["user"] in ("root", "0")
    mode = _mode(entry["mode"])
    return name, Listed(entry["kind"], mode, root, int(entry["size"]), modified, target or None)


def _mode(text: str) -> int:
    """`rw-r--r--` as 0o644, special bits included."""
    bits = sum(1 << (8 - at) for at, sign in enumerate(text) if sign in "rwxst")
    special = ((2, 0o4000), (5, 0o2000), (8, 0o1000))
    return bits | sum(value for at, value in special if text[at] in "sStT")


def _moment(text: str, now: datetime | None) -> datetime | None:
    words = text.split()
    try:
        if words[0][:4].isdigit():
            return _iso(words, now)
        return _short(words, now)
    except (ValueError, OverflowError):
        return None


def _iso(words: list[str], now: datetime | None) -> datetime | None:
    day, clock = words[0], words[1].partition(".")[0]
    if len(words) == 3:
        zone = f"{words[2][:3]}:{words[2][3:]}"
        return datetime.fromisoformat(f"{day}T{clock}{zone}").astimezone(UTC)
    return _old(datetime.fromisoformat(f"{day}T{clock}").replace(tzinfo=UTC), now)


def _short(words: list[str], now: datetime | None) -> datetime | None:
    """`Nov 22 11:04`, of the last twelve months, or `Nov 22 2025`."""
    month, day = _MONTHS.index(words[0]) + 1, int(words[1])
    if ":" not in words[2]:
        return _old(datetime(int(words[2]), month, day, tzinfo=UTC), now)
    hour, minute = int(words[2][:2]), int(words[2][3:5])
    if len(words) == 4:
        return _old(datetime(int(words[3]), month, day, hour, minute, tzinfo=UTC), now)
    if now is None:
        return None
    this_year = datetime(now.year, month, day, hour, minute, tzinfo=UTC)
    if this_year > now + _DAY:
        this_year = this_year.replace(year=now.year - 1)
    return _old(this_year, now)


def _old(moment: datetime, now: datetime | None) -> datetime | None:
    return moment if now is not None and now - moment >= _DAY else None


# --- other texts --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Service:
    """What systemd says of the agent's service. None: not told."""

    unit: str | None = None
    enabled: bool | None = None
    masked: bool = False
    processes: tuple[tuple[int, str], ...] | None = None  # pid, command line


def service(data: bytes) -> Service:
    """The output of `systemctl status mdatp`; whatever it does not say is None."""
    text = data.decode("utf-8", "replace")
    loaded = _LOADED.search(text)
    if loaded is None:
        return Service()
    if loaded["load"] == "masked":
        return Service(enabled=False, masked=True)
    word = loaded["enabled"]
    enabled = {"enabled": True, "disabled": False}.get(word) if word else None
    return Service(loaded["path"], enabled, processes=_members(text))


def _members(text: str) -> tuple[tuple[int, str], ...] | None:
    """The processes of the service; None when they are not listed, or were cut to the screen."""
    found = [match for line in text.splitlines() if (match := _MEMBER.search(line))]
    if not found or any("…" in match["command"] for match in found):
        return None
    return tuple((int(match["pid"]), match["command"].strip().strip('"')) for match in found)


def uname(data: bytes) -> tuple[str, str] | None:
    """The system and the host's name of `uname -a`; None for anything else."""
    words = data.decode("utf-8", "replace").split()
    at = next((at for at, word in enumerate(words[:20]) if word in ("Linux", "Darwin")), None)
    if at is None or at + 2 >= len(words):
        return None
    return words[at], words[at + 1]


def uptime(data: bytes) -> timedelta | None:
    """How long the host had been up by `uptime`; None for anything else."""
    found = _UPTIME.search(data.decode("utf-8", "replace"))
    if found is None or not any(found.groupdict().values()):
        return None
    told = {name: int(text or 0) for name, text in found.groupdict().items()}
    return timedelta(
        days=told["days"],
        hours=told["hours"] + told["whole"],
        minutes=told["minutes"] + told["only"],
    )
