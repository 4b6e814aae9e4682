"""Exclusions that are too broad or global by accident, and threats that are allowed."""

from __future__ import annotations

import time
from typing import Any

import pytest
from about_files import denied, only, raised, set_at
from clean_policies import linux

from mdeinspect.config.model import Config, Privacy
from mdeinspect.model import Finding, Severity
from support import (
    ATTACH,
    LOCAL,
    MAC_LOCAL,
    MAC_MANAGED,
    MANAGED,
    HostFolder,
    found,
    unknown,
)

EPP = "antivirusEngine.exclusions"
GLOBAL = "exclusionSettings.exclusions"
MERGE = "antivirusEngine.exclusionsMergePolicy"
ALLOWED = "antivirusEngine.allowedThreats"


def path(value: str, **more: Any) -> dict[str, Any]:
    """An exclusion of a folder."""
    return {"$type": "excludedPath", "path": value, "isDirectory": True, **more}


def extension(value: str, **more: Any) -> dict[str, Any]:
    """An exclusion of a type of file."""
    return {"$type": "excludedFileExtension", "extension": value, **more}


def process(value: str, **more: Any) -> dict[str, Any]:
    """An exclusion of a process."""
    return {"$type": "excludedFileName", "name": value, **more}


def broad(host: HostFolder, *entries: Any, key: str = EPP, where: str = MANAGED) -> list[Finding]:
    """What is too broad among these entries."""
    return found(host.file(where, only(key, list(entries))).report(), "broad-exclusion")


# --- too broad ----------------------------------------------------------------------------------

BROAD_ON_LINUX = [
    *("/", "/tmp", "/tmp/", "/var/tmp", "/dev/shm", "/dev/", "/run", "/home", "/var", "/usr"),
    *("/etc", "/opt", "/root", "/bin", "/usr/local/bin", "/mnt", "/var/lib"),
    *("*", "/*", "/**", "*/*", "/*/secret", "*/node_modules/*", "/home/*", "/home/*/", "/home/*/*"),
    *("/home/?*", "//tmp//", "/srv/../tmp", "/./home/."),
]


@pytest.mark.parametrize("value", BROAD_ON_LINUX)
def test_whole_trees_are_too_broad(host: HostFolder, value: str) -> None:
    """High: whole systems, everybody's home, and what every user can write to."""
    (finding,) = broad(host, path(value))
    assert finding.subject == f"key:{EPP}#excludedPath:{value}"
    assert finding.severity is Severity.HIGH
    assert finding.facts["file"] == MANAGED
    assert finding.line is not None


@pytest.mark.parametrize(
    "value",
    [
        *("/proc", "/proc/", "/sys", "/var/log", "/var/lib/postgresql", "/opt/Elastic/Agent"),
        *("/home/*/git", "/home/alice/Videos", "/etc/zabbix", "/data", "/srv/app/tmp"),
        *("/tmp/app-*/cache", "tmp", "/run<EXAMPLE DO NOT USE>", "", "/HOME", "/var/*/app"),
    ],
)
def test_single_products_and_what_nobody_can_write_to_are_not(host: HostFolder, value: str) -> None:
    """/proc and /sys are made by the kernel; a product's own folder is what exclusions are for."""
    assert broad(host, path(value)) == []


@pytest.mark.parametrize(
    "value",
    ["/Users", "/Users/*", "/users", "/private/tmp", "/private/var", "/Library", "/Volumes/*"],
)
def test_macos_has_trees_of_its_own_in_any_letter_case(mac: HostFolder, value: str) -> None:
    """Its file system takes no notice of case."""
    (finding,) = broad(mac, path(value), where=MAC_MANAGED)
    assert finding.severity is Severity.HIGH


@pytest.mark.parametrize("value", ["/Users/*/.local/bin", "/Library/Application Support/App"])
def test_a_folder_of_every_user_is_not_every_folder(mac: HostFolder, value: str) -> None:
    """The same measure as on Linux."""
    assert broad(mac, path(value), where=MAC_MANAGED) == []


