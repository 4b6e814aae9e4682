"""What must not travel in a bundle: found in what was read, and replaced wherever it stands.

The user info of URLs, passwords and onboarding data never travel. Exclusions, tags and ids do
where they are included.
"""

from __future__ import annotations

import json
import plistlib
import re
from collections.abc import Collection, Iterator, Mapping
from html import escape
from typing import Any, Final

from mdeinspect.catalogue import Catalogue
from mdeinspect.channels import MISSING, dig
from mdeinspect.documents import Document
from mdeinspect.documents.health import Health
from mdeinspect.documents.health_kinds import KNOWN
from mdeinspect.model import Platform, Snapshot
from mdeinspect.plist import is_binary
from mdeinspect.privacy import SHAPE, mask
from mdeinspect.record.disguise import Disguise
from mdeinspect.rules._breadth import VALUE_OF

CATEGORIES: Final = ("exclusions", "tags", "ids")
TAG_FIELDS: Final = ("edr_device_tags",)
ID_FIELDS: Final = ("org_id", "machine_guid", "edr_machine_id", "edr_group_ids", "edr_sense_guid")
SHORT: Final = 4  # shorter values are only replaced where they stand alone
WORD: Final = 64  # no known word is longer
_TOKEN: Final = re.compile(r'"(?:[^"\\\n]|\\.)*"')
_NAMES: Final = r"(?:pass(?:word|wd|phrase)?|pwd|secret|token|api[_-]?key|credential)s?"
_PASSWORD: Final = re.compile(rf"(?i)({_NAMES}[\"']?\s*[:=]\s*[\"']?|\bbearer\s+)([^\s\"'&,;<>]+)")
# The same where the name and the value are tokens of their own: in JSON, and in property lists.
_PASSWORD_NAME: Final = re.compile(rf"(?i){_NAMES}\s*$")
_PASSWORD_MEMBER: Final = re.compile(
    rf'(?i)({_NAMES}\s*"\s*:\s*)(?:"(?:[^"\\\n]|\\.)*("?)|-?\d[^\s,}}\]]*)'
)
_PASSWORD_ENTRY: Final = re.compile(
    rf"(?is)({_NAMES}\s*</key>\s*)<(string|data|integer|real)>(?:(?!</).)*</\2\s*>"
)
_HIDDEN: Final = "***"
_START: Final = re.compile(r"\w*")
_END: Final = re.compile(r"\w*\Z")
_QUOTED: Final = re.compile(r'"([^"\n]+)"')
_WORDS: Final = frozenset(["true", "false", "null", "none", "unavailable", "group", "unknown"])


class Redactor:
    """Replaces what it found in one snapshot; `include` names the categories that may travel."""

    def __init__(
        self, snapshot: Snapshot, catalogue: Catalogue, salt: bytes, include: Collection[str]
    ) -> None:
        self._disguise = Disguise(salt)
        self._platform: Platform = snapshot.host.platform
        self._ids = "ids" not in include
        known = {word.lower() for key in catalogue.keys(self._platform) for word in key.split(".")}
        known |= {word.lower() for word in _allowed(catalogue, self._platform)} | _WORDS
        fields = KNOWN | _shown(snapshot)
        self._known = known | fields | {name.replace("_", "") for name in fields}
        found = _found(snapshot, catalogue)
        self._stand_ins = {
            value: stand_in
            for category, kind, value in found
            if category not in include and value.lower() not in known
            if (stand_in := self._stand_in(category, kind, value)) != value
        }
        # Ids are found by their shape; one that stood in here as well would be replaced twice.
        long = (
            value
            for value in self._stand_ins
            if len(value) >= SHORT and self._disguise.ids(value) == value
        )
        self._long = [
            (form, self._stand_ins[value])
            for value in sorted(long, key=len, reverse=True)
            for form in sorted({value, escape(value), escape(value, quote=False)})
        ]

    def text(self, text: str) -> str:
        """Any text, JSON and property lists in XML among them, in the same form."""
        if text.lstrip()[:1] not in ("{", "[", "<"):
            text = _PASSWORD.sub(r"\g<1>***", text)
        text = _PASSWORD_MEMBER.sub(_hidden_member, text)
        text = _PASSWORD_ENTRY.sub(rf"\g<1><string>{_HIDDEN}</string>", text)
        parts, end = [], 0
        for token in _TOKEN.finditer(text):
            parts += [self._plain(text[end : token.start()]), self._token(token[0])]
            end = token.end()
        return "".join([*parts, self._plain(text[end:])])

    def data(self, data: bytes) -> bytes:
        """The bytes of a file. Raises ValueError for a binary property list that is broken."""
        if is_binary(data):
            value = self.value(plistlib.loads(data))
            return plistlib.dumps(value, fmt=plistlib.FMT_BINARY)
        text = data.decode("utf-8", "surrogateescape")
        return self.text(text).encode("utf-8", "surrogateescape")

    def value(self, value: Any) -> Any:
        """Parsed data, at any depth."""
        if isinstance(value, str):
            return self._whole(value)
        if isinstance(value, Mapping):
            return {
                key: _HIDDEN if _is_password(key, inner) else self.value(inner)
                for key, inner in value.items()
            }
        if isinstance(value, list | tuple):
            return [self.value(inner) for inner in value]
        return value

    # --- helpers --------------------------------------------------------------------------------

    def _stand_in(self, category: str, kind: str, value: str) -> str:
        if category == "exclusions":
            return self._disguise.excluded(kind, value, self._platform)
        ids = self._disguise.ids(value)
        return ids if ids != value else self._disguise.word(value)

    def _token(self, token: str) -> str:
        """A JSON text; one that need not change stays as it was written."""
        try:
            value = json.loads(token, strict=False)
        except ValueError:
            return self._plain(token)
        changed = self._whole(value)
        return token if changed == value else json.dumps(changed)

    def _whole(self, value: str) -> str:
        """A value that stands alone."""
        return self._stand_ins.get(value) or self._plain(value)

    def _plain(self, text: str) -> str:
        for form, stand_in in self._long:
            if form in text:
                text = _replaced(text, form, stand_in, self._known)
        if self._ids:
            text = self._disguise.ids(text)
        masked: str = mask(text)
        return _PASSWORD.sub(r"\g<1>***", masked)


