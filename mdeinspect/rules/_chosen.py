"""What the configuration may choose for a rule, and for which subjects: checked, and asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from mdeinspect.config.model import Config, Duration
from mdeinspect.errors import ConfigError
from mdeinspect.model import Severity

if TYPE_CHECKING:
    from mdeinspect.rules import Rule

ONLY, EXCEPT = "only", "except"  # subjects for which a rule counts, or does not
WHOLE = ("host", "agent")  # subjects that are one word
KINDS = ("channel:", "file:", "key:")  # those that name something
WILD = "*?["


def validate(config: Config, known: Mapping[str, Rule]) -> None:
    """Raise `ConfigError` when a rule, an option or a subject is named that cannot be."""
    for code, chosen in config.rules.items():
        one = known.get(code)
        if one is None:
            raise ConfigError(f"cannot use rules.{code}: no such rule; see `mdeinspect rules`")
        for name, value in chosen.items():
            _option(one, name, value)
    for accept in config.accept:
        if accept.code not in known:
            raise ConfigError(f"cannot accept {accept.code!r}: no such rule")
        if not can_match(accept.subject):
            raise ConfigError(f"cannot accept {accept.code}: {_no_subject(accept.subject)}")


def in_scope(chosen: Mapping[str, Any], subject: str) -> bool:
    """Whether a rule counts for `subject`: among `only`, where given, and not among `except`."""
    if any(matches(glob, subject) for glob in chosen.get(EXCEPT, ())):
        return False
    only = chosen.get(ONLY)
    return only is None or any(matches(glob, subject) for glob in only)


def matches(glob: str, subject: str) -> bool:
    """Whether a subject is named, by a pattern or word for word, brackets and all."""
    return glob == subject or fnmatchcase(subject, glob)


def can_match(glob: str) -> bool:
    """Whether there could be a subject that this pattern names."""
    cut = min((glob.find(sign) for sign in WILD if sign in glob), default=len(glob))
    start = glob[:cut]
    if start.startswith(KINDS):
        return True
    if cut == len(glob):
        return start in WHOLE
    return any(word.startswith(start) for word in (*WHOLE, *KINDS))


def days(
    config: Config, known: Mapping[str, Rule], code: str, option: str = "days"
) -> timedelta | None:
    """An option of a rule, in days, a century at most; None where there is no such rule."""
    one = known.get(code)
    value = config.rules.get(code, {}).get(option, one.options[option] if one else None)
    return None if value is None else timedelta(days=min(value, 36_500))


def _option(one: Rule, name: str, value: Any) -> None:
    where = f"rules.{one.code}.{name}"
    if name == "enabled":
        fits = isinstance(value, bool)
    elif name == "severity":
        fits = value in {severity.word for severity in Severity}
    elif name == "hold":
        fits = _is_duration(value)
    elif name in (ONLY, EXCEPT):
        _subjects(where, value)
        fits = True
    elif name in one.options:
        fits = type(value) is type(one.options[name])
    else:
        raise ConfigError(f"cannot use {where}: there is no such option")
    if not fits:
        raise ConfigError(f"cannot use {where}: {value!r} does not fit")


def _subjects(where: str, value: Any) -> None:
    if not isinstance(value, Sequence) or isinstance(value, str) or not value:
        raise ConfigError(f'cannot use {where}: write a list of subjects, such as ["key:edr.*"]')
    for glob in value:
        if not isinstance(glob, str) or not can_match(glob):
            raise ConfigError(f"cannot use {where}: {_no_subject(glob)}")


def _no_subject(glob: object) -> str:
    return (
        f"no finding is about {glob!r}; subjects are host, agent, channel:<name>, file:<path> "
        "and key:<dotted path>[#item], with * and ? for any text"
    )


def _is_duration(value: Any) -> bool:
    try:
        Duration.of(value)
    except ValueError:
        return False
    return True
