"""Enrolment codes of the portal, and what `explain` says of them."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner, Result

from mdeinspect.catalogue import enrolment
from mdeinspect.cli import cli


def explain(*args: str) -> Result:
    """The program on one topic."""
    return CliRunner().invoke(cli, ["explain", *args])


def test_every_documented_code_is_there() -> None:
    """Those of Microsoft's page for Windows, those that only its analyzer tells, and one more."""
    assert enrolment.codes() == (*range(1, 45), 46)


@pytest.mark.parametrize("code", enrolment.codes())
def test_every_code_says_what_to_do_and_how_sure_that_is(code: int) -> None:
    """None is called certain: nothing is documented for these platforms."""
    one = enrolment.find(code)
    assert one is not None
    assert one.code == code
    assert one.grade in ("ONE SOURCE", "ASSUMED")
    assert one.means.endswith(".")
    assert one.remedy.endswith(".")
    shown = explain(f"enrolment-{code}")
    assert shown.exit_code == 0
    assert one.means.split()[0] in shown.output
    assert "How sure that is" in shown.output


@pytest.mark.parametrize(
    ("code", "status"), [(1, "Success"), (43, "Success"), (23, "Unknown"), (15, "Error")]
)
def test_the_status_of_the_interface_comes_with_it(code: int, status: str) -> None:
    """As one source maps them."""
    assert json.loads(explain(f"enrolment-{code}", "--json").output)["status"] == status


def test_what_matters_of_a_code_can_be_read() -> None:
    """The tenant mismatch, with the rule that looks for one."""
    output = explain("enrolment-15").output
    assert "tenant" in output
    assert "tenant-mismatch" in output
    assert "assumed" in output


@pytest.mark.parametrize("topic", ["enrolment-45", "enrolment-0", "enrolment-99999"])
def test_a_code_that_no_source_has_is_said_to_be_unknown(topic: str) -> None:
    """Nothing is guessed."""
    result = explain(topic)
    assert result.exit_code == 2
    assert "no public source" in result.output


@pytest.mark.parametrize("topic", ["enrolment-", "enrolment-x", "enrolment--1", "enrolment-1e3"])
def test_what_is_no_number_is_told_so(topic: str) -> None:
    """With an example."""
    result = explain(topic)
    assert result.exit_code == 2
    assert "enrolment-15" in result.output


def test_all_of_them_can_be_listed() -> None:
    """A line each; help says how to get there."""
    assert len(explain("enrolment").output.splitlines()) == len(enrolment.codes())
    assert "enrolment-15" in explain("--help").output
