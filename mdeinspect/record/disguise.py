"""Stand-ins for what must not travel: equal values get equal ones, and keep the shape they had.

A path keeps the parts that every system has, so that a stand-in is as broad, as narrow and as
much inside another as the path was. The salt is new for each bundle: nobody can look a value up.
"""

from __future__ import annotations

import hashlib
import re
from typing import Final

from mdeinspect.model import Platform
from mdeinspect.rules._breadth import VALUE_OF, too_broad

GUID: Final = re.compile(r"\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b")
LONG_HEX: Final = re.compile(r"\b[0-9a-fA-F]{40}\b")
# Parts of paths that say nothing of anybody.
_COMMON = (
    "bin boot dev etc home lib lib64 media mnt opt proc root run sbin srv sys tmp usr var local "
    "share log cache spool Library Users Applications System Volumes private Preferences Shared "
    "Application Support"
)
COMMON: Final = frozenset(_COMMON.split())
_PIECES: Final = re.compile(r"([*?/ ]+)")
_MARK: Final = "r-"


class Disguise:
    """Stand-ins made with one salt."""

    def __init__(self, salt: bytes) -> None:
        self._salt = salt

    def _hex(self, text: str) -> str:
        data = self._salt + text.encode("utf-8", "surrogatepass")
        return hashlib.sha256(data).hexdigest()

    def word(self, text: str) -> str:
        """A stand-in for a name, a tag, an id."""
        return f"{_MARK}{self._hex(text)[:10]}"

    def guid(self, text: str) -> str:
        """A stand-in in the shape of a GUID; the same for both letter cases."""
        digits = self._hex(text.lower())
        return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:32]))

    def long_hex(self, text: str) -> str:
        """A stand-in in the shape of 40 hexadecimal digits."""
        return self._hex(text.lower())[:40]

    def path(self, text: str) -> str:
        """A stand-in for a path or pattern, part by part; wildcards and common parts stay."""
        pieces = _PIECES.split(text)
        return "".join(
            piece if _PIECES.fullmatch(piece) or piece in COMMON or not piece else self.word(piece)
            for piece in pieces
        )

    def excluded(self, kind: str, text: str, platform: Platform) -> str:
        """A stand-in for what an exclusion names; one that is broad stays: anyone could name it."""
        stand_in = self.path(text)
        before, after = (
            too_broad({"$type": kind, VALUE_OF.get(kind, "path"): value}, platform)
            for value in (text, stand_in)
        )
        return text if before != after or before is not None else stand_in

    def ids(self, text: str) -> str:
        """`text` with every GUID and every machine id in it replaced."""
        text = GUID.sub(lambda found: self.guid(found[0]), text)
        return LONG_HEX.sub(lambda found: self.long_hex(found[0]), text)
