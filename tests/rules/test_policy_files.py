"""Policy files that cannot be used, and those that cannot even be read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from about_files import DENIED, denied, raised
from clean_policies import linux, mac

from mdeinspect.inspect import MOST
from mdeinspect.model import Severity
from support import ATTACH, LOCAL, MAC_MANAGED, MANAGED, HostFolder, found, unknown

BROKEN = {
    "a comment": ("// to be filled\n", "empty", 1, 1),
    "nothing": ("", "empty", None, None),
    "a missing comma": ('{\n "a": {}\n "b": {}\n}', "malformed", 3, 2),
    "a template": ('{"cloudService": {"enabled": {{ on }}}}', "malformed", 1, 30),
    "a list": ("[]", "malformed", 1, 1),
    "an escaped dollar": ('{"edr":\n {"\\$type": 1}}', "malformed", 2, 4),
    "depth": ("[" * 5000, "too-deep", 1, 201),
    "size": ('{"a": "' + "x" * 4_200_000 + '"}', "too-large", None, None),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_file_that_is_no_policy_is_told_with_place_and_reason(
    host: HostFolder, name: str
) -> None:
    """Whatever is wrong with it: kind, reason, and line and column where there are any."""
    content, kind, line, column = BROKEN[name]
    (finding,) = found(host.file(MANAGED, content).report(), "policy-malformed")
    assert finding.subject == f"file:{MANAGED}"
    assert finding.severity is Severity.MEDIUM
    assert finding.facts["kind"] == kind
    assert finding.facts["channel"] == "managed_file"
    assert (finding.line, finding.column) == (line, column)
    assert finding.facts["reason"].startswith("cannot ")


def test_every_channel_is_looked_at_whether_it_governs_or_not(host: HostFolder) -> None:
    """A shadowed file, and the local one, count as much as the one that governs."""
    host.file(ATTACH, {}).file(MANAGED, "{").file(LOCAL, "}").health(managedBy="MDE")
    findings = found(host.report(), "policy-malformed")
    assert {one.subject for one in findings} == {f"file:{MANAGED}", f"file:{LOCAL}"}
    assert {one.severity for one in findings} == {Severity.MEDIUM}


def test_a_profile_that_is_json_is_no_profile(mac: HostFolder) -> None:
    """What stands in Managed Preferences must be a property list."""
    (finding,) = found(mac.file(MAC_MANAGED, "{}").report(), "policy-malformed")
    assert finding.subject == f"file:{MAC_MANAGED}"


def test_the_profile_of_one_user_is_named_by_its_own_path(mac: HostFolder) -> None:
    """Each user's profile is a file of its own."""
    path = "/Library/Managed Preferences/alice/com.microsoft.wdav.plist"
    assert raised(mac.file(path, "<plist>").report()) == {("policy-malformed", f"file:{path}")}


@pytest.mark.parametrize("content", ["{}", "\ufeff{}\n"])
def test_a_policy_that_sets_nothing_is_fine(host: HostFolder, content: str) -> None:
    """An attached host without policy has just that."""
    assert raised(host.file(MANAGED, content).report()) == set()


def test_a_host_without_policy_files_is_fine(host: HostFolder, mac: HostFolder) -> None:
    """What is not there is not broken."""
    assert raised(host.report()) == raised(mac.report()) == set()


def test_a_folder_in_place_of_the_file_is_told(host: HostFolder) -> None:
    """Not a regular file: never opened, and a finding."""
    host.file(f"{MANAGED}/inside", "")
    (finding,) = found(host.report(), "policy-unreadable")
    assert (finding.subject, finding.facts["kind"]) == (f"file:{MANAGED}", "not-regular")
    assert found(host.report(), "policy-malformed") == []


def test_a_fifo_in_place_of_the_file_is_told(host: HostFolder, tmp_path: Path) -> None:
    """It is never opened: this would hang otherwise."""
    place = host.root / MANAGED.lstrip("/")
    place.parent.mkdir(parents=True)
    os.mkfifo(place)
    assert raised(host.report()) == {("policy-unreadable", f"file:{MANAGED}")}


