"""Rules: pure functions from what was seen to what is wrong; a module a family, a function a rule.

A rule yields `Raise` for what it found and `Unsure` where it cannot tell. Everything a person or a
program needs to know about it stands in its `@rule(...)`; title, detail and remedy are templates
filled from the facts of each finding, so that the same facts always read the same.
"""

from __future__ import annotations

import functools
import importlib
import pkgutil
import string
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from mdeinspect.catalogue import Catalogue
from mdeinspect.channels import Policy
from mdeinspect.config.model import Config
from mdeinspect.documents.health import Health
from mdeinspect.model import (
    Agent,
    Authority,
    Channel,
    Checkin,
    Finding,
    Platform,
    SettingState,
    Severity,
    Snapshot,
    Unknown,
)
from mdeinspect.privacy import digest, redact
from mdeinspect.rules._chosen import validate as check_config
from mdeinspect.rules._holds import HOLDS, NO_HOLD, Hold
from mdeinspect.rules._wording import rendered

if TYPE_CHECKING:
    from mdeinspect.memory import Memory


@dataclass(frozen=True, slots=True)
class Context:
    """Everything a rule may look at. Nothing in it changes, nothing in it reads a clock."""

    snapshot: Snapshot
    now: datetime
    config: Config
    catalogue: Catalogue
    agent: Agent
    authority: Authority
    channels: Mapping[Channel, Policy]
    settings: Mapping[str, SettingState]
    checkin: Checkin
    options: Mapping[str, Any] = field(default_factory=dict)  # of the rule that is asked
    memory: Memory | None = None  # of earlier reports; None where nothing is remembered
    alone: bool = False  # a policy file on its own, before it is on a host

    @property
    def platform(self) -> Platform:
        """The platform of the host."""
        return self.snapshot.host.platform

    @property
    def health(self) -> Health | None:
        """The main view of `mdatp health`, where it could be read."""
        value = self.snapshot.value("health")
        return value if isinstance(value, Health) else None

    def shown(self, name: str) -> Any:
        """The value of a main-view health field; None when it is not known."""
        return self.health.value(name) if self.health else None


@dataclass(frozen=True, slots=True)
class Raise:
    """Something is wrong with `subject`. `facts` hold no ages, no counters and no prose.

    `subject` is `host`, `agent`, `channel:<name>`, `file:<path>` or `key:<dotted path>[#item]`.
    `words` are what templates need beyond the facts: prose that follows from them, under names
    that begin with `say_`.
    """

    subject: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    severity: Severity | None = None  # where it differs from the rule's own
    since: datetime | None = None
    line: int | None = None
    column: int | None = None
    words: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Unsure:
    """The rule cannot tell, and why: a sentence that starts with "cannot"."""

    because: str


@dataclass(frozen=True, slots=True)
class Known:
    """A word of the vendor that a rule knows: what it says, and what to do about it."""

    means: str
    remedy: str


Outcome = Raise | Unsure
Check = Callable[[Context], Iterator[Outcome]]


@dataclass(frozen=True, slots=True)
class Rule:
    """A check and all that is to be known about it."""

    code: str
    severity: Severity
    title: str  # template, one line
    detail: str  # template: what was seen
    remedy: str  # template: what to do
    means: str  # prose: what the finding says
    matters: str  # prose: why that is worth a finding
    needs: tuple[str, ...]  # sources without which it cannot tell
    check: Check
    options: Mapping[str, Any] = field(default_factory=dict)  # name -> default
    platforms: tuple[Platform, ...] = ("linux", "darwin")
    hold: Hold = NO_HOLD
    fields: tuple[str, ...] = ()  # of main-view health, without which it says less or nothing
    known: Mapping[str, Known] = field(default_factory=dict)  # words of the vendor

    @property
    def family(self) -> str:
        """The module that it stands in: `agent`, `checkin`, ..."""
        return self.check.__module__.rpartition(".")[2]

    @property
    def quotes(self) -> tuple[str, ...]:
        """The facts that its texts quote, in the order in which they do."""
        texts = (self.title, self.detail, self.remedy)
        names = [name for text in texts for _, name, _, _ in string.Formatter().parse(text) if name]
        facts = (name for name in names if name != "subject" and not name.startswith("say_"))
        return tuple(dict.fromkeys(facts))

    lint: bool = False  # can judge a policy file on its own, without a host


