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
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from mdeinspect.catalogue import Catalogue
from mdeinspect.channels import Policy
from mdeinspect.config.model import Config, Duration
from mdeinspect.documents.health import Health
from mdeinspect.errors import ConfigError
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
from mdeinspect.rules._holds import HOLDS, NO_HOLD, Hold

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
    """

    subject: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    severity: Severity | None = None  # where it differs from the rule's own
    since: datetime | None = None
    line: int | None = None
    column: int | None = None


@dataclass(frozen=True, slots=True)
class Unsure:
    """The rule cannot tell, and why: a sentence that starts with "cannot"."""

    because: str


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


def validate(config: Config) -> None:
    """Raise `ConfigError` when the configuration names a rule or an option that does not exist."""
    known = load()
    for code, chosen in config.rules.items():
        one = known.get(code)
        if one is None:
            raise ConfigError(f"cannot use rules.{code}: no such rule; see `mdeinspect rules`")
        for name, value in chosen.items():
            _validate_option(one, name, value)
    for accept in config.accept:
        if accept.code not in known:
            raise ConfigError(f"cannot accept {accept.code!r}: no such rule")


def _validate_option(one: Rule, name: str, value: Any) -> None:
    where = f"rules.{one.code}.{name}"
    if name == "enabled":
        fits = isinstance(value, bool)
    elif name == "severity":
        fits = value in {severity.word for severity in Severity}
    elif name == "hold":
        fits = _is_duration(value)
    elif name in one.options:
        fits = type(value) is type(one.options[name])
    else:
        raise ConfigError(f"cannot use {where}: there is no such option")
    if not fits:
        raise ConfigError(f"cannot use {where}: {value!r} does not fit")


def _is_duration(value: Any) -> bool:
    try:
        Duration.of(value)
    except ValueError:
        return False
    return True


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
    words = {"subject": raised.subject.partition(":")[2] or raised.subject, **raised.facts}
    return Finding(
        code=one.code,
        severity=one.severity if raised.severity is None else raised.severity,
        subject=raised.subject,
        title=_render(one.title, words),
        detail=_render(one.detail, words),
        remedy=_render(one.remedy, words),
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


class _Words(string.Formatter):
    """Fills templates with values as a person writes them; `{keys:count setting}` counts."""

    def format_field(self, value: Any, spec: str) -> str:
        if spec.startswith("count "):
            noun = spec.removeprefix("count ")
            return f"{len(value)} {noun}" if len(value) == 1 else f"{len(value)} {noun}s"
        return wording(value) if not spec else str(super().format_field(value, spec))


def _render(template: str, words: Mapping[str, Any]) -> str:
    return _Words().vformat(template, (), words)


def wording(value: Any) -> str:
    """A value in plain words: true, nothing, a, b and c."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M} UTC"
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {wording(inner)}" for key, inner in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(wording(inner) for inner in value) or "nothing"
    return str(value)
