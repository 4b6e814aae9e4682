"""Where health shows a preference, and how it translates the value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from mdeinspect.catalogue.values import Values, same_value
from mdeinspect.catalogue.versions import within
from mdeinspect.model import Platform

Weight = Literal["prove", "support", "tell"]


@dataclass(frozen=True, slots=True, eq=False)
class Translation:
    """One row of a map: policy value `when` (or any) makes health show one of `expect`.

    It counts for versions `since` <= v < `before` and on `platform`, where these are given.
    """

    expect: tuple[Any, ...]
    when: Any = None
    any: bool = False
    since: str | None = None
    before: str | None = None
    platform: Platform | None = None

    def about(self, policy: Any, platform: Platform) -> bool:
        """Whether this row is about `policy`, whatever the version."""
        return self.on(platform) and (self.any or same_value(policy, self.when))

    def on(self, platform: Platform) -> bool:
        """Whether this row is about `platform`."""
        return self.platform is None or self.platform == platform


@dataclass(frozen=True, slots=True, eq=False)
class HealthField:
    """One field of health that shows a preference.

    `field` is the key as the text form prints it, dots where it is nested. `view` is `main` or the
    feature named after `--details`. `weight` says what it is good for: `prove` may accuse,
    `support` can only confirm, `tell` is for people. `part` is the member of an object preference
    that the field shows.
    """

    field: str
    view: str
    platforms: tuple[Platform, ...]
    weight: Weight
    rule: Literal["same", "map", "tell"]
    values: Values
    map: tuple[Translation, ...] = ()
    part: str | None = None
    note: str | None = None

    def expects(
        self, policy: Any, platform: Platform, version: str | None
    ) -> tuple[Any, ...] | None:
        """The values that health may show when `policy` is in force; None: no expectation.

        There is none for a field that only tells, a platform without it, a value that the agent
        does not know, and where `version` would decide and is not known.
        """
        if self.part is not None:
            policy = policy.get(self.part) if isinstance(policy, Mapping) else None
        if policy is None or self.rule == "tell" or platform not in self.platforms:
            return None
        if self.rule == "same":
            return self.values.shown_as(policy, platform)
        for row in self.map:
            holds = row.about(policy, platform) and within(version, row.since, row.before)
            if holds is not False:
                return row.expect if holds else None
        return None

    def vocabulary(
        self,
        platform: Platform,
        version: str | None = None,  # noqa: ARG002  an old word stays a known word
    ) -> tuple[Any, ...] | None:
        """Every value that some policy could make health show; None when that is open."""
        if self.rule == "tell" or platform not in self.platforms:
            return None
        if self.rule == "same":
            return self.values.allowed[platform] or None
        words = [word for row in self.map if row.on(platform) for word in row.expect]
        return tuple(dict.fromkeys(words))
