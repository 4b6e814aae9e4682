"""Who may write the files that carry policy, and where do they lie?"""

from __future__ import annotations

import json
import os
from typing import Any

import pytest
from about_files import denied

from mdeinspect.model import Severity
from support import ATTACH, LOCAL, MAC_MANAGED, MANAGED, HostFolder, found, unknown

CODES = frozenset(
    {"policy-file-writable", "policy-folder-writable", "policy-file-linked", "policy-file-remote"}
)
FOLDER = MANAGED.rpartition("/")[0]
POLICY = {"cloudService": {"enabled": True}}
INFO, LOW, MEDIUM, HIGH = Severity.INFO, Severity.LOW, Severity.MEDIUM, Severity.HIGH


def told(host: HostFolder, **facts: dict[str, Any]) -> HostFolder:
    """Owners and modes of paths, as host.json gives them."""
    known = json.loads((host.root / "host.json").read_text()).get("files", {})
    return host.about(files={**known, **facts})


def raised(host: HostFolder) -> list[tuple[str, str, Severity]]:
    return sorted(
        (one.code, one.subject, one.severity) for one in host.report().findings if one.code in CODES
    )


# --- policy-file-writable -----------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["0600", "0644", "0755", "0640", "0400"])
def test_the_modes_that_people_use_are_fine(host: HostFolder, mode: str) -> None:
    told(host.health().file(MANAGED, POLICY), **{MANAGED: {"uid": 0, "gid": 0, "mode": mode}})
    assert raised(host) == []


@pytest.mark.parametrize(
    ("facts", "by", "severity"),
    [
        ({"uid": 0, "gid": 0, "mode": "0666"}, ["everybody"], HIGH),
        ({"uid": 0, "gid": 0, "mode": "0777"}, ["everybody"], HIGH),
        ({"uid": 0, "gid": 1001, "mode": "0664"}, ["group 1001"], MEDIUM),
        ({"uid": 0, "gid": 100, "mode": "0664"}, ["group 100"], MEDIUM),  # users
        ({"uid": 0, "gid": 998, "mode": "0664"}, ["group 998"], LOW),  # of some service
        ({"uid": 998, "gid": 0, "mode": "0644"}, ["user 998"], LOW),
        ({"uid": 65534, "gid": 0, "mode": "0644"}, ["user 65534"], LOW),  # whoever that stands for
        ({"uid": 1000, "gid": 0, "mode": "0644"}, ["user 1000"], MEDIUM),
        (
            {"uid": 1000, "gid": 1000, "mode": "0666"},
            ["everybody", "group 1000", "user 1000"],
            HIGH,
        ),
        ({"mode": "0666"}, ["everybody"], HIGH),  # the owner is not recorded
    ],
)
def test_what_others_may_write_is_told_with_who_they_are(
    host: HostFolder, facts: dict[str, Any], by: list[str], severity: Severity
) -> None:
    told(host.health().file(MANAGED, POLICY), **{MANAGED: facts})
    (finding,) = found(host.report(), "policy-file-writable")
    assert (finding.subject, finding.severity) == (f"file:{MANAGED}", severity)
    assert finding.facts == {
        "file": MANAGED,
        "channel": "managed_file",
        "by": by,
        "in_force": True,
        "mode": facts["mode"],
        "owner": facts.get("uid"),
        "group": facts.get("gid"),
    }


@pytest.mark.parametrize(
    "facts",
    [
        {"uid": 0, "gid": 0, "mode": "0664"},  # root's own group
        {"mode": "0664"},  # a copy made under umask 002: whose group that is nobody knows
        {"uid": 0, "gid": 998, "mode": "0640"},
    ],
)
def test_a_group_that_is_trusted_not_known_or_only_reads_accuses_nobody(
    host: HostFolder, facts: dict[str, Any]
) -> None:
    told(host.health().file(MANAGED, POLICY), **{MANAGED: facts})
    assert raised(host) == []


