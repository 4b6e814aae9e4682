"""Templates that nobody rendered, words of examples, and settings of nothing."""

from __future__ import annotations

from typing import Any

import pytest
from about_files import denied, only, raised, set_at
from clean_policies import linux

from mdeinspect.model import Severity
from support import ATTACH, LOCAL, MAC_MANAGED, MANAGED, HostFolder, found, unknown

EXCLUSIONS = "antivirusEngine.exclusions"
LEVEL = "antivirusEngine.enforcementLevel"


@pytest.mark.parametrize("code", ["unrendered-template", "example-left-over", "empty-setting"])
def test_a_file_that_may_not_be_read_leaves_the_rules_unsure(host: HostFolder, code: str) -> None:
    """Not knowing is neither a finding nor a pass."""
    report = denied(host.file(MANAGED, set_at(linux(), LEVEL, "{{ level }}")), "mdatp_managed")
    assert raised(report) == set()
    assert code in unknown(report)


# --- templates ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "engine"),
    [
        ("{{ mde_level }}", "Jinja or Go"),
        ("{{ .Values.level }}", "Jinja or Go"),
        ("{{level}}", "Jinja or Go"),
        ("{% if x %}passive{% endif %}", "Jinja"),
        ("<%= @level %>", "ERB"),
        ("${level}", "a shell or Terraform"),
        ("#{Level}", "Ruby or a release pipeline"),
    ],
)
def test_a_marker_in_a_value_is_told_once_and_as_what_it_is(
    host: HostFolder, value: str, engine: str
) -> None:
    """Medium; that the value is not allowed goes without saying."""
    report = host.file(MANAGED, only(LEVEL, value)).report()
    assert raised(report) == {("unrendered-template", f"key:{LEVEL}")}
    (finding,) = found(report, "unrendered-template")
    assert (finding.severity, finding.facts["engine"]) == (Severity.MEDIUM, engine)
    assert finding.line is not None


def test_a_marker_in_a_key_is_told_once(host: HostFolder) -> None:
    """Neither as an unknown key."""
    report = host.file(MANAGED, {"edr": {"{{ key }}": "x"}}).report()
    assert raised(report) == {("unrendered-template", "key:edr.{{ key }}")}


@pytest.mark.parametrize("key", ["\\$type", ""], ids=["escaped", "expanded"])
def test_what_a_shell_made_of_type_is_told_once(host: HostFolder, key: str) -> None:
    """Neither as an unknown key nor as an entry without its type."""
    entry = {key: "excludedPath", "path": "/srv/a"}
    report = host.file(MANAGED, only(EXCLUSIONS, [entry, entry])).report()
    name = key or '""'
    assert raised(report) == {("unrendered-template", f"key:{EXCLUSIONS}.{name}")}
    (finding,) = found(report, "unrendered-template")
    assert finding.facts["engine"] == "a shell"


@pytest.mark.parametrize(
    "value", ["{", "}}", "{{", "$HOME", "100%", "<EXAMPLE>", "{a}", "a # b", "%}{%"]
)
def test_signs_that_are_no_marker_are_none(host: HostFolder, value: str) -> None:
    """A marker has two ends, in their order."""
    report = host.file(MANAGED, only("edr.groupIds", value)).report()
    assert found(report, "unrendered-template") == []


def test_a_marker_that_an_mdm_should_have_filled_in_is_one_on_a_host(mac: HostFolder) -> None:
    """Before it is deployed it is as it should be, which only lint can see."""
    mac.file(MAC_MANAGED, only("edr.groupIds", "{{serialnumber}}"))
    assert raised(mac.report()) == {("unrendered-template", "key:edr.groupIds")}


def test_a_shadowed_template_is_low(host: HostFolder) -> None:
    """It does no harm as long as MDE Attach governs."""
    host.file(ATTACH, {}).file(MANAGED, only(LEVEL, "{{ x }}")).health(managedBy="MDE")
    (finding,) = found(host.report(), "unrendered-template")
    assert finding.severity is Severity.LOW


# --- examples -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "value", "severity"),
    [
        ("cloudService.proxy", "<EXAMPLE DO NOT USE> http://proxy.server:port/", Severity.MEDIUM),
        ("cloudService.proxy", "http://proxy.server:port/", Severity.MEDIUM),
        ("edr.groupIds", "GroupIdExample", Severity.LOW),
    ],
)
def test_the_words_of_an_example_are_told_once(
    host: HostFolder, key: str, value: str, severity: Severity
) -> None:
    """Medium where it is an address that the agent would try to reach."""
    report = host.file(MANAGED, only(key, value)).report()
    assert raised(report) == {("example-left-over", f"key:{key}")}
    assert found(report, "example-left-over")[0].severity is severity


def test_an_exclusion_of_an_example_is_told_by_its_name(host: HostFolder) -> None:
    """Each of them, so that each can be found."""
    value = "/home/*/git<EXAMPLE DO NOT USE>"
    entry = {"$type": "excludedPath", "path": value, "isDirectory": True}
    report = host.file(MANAGED, only(EXCLUSIONS, [entry])).report()
    assert raised(report) == {("example-left-over", f"key:{EXCLUSIONS}#excludedPath:{value}")}


@pytest.mark.parametrize("value", ["Example Inc. servers", "servers", "do not use", "Group"])
def test_words_that_only_resemble_an_example_are_fine(host: HostFolder, value: str) -> None:
    """The marks of Microsoft's samples, and nothing else."""
    assert raised(host.file(MANAGED, only("edr.groupIds", value)).report()) == set()


# --- nothing ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "key", ["cloudService.proxy", "antivirusEngine.offlineDefinitionUpdateUrl"]
)
def test_an_address_of_nothing_is_told(host: HostFolder, key: str) -> None:
    """Info: often a variable was empty."""
    report = host.file(MANAGED, only(key, "")).report()
    assert raised(report) == {("empty-setting", f"key:{key}")}
    assert found(report, "empty-setting")[0].severity is Severity.INFO


@pytest.mark.parametrize(
    "policy",
    [only("edr.groupIds", ""), only("cloudService.proxy", "http://proxy.example.net:3128/"), {}],
)
def test_nothing_where_nothing_is_the_default_is_fine(
    host: HostFolder, policy: dict[str, Any]
) -> None:
    """And so is a value, or no key at all."""
    assert raised(host.file(MANAGED, policy).report()) == set()


def test_what_the_agent_wrote_itself_is_its_own_affair(host: HostFolder) -> None:
    """No template makes the local file."""
    host.file(LOCAL, set_at(only("cloudService.proxy", ""), "edr.groupIds", "${x}"))
    assert raised(host.report()) == set()
