"""What the portal delivered and what came of it (Linux: one source, macOS: assumed place).

Sample (`current_report`): `{"policyInfo": [{"settings": [{"name": "x", "value": "Success"}]}]}`
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mdeinspect.documents import jsondoc
from mdeinspect.errors import ParseError
from mdeinspect.sources import FileSource, Places

GOOD = frozenset({"", "success", "applied"})


@dataclass(frozen=True, slots=True)
class Outcome:
    """How applying one portal setting ended, in the report's own words."""

    name: str
    value: str

    @property
    def good(self) -> bool:
        """True for the words known to mean success."""
        return self.value.strip().lower() in GOOD


def _report(data: bytes) -> tuple[Outcome, ...]:
    value = jsondoc.parse(data).value
    infos = value.get("policyInfo") if isinstance(value, dict) else None
    if not isinstance(infos, list):
        raise ParseError("cannot read this as a policy report: there is no list `policyInfo`")
    return tuple(outcome for info in infos for outcome in _outcomes(info))


def _outcomes(info: Any) -> list[Outcome]:
    settings = info.get("settings") if isinstance(info, dict) else None
    return [
        Outcome(str(setting["name"]), str(setting.get("value", "")))
        for setting in (settings if isinstance(settings, list) else [])
        if isinstance(setting, dict) and "name" in setting
    ]


def _opaque(data: bytes) -> int:
    """The bundle is signed and opaque: its size is all there is to tell."""
    return len(data)


def _places(name: str) -> Places:
    # Some collectors treat these as folders: accept both.
    linux = f"/var/opt/microsoft/mdatp/security_management/{name}"
    darwin = f"/Library/Application Support/Microsoft/Defender/security_management/{name}"
    return {"linux": (linux, f"{linux}/*"), "darwin": (darwin, f"{darwin}/*")}


SOURCES = (
    FileSource("current_report", _places("current_report"), _report),
    FileSource("security_policy", _places("policy"), _opaque),
)
