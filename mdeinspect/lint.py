"""A policy file on its own, before it is deployed: the rules that can judge it without a host.

The file is put into a context in which it is the only channel, and governs. The same rules then
say the same things of it as they do of the file on a host.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from mdeinspect.catalogue import Catalogue
from mdeinspect.channels import ADMINISTRATOR, policies
from mdeinspect.config.model import Config
from mdeinspect.documents import Document
from mdeinspect.errors import ParseError
from mdeinspect.model import (
    Agent,
    Authority,
    Checkin,
    FileFacts,
    Finding,
    HostFacts,
    Platform,
    Reading,
    Snapshot,
    Unknown,
)
from mdeinspect.report import judge
from mdeinspect.rules import Context, Rule
from mdeinspect.sources import FileSource, policy_sources

PROFILE_NAMES = (".mobileconfig", ".plist")
_BOM = b"\xef\xbb\xbf"
# How property lists and signed profiles begin: XML (UTF-16 as well), binary, PEM, DER.
_PROFILES = (b"<?xml", b"<!", b"<plist", b"<dict", b"bplist", b"-----BEGIN", b"0\x80", b"0\x82")
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True, slots=True)
class Given:
    """A file as it was named: its bytes, or why there are none (`kind` and `reason`)."""

    name: str
    data: bytes | None = None
    kind: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Judge:
    """What files are judged by. `version` is the agent's that they are meant for, if told."""

    config: Config
    catalogue: Catalogue
    rules: Sequence[Rule]
    now: datetime
    platform: Platform | None = None
    version: str | None = None


@dataclass(frozen=True, slots=True)
class Linted:
    """What there is to say of one file. Where its reading is broken, nothing in it was judged."""

    name: str
    platform: Platform
    reading: Reading[Document]
    findings: tuple[Finding, ...] = ()
    unknown: tuple[Unknown, ...] = ()


def lint(given: Given, by: Judge) -> Linted:
    """What is wrong with one file. Never raises, whatever is in it."""
    platform = by.platform or platform_of(given)
    source = _source(given.name, platform)
    reading = _read(given, source, by.now)
    context = _context(reading, source, platform, by)
    alone = [one for one in by.rules if one.lint]
    findings, unknown = judge(context, alone)
    # Of a file that says nothing, every rule would only say again that it cannot be read.
    return Linted(given.name, platform, reading, findings, unknown if reading.present else ())


def platform_of(given: Given) -> Platform:
    """The platform that a file is meant for: property lists belong to macOS, JSON to Linux."""
    data = given.data or b""
    start = data.removeprefix(_BOM).lstrip()[:16]
    if start.startswith(_UTF16):
        start = data[2:64].replace(b"\0", b"").lstrip()
    if start.startswith(_PROFILES):
        return "darwin"
    decided = start.startswith((b"{", b"["))
    return "darwin" if not decided and given.name.lower().endswith(PROFILE_NAMES) else "linux"


def _source(name: str, platform: Platform) -> FileSource:
    """The source that reads such a file on a host: by its name, else the administrator's."""
    here = [source for source in policy_sources() if platform in source.places]
    last = name.rpartition("/")[2]
    for source in here:
        if any(place.rpartition("/")[2] == last for place in source.places[platform]):
            return source
    return next(source for source in here if source.channel == ADMINISTRATOR[platform])


def _read(given: Given, source: FileSource, now: datetime) -> Reading[Document]:
    file = FileFacts(given.name, size=len(given.data or b""))
    kind, reason = given.kind, given.reason
    if given.data is not None:
        try:
            value = source.parse(given.data)
            return Reading(source.name, "present", now, value, file=file)
        except ParseError as error:
            kind, reason = error.kind, f"{error} ({given.name})"
    return Reading(source.name, "broken", now, kind=kind, reason=reason, file=file)


def _context(
    reading: Reading[Document], source: FileSource, platform: Platform, by: Judge
) -> Context:
    snapshot = Snapshot(HostFacts(None, platform), by.now, {reading.source: reading})
    return Context(
        snapshot=snapshot,
        now=by.now,
        config=by.config,
        catalogue=by.catalogue,
        agent=Agent("unknown", version=by.version),
        authority=Authority(source.channel or ADMINISTRATOR[platform], None),
        channels=policies(snapshot),
        settings={},
        checkin=Checkin("not-applicable"),
        alone=True,
    )