@pytest.mark.parametrize(("gid", "fine"), [(0, True), (80, True), (20, False)])
def test_administrators_of_a_mac_may_write(mac: HostFolder, gid: int, fine: bool) -> None:
    """Group admin is 80; on Linux 80 is nobody in particular."""
    mac.health().file(MAC_MANAGED, POLICY)
    told(mac, **{MAC_MANAGED: {"uid": 0, "gid": gid, "mode": "0664"}})
    assert (raised(mac) == []) is fine


def test_a_file_that_is_not_in_force_is_low(host: HostFolder) -> None:
    """It comes into force when the other one goes."""
    host.health(managedBy="MDE").file(ATTACH, POLICY).file(MANAGED, POLICY, mode=0o666)
    assert raised(host) == [("policy-file-writable", f"file:{MANAGED}", LOW)]


def test_the_owner_that_the_agent_gives_its_own_file_is_not_documented(host: HostFolder) -> None:
    """Low for the portal's file; what everybody may write is high all the same."""
    host.health(managedBy="MDE").file(ATTACH, POLICY)
    told(host, **{ATTACH: {"uid": 990, "gid": 990, "mode": "0660"}})
    assert raised(host) == [("policy-file-writable", f"file:{ATTACH}", LOW)]
    told(host, **{ATTACH: {"uid": 990, "gid": 990, "mode": "0666"}})
    assert raised(host) == [("policy-file-writable", f"file:{ATTACH}", HIGH)]


def test_local_settings_are_the_agents_own_affair(host: HostFolder) -> None:
    assert raised(host.health().file(LOCAL, POLICY, mode=0o666)) == []


def test_a_file_that_cannot_be_opened_still_has_a_mode(host: HostFolder) -> None:
    """Broken as policy, and writable: both are told."""
    host.health().file(MANAGED, "{", mode=0o666)
    assert raised(host) == [("policy-file-writable", f"file:{MANAGED}", HIGH)]


def test_what_the_inspector_may_not_see_is_unknown(host: HostFolder) -> None:
    """Denied with not even facts of the file: none of these rules can tell."""
    report = denied(host.file(MANAGED, POLICY, mode=0o666), "mdatp_managed")
    # The file system told something of this one; of one in a closed folder it does not.
    assert "policy-file-writable" not in unknown(report)
    report = hidden(host)
    assert set(unknown(report)) >= CODES
    assert not CODES & {one.code for one in report.findings}


def hidden(host: HostFolder) -> Any:
    """The report on a host whose folder of policies the inspector may not enter."""
    from dataclasses import replace

    from mdeinspect import catalogue, rules
    from mdeinspect.config.model import Config
    from mdeinspect.host.recorded import RecordedHost
    from mdeinspect.inspect import Plan, take
    from mdeinspect.report import report

    recorded = RecordedHost(str(host.root))
    snapshot = take(recorded, Plan())
    away = replace(
        snapshot["mdatp_managed"], state="broken", value=None, kind="denied", file=None, reason="no"
    )
    snapshot = replace(snapshot, readings={**snapshot.readings, "mdatp_managed": away})
    every = tuple(rules.load().values())
    return report(snapshot, Config(), catalogue.load(), every, recorded.now())


# --- policy-folder-writable ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("folder", "facts", "severity"),
    [
        (FOLDER, {"mode": "0777"}, HIGH),
        ("/etc/opt", {"uid": 0, "gid": 0, "mode": "0777"}, HIGH),
        ("/", {"uid": 0, "gid": 0, "mode": "0777"}, HIGH),
        (FOLDER, {"uid": 0, "gid": 1001, "mode": "0775"}, MEDIUM),
        (FOLDER, {"uid": 0, "gid": 998, "mode": "0775"}, LOW),  # the agent's own, perhaps
        (FOLDER, {"uid": 1000, "gid": 0, "mode": "0755"}, MEDIUM),
        (FOLDER, {"uid": 1000, "gid": 0, "mode": "1755"}, MEDIUM),
    ],
)
def test_a_folder_above_that_others_may_write_is_told(
    host: HostFolder, folder: str, facts: dict[str, Any], severity: Severity
) -> None:
    """Whichever it is, up to the top; its owner may replace things whatever its bits."""
    told(host.health().file(MANAGED, POLICY), **{folder: facts})
    assert raised(host) == [("policy-folder-writable", f"file:{folder}", severity)]


