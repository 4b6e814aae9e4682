"""Which keys of a policy document are no settings of its platform, and what they may have meant."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from mdeinspect.catalogue import PLATFORMS, Catalogue, Preference, spelling
from mdeinspect.documents import Path
from mdeinspect.model import Platform
from mdeinspect.rules._files import dotted

Sort = Literal["unknown", "misplaced", "other-platform"]

COMMENTS = frozenset(
    {"info", "possible values", "comment", "comments", "description", "note", "notes", "todo"}
    | {"$schema", "$comment", "$id", "//", "#"}
)
"""Keys that people put beside settings to explain them; a leading underscore does not count."""

# Of so many things that it tells nothing of what was meant.
_VAGUE = frozenset({"enabled", "policy", "interval", "features"})


@dataclass(frozen=True, slots=True)
class Strange:
    """A key that has no meaning where it stands. `right` are the places where it would have one.

    `owner` is the preference of whose value it is a member.
    """

    sort: Sort
    path: Path
    value: Any
    right: tuple[str, ...] = ()
    comment: bool = False
    owner: Preference | None = None


class Names:
    """The names of one platform."""

    def __init__(self, catalogue: Catalogue, platform: Platform) -> None:
        (other,) = (one for one in PLATFORMS if one != platform)
        self._catalogue = catalogue
        self._platform = platform
        self._known = catalogue.keys(platform)
        self._sections = catalogue.sections(platform)
        self._foreign = catalogue.keys(other)
        self._foreign_sections = catalogue.sections(other)
        self._key_homes = _by_last(
            one.keys(platform)[0] for one in catalogue.preferences if one.managed(platform)
        )
        self._section_homes = _by_last(iter(self._sections))

    def strange(self, document: Mapping[str, Any]) -> Iterator[Strange]:
        """The keys of `document` that are none, each path once, in the order of the file.

        Of a section that is none, what is inside it is not told.
        """
        yield from self._section(document, ())

    def nearest(self, one: Strange) -> str | None:
        """The key that an unknown one most likely meant. Asked apart, because it takes its time."""
        name, last = dotted(one.path), str(one.path[-1])
        if one.comment or last in _VAGUE:
            return None
        if one.owner is not None:
            near = spelling.nearest(last, one.owner.item)
            return near and f"{dotted(one.path[:-1])}.{near}"
        is_section = isinstance(one.value, Mapping)
        section = spelling.nearest(name, self._sections) if is_section else None
        return section or self._catalogue.nearest(name, self._platform)

    def _section(self, section: Mapping[str, Any], path: Path) -> Iterator[Strange]:
        for key, value in section.items():
            inside = (*path, key)
            name = dotted(inside)
            flat = "." in key
            if not flat and name in self._known:
                yield from self._entries(self._known[name], value, inside)
            elif not flat and name in self._sections:
                if isinstance(value, Mapping):
                    yield from self._section(value, inside)
            else:
                yield self._judged(name, inside, value)

    def _judged(self, name: str, path: Path, value: Any) -> Strange:
        last = str(path[-1])
        if _is_comment(last):
            return Strange("unknown", path, value, comment=True)
        if name in self._known or name in self._sections:  # written as one key with dots in it
            return Strange("misplaced", path, value, (name,))
        if name in self._foreign:
            here = self._foreign[name].key(self._platform)
            right = (here,) if here else ()
            return Strange("misplaced" if right else "other-platform", path, value, right)
        if name in self._foreign_sections:
            return Strange("other-platform", path, value)
        homes = self._section_homes if isinstance(value, Mapping) else self._key_homes
        if last in homes and last not in _VAGUE:
            return Strange("misplaced", path, value, homes[last])
        return Strange("unknown", path, value)

    def _entries(self, preference: Preference, value: Any, path: Path) -> Iterator[Strange]:
        """Members of an object, or of the entries of a list, that have no meaning there."""
        if not preference.item:
            return
        entries = enumerate(value) if isinstance(value, list) else [(None, value)]
        told: set[str] = set()
        for index, entry in entries:
            where = path if index is None else (*path, index)
            for member in entry if isinstance(entry, Mapping) else ():
                if member not in preference.item and member not in told:
                    told.add(member)
                    yield self._member(preference, (*where, member), entry[member])

    def _member(self, preference: Preference, path: Path, value: Any) -> Strange:
        member = str(path[-1])
        if _is_comment(member):
            return Strange("unknown", path, value, comment=True)
        right = tuple(
            f"{key}.{member}"
            for key, other in self._known.items()
            if member in other.item and preference.item.keys() < other.item.keys()
        )
        if right:
            return Strange("misplaced", path, value, right)
        return Strange("unknown", path, value, owner=preference)


def _is_comment(key: str) -> bool:
    return key.strip().lower().lstrip("_") in COMMENTS


def _by_last(keys: Iterator[str]) -> Mapping[str, tuple[str, ...]]:
    """Keys by their last component."""
    found: dict[str, tuple[str, ...]] = {}
    for key in sorted(keys):
        last = key.rpartition(".")[2]
        found[last] = (*found.get(last, ()), key)
    return found
