"""How bad something is: the one noun that every command needs, and so apart from the others."""

from __future__ import annotations

import enum


class Severity(enum.IntEnum):
    """How bad a finding is. Ordered, so that thresholds compare."""

    INFO = 0
    LOW = 1
    MEDIUM = 2
    HIGH = 3
    CRITICAL = 4

    @property
    def word(self) -> str:
        """The lower-case word used in config, JSON and on screen."""
        return self.name.lower()

    @classmethod
    def of(cls, word: str) -> Severity:
        """The severity named by `word`; raises KeyError for any other word."""
        return cls[word.upper()]