@pytest.mark.parametrize(
    "facts",
    [
        {"uid": 0, "gid": 0, "mode": "0755"},
        {"uid": 0, "gid": 0, "mode": "0775"},
        {"uid": 0, "gid": 0, "mode": "1777"},
        {"uid": 0, "gid": 998, "mode": "1775"},
        {"mode": "0775"},
    ],
)
def test_a_folder_in_which_others_can_replace_nothing_is_fine(
    host: HostFolder, facts: dict[str, Any]
) -> None:
    """Root's alone, root's group, sticky, or of a group that is not known."""
    told(host.health().file(MANAGED, POLICY), **{FOLDER: facts})
    assert raised(host) == []


def test_one_folder_is_one_finding_for_all_that_lies_below(host: HostFolder) -> None:
    """Graded by the file that is in force."""
    host.health(managedBy="MDE").file(ATTACH, POLICY).file(MANAGED, POLICY)
    told(host, **{FOLDER: {"mode": "0777"}})
    (finding,) = found(host.report(), "policy-folder-writable")
    assert finding.severity is HIGH
    assert finding.facts["files"] == [MANAGED, ATTACH]


def test_the_folder_that_a_record_lies_in_is_none_of_the_host(host: HostFolder) -> None:
    """Where somebody keeps the record says nothing of the host it comes from."""
    host.health().file(MANAGED, POLICY)
    host.root.chmod(0o777)
    assert raised(host) == []


# --- policy-file-linked -------------------------------------------------------------------------


def test_a_link_is_worth_a_note_that_says_where_it_leads(host: HostFolder) -> None:
    host.health().file("/srv/policies/one.json", POLICY).link(MANAGED, "/srv/policies/one.json")
    (finding,) = found(host.report(), "policy-file-linked")
    assert (finding.severity, finding.subject) == (INFO, f"file:{MANAGED}")
    assert finding.facts == {
        "file": MANAGED,
        "channel": "managed_file",
        "links": [MANAGED],
        "target": "/srv/policies/one.json",
        "writable": {},
    }


@pytest.mark.parametrize("path", ["/srv/policies/one.json", "/srv/policies", "/srv", FOLDER])
def test_a_link_by_way_of_what_others_may_write_is_medium(host: HostFolder, path: str) -> None:
    """The target, a folder of it, or one of the link: one finding, which names it."""
    host.health().file("/srv/policies/one.json", POLICY).link(MANAGED, "/srv/policies/one.json")
    mode = "0666" if path.endswith("json") else "0777"
    os.chmod(host.root / path.lstrip("/"), int(mode, 8))
    assert raised(host) == [("policy-file-linked", f"file:{MANAGED}", MEDIUM)]
    (finding,) = found(host.report(), "policy-file-linked")
    assert finding.facts["writable"] == {path: ["everybody"]}


def test_a_folder_above_may_be_the_link(host: HostFolder) -> None:
    host.health().file("/data/managed/mdatp_managed.json", POLICY).link(FOLDER, "/data/managed")
    (finding,) = found(host.report(), "policy-file-linked")
    assert finding.facts["links"] == [FOLDER]
    assert finding.facts["target"] == "/data/managed/mdatp_managed.json"


# --- policy-file-remote -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "kind", "remote"),
    [
        (MANAGED, "nfs4", True),
        ("/etc/opt", "cifs", True),
        ("/", "fuse.sshfs", True),
        (MANAGED, "ext4", False),
        ("/etc/opt", "overlay", False),
        ("/srv", "nfs4", False),
    ],
)
def test_policy_on_a_file_system_of_others_is_low(
    host: HostFolder, path: str, kind: str, remote: bool
) -> None:
    """By what the record tells of the file or of the nearest folder above it."""
    told(host.health().file(MANAGED, POLICY), **{path: {"filesystem": kind}})
    expected = [("policy-file-remote", f"file:{MANAGED}", LOW)] if remote else []
    assert raised(host) == expected