@pytest.mark.parametrize(
    "value",
    [
        *("bash", "sh", "/bin/bash", "/usr/bin/python3", "python", "python3.11", "python*", "perl"),
        *("node", "java", "ruby", "cat", "/bin/cat", "*", "*sh", "/*/bash", "/usr/lib/jvm/x/java"),
    ],
)
def test_programs_that_do_what_their_caller_says_are_too_broad(
    host: HostFolder, value: str
) -> None:
    """All that they touch would be excluded, whoever calls them."""
    (finding,) = broad(host, process(value))
    assert finding.subject == f"key:{EPP}#excludedFileName:{value}"
    assert finding.severity is Severity.HIGH


@pytest.mark.parametrize("value", ["postgres", "/opt/backup/agentd", "/usr/sbin/mysqld", "cats"])
def test_the_process_of_one_product_is_not(host: HostFolder, value: str) -> None:
    """That is what process exclusions are for."""
    assert broad(host, process(value)) == []


@pytest.mark.parametrize(
    "value", ["sh", ".py", "*.js", "JAR", "elf", "so", "exe", "zip", "tar.gz", "pdf", ".docm", "*"]
)
def test_types_of_files_that_malware_comes_as_are_too_broad(host: HostFolder, value: str) -> None:
    """Programs, scripts, archives and documents, however the extension is written."""
    (finding,) = broad(host, extension(value))
    assert finding.severity is Severity.HIGH


@pytest.mark.parametrize("value", ["log", "cnf", "sql", ".ibd", "frm", "mysql", "csv", "json", "."])
def test_types_of_plain_data_are_not(host: HostFolder, value: str) -> None:
    """Nothing runs them."""
    assert broad(host, extension(value)) == []


@pytest.mark.parametrize(
    "entry",
    [path("/home", isDirectory=False), process("/opt/app/jre/bin/java")],
    ids=["a folder written as a file", "a product's own interpreter"],
)
def test_what_is_still_limited_by_something_is_medium(
    host: HostFolder, entry: dict[str, Any]
) -> None:
    """One step away from the whole."""
    (finding,) = broad(host, entry)
    assert finding.severity is Severity.MEDIUM


def test_a_missing_is_directory_counts_as_a_folder(host: HostFolder) -> None:
    """What it means is disputed, so the worse is assumed."""
    (finding,) = broad(host, {"$type": "excludedPath", "path": "/home"})
    assert finding.severity is Severity.HIGH


@pytest.mark.parametrize(
    "entry",
    [
        {"$type": "folder", "path": "/"},
        {"$type": "excludedPath", "path": 7},
        {"$type": ["excludedPath"], "path": "/"},
        {"$type": "excludedPath", "name": "bash"},
        {"path": "/"},
        "/",
        None,
    ],
)
def test_an_entry_that_the_agent_cannot_use_excludes_nothing(host: HostFolder, entry: Any) -> None:
    """Other rules tell that it is wrong."""
    assert broad(host, entry) == []


@pytest.mark.parametrize("value", [None, {}, "/", 3])
def test_a_list_that_is_none_is_no_trouble(host: HostFolder, value: Any) -> None:
    """Nothing is raised here, and nothing breaks."""
    policy = set_at(set_at(only(EPP, value), GLOBAL, value), ALLOWED, value)
    codes = {code for code, _ in raised(host.file(MANAGED, policy).report())}
    assert codes <= {"wrong-type"}


def test_five_thousand_exclusions_cost_little(host: HostFolder) -> None:
    """The work grows with their number, and not with its square, which would take minutes."""
    entries = [path(f"/srv/volume-{i:05}/data") for i in range(5000)]
    host.file(MANAGED, only(EPP, [*entries, path("/home")]))
    started = time.perf_counter()
    report = host.report()
    assert time.perf_counter() - started < 5
    assert raised(report) == {("broad-exclusion", f"key:{EPP}#excludedPath:/home")}