def rule(
    code: str,
    severity: Severity,
    *,
    title: str,
    detail: str,
    remedy: str,
    means: str,
    matters: str,
    needs: tuple[str, ...] = (),
    options: Mapping[str, Any] | None = None,
    platforms: tuple[Platform, ...] = ("linux", "darwin"),
    hold: Hold | None = None,
    fields: tuple[str, ...] = (),
    known: Mapping[str, Known] | None = None,
    lint: bool = False,
) -> Callable[[Check], Rule]:
    """Make a rule of the check below it."""

    def make(check: Check) -> Rule:
        return Rule(
            code=code,
            severity=severity,
            title=title,
            detail=detail,
            remedy=remedy,
            means=means,
            matters=matters,
            needs=needs,
            check=check,
            options=dict(options or {}),
            platforms=platforms,
            hold=hold or HOLDS.get(code, NO_HOLD),
            fields=fields,
            known=dict(known or {}),
            lint=lint,
        )

    return make


@functools.cache
def load() -> Mapping[str, Rule]:
    """Every rule of every module in this package, by code."""
    found: dict[str, Rule] = {}
    for info in pkgutil.iter_modules(__path__, __name__ + "."):
        module = importlib.import_module(info.name)
        for value in vars(module).values():
            if isinstance(value, Rule) and found.setdefault(value.code, value) is not value:
                raise AssertionError(f"two rules have the code {value.code}")
    return found


@functools.cache
def families() -> Mapping[str, str]:
    """Every family of rules, and in a sentence what it asks."""
    modules = {one.family: sys.modules[one.check.__module__] for one in load().values()}
    return {name: (modules[name].__doc__ or "").partition("\n\n")[0] for name in sorted(modules)}


def validate(config: Config) -> None:
    """Raise `ConfigError` when the configuration names a rule or an option that does not exist."""
    check_config(config, load())


def evaluate(one: Rule, context: Context) -> Iterator[Finding | Unknown]:
    """What `one` has to say. A rule whose needs are not met says that, and no more."""
    if context.platform not in one.platforms:
        return
    lacking = [name for name in one.needs if not context.snapshot[name].present]
    if lacking:
        if context.agent.state != "missing":  # that is a finding of its own, and says it all
            yield Unknown(one.code, _lacking(context, lacking[0]))
        return
    for outcome in one.check(context):
        if isinstance(outcome, Unsure):
            yield Unknown(one.code, outcome.because)
        else:
            yield finding(one, _redacted(outcome, context))


def finding(one: Rule, raised: Raise) -> Finding:
    """The finding that `one` raises, rendered from its facts alone."""
    named = raised.subject.partition(":")[2] or raised.subject
    words = {"subject": named, **raised.facts, **raised.words}
    return Finding(
        code=one.code,
        severity=one.severity if raised.severity is None else raised.severity,
        subject=raised.subject,
        title=rendered(one.title, words),
        detail=rendered(one.detail, words),
        remedy=rendered(one.remedy, words),
        facts=dict(raised.facts),
        since=raised.since,
        line=raised.line,
        column=raised.column,
    )


def _redacted(raised: Raise, context: Context) -> Raise:
    """What a finding says of a sensitive preference, as far as the configuration lets it."""
    scheme, _, rest = raised.subject.partition(":")
    key, mark, item = rest.partition("#")
    preference = context.catalogue.find(key, context.platform) if scheme == "key" else None
    if preference is None or preference.sensitivity not in context.config.privacy.redact:
        return raised
    subject = f"key:{key}#{digest(item)}" if mark else raised.subject
    return replace(raised, subject=subject, facts=redact(raised.facts))


def _lacking(context: Context, source: str) -> str:
    reading = context.snapshot[source]
    return reading.reason or f"cannot tell without {source}, which is not there"