@pytest.mark.parametrize(
    ("target", "kind"), [("/nowhere", "dangling-link"), (MANAGED, "link-loop")]
)
def test_a_link_to_nothing_is_told_by_the_path_of_the_link(
    host: HostFolder, target: str, kind: str
) -> None:
    """The file system tells nothing of such a file, and the finding names it all the same."""
    (finding,) = found(host.link(MANAGED, target).report(), "policy-unreadable")
    assert (finding.subject, finding.facts["kind"]) == (f"file:{MANAGED}", kind)
    assert finding.severity is Severity.MEDIUM


@pytest.mark.parametrize("target", ["/mnt/not/mounted", "managed"])
def test_a_folder_that_leads_nowhere_is_no_sign_of_the_portal(
    host: HostFolder, target: str
) -> None:
    """Whatever would be in it is not known, the file of MDE Attach least of all."""
    folder, name = MANAGED.rpartition("/")[0], f"file:{MANAGED}"
    report = host.link(folder, target).report()
    assert (report.authority.channel, report.authority.shadowed) == ("unknown", ())
    assert not any(ATTACH in sign for sign in report.authority.signs)
    assert name in {one.subject for one in found(report, "policy-unreadable")}


def test_a_link_to_a_policy_is_fine(host: HostFolder) -> None:
    """Configuration tools link files; the agent follows."""
    host.file("/srv/policy.json", linux()).link(MANAGED, "/srv/policy.json")
    assert raised(host.report()) == set()


def test_what_is_denied_to_the_inspector_is_unknown_and_no_finding(host: HostFolder) -> None:
    """Permissions of the inspector say nothing about the host."""
    report = denied(host.file(MANAGED, linux()), "mdatp_managed")
    assert raised(report) == set()
    because = {one.code: one.because for one in report.unknown}
    assert because["policy-malformed"] == because["policy-unreadable"] == DENIED


def test_what_is_broken_is_unknown_to_the_rules_about_its_content(host: HostFolder) -> None:
    """Nobody can tell what such a file was meant to say."""
    codes = unknown(host.file(MANAGED, "{").report())
    assert {"unknown-key", "wrong-type", "broad-exclusion", "duplicate-key"} <= set(codes)
    assert "policy-malformed" not in codes


def test_more_users_with_policy_than_are_read_are_told(mac: HostFolder) -> None:
    """One finding, by the pattern: nobody takes those that were not read for looked at."""
    folder, _, name = MAC_MANAGED.rpartition("/")
    for number in range(MOST + 2):
        mac.file(f"{folder}/user{number}/{name}", b"<plist><dict/></plist>")
    (finding,) = found(mac.report(), "policy-unreadable")
    assert finding.subject == f"file:{folder}/*/{name}"
    assert finding.facts["kind"] == "too-many"


def test_a_clean_profile_of_either_platform_is_fine(host: HostFolder, mac: HostFolder) -> None:
    """The recommended settings, as documented, raise nothing of this kind."""
    assert raised(host.file(MANAGED, linux()).report()) == set()
    assert raised(mac_host(mac).report()) == set()


def mac_host(host: HostFolder) -> HostFolder:
    """A Mac with the clean profile."""
    return host.file(MAC_MANAGED, mac())


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b'\xef\xbb\xbf{"edr": {}}', "byte order mark"),
        (b'{"edr": {"groupIds": NaN}}', "NaN"),
        (b'{"edr": {"groupIds": 123456789012345678901234567890}}', "19 digits"),
    ],
)
def test_what_readers_may_disagree_on_is_told_once(
    host: HostFolder, content: bytes, words: str
) -> None:
    """A file that another reader may refuse is a low finding, whatever else stands in it."""
    (finding,) = found(host.file(MANAGED, content).health().report(), "odd-policy-file")
    assert finding.severity is Severity.LOW
    assert words in finding.detail


def test_a_profile_without_settings_is_odd_and_a_full_one_is_not(mac: HostFolder) -> None:
    """An empty payload is told; a plain plist is not."""
    empty = {"PayloadType": "Configuration", "PayloadContent": []}
    assert found(mac.file(MAC_MANAGED, empty).health().report(), "odd-policy-file")
    assert not found(mac.file(MAC_MANAGED, {"edr": {}}).report(), "odd-policy-file")
    assert not found(mac.file(MAC_MANAGED, b"noise").report(), "odd-policy-file")