def test_redacted_exclusions_show_neither_in_subject_nor_in_facts(host: HostFolder) -> None:
    """The finding stays, its words go."""
    config = Config(privacy=Privacy(redact=("exclusions",)))
    (finding,) = found(
        host.file(MANAGED, only(EPP, [path("/home/*")])).report(config), "broad-exclusion"
    )
    assert "/home" not in repr(finding)
    assert finding.facts["file"] == MANAGED


# --- which of them are in force -----------------------------------------------------------------


def test_a_shadowed_exclusion_is_low(host: HostFolder) -> None:
    """It excludes nothing as long as MDE Attach governs."""
    host.file(ATTACH, {}).health(managedBy="MDE")
    (finding,) = broad(host, path("/home"))
    assert (finding.severity, finding.facts["in_force"]) == (Severity.LOW, False)


def test_a_global_exclusion_of_a_shadowed_file_is_in_force(host: HostFolder) -> None:
    """It is among what is still merged on Linux; its epp neighbour is not."""
    host.file(ATTACH, {}).health(managedBy="MDE")
    findings = broad(
        host, path("/home", scopes=["global"]), path("/tmp", scopes=["epp"]), key=GLOBAL
    )
    assert {one.subject.rpartition("#")[2]: one.severity for one in findings} == {
        "excludedPath:/home": Severity.HIGH,
        "excludedPath:/tmp": Severity.LOW,
    }


def test_an_exclusion_of_the_portal_counts(host: HostFolder) -> None:
    """The file that governs, whichever it is; another with the same entry is named in it."""
    host.file(ATTACH, only(EPP, [path("/home")])).health(managedBy="MDE")
    (finding,) = broad(host, path("/home"))
    assert (finding.severity, finding.facts["file"]) == (Severity.HIGH, ATTACH)
    assert finding.facts["also_in"] == [MANAGED]


def test_a_left_over_attach_file_excludes_nothing(host: HostFolder) -> None:
    """The agent says that another channel manages it."""
    host.file(MANAGED, {}).health(managedBy="MEM")
    (finding,) = broad(host, path("/home"), where=ATTACH)
    assert finding.severity is Severity.LOW


def test_a_local_exclusion_counts_without_policy(host: HostFolder) -> None:
    """Anyone who may call `mdatp exclusion add` can open the host."""
    (finding,) = broad(host, path("/home"), where=LOCAL)
    assert (finding.severity, finding.facts["channel"]) == (Severity.HIGH, "local")


@pytest.mark.parametrize(
    ("policy", "key", "severity"),
    [
        (only(MERGE, "merge"), EPP, Severity.HIGH),
        (only(MERGE, "admin_only"), EPP, Severity.LOW),
        (only("exclusionSettings.mergePolicy", "admin_only"), EPP, Severity.LOW),
        (only(MERGE, "admin_only"), GLOBAL, Severity.HIGH),
        (only("exclusionSettings.mergePolicy", "admin_only"), GLOBAL, Severity.LOW),
    ],
)
def test_policy_decides_whether_local_exclusions_are_let_in(
    host: HostFolder, policy: dict[str, Any], key: str, severity: Severity
) -> None:
    """`exclusionsMergePolicy` shuts out the epp ones only, the other one both."""
    host.file(MANAGED, policy)
    (finding,) = broad(host, path("/home"), key=key, where=LOCAL)
    assert finding.severity is severity


def test_on_macos_the_profile_decides_about_local_exclusions(mac: HostFolder) -> None:
    """The same setting, another file."""
    mac.file(MAC_MANAGED, only(MERGE, "admin_only"))
    (finding,) = broad(mac, path("/Users"), where=MAC_LOCAL)
    assert finding.severity is Severity.LOW


# --- global by accident -------------------------------------------------------------------------


