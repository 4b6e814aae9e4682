"""What changed between two policies, key by key, without telling what must not travel.

A policy is flattened: `cloudService.enabled` -> `true`, and each entry of a list under a name of
its own, `antivirusEngine.exclusions#excludedPath:/srv`. So a list that grew by one entry is one
addition, and its order means nothing. User info in URLs is masked, values of keys that are not in
the catalogue are digests, and so is what the configuration keeps private.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from mdeinspect.catalogue import Catalogue, Preference
from mdeinspect.documents import plain
from mdeinspect.model import Platform
from mdeinspect.privacy import digest, mask, redact

Kind = Literal["values", "form"]

MOST = 10_000  # flat entries of one policy; what is beyond is told as one
MORE = "..."  # the name of what is beyond
LONGEST = 500  # of a text; longer ones travel as digests
LONGEST_NAME = 160
SHOWN = 40  # entries of each sort in an event
# What tells list entries apart, the first that there is.
_NAMING = ("path", "name", "extension", "signingId", "id")
_PLAIN_KEY = re.compile(r'[^.#"]+')


@dataclass(frozen=True, slots=True)
class Difference:
    """What it takes to get from an old policy to a new one, by flat path.

    `kind` is `form` when both mean the same: white space, the order of keys or entries, or keys
    that are repeated. With `values` and nothing listed, what differs is masked.
    """

    added: Mapping[str, Any] = field(default_factory=dict)
    changed: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)  # old and new
    removed: Mapping[str, Any] = field(default_factory=dict)
    kind: Kind = "values"

    def data(self) -> dict[str, Any]:
        """As an event shows it: `{key, value}` and `{key, old, new}`, the first `SHOWN` of each."""
        changed = self.changed.items()
        found: dict[str, Any] = {
            "added": [{"key": key, "value": value} for key, value in self.added.items()],
            "changed": [{"key": key, "old": old, "new": new} for key, (old, new) in changed],
            "removed": [{"key": key, "value": value} for key, value in self.removed.items()],
        }
        more = sum(max(len(listed) - SHOWN, 0) for listed in found.values())
        found = {sort: listed[:SHOWN] for sort, listed in found.items()}
        return {**found, "more": more} if more else found


def difference(
    old: Any,
    new: Any,
    platform: Platform,
    catalogue: Catalogue,
    redacted: Collection[str] = (),
) -> Difference:
    """What changed from `old` to `new`, two policies as they were parsed."""
    before, after = (flatten(one, platform, catalogue, redacted) for one in (old, new))
    return compare(before, after, same=canonical(old) == canonical(new))


def compare(old: Mapping[str, Any], new: Mapping[str, Any], *, same: bool) -> Difference:
    """What changed between two flattened policies; `same` when both mean the same."""
    return Difference(
        added={key: new[key] for key in sorted(new.keys() - old.keys())},
        changed={
            key: (old[key], new[key])
            for key in sorted(old.keys() & new.keys())
            if not _equal(old[key], new[key])
        },
        removed={key: old[key] for key in sorted(old.keys() - new.keys())},
        kind="form" if same else "values",
    )


def flatten(
    value: Any,
    platform: Platform,
    catalogue: Catalogue,
    redacted: Collection[str] = (),
    *,
    known_only: bool = False,
) -> dict[str, Any]:
    """A policy by flat path. With `known_only`, only what policy can set on this platform."""
    found: dict[str, Any] = {}
    rest: list[tuple[str, Any]] = []
    for path, preference, leaf in _leaves(value, "", None, platform, catalogue, redacted):
        if known_only and not (preference and preference.managed(platform)):
            continue
        told = _told(leaf, preference, redacted)
        if len(found) < MOST:
            found[path] = told
        else:
            rest.append((path, told))
    if rest:
        found[MORE] = canonical(rest)
    return found


def hide(
    flat: Mapping[str, Any], platform: Platform, catalogue: Catalogue, redacted: Collection[str]
) -> dict[str, Any]:
    """A flattened policy, with what has become private since replaced by digests."""
    found = {}
    for path, value in flat.items():
        key, mark, item = path.partition("#")
        preference = catalogue.find(key, platform)
        if preference is not None and preference.sensitivity in redacted:
            found[f"{key}#{_hidden(item, value)}" if mark else key] = redact(value)
        else:
            found[path] = value
    return found


def canonical(value: Any) -> str:
    """SHA-256 of what a value means, however it is written; lists count without their order."""
    text = json.dumps(_ordered(plain(value)), sort_keys=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _ordered(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _ordered(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return sorted(map(_ordered, value), key=lambda one: json.dumps(one, sort_keys=True))
    return value


def _equal(one: Any, other: Any) -> bool:
    """Equality in which `true` is not 1, at any depth."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


