"""Which values of a policy document are none that the setting can have, and what comes nearest."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mdeinspect.catalogue import Catalogue, Preference
from mdeinspect.channels import MISSING, dig
from mdeinspect.documents import EXACT_DIGITS, Document, Path, jsondoc
from mdeinspect.errors import ParseError
from mdeinspect.model import Platform
from mdeinspect.rules._files import shortened

# Lists of single words, although the catalogue does not list the words.
WORD_LISTS = frozenset({"antivirusEngine.unmonitoredFilesystems"})
JSON_TEXT = "text that is JSON"

_NAMES: tuple[tuple[type, str], ...] = (
    (bool, "boolean"),
    (int, "integer"),
    (float, "number"),
    (str, "string"),
    (list, "array"),
    (dict, "object"),
    (type(None), "null"),
    (bytes, "data"),
)
_MOST_PARTS = 50
_MOST = 10**EXACT_DIGITS
_YES = frozenset({"true", "yes", "on", "1", "enabled", "enable"})
_NO = frozenset({"false", "no", "off", "0", "disabled", "disable"})


@dataclass(frozen=True, slots=True)
class WrongType:
    """A value of another type than the setting has; `expected` and `found` are JSON types."""

    path: Path
    expected: str
    found: str
    suggestion: Any = None


@dataclass(frozen=True, slots=True)
class NotAllowed:
    """A value that the setting cannot have. `item` tells entries of one list apart."""

    path: Path
    found: Any
    allowed: tuple[Any, ...]
    nearest: Any = None
    range: tuple[int, int] | None = None
    item: str | None = None


Wrong = WrongType | NotAllowed


@dataclass(frozen=True, slots=True)
class _Shape:
    """What a value should be, told by a preference or by a member of a list entry."""

    type: str
    also: tuple[str, ...] = ()
    allowed: tuple[Any, ...] = ()
    range: tuple[int, int] | None = None
    item: Mapping[str, Mapping[str, Any]] | None = None
    words: bool = False
    any_case: bool = False
    json_text: bool = False
    secret: bool = False


def wrong(document: Document, catalogue: Catalogue, platform: Platform) -> Iterator[Wrong]:
    """The sections, settings and list entries of `document` that are not what they should be."""
    for section in sorted(catalogue.sections(platform)):
        value = dig(document, section)
        if value is not MISSING and not isinstance(value, Mapping):
            yield WrongType(tuple(section.split(".")), "object", type_name(value))
    for key, preference in catalogue.keys(platform).items():
        value = dig(document, key)
        if value is not MISSING:
            shape = _of_preference(preference, key, platform)
            yield from _check(shape, value, tuple(key.split(".")))


def type_name(value: Any) -> str:
    """The JSON type of a value; `data`, `date` and the like for what only property lists hold."""
    for kind, name in _NAMES:
        if isinstance(value, kind):
            return name
    return "date" if hasattr(value, "isoformat") else type(value).__name__.lower()


def _of_preference(preference: Preference, key: str, platform: Platform) -> _Shape:
    # A boolean written as a word is in the catalogue because a real file has it: as a mistake.
    also = () if preference.type == "boolean" else preference.also_types
    allowed = preference.allowed(platform)
    return _Shape(
        type=preference.type,
        also=also,
        allowed=() if preference.type == "boolean" else allowed,
        range=preference.range,
        item=preference.item or None,
        words=bool(allowed) or key in WORD_LISTS,
        any_case=preference.grade == "ASSUMED",
        json_text=preference.json_text,
        secret=preference.sensitivity is not None,
    )


def _of_member(told: Mapping[str, Any], secret: bool) -> _Shape:
    allowed = tuple(told.get("allowed", ()))
    return _Shape(told["type"], allowed=allowed, words=bool(allowed), secret=secret)


def _check(shape: _Shape, value: Any, path: Path, *, entry: bool = False) -> Iterator[Wrong]:
    """What is wrong with `value`; with `entry` it is a member of one of the entries of a list."""
    if not any(_fits(kind, value) for kind in (shape.type, *shape.also)):
        near = None if shape.secret else _of_right_type(shape, value)
        yield WrongType(path, shape.type, type_name(value), near)
    elif shape.type == "array<string>":
        yield from _texts(shape, value, path)
    elif shape.type in ("array<object>", "object"):
        yield from _entries(shape, value, path)
    elif shape.type == "integer":
        yield from _integer(shape, value, path)
    elif isinstance(value, str):
        yield from _text(shape, value, path, entry)


def _fits(kind: str, value: Any) -> bool:
    return kind == "unknown" or kind.partition("<")[0] == type_name(value)


def _texts(shape: _Shape, value: Sequence[Any], path: Path) -> Iterator[Wrong]:
    joined = [shape.words and isinstance(one, str) and "," in one for one in value]
    if True in joined:
        parts = [part for one in value if isinstance(one, str) for part in _split(one)]
        place = (*path, joined.index(True))
        yield WrongType(place, shape.type, "joined string", parts[:_MOST_PARTS])
    for index, one in enumerate(value):
        if not isinstance(one, str):
            yield WrongType((*path, index), shape.type, f"array<{type_name(one)}>")
        elif not joined[index]:
            yield from _text(shape, one, (*path, index), entry=True)


def _entries(shape: _Shape, value: Any, path: Path) -> Iterator[Wrong]:
    entries = enumerate(value) if isinstance(value, list) else [(None, value)]
    members = {
        name: _of_member(told, shape.secret and "allowed" not in told)
        for name, told in (shape.item or {}).items()
    }
    for index, one in entries:
        where = path if index is None else (*path, index)
        if not isinstance(one, Mapping):
            yield WrongType(where, shape.type, f"array<{type_name(one)}>")
            continue
        for name, member in members.items():
            if name in one:
                yield from _check(member, one[name], (*where, name), entry=index is not None)
            elif (shape.item or {})[name].get("required"):
                yield NotAllowed((*where, name), None, member.allowed, item="missing")


def _integer(shape: _Shape, value: Any, path: Path) -> Iterator[Wrong]:
    number = value if isinstance(value, int) else _whole(value)
    if number is None:
        yield WrongType(path, shape.type, type_name(value))
    elif shape.range is not None and not shape.range[0] <= number <= shape.range[1]:
        near = min(max(number, shape.range[0]), shape.range[1])
        yield NotAllowed(path, _shown(value), (), near, shape.range)


def _text(shape: _Shape, value: str, path: Path, entry: bool) -> Iterator[Wrong]:
    if shape.json_text:
        try:
            jsondoc.parse(value.encode("utf-8", "replace"))
        except ParseError as error:
            yield NotAllowed(path, f"text that is no JSON ({error.kind})", (JSON_TEXT,))
        return
    allowed = {one.lower() if shape.any_case else one for one in shape.allowed}
    if allowed and (value.lower() if shape.any_case else value) not in allowed:
        found = shortened(value)
        yield NotAllowed(
            path,
            found,
            shape.allowed,
            _near(value[:100], shape.allowed),
            item=found if entry else None,
        )


# --- what was meant -----------------------------------------------------------------------------


@functools.lru_cache(maxsize=1024)
def _near(value: str, allowed: tuple[Any, ...]) -> Any:
    """The allowed word that comes nearest; None when none does."""
    text = value.strip().lower()
    words = {str(one).lower(): one for one in allowed}
    if text in words:
        return words[text]
    if text in _YES or text in _NO:  # "enabled" looks like "disabled", and means the opposite
        return words.get("enabled" if text in _YES else "disabled")
    import difflib  # only for a wrong value

    return words.get(next(iter(difflib.get_close_matches(text, words, 1)), ""))


def _of_right_type(shape: _Shape, value: Any) -> Any:
    """What the value was probably meant to be; None where that is not evident."""
    if isinstance(value, list | Mapping) or value is None:
        return None
    text = str(_shown(value)).strip().lower()
    if shape.type == "boolean":
        return True if text in _YES else False if text in _NO else None
    if shape.type == "integer":
        is_whole = isinstance(value, float) and value.is_integer() and abs(value) < _MOST
        return int(value) if is_whole else _whole(value)
    if shape.type == "string" and shape.allowed:
        return _near(text[:100], shape.allowed)
    if shape.type == "array<string>" and isinstance(value, str):
        return _split(value) if shape.words else [shortened(value)]
    return None


def _split(text: str) -> list[str]:
    return [shortened(part.strip()) for part in text.split(",") if part.strip()]


def _whole(value: Any) -> int | None:
    text = value.strip() if isinstance(value, str) else ""
    usable = text.isascii() and text.removeprefix("-").isdigit() and len(text) <= EXACT_DIGITS
    return int(text) if usable else None


def _shown(value: Any) -> Any:
    """A value that a finding can carry."""
    if isinstance(value, int) and abs(value) >= _MOST:
        return "an integer of too many digits"
    return shortened(value) if isinstance(value, str) else value
