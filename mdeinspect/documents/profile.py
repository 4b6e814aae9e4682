"""Reads policy files of macOS, in whichever of their three forms, down to the settings.

- A bare preference list, as in /Library/Managed Preferences: the settings themselves.
- A profile with `PayloadContent: [{PayloadType: com.microsoft.wdav, <settings>}]`.
- A profile whose payload is of type com.apple.ManagedClient.preferences, with
  `PayloadContent: {com.microsoft.wdav: {Forced: [{mcx_preference_settings: <settings>}]}}`.

The name of a file says nothing: files called .mobileconfig are often bare preference lists.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NoReturn

from mdeinspect import plist
from mdeinspect.documents import EXACT_DIGITS, Document, Form, Oddity, Path, capped
from mdeinspect.errors import ParseError

DOMAINS = ("com.microsoft.wdav", "com.microsoft.wdav.ext")
"""The preference domains that hold settings; com.microsoft.wdav.atp holds the onboarding."""

_CONTENT = "PayloadContent"
_MANAGED_CLIENT = "com.apple.ManagedClient.preferences"


def parse(data: bytes) -> Document:
    """The settings in `data`, an XML or binary property list; `value` is a dict.

    Paths of oddities start at the settings, and where something lies outside them at the root of
    the file. A profile without settings gives `{}` and an oddity `empty-payload`. Raises
    ParseError: kinds as in `plist.readPlistFromString`; `malformed` also for JSON, for a signed
    or encrypted profile, and where a dictionary or list is something else.
    """
    root, repeats = plist.read_noting_repeats(data)
    if not isinstance(root, dict):
        _refuse("its root", "dictionary")
    parts = list(_parts(root))
    merged = _merge(parts)
    oddities = [*merged.oddities, *_repeated(repeats, parts), *_numbers(merged.settings, ())]
    if not merged.settings and _is_profile(root):
        oddities.append(_oddity("empty-payload", (_CONTENT,), "the profile sets nothing"))
    form: Form = "plist-binary" if plist.is_binary(data) else "plist-xml"
    digest = hashlib.sha256(data).hexdigest()
    return Document(merged.settings, form, capped(oddities), {}, digest)


@dataclass(frozen=True, slots=True)
class _Part:
    """Settings, and where in the file they are."""

    path: Path
    settings: dict[str, Any]


@dataclass(slots=True)
class _Merged:
    settings: dict[str, Any] = field(default_factory=dict)
    oddities: list[Oddity] = field(default_factory=list)


def _is_profile(root: dict[str, Any]) -> bool:
    return _CONTENT in root or "PayloadType" in root


def _parts(root: dict[str, Any]) -> Iterator[_Part]:
    """Every dictionary of settings in the file."""
    if "EncryptedPayloadContent" in root:
        problem = "it is encrypted; give the profile as it was before"
        raise ParseError(f"cannot read this profile: {problem}")
    if root.get("PayloadType") == _MANAGED_CLIENT:  # a payload taken out of its profile
        yield from _forced(root, ())
    elif _CONTENT not in root:
        yield _Part((), root)
    else:
        for index, payload in enumerate(_list(root[_CONTENT], (_CONTENT,))):
            path: Path = (_CONTENT, index)
            kind = _dict(payload, path).get("PayloadType")
            if kind in DOMAINS:
                yield _Part(path, payload)
            elif kind == _MANAGED_CLIENT:
                yield from _forced(payload, path)


def _forced(payload: dict[str, Any], path: Path) -> Iterator[_Part]:
    """The settings that a payload of managed preferences forces; what it merely offers is not."""
    content = _dict(payload.get(_CONTENT, {}), (*path, _CONTENT))
    for domain in DOMAINS:
        where: Path = (*path, _CONTENT, domain)
        forced = _dict(content.get(domain, {}), where).get("Forced", [])
        for index, entry in enumerate(_list(forced, (*where, "Forced"))):
            here = (*where, "Forced", index)
            settings = _dict(entry, here).get("mcx_preference_settings", {})
            inside = (*here, "mcx_preference_settings")
            yield _Part(inside, _dict(settings, inside))


def _merge(parts: list[_Part]) -> _Merged:
    """One dictionary of settings; a key that two payloads set is an oddity, and the last counts."""
    merged = _Merged()
    for part in parts:
        for key, value in part.settings.items():
            if key.startswith("Payload"):
                continue
            if key in merged.settings:
                detail = "set by two payloads; the last one counts"
                merged.oddities.append(_oddity("duplicate-key", (key,), detail))
            merged.settings[key] = value
    return merged


def _repeated(repeats: tuple[Path, ...], parts: list[_Part]) -> Iterator[Oddity]:
    for path in repeats:
        inside = [part.path for part in parts if path[: len(part.path)] == part.path]
        start = len(inside[0]) if inside else 0
        detail = "the key stands twice in its dictionary; the last one counts"
        yield _oddity("duplicate-key", path[start:], detail)


def _numbers(value: Any, path: Path) -> Iterator[Oddity]:
    """Numbers that most programs cannot hold."""
    if isinstance(value, dict | list):
        for step, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _numbers(item, (*path, step))
    elif isinstance(value, float) and (value != value or value in (float("inf"), -float("inf"))):
        yield _oddity("not-a-number", path, f"{value} is not a number")
    elif isinstance(value, int) and abs(value) >= 10**EXACT_DIGITS:
        detail = f"an integer of {len(str(abs(value)))} digits; many programs lose the last ones"
        yield _oddity("giant-integer", path, detail)


def _oddity(kind: str, path: Path, detail: str) -> Oddity:
    return Oddity(kind, path, None, None, detail)


def _dict(value: Any, path: Path) -> dict[str, Any]:
    return value if isinstance(value, dict) else _refuse(_said(path), "dictionary")


def _list(value: Any, path: Path) -> list[Any]:
    return value if isinstance(value, list) else _refuse(_said(path), "list")


def _said(path: Path) -> str:
    return " > ".join(str(step) for step in path)


def _refuse(what: str, wanted: str) -> NoReturn:
    raise ParseError(f"cannot read this profile: {what} is not a {wanted}; correct it")