@pytest.mark.parametrize("scopes", [{}, {"scopes": []}, {"scopes": None}])
def test_an_entry_without_scopes_is_global_by_accident(
    host: HostFolder, scopes: dict[str, Any]
) -> None:
    """Medium: it blinds detection as well."""
    host.file(MANAGED, only(GLOBAL, [path("/srv/app", **scopes)]))
    (finding,) = found(host.report(), "accidentally-global-exclusion")
    assert finding.subject == f"key:{GLOBAL}#excludedPath:/srv/app"
    assert finding.severity is Severity.MEDIUM


@pytest.mark.parametrize("scopes", [["epp"], ["global"], ["epp", "global"]])
def test_an_entry_with_scopes_is_meant_so(host: HostFolder, scopes: list[str]) -> None:
    """Whatever they are; and the other list is never global."""
    policy = set_at(only(GLOBAL, [path("/srv/a", scopes=scopes)]), EPP, [path("/srv/b")])
    assert raised(host.file(MANAGED, policy).report()) == set()


def test_it_is_in_force_even_from_a_shadowed_file(host: HostFolder) -> None:
    """Global exclusions are merged from there."""
    host.file(ATTACH, {}).file(MANAGED, only(GLOBAL, [path("/srv/a")])).health(managedBy="MDE")
    (finding,) = found(host.report(), "accidentally-global-exclusion")
    assert finding.severity is Severity.MEDIUM


def test_what_the_agent_wrote_without_scopes_is_its_own_affair(host: HostFolder) -> None:
    """The command line defaults to epp."""
    host.file(LOCAL, only(GLOBAL, [path("/srv/a")]))
    assert found(host.report(), "accidentally-global-exclusion") == []


def test_macos_knows_no_global_exclusions(mac: HostFolder) -> None:
    """There the whole section means nothing."""
    mac.file(MAC_MANAGED, only(GLOBAL, [path("/")]))
    assert raised(mac.report()) == {("other-platform-key", "key:exclusionSettings")}


# --- allowed threats ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("threat", "example", "eicar"),
    [
        ("EICAR-Test-File (not a virus)", False, True),
        ("<EXAMPLE DO NOT USE>EICAR-Test-File (not a virus)", True, True),
        ("Trojan:Linux/Example", False, False),
    ],
)
def test_every_allowed_threat_is_told_and_test_files_are_called_that(
    host: HostFolder, threat: str, example: bool, eicar: bool
) -> None:
    """Medium each."""
    (finding,) = found(host.file(MANAGED, only(ALLOWED, [threat])).report(), "allowed-threats")
    assert finding.subject == f"key:{ALLOWED}#{threat}"
    assert finding.severity is Severity.MEDIUM
    assert (finding.facts["example"], finding.facts["eicar"]) == (example, eicar)


def test_an_empty_list_allows_nothing(host: HostFolder) -> None:
    """Nor does one of something else than texts."""
    assert found(host.file(MANAGED, only(ALLOWED, [])).report(), "allowed-threats") == []
    assert found(host.file(MANAGED, only(ALLOWED, [{}])).report(), "allowed-threats") == []


def test_a_threat_allowed_on_the_host_or_under_a_shadow(host: HostFolder) -> None:
    """The local one counts, since nothing is known to shut it out; the shadowed one is low."""
    host.file(ATTACH, {}).file(MANAGED, only(ALLOWED, ["a"])).file(LOCAL, only(ALLOWED, ["b"]))
    findings = found(host.health(managedBy="MDE").report(), "allowed-threats")
    assert {one.facts["threat"]: one.severity for one in findings} == {
        "a": Severity.LOW,
        "b": Severity.MEDIUM,
    }


@pytest.mark.parametrize(
    "code", ["broad-exclusion", "accidentally-global-exclusion", "allowed-threats"]
)
def test_a_file_that_may_not_be_read_leaves_the_rules_unsure(host: HostFolder, code: str) -> None:
    """Not knowing is neither a finding nor a pass."""
    report = denied(host.file(MANAGED, set_at(linux(), EPP, [path("/")])), "mdatp_managed")
    assert raised(report) == set()
    assert code in unknown(report)
