"""Exclusions that are there twice, cannot be, or name what does not exist."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from about_files import denied, only, raised, set_at

from mdeinspect import catalogue, rules
from mdeinspect.config.model import Config
from mdeinspect.host.recorded import RecordedHost
from mdeinspect.inspect import Plan, take
from mdeinspect.model import Reading, Report, Severity
from mdeinspect.report import report
from mdeinspect.sources.exclusion_targets import EXCLUSION_TARGETS, LIMIT
from support import ATTACH, MANAGED, HostFolder, found, unknown

EPP = "antivirusEngine.exclusions"
GLOBAL = "exclusionSettings.exclusions"
REDUNDANT = ("redundant-exclusion",)
IMPOSSIBLE = ("impossible-global-exclusion",)
MISSING = ("missing-exclusion",)


def folder(value: str, **more: Any) -> dict[str, Any]:
    """An exclusion of a folder."""
    return {"$type": "excludedPath", "path": value, "isDirectory": True, **more}


def file(value: str, **more: Any) -> dict[str, Any]:
    """An exclusion of one file."""
    return folder(value, isDirectory=False, **more)


def extension(value: str, **more: Any) -> dict[str, Any]:
    """An exclusion of a type of file."""
    return {"$type": "excludedFileExtension", "extension": value, **more}


def process(value: str, **more: Any) -> dict[str, Any]:
    """An exclusion of a process."""
    return {"$type": "excludedFileName", "name": value, **more}


# --- more than once -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("entries", "item"),
    [
        ([folder("/srv/a"), folder("/srv/a/")], "excludedPath:/srv/a/"),
        ([folder("/srv/a"), folder("/srv/a/b")], "excludedPath:/srv/a/b"),
        ([file("/srv/a/b/c.db"), folder("/srv/a")], "excludedPath:/srv/a/b/c.db"),
        ([folder("/srv/a"), folder("/srv/a/*/cache")], "excludedPath:/srv/a/*/cache"),
        ([extension(".ibd"), extension("ibd")], "excludedFileExtension:ibd"),
        ([process("/opt/x"), process("/opt/x")], "excludedFileName:/opt/x"),
    ],
)
def test_an_entry_that_another_one_covers_is_info(
    host: HostFolder, entries: list[Any], item: str
) -> None:
    """The same once more, however it is written, or inside a whole folder, in any order."""
    report = host.file(MANAGED, only(EPP, entries)).report()
    assert raised(report) == {("redundant-exclusion", f"key:{EPP}#{item}")}
    assert found(report, "redundant-exclusion")[0].severity is Severity.INFO


@pytest.mark.parametrize(
    "entries",
    [
        [folder("/srv/a"), folder("/srv/ab")],
        [folder("/srv/a/*"), folder("/srv/a/b")],
        [file("/srv/a"), folder("/srv/a/b")],
        [{"$type": "excludedPath", "path": "/srv/a"}, folder("/srv/a/b")],
        [folder("/srv/a"), process("/srv/a")],
        [folder("/srv/a"), folder("/srv/a/../b")],
        [folder("/srv/A"), folder("/srv/a")],
        [folder("srv"), folder("srv/a")],
        [{}, {}, 7, 7, {"$type": "excludedPath"}],
    ],
)
def test_what_only_looks_alike_is_not(host: HostFolder, entries: list[Any]) -> None:
    """Whether an entry without isDirectory is a folder is disputed, so it contains nothing."""
    assert raised(host.file(MANAGED, only(EPP, entries)).report(), REDUNDANT) == set()


@pytest.mark.parametrize(
    ("scopes", "redundant"),
    [((["epp"], ["epp"]), True), ((["epp"], ["global"]), False), ((["global"], ["epp"]), False)],
)
def test_only_the_same_scope_covers(host: HostFolder, scopes: Any, redundant: bool) -> None:
    """An exclusion from scans does not exclude from detection."""
    outer, inner = scopes
    entries = [folder("/srv/a", scopes=outer), folder("/srv/a/b", scopes=inner)]
    report = host.file(MANAGED, only(GLOBAL, entries)).report()
    assert bool(raised(report, REDUNDANT)) == redundant


def test_lists_and_files_are_judged_apart(host: HostFolder) -> None:
    """Old agents only know one of the lists, and a shadowed file excludes nothing."""
    both = set_at(only(EPP, [folder("/srv/a")]), GLOBAL, [folder("/srv/a", scopes=["epp"])])
    report = host.file(MANAGED, both).file(ATTACH, only(EPP, [folder("/srv/a")])).report()
    assert raised(report, REDUNDANT) == set()


# --- impossible ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "entry",
    [
        folder("/srv/*/cache", scopes=["global"]),
        folder("/srv/a?", scopes=["epp", "global"]),
        extension(".log", scopes=["global"]),
        process("agentd", scopes=["global"]),
        folder("/srv/*"),
    ],
)
def test_what_a_global_exclusion_cannot_be_is_low(host: HostFolder, entry: Any) -> None:
    """Also where it is global for want of scopes."""
    report = host.file(MANAGED, only(GLOBAL, [entry])).report()
    (finding,) = found(report, "impossible-global-exclusion")
    assert finding.severity is Severity.LOW
    assert finding.facts["reason"]


@pytest.mark.parametrize(
    ("key", "entry"),
    [
        (GLOBAL, folder("/srv/*/cache", scopes=["epp"])),
        (GLOBAL, process("/opt/x/agentd", scopes=["global"])),
        (GLOBAL, file("/srv/a.db", scopes=["global"])),
        (EPP, folder("/srv/*/cache")),
        (EPP, extension(".ibd")),
    ],
)
def test_in_the_scope_of_scans_they_are_fine(host: HostFolder, key: str, entry: Any) -> None:
    """And so are full paths everywhere."""
    assert raised(host.file(MANAGED, only(key, [entry])).report()) == set()


@pytest.mark.parametrize(
    "code", ["redundant-exclusion", "impossible-global-exclusion", "missing-exclusion"]
)
def test_a_file_that_may_not_be_read_leaves_the_rules_unsure(host: HostFolder, code: str) -> None:
    """Not knowing is neither a finding nor a pass."""
    report = denied(host.file(MANAGED, only(EPP, [folder("/srv")])), "mdatp_managed")
    assert raised(report) == set()
    assert code in unknown(report)


def test_a_list_of_one_folder_many_times_costs_little(host: HostFolder) -> None:
    """Every parent of every entry is looked up, and no pair is compared."""
    entries = [folder(f"/srv/{'a/' * 50}{i}") for i in range(3000)]
    assert raised(host.file(MANAGED, only(EPP, entries)).report(), REDUNDANT) == set()


# --- what is not there --------------------------------------------------------------------------


def told(host: HostFolder, there: Mapping[str, bool | None] | None) -> Report:
    """The report on a host on which these paths were looked for."""
    recorded = RecordedHost(str(host.root))
    snapshot = take(recorded, Plan())
    reading = Reading(EXCLUSION_TARGETS.name, "present", recorded.now(), there)
    if there is None:
        reading = replace(reading, state="broken", kind="internal", reason="cannot look")
    readings = {**snapshot.readings, reading.source: reading}
    every = tuple(rules.load().values())
    snapshot = replace(snapshot, readings=readings)
    return report(snapshot, Config(), catalogue.load(), every, recorded.now())


def test_an_excluded_path_that_does_not_exist_is_info(host: HostFolder) -> None:
    """One that does, and one that was not looked for, are fine."""
    host.file(MANAGED, only(EPP, [folder("/srv/a"), folder("/srv/b"), folder("/srv/c")]))
    report = told(host, {"/srv/a": False, "/srv/b": True})
    assert raised(report) == {("missing-exclusion", f"key:{EPP}")}
    (finding,) = found(report, "missing-exclusion")
    assert (finding.severity, finding.facts["missing"]) == (Severity.INFO, ["/srv/a"])
    assert finding.line is not None
    assert "missing-exclusion" not in unknown(report)


def test_a_policy_of_a_fleet_is_one_finding_for_each_list(host: HostFolder) -> None:
    """Dozens of paths of which a host has few, and an event that stays short."""
    paths = [f"/srv/{number}" for number in range(50)]
    policy = only(EPP, [folder(path) for path in paths])
    set_at(policy, GLOBAL, [folder("/srv/0", scopes=["global"])])
    report = told(host.file(MANAGED, policy), dict.fromkeys(paths, False))
    assert raised(report) == {("missing-exclusion", f"key:{key}") for key in (EPP, GLOBAL)}
    (many,) = [one for one in found(report, "missing-exclusion") if one.subject.endswith(EPP)]
    assert many.facts["missing"] == [*paths[:10], "and more"]


@pytest.mark.parametrize("there", [{"/srv/a": None}, None])
def test_what_cannot_be_seen_is_unknown(host: HostFolder, there: Any) -> None:
    """A folder that may not be entered, or a look that failed."""
    report = told(host.file(MANAGED, only(EPP, [folder("/srv/a")])), there)
    assert raised(report) == set()
    assert "missing-exclusion" in unknown(report)


def test_an_exclusion_that_is_not_in_force_is_not_looked_for(host: HostFolder) -> None:
    """It excludes nothing."""
    host.file(ATTACH, {}).file(MANAGED, only(EPP, [folder("/srv/a")])).health(managedBy="MDE")
    assert raised(told(host, {"/srv/a": False}), MISSING) == set()


def test_a_recorded_host_does_not_hold_what_is_excluded(host: HostFolder) -> None:
    """Nothing is found missing there."""
    report = host.file(MANAGED, only(EPP, [folder("/srv/a")])).report()
    assert raised(report, MISSING) == set()
    assert EXCLUSION_TARGETS.name not in report.sources


def test_only_full_paths_without_patterns_are_looked_for_and_only_so_many(host: HostFolder) -> None:
    """No list of thousands makes thousands of calls."""
    odd = [folder("/srv/*"), folder("srv"), folder("/a/../b"), extension("log"), process("x"), 7]
    many = [file(f"/srv/{i}") for i in range(2 * LIMIT)]
    host.file(MANAGED, only(EPP, [*odd, process("/opt/x"), *many]))
    readings = take(RecordedHost(str(host.root)), Plan()).readings
    paths = EXCLUSION_TARGETS.paths(readings)
    assert paths[:2] == ["/opt/x", "/srv/0"]
    assert len(paths) == LIMIT
