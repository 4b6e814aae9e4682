"""What the configuration may choose for a rule: on or off, graded, scoped, accepted."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from engine_support import Machine, words

from mdeinspect import rules
from mdeinspect.config.load import parse
from mdeinspect.config.model import Accept, Config
from mdeinspect.errors import ConfigError
from mdeinspect.model import Report, Severity
from mdeinspect.rules import _chosen
from support import DAY, HOUR, MANAGED, MINUTE, NOW, HostFolder, codes, found, unknown

CODE = "broad-exclusion"
LIST = "key:antivirusEngine.exclusions#excludedPath:"
TMP, HOME, ODD = f"{LIST}/tmp", f"{LIST}/home", f"{LIST}/[x]/../home"


@pytest.fixture
def broad(host: HostFolder) -> HostFolder:
    """A host with three exclusions that are too broad."""
    entries = [
        {"$type": "excludedPath", "path": path, "isDirectory": True}
        for path in ("/tmp", "/home", "/[x]/../home")
    ]
    return host.health().file(MANAGED, {"antivirusEngine": {"exclusions": entries}})


def subjects(report: Report) -> set[str]:
    """What is found too broad."""
    return {one.subject for one in found(report, CODE)}


def choosing(**chosen: Any) -> Config:
    """A configuration of that one rule, as it is read from a file."""
    config = parse([{"rules": {CODE: chosen}}])
    rules.validate(config)
    return config


# --- scope --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("chosen", "left"),
    [
        ({}, {TMP, HOME, ODD}),
        ({"only": [TMP]}, {TMP}),
        ({"only": [f"{LIST}/h*", f"{LIST}/t*"]}, {TMP, HOME}),
        ({"except": [f"{LIST}/h*"]}, {TMP, ODD}),
        ({"only": ["key:*"], "except": ["*tmp"]}, {HOME, ODD}),
        ({"only": ["host"]}, set()),
        ({"except": ["*"]}, set()),
        ({"only": [ODD]}, {ODD}),
        ({"enabled": False, "only": [TMP]}, set()),
    ],
)
def test_a_rule_counts_for_the_subjects_that_are_chosen(
    broad: HostFolder, chosen: dict[str, Any], left: set[str]
) -> None:
    """`except` outweighs `only`; a subject is also named word for word, brackets and all."""
    assert subjects(broad.report(choosing(**chosen))) == left


def test_what_a_rule_cannot_tell_is_not_scoped_away(broad: HostFolder) -> None:
    """Unknown has no subject."""
    told = broad.file(MANAGED, "{").report(choosing(only=["key:nothing.like.that"]))
    assert CODE in unknown(told)


def test_a_scope_that_is_set_later_clears_what_was_raised() -> None:
    """As a rule that is switched off, and only for what it leaves out."""
    machine = Machine()
    entries = [{"$type": "excludedPath", "path": p, "isDirectory": True} for p in ("/tmp", "/home")]
    machine.put("mdatp_managed", {"antivirusEngine": {"exclusions": entries}}, age=DAY).step()
    machine.config = choosing(**{"except": [TMP]})
    assert words(machine.later(HOUR).ask().step()) == [f"finding.cleared {CODE} {TMP} rule-off"]
    machine.config = choosing()
    assert words(machine.later(HOUR).ask().step()) == [f"finding.raised {CODE} {TMP}"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("only", "host"),
        ("only", []),
        ("only", [7]),
        ("only", ["hosts"]),
        ("only", ["host:x"]),
        ("except", [""]),
        ("except", ["keys:*"]),
        ("except", ["Key:*"]),
        ("except", {"host": True}),
        ("excepts", ["host"]),
    ],
)
def test_a_scope_that_no_subject_fits_is_an_error(name: str, value: Any) -> None:
    """It would be silent for ever: the message names the option."""
    with pytest.raises(ConfigError, match=rf"^cannot use rules.{CODE}.{name}"):
        choosing(**{name: value})


@pytest.mark.parametrize(
    "glob",
    ["*", "h*", "?ost", "host", "agent", "a[g]ent", "key:*", "file:/etc/*", "k*", "channel:*"],
)
def test_every_pattern_that_some_subject_fits_is_taken(glob: str) -> None:
    """Also one that begins with any text."""
    assert _chosen.can_match(glob)


# --- grades -------------------------------------------------------------------------------------


def test_a_grade_of_the_configuration_replaces_every_grade_of_the_rule(broad: HostFolder) -> None:
    """Whatever the rule itself thinks of one finding."""
    told = broad.report(choosing(severity="info"))
    assert {one.severity for one in found(told, CODE)} == {Severity.INFO}
    assert len(subjects(told)) == 3


# --- accepted -----------------------------------------------------------------------------------


def accepting(subject: str = TMP, until: Any = None, code: str = CODE) -> Config:
    """A configuration that lives with a finding."""
    config = parse([{"accept": [{"code": code, "subject": subject, "reason": "ticket 7"}]}])
    rules.validate(config)
    (one,) = config.accept
    return Config(accept=(Accept(one.code, one.subject, one.reason, until),))


def test_an_accepted_finding_is_listed_with_its_reason(broad: HostFolder) -> None:
    """And the others of the same code count as before."""
    told = broad.report(accepting())
    accepted = {one.subject: one.accepted for one in found(told, CODE)}
    assert accepted == {TMP: "ticket 7", HOME: None, ODD: None}
    assert codes(told) == [CODE] * 3


def test_a_subject_may_be_named_word_for_word(broad: HostFolder) -> None:
    """With the brackets that it has."""
    told = broad.report(accepting(ODD))
    assert [one.subject for one in found(told, CODE) if one.accepted] == [ODD]


@pytest.mark.parametrize("subject", ["hosts", "host:*", "", "exclusions", "keys:*"])
def test_a_subject_that_nothing_has_is_an_error(subject: str) -> None:
    """Else a typing mistake would leave a finding to be told for ever."""
    with pytest.raises(ConfigError, match=f"^cannot accept {CODE}: no finding is about"):
        accepting(subject)


def test_a_subject_that_no_finding_has_now_accepts_nothing(broad: HostFolder) -> None:
    """It is no error: the finding may come."""
    told = broad.report(accepting("key:edr.tags"))
    assert all(one.accepted is None for one in told.findings)


@pytest.mark.parametrize(
    ("now", "until", "accepted"),
    [
        (datetime(2026, 11, 22, tzinfo=UTC), date(2026, 11, 22), True),
        (datetime(2026, 11, 22, 23, 59, 59, tzinfo=UTC), date(2026, 11, 22), True),
        (datetime(2026, 11, 23, tzinfo=UTC), date(2026, 11, 22), False),
        (NOW, NOW, True),
        (NOW + timedelta(seconds=1), NOW, False),
        (NOW, None, True),
    ],
)
def test_a_day_counts_to_its_end_by_the_clock_of_the_host(
    broad: HostFolder, now: datetime, until: Any, accepted: bool
) -> None:
    """Of a recorded host by the clock of the record, in UTC, whatever the time is here."""
    broad.about(now=now.isoformat())
    told = broad.report(accepting(until=until))
    assert bool([one for one in told.findings if one.accepted]) is accepted


def test_the_service_raises_it_again_at_the_end_of_the_day() -> None:
    """It wakes for that by itself, tells it once, and a restart in between loses nothing."""
    subject = "key:antivirusEngine.allowedThreats#a"
    machine = Machine(config=accepting(subject, date(2026, 11, 24), "allowed-threats"))
    machine.put("mdatp_managed", {"antivirusEngine": {"allowedThreats": ["a"]}}, age=DAY).step()
    assert machine.told == []
    for _ in range(200):
        due = machine.due()
        assert due is not None
        if due > datetime(2026, 11, 25, 1, tzinfo=UTC):
            break
        machine.later(due - machine.now).ask().restart().step()
    (event,) = [one for one in machine.told if one.code == "allowed-threats"]
    assert (event.type, event.time) == ("finding.raised", datetime(2026, 11, 25, tzinfo=UTC))
    machine.later(MINUTE).ask().step()
    assert len([one for one in machine.told if one.code == "allowed-threats"]) == 1
