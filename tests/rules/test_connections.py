"""Addresses that the agent cannot use or others can read, and tags that it does not take."""

from __future__ import annotations

from typing import Any

import pytest
from about_files import denied, only, raised

from mdeinspect.model import Severity
from support import MANAGED, HostFolder, found, unknown

PROXY = "cloudService.proxy"
MIRROR = "antivirusEngine.offlineDefinitionUpdateUrl"
TAGS = "edr.tags"
GROUP = {"key": "GROUP", "value": "servers"}


@pytest.mark.parametrize("code", ["unusable-proxy", "password-in-policy", "unusable-tag"])
def test_a_file_that_may_not_be_read_leaves_the_rules_unsure(host: HostFolder, code: str) -> None:
    """Not knowing is neither a finding nor a pass."""
    report = denied(host.file(MANAGED, only(PROXY, "proxy")), "mdatp_managed")
    assert raised(report) == set()
    assert code in unknown(report)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("proxy.example.net:3128", "no scheme"),
        ("10.0.0.1", "no scheme"),
        ("socks5://proxy.example.net:1080", "a scheme that is not http"),
        ("http://", "no host, or more than a host and a port"),
        ("http://:3128", "no host, or more than a host and a port"),
        ("http://proxy.example.net:3128/path", "no host, or more than a host and a port"),
        ("http://proxy example", "no host, or more than a host and a port"),
        ("http://proxy.example.net:port/", "a port that is no number"),
        ("http://proxy.example.net:", "a port that is no number"),
    ],
)
def test_what_is_no_address_of_a_proxy_is_low(host: HostFolder, value: str, reason: str) -> None:
    """With the reason, and without the address."""
    report = host.file(MANAGED, only(PROXY, value)).report()
    assert raised(report) == {("unusable-proxy", f"key:{PROXY}")}
    (finding,) = found(report, "unusable-proxy")
    assert (finding.severity, finding.facts["reason"]) == (Severity.LOW, reason)
    assert "example" not in repr(finding)


@pytest.mark.parametrize(
    "value",
    [
        *("http://proxy.example.net:3128/", "http://proxy", "HTTPS://10.0.0.1:8080", 7, None),
        *("http://[2001:db8::1]:3128", " http://proxy.example.net:3128 "),
    ],
)
def test_an_address_of_a_proxy_is_fine(host: HostFolder, value: Any) -> None:
    """What is no text at all has another rule."""
    report = host.file(MANAGED, only(PROXY, value)).report()
    assert found(report, "unusable-proxy") == []


@pytest.mark.parametrize("key", [PROXY, MIRROR])
@pytest.mark.parametrize("value", ["http://bob:hunter2@proxy.example.net:80", "http://bob:@proxy"])
def test_a_password_is_told_and_never_shown(host: HostFolder, key: str, value: str) -> None:
    """Medium, in any address; the address is otherwise fine."""
    report = host.file(MANAGED, only(key, value)).report()
    assert raised(report) == {("password-in-policy", f"key:{key}")}
    (finding,) = found(report, "password-in-policy")
    assert finding.severity is Severity.MEDIUM
    assert "hunter2" not in repr(finding)


@pytest.mark.parametrize(
    "value",
    ["http://proxy.example.net:80/a@b", "http://bob@proxy.example.net", "http://a:80/x:y@b"],
)
def test_an_address_without_a_password_holds_none(host: HostFolder, value: str) -> None:
    """A port is none, and neither is a name alone."""
    report = host.file(MANAGED, only(MIRROR, value)).report()
    assert found(report, "password-in-policy") == []


def test_a_password_in_a_template_is_none(host: HostFolder) -> None:
    """What will stand there is not known; that it was not rendered is another finding."""
    report = host.file(MANAGED, only(PROXY, "http://{{ user }}:{{ pass }}@proxy:80")).report()
    assert raised(report) == {("unrendered-template", f"key:{PROXY}")}


@pytest.mark.parametrize(
    ("tags", "items"),
    [
        ([GROUP, {"key": "GROUP", "value": "web"}], {"more"}),
        ([GROUP, GROUP, GROUP], {"more"}),
        ([{"value": "web"}], {"no-key"}),
        ([{"key": "GROUP"}], {"no-value"}),
        ([{"key": "GROUP", "value": ""}], {"no-value"}),
        ([{}], {"no-key", "no-value"}),
    ],
)
def test_tags_that_the_agent_does_not_take_are_medium(
    host: HostFolder, tags: Any, items: set[str]
) -> None:
    """One finding for each reason."""
    report = host.file(MANAGED, only(TAGS, tags)).report()
    assert raised(report) == {("unusable-tag", f"key:{TAGS}#{item}") for item in items}
    assert {one.severity for one in found(report, "unusable-tag")} == {Severity.MEDIUM}


@pytest.mark.parametrize("tags", [[], [GROUP], {}, "x", [7]])
def test_one_tag_or_none_is_fine(host: HostFolder, tags: Any) -> None:
    """What is no list of objects has another rule."""
    report = host.file(MANAGED, only(TAGS, tags)).report()
    assert found(report, "unusable-tag") == []
