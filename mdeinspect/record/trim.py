"""Cutting files down to what an inspection uses of them, before they go into a bundle."""

from __future__ import annotations

import json
import plistlib
from collections.abc import Callable, Mapping
from typing import Any, Final

from mdeinspect.documents import analyzer, jsondoc
from mdeinspect.documents.filetime import ATTEMPT, SUCCESS
from mdeinspect.errors import ParseError
from mdeinspect.plist import readPlistFromString
from mdeinspect.sources.merged_configuration import MARK
from mdeinspect.sources.onboarding import ONBOARDING

LINES: Final = 3
Cut = Callable[[bytes], bytes]


def _log(data: bytes) -> bytes:
    """Of a log, the newest lines that hold the merged configuration."""
    lines = [line for line in data.split(b"\n") if MARK in line]
    return b"".join(line + b"\n" for line in lines[-LINES:])


def _state(data: bytes) -> bytes:
    """Of the agent's state, the check-in times; what is no JSON stays, to be no JSON there."""
    try:
        value = jsondoc.parse(data).value
    except ParseError:
        return b"{"
    return json.dumps(_times(value)).encode()


def _times(value: Any) -> Any:
    """The value with nothing in it but what leads to a check-in time."""
    if isinstance(value, Mapping):
        kept = {
            key: inner if str(key).lower() in (ATTEMPT, SUCCESS) else _times(inner)
            for key, inner in value.items()
        }
        return {key: inner for key, inner in kept.items() if inner not in ({}, [], None)}
    if isinstance(value, list):
        return [inner for inner in map(_times, value) if inner not in ({}, [], None)]
    return None


def _analyzed(data: bytes) -> bytes:
    """Of an analyzer's file, the check-in times of each block."""
    try:
        found = analyzer.blocks(data)
    except ParseError:
        return b"withheld\n"
    values = (_times(value) for value in analyzer.values(found))
    block = json.dumps([value for value in values if value])
    return f'{analyzer.STATE}\n{{"blocks": {block}}}\n'.encode()


def _onboarding(data: bytes) -> bytes:
    """Of the onboarding file, the tenant."""
    try:
        tenant = ONBOARDING.parse(data).org_id
    except ParseError:
        return b"{"
    return json.dumps({"orgId": tenant} if tenant else {}).encode()


def _mac_onboarding(data: bytes) -> bytes:
    """The same of a Mac's, which is a property list."""
    try:
        value = readPlistFromString(data)
    except ParseError:
        return b"withheld\n"
    told = value if isinstance(value, Mapping) else {}
    tenant = next((told[key] for key in told if str(key).lower() == "orgid"), None)
    return plistlib.dumps({"OrgId": tenant} if tenant else {})


def _opaque(data: bytes) -> bytes:
    """Of what is signed and opaque, only that there is something."""
    return b"withheld\n" if data else b""


BY_NAME: Final[Mapping[str, Cut]] = {
    "wdavstate": _state,
    "mdatp_config.txt": _analyzed,
    "mdatp_onboard.json": _onboarding,
}


def trim(path: str, data: bytes) -> bytes:
    """The part of the file at `path` that goes into a bundle."""
    name = path.rpartition("/")[2]
    if "microsoft_defender_core" in name:
        return _log(data)
    if "/security_management/policy" in path or "offboard" in name:
        return _opaque(data)
    if name.startswith("com.microsoft.wdav.atp"):
        return _mac_onboarding(data)
    return BY_NAME.get(name, bytes)(data)
