"""No rule without its three hosts, its documentation and its remedy."""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Mapping
from pathlib import Path

import pytest
from cases import Case
from click.testing import CliRunner

from mdeinspect import rules
from mdeinspect.cli import cli
from mdeinspect.model import Severity
from mdeinspect.rules import Rule
from mdeinspect.views import rule_text, rules_page
from support import codes, unknown

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs" / "rules.md"
RULES = rules.load()
AT_LEAST_MEDIUM = """
    accidentally-global-exclusion agent-missing agent-not-onboarded agent-offboarded
    agent-too-old-for-mde-attach agent-unhealthy agent-unreachable allowed-threats broad-exclusion
    checkin-failing checkin-never checkin-stale definitions-old expectation-unmet
    left-over-attach-file not-enabled-at-boot not-enforced policy-malformed policy-removed
    policy-shadowed product-expired protection-not-set protection-off
""".split()  # noqa: SIM905 -- read as a text


def _collected() -> Mapping[str, Case]:
    found: dict[str, Case] = {}
    for path in sorted(HERE.glob("cases_*.py")):
        for code, case in importlib.import_module(path.stem).CASES.items():
            assert code not in found, f"{code} has its hosts twice"
            found[code] = case
    return found


CASES = _collected()


def test_every_rule_has_its_three_hosts() -> None:
    """And no hosts outlive their rule."""
    assert sorted(CASES) == sorted(RULES)


@pytest.mark.parametrize("code", sorted(CASES))
def test_the_host_that_raises_it_does(code: str, tmp_path: Path) -> None:
    """With a finding that is rendered whole."""
    report = CASES[code].raises(tmp_path)
    assert code in codes(report)
    for finding in report.findings:
        for text in (finding.title, finding.detail, finding.remedy):
            assert text.strip()
            assert "{" not in text


@pytest.mark.parametrize("code", sorted(CASES))
def test_the_host_close_by_does_not(code: str, tmp_path: Path) -> None:
    """Neither found nor unknown, on a host of which something was read."""
    report = CASES[code].silent(tmp_path)
    assert code not in codes(report)
    assert code not in unknown(report)
    assert any(reading.present for reading in report.sources.values())


@pytest.mark.parametrize("code", sorted(CASES))
def test_where_it_cannot_tell_it_says_so(code: str, tmp_path: Path) -> None:
    """Unknown, and why, in a sentence; a rule that can be unsure has such a host."""
    case, rule = CASES[code].unknown, RULES[code]
    if isinstance(case, str):
        assert len(case) > 20
        assert not rule.needs
        assert "Unsure(" not in inspect.getsource(rule.check)
        return
    report = case(tmp_path)
    assert code in unknown(report)
    assert code not in codes(report)
    for one in report.unknown:
        assert one.because.startswith("cannot ")


@pytest.mark.parametrize("rule", RULES.values(), ids=lambda rule: rule.code)
def test_every_rule_is_documented(rule: Rule) -> None:
    """What it means, why it matters, what to do, and what it asks: sentences that end."""
    for text in (rule.means, rule.matters, rule.detail):
        assert text.endswith((".", "}"))
        assert len(text) > 30
    assert len(rule_text.template(rule.remedy)) > 10
    assert (rule.check.__doc__ or "").strip()
    assert rules.families()[rule.family].endswith(("?", "."))
    for name in rule.options:
        assert f"`{name}`" in rule.means, f"{rule.code} does not say what {name} is for"


@pytest.mark.parametrize("code", sorted(RULES))
def test_explain_tells_the_same_of_a_rule(code: str) -> None:
    """What, why, what to do and every option, without the signs of a template."""
    page = rule_text.page(RULES[code])
    words = " ".join(page.split())
    for text in (RULES[code].means, RULES[code].matters, rule_text.template(RULES[code].remedy)):
        assert " ".join(text.split()) in words
    for name in RULES[code].options:
        assert f"rules.{code}.{name} = " in page
    assert "{" not in page


@pytest.mark.parametrize("rule", RULES.values(), ids=lambda rule: rule.code)
def test_no_text_of_a_rule_is_swallowed_by_markdown(rule: Rule) -> None:
    """What looks like a tag or an escape stands in backticks; prose has no blanks to fill."""
    for text in (rule.means, rule.matters, rule.title, rule.detail, rule.remedy):
        assert not re.search(r"<[A-Za-z/!?%]|\\", re.sub("`[^`]*`", "", text))
    assert "{" not in rule.means + rule.matters


@pytest.mark.parametrize("code", AT_LEAST_MEDIUM)
def test_what_is_promised_to_be_medium_is(code: str) -> None:
    """By the public contract; single findings of some may be graded lower, with a reason."""
    assert RULES[code].severity >= Severity.MEDIUM


def test_the_page_of_rules_is_made_from_the_code() -> None:
    """`make docs` writes it, by a command that prints the same."""
    printed = CliRunner().invoke(cli, ["rules", "--markdown"])
    assert (printed.exit_code, printed.output) == (0, PAGE.read_text(encoding="utf-8"))
    assert PAGE.read_text(encoding="utf-8") == rules_page.page(RULES, rules.families())
