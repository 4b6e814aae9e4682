"""Can the agent use the addresses and tags of the policy files, and may others read them?"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from mdeinspect.documents import Path
from mdeinspect.model import Severity
from mdeinspect.rules import Context, Outcome, rule
from mdeinspect.rules._files import Flaw, judge, lookup, written
from mdeinspect.rules._templates import EXAMPLES, marker

PROXY = "cloudService.proxy"
TAGS = "edr.tags"
_SCHEMES = ("http", "https")
_HOST = re.compile(r"(?:\[[0-9A-Fa-f:.]++\]|[^\s/:@\[\]]++)(?P<port>:[^/]*+)?/?+")
_USER = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.-]*+://)?[^/@\s:]++:[^@\s/]*+@")


@rule(
    "unusable-proxy",
    Severity.LOW,
    title="{subject} is no address of a proxy: {reason}",
    detail="{file} ({channel}) sets {subject} to something that has {reason}.",
    remedy="Write it as http://host:port/, as documented.",
    means="The address lacks its scheme, its host or a port that is a number, or has a scheme that "
    "is not http. The address itself is not told.",
    matters="With a wrong proxy the agent has no cloud protection, no updates of definitions and "
    "no way to report, and still calls itself healthy for a while.",
    lint=True,
)
def unusable_proxy(context: Context) -> Iterator[Outcome]:
    """One finding; templates and examples are told by their own rules."""
    yield from judge(context, _unusable(context))


def _unusable(context: Context) -> Iterator[Flaw]:
    path = tuple(PROXY.split("."))
    for file in written(context):
        value = lookup(file, path)
        reason = _fault(value.strip()) if isinstance(value, str) else None
        told = isinstance(value, str) and _told_elsewhere(value, context)
        if reason and not told:
            yield Flaw(file, path, Severity.LOW, {"reason": reason})


def _told_elsewhere(text: str, context: Context) -> bool:
    return marker(text, context) is not None or any(one in text.upper() for one in EXAMPLES)


def _fault(text: str) -> str | None:
    scheme, separator, rest = text.partition("://")
    if not text:
        return None
    if not separator:
        return "no scheme"
    if scheme.lower() not in _SCHEMES:
        return "a scheme that is not http"
    found = _HOST.fullmatch(rest.rpartition("@")[2])
    if found is None:
        return "no host, or more than a host and a port"
    port = found["port"]
    is_number = port is None or (port[1:].isascii() and port[1:].isdigit() and len(port) <= 6)
    return None if is_number else "a port that is no number"


@rule(
    "password-in-policy",
    Severity.MEDIUM,
    title="{subject} holds a user and a password",
    detail="{file} ({channel}) has user info in the address {subject}. It is not told here.",
    remedy="Let the proxy or the mirror admit hosts by their address or certificate, and change "
    "the password.",
    means="An address in a policy file carries a user name and a password.",
    matters="Policy files are kept in repositories, and on most hosts everybody can read them.",
    lint=True,
)
def password_in_policy(context: Context) -> Iterator[Outcome]:
    """One finding for each address; a template in its place is none."""
    yield from judge(context, _passwords(context))


def _passwords(context: Context) -> Iterator[Flaw]:
    for file in written(context):
        for key, one in context.catalogue.keys(context.platform).items():
            path = tuple(key.split("."))
            value = lookup(file, path) if one.sensitivity == "url" else None
            has_user = isinstance(value, str) and _USER.match(value.strip())
            if has_user and marker(str(value), context) is None:
                yield Flaw(file, path, Severity.MEDIUM)


@rule(
    "unusable-tag",
    Severity.MEDIUM,
    title="edr.tags cannot be used as it is: {reason}",
    detail="{file} ({channel}) has in edr.tags {reason}.",
    remedy="Write one entry, whose key is GROUP and whose value is the tag.",
    means="The agent takes one tag, whose key is GROUP. There are more of them, or one lacks its "
    "key or its value. A key of another name is told as a value that is not allowed.",
    matters="Device groups, and with them portal policies, go by this tag; MDE-Management enrols "
    "the device.",
    lint=True,
)
def unusable_tag(context: Context) -> Iterator[Outcome]:
    """One finding for each reason."""
    yield from judge(context, _tags(context))


def _tags(context: Context) -> Iterator[Flaw]:
    path: Path = tuple(TAGS.split("."))
    for file in written(context):
        tags = lookup(file, path)
        for index, tag in enumerate(tags if isinstance(tags, list) else ()):
            for item, reason in _faults(tag, index):
                yield Flaw(file, (*path, index), Severity.MEDIUM, {"reason": reason}, item)


def _faults(tag: Any, index: int) -> Iterator[tuple[str, str]]:
    if index == 1:
        yield "more", "more than one entry"
    if isinstance(tag, Mapping):
        if "key" not in tag:
            yield "no-key", "an entry without the key GROUP"
        if "value" not in tag or tag["value"] == "":
            yield "no-value", "an entry without a value"