Leaf = tuple[str, Preference | None, Any]


def _leaves(
    value: Any,
    path: str,
    preference: Preference | None,
    platform: Platform,
    catalogue: Catalogue,
    redacted: Collection[str],
) -> Iterator[Leaf]:
    """Every value that is no section, and every entry of every list, with its preference."""
    preference = preference or catalogue.find(path, platform)
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            name = f"{path}.{_step(key)}" if path else _step(key)
            yield from _leaves(inner, name, preference, platform, catalogue, redacted)
    elif isinstance(value, list | tuple) and value:
        hidden = preference is None or preference.sensitivity in redacted
        seen: Counter[str] = Counter()
        for item in value:
            name = f"{path}#{_identity(item, hidden)}"
            seen[name] += 1
            yield (name if seen[name] == 1 else f"{name} ({seen[name]})", preference, item)
    elif path:
        yield path, preference, value


def _step(key: Any) -> str:
    """One key of a path; one with a dot in it is quoted, so that no two paths are alike."""
    text = str(mask(plain(str(key))))
    return text if _PLAIN_KEY.fullmatch(text) else json.dumps(text)


def _identity(item: Any, hidden: bool) -> str:
    """What tells an entry from the others of its list, so that a change of it is a change."""
    if not isinstance(item, Mapping):
        return _named(item, hidden)
    named = next((item[name] for name in _NAMING if isinstance(item.get(name), str)), None)
    kind, key = item.get("$type"), item.get("key")
    if isinstance(kind, str):
        rest = named if named is not None else dict(item)
        return f"{_short(kind)}:{_named(rest, hidden)}"
    if isinstance(key, str):
        return _short(key)
    return _named(named if named is not None else dict(item), hidden)


def _hidden(identity: str, item: Any) -> str:
    """An identity as it would be had the entry been private from the start."""
    kind = item.get("$type") if isinstance(item, Mapping) else None
    if isinstance(kind, str) and identity.startswith(f"{kind}:"):
        return f"{kind}:{digest(identity.removeprefix(f'{kind}:'))}"
    keyed = isinstance(item, Mapping) and kind is None and isinstance(item.get("key"), str)
    return identity if keyed else digest(identity)


def _named(value: Any, hidden: bool) -> str:
    value = mask(plain(value))
    if hidden or isinstance(value, dict | list):
        return digest(value)
    return _short(value if isinstance(value, str) else json.dumps(value))


def _short(text: str) -> str:
    text = str(mask(plain(text)))
    return text if len(text) <= LONGEST_NAME else f"{text[: LONGEST_NAME // 2]}...{digest(text)}"


def _told(value: Any, preference: Preference | None, redacted: Collection[str]) -> Any:
    """A value as it may be stored and told."""
    value = mask(plain(value))
    if preference is None:
        return value if value in ({}, []) else digest(value)
    if isinstance(value, dict) and preference.item:
        known = preference.item
        value = {name: one if name in known else digest(one) for name, one in value.items()}
    if preference.sensitivity in redacted:
        return redact(value)
    return value if len(json.dumps(value)) <= LONGEST else digest(value)
