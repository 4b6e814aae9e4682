"""What was deployed to bring a host into a tenant, or to take it out of one.

Sample (Linux): `{"orgId": "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee", "onboardingInfo": "..."}`; on a
Mac the profile's preferences hold OrgId and OnboardingInfo (names certain). The id of the tenant is
kept to be compared and is never emitted, not even by `repr`: a finding tells a digest of it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from mdeinspect.documents import jsondoc
from mdeinspect.plist import readPlistFromString
from mdeinspect.sources import FileSource

MAX_VISITS = 10_000


@dataclass(frozen=True, slots=True)
class Onboarding:
    """The tenant that the host was onboarded to; None when the file does not say."""

    org_id: str | None = field(repr=False)


def _parse(data: bytes) -> Onboarding:
    return Onboarding(_org_id(jsondoc.parse(data).value))


def _profile(data: bytes) -> Onboarding:
    return Onboarding(_org_id(readPlistFromString(data)))


def _there(data: bytes) -> int:
    """What takes a host out of its tenant is signed: that it lies there is all there is to know."""
    return len(data)


def _org_id(value: Any) -> str | None:
    """The first `orgId`, also inside JSON that is kept as text."""
    todo = [value]
    for _ in range(MAX_VISITS):
        if not todo:
            break
        here = todo.pop()
        if isinstance(here, dict):
            for key, inner in here.items():
                if key.lower() == "orgid" and isinstance(inner, str):
                    return inner
                todo.append(inner)
        elif isinstance(here, list):
            todo.extend(here)
        elif isinstance(here, str) and here.lstrip()[:1] == "{":
            todo.append(_inner(here))
    return None


def _inner(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None  # text that only looks like JSON holds no id


ONBOARDING = FileSource(
    "mdatp_onboard",
    {"linux": ("/etc/opt/microsoft/mdatp/mdatp_onboard.json",)},
    _parse,
)
# Apart from the file of Linux: an MDM writes it anew whenever it likes, so its age tells nothing.
PROFILE = FileSource(
    "onboarding_profile",
    {"darwin": ("/Library/Managed Preferences/com.microsoft.wdav.atp.plist",)},
    _profile,
)
OFFBOARDING = FileSource(
    "offboarding",
    {
        "linux": ("/etc/opt/microsoft/mdatp/mdatp_offboard.json",),
        "darwin": ("/Library/Managed Preferences/com.microsoft.wdav.atp.offboarding.plist",),
    },
    _there,
)
SOURCES = (ONBOARDING, PROFILE, OFFBOARDING)
