"""The samples around SenseCM, each with what it must yield, worked out by hand."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mdeinspect.documents.health import parse_field, parse_health
from mdeinspect.errors import ParseError
from mdeinspect.model import Process
from mdeinspect.plist import readPlistFromString
from mdeinspect.sources.mde_attach import MDE_ATTACH
from mdeinspect.sources.processes import PROCESSES
from support import ATTACH, MANAGED, HostFolder, found, verdict

NAMES = {
    "linux_mdeattach_managed_no_policy_assigned.json",
    "macos_managed_by_readback_checklist.txt",
    "macos_plutil_wdav_plist_from_docs.txt",
    "macos_ps_defender_processes.txt",
    "SOURCES.md",
}


@pytest.fixture
def folder(samples: Path) -> Path:
    """The folder of these samples."""
    return samples / "sensecm"


def test_no_sample_is_left_out(folder: Path) -> None:
    """A new sample wants a test here."""
    assert {path.name for path in folder.iterdir()} == NAMES


def test_an_attached_host_without_policy_has_an_empty_object(
    folder: Path, host: HostFolder
) -> None:
    """`{}` is a policy that says nothing, and it overrides the managed file."""
    data = (folder / "linux_mdeattach_managed_no_policy_assigned.json").read_bytes()
    assert MDE_ATTACH.parse(data).value == {}
    host.file(ATTACH, data).file(MANAGED, {"cloudService": {"enabled": True}})
    report = host.health(managedBy="MDE").report()
    assert report.authority.channel == "mde_attach"
    assert verdict(report, "cloudService.enabled") == "shadowed"
    (finding,) = found(report, "policy-shadowed")
    assert finding.facts["keys"] == ["cloudService.enabled"]


def test_the_daemons_of_a_mac_are_told_apart(folder: Path) -> None:
    """Three of the five programs are the agent's daemons, each in its role."""
    lines = (folder / "macos_ps_defender_processes.txt").read_text().splitlines()
    parts = [re.fullmatch(r"\s*(\d+)\s+(\d+)\s+(/.*)", line) for line in lines if line.strip()]
    every = [
        Process(pid=int(part[1]), name=part[3].rsplit("/", 1)[1], exe=part[3])
        for part in parts
        if part
    ]
    assert len(every) == 5
    seen = [process for process in every if process.name.startswith(PROCESSES.names)]
    roles = {one.process.pid: one.role for one in PROCESSES.parse(seen)}
    assert roles == {557: "main", 682: "enterprise", 1869: "unprivileged"}


def test_a_checklist_is_no_health(folder: Path) -> None:
    """Lines about commands are not the output of a command; the values in them can be read."""
    text = (folder / "macos_managed_by_readback_checklist.txt").read_text()
    with pytest.raises(ParseError, match=r"^cannot"):
        parse_health(text.encode())
    value = next(line for line in text.splitlines() if "field managed_by" in line)
    assert parse_field(value.partition("→")[2].split()[0].encode()).value == "MDM"


def test_what_plutil_prints_for_people_is_no_property_list(folder: Path) -> None:
    """The output of `plutil -p` is refused as a policy file."""
    data = (folder / "macos_plutil_wdav_plist_from_docs.txt").read_bytes()
    with pytest.raises(ParseError, match=r"^cannot"):
        readPlistFromString(data)
