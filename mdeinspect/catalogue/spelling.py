"""The known spelling that a misspelt key most likely meant."""

from __future__ import annotations

from collections.abc import Iterable

# No known key is half as long; a longer one is hostile and not worth the comparing.
_LONGEST = 160


def nearest(key: str, known: Iterable[str]) -> str | None:
    """The key of `known` that `key` is a misspelling or a misplacing of, or None.

    The last components must be near each other, case not counting. The sections must be near too,
    unless only one known key ends like that: then the key is merely in the wrong place.
    """
    if len(key) > _LONGEST:
        return None
    section, last = _parts(key)
    ends = [(spelling, *_parts(spelling)) for spelling in known]
    found = [
        (off, distance(section, parent), spelling, parent)
        for spelling, parent, end in ends
        if (off := distance(last, end, _tolerance(end))) <= _tolerance(end)
    ]
    near = [hit for hit in found if hit[1] <= _tolerance(hit[3])]
    best = min(near or (found if len(found) == 1 else ()), default=None)
    return best[2] if best else None


def distance(one: str, other: str, limit: int | None = None) -> int:
    """Letters to insert, drop, replace or swap with their neighbour to turn `one` into `other`.

    With a `limit`, any number above it may come back where the true one is above it.
    """
    if one == other:
        return 0
    if limit is not None and abs(len(one) - len(other)) > limit:
        return limit + 1
    earlier: list[int] = []
    above: list[int] = []
    row = list(range(len(other) + 1))
    for i, mine in enumerate(one):
        earlier, above, row = above, row, [i + 1]
        for j, theirs in enumerate(other):
            best = min(above[j + 1] + 1, row[j] + 1, above[j] + (mine != theirs))
            if i and j and mine == other[j - 1] and theirs == one[i - 1]:
                best = min(best, earlier[j - 1] + 1)
            row.append(best)
        if limit is not None and min(row) > limit:
            break
    return row[-1]


def _parts(key: str) -> tuple[str, str]:
    section, _, last = key.lower().rpartition(".")
    return section, last


def _tolerance(word: str) -> int:
    return min(3, len(word) // 4)