def _replaced(text: str, form: str, stand_in: str, known: Collection[str]) -> str:
    """`text` with `stand_in` for `form`, but where that is part of a word that everybody knows.

    A group named `Policy` must not spoil the setting `exclusionsMergePolicy`.
    """

    def swap(found: re.Match[str]) -> str:
        start, end = found.span()
        before = _END.search(text[max(0, start - WORD) : start])
        after = _START.match(text[end : end + WORD])
        word = f"{before[0] if before else ''}{form}{after[0] if after else ''}"
        return form if word.lower() in known else stand_in

    return re.sub(re.escape(form), swap, text)


def _hidden_member(found: re.Match[str]) -> str:
    """A member of JSON without its value; what was cut off stays so."""
    return f'{found[1]}"{_HIDDEN}' + ('"' if found[2] is None else found[2])


def _is_password(name: Any, value: Any) -> bool:
    """Whether a member of parsed data is a password by its name; a switch of that name is none."""
    named = isinstance(name, str) and _PASSWORD_NAME.search(name) is not None
    return named and isinstance(value, str | bytes | int | float) and not isinstance(value, bool)


Found = tuple[str, str, str]  # category, kind of exclusion, value


def _found(snapshot: Snapshot, catalogue: Catalogue) -> Iterator[Found]:
    """Every private value in what was read."""
    for reading in snapshot.readings.values():
        if isinstance(reading.value, Document):
            yield from _in_policy(reading.value, catalogue, snapshot.host.platform)
        elif isinstance(reading.value, Health):
            for names, category in ((TAG_FIELDS, "tags"), (ID_FIELDS, "ids")):
                for name in names:
                    yield from _texts(reading.value.value(name), category)
    for value in snapshot.value("exclusion-list") or ():
        texts = _QUOTED.findall(value) or ([value] if value.startswith("/") else [])
        yield from (("exclusions", "excludedPath", text) for text in texts if text)


def _shown(snapshot: Snapshot) -> frozenset[str]:
    """The names of all fields that the agent showed, in any view."""
    views = (one.value for one in snapshot.readings.values() if isinstance(one.value, Health))
    return frozenset(name.lower() for view in views for name in view.fields)


def _in_policy(document: Document, catalogue: Catalogue, platform: Platform) -> Iterator[Found]:
    for key, preference in catalogue.keys(platform).items():
        if preference.sensitivity not in CATEGORIES:
            continue
        value = dig(document, key)
        if value is not MISSING:
            yield from _texts(value, str(preference.sensitivity))


def _texts(value: Any, category: str, kind: str = "excludedPath") -> Iterator[Found]:
    """Every text in a value; what only tells its shape is none."""
    if isinstance(value, str):
        if value.strip():
            yield category, kind, value
    elif isinstance(value, Mapping):
        told = value.get("$type")
        inner_kind = told if isinstance(told, str) and told in VALUE_OF else kind
        for name, inner in value.items():
            if name not in SHAPE:
                yield from _texts(inner, category, inner_kind)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _texts(inner, category, kind)


def _allowed(catalogue: Catalogue, platform: Platform) -> Iterator[str]:
    for preference in catalogue.preferences:
        yield from (word for word in preference.allowed(platform) if isinstance(word, str))
