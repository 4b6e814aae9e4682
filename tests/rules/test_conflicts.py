"""Two that say different things, and one that says nothing."""

from __future__ import annotations

from typing import Any

import pytest

from mdeinspect.model import Severity
from support import ATTACH, LOCAL, MAC_ATTACH, MAC_MANAGED, MANAGED, HostFolder, found, unknown

EXT = "/Library/Managed Preferences/com.microsoft.wdav.ext.plist"
USER = "/Library/Managed Preferences/ada/com.microsoft.wdav.plist"
ON = {"cloudService": {"enabled": True}}
OFF = {"cloudService": {"enabled": False}}
PROXY = {"cloudService": {"proxy": "http://proxy:3128"}}

# --- policy-conflict ----------------------------------------------------------------------------


@pytest.mark.parametrize("other", [EXT, USER])
def test_two_files_of_one_channel_that_disagree_are_low(mac: HostFolder, other: str) -> None:
    """One finding, naming files and keys, never the values."""
    mac.health(managedBy="MDM").file(MAC_MANAGED, ON).file(other, OFF)
    (finding,) = found(mac.report(), "policy-conflict")
    assert (finding.severity, finding.subject) == (Severity.LOW, "channel:mdm")
    assert finding.facts == {"files": [MAC_MANAGED, other], "keys": ["cloudService.enabled"]}


@pytest.mark.parametrize("other", [ON, PROXY, {}])
def test_two_files_that_agree_or_complete_each_other_are_fine(
    mac: HostFolder, other: dict[str, Any]
) -> None:
    mac.health(managedBy="MDM").file(MAC_MANAGED, ON).file(EXT, other)
    assert found(mac.report(), "policy-conflict") == []


def test_two_channels_of_which_either_may_govern_conflict(mac: HostFolder) -> None:
    """A profile and a policy of the portal, and no word of the agent."""
    mac.health().file(MAC_ATTACH, OFF).file(MAC_MANAGED, ON)
    report = mac.report()
    assert report.authority.channel == "unknown"
    (finding,) = found(report, "policy-conflict")
    assert finding.subject == "host"
    assert finding.facts["keys"] == ["cloudService.enabled"]


def test_where_it_is_known_who_governs_the_other_is_shadowed(host: HostFolder) -> None:
    """One cause, one finding."""
    host.health(managedBy="MDE").file(ATTACH, OFF).file(MANAGED, ON)
    report = host.report()
    assert found(report, "policy-conflict") == []
    assert len(found(report, "policy-shadowed")) == 1


def test_that_policy_differs_from_local_settings_is_what_it_is_for(host: HostFolder) -> None:
    assert found(host.health().file(MANAGED, ON).file(LOCAL, OFF).report(), "policy-conflict") == []


def test_a_file_that_cannot_be_read_may_disagree(mac: HostFolder) -> None:
    report = mac.health(managedBy="MDM").file(MAC_MANAGED, ON).file(EXT, "{").report()
    assert found(report, "policy-conflict") == []
    assert "policy-conflict" in unknown(report)


# --- empty-attach-file --------------------------------------------------------------------------


@pytest.mark.parametrize("platform", ["linux", "darwin"])
def test_an_empty_policy_of_the_portal_over_a_file_that_sets_something_is_low(
    host: HostFolder, mac: HostFolder, platform: str
) -> None:
    """The loss itself is medium, and told beside it."""
    one, attach, own = (
        (host, ATTACH, MANAGED) if platform == "linux" else (mac, MAC_ATTACH, MAC_MANAGED)
    )
    report = one.health(managedBy="MDE").file(attach, {}).file(own, ON).report()
    (finding,) = found(report, "empty-attach-file")
    assert (finding.severity, finding.subject) == (Severity.LOW, "channel:mde_attach")
    assert finding.facts == {"path": attach, "managed": [own]}
    assert len(found(report, "policy-shadowed")) == 1


@pytest.mark.parametrize(
    ("attach", "managed"), [(ON, OFF), ({}, {}), ({}, PROXY), ({}, None), (None, ON)]
)
def test_where_nothing_is_lost_to_nothing_all_is_well(
    host: HostFolder, attach: dict[str, Any] | None, managed: dict[str, Any] | None
) -> None:
    """A portal that has something to say, a file that has not, exceptions, no file of either."""
    host.health(managedBy="MDE")
    for path, content in ((ATTACH, attach), (MANAGED, managed)):
        if content is not None:
            host.file(path, content)
    assert found(host.report(), "empty-attach-file") == []


def test_a_policy_of_the_portal_that_cannot_be_read_may_hold_anything(host: HostFolder) -> None:
    report = host.health(managedBy="MDE").file(ATTACH, "{").file(MANAGED, ON).report()
    assert found(report, "empty-attach-file") == []
    assert "empty-attach-file" in unknown(report)
