"""Real policy files, and by hand what is wrong with each; read where they are at hand."""

from __future__ import annotations

from pathlib import Path

import pytest
from about_files import raised

from mdeinspect import catalogue, rules
from mdeinspect.config.model import Config
from mdeinspect.lint import Given, Judge, lint
from mdeinspect.model import Platform
from mdeinspect.rules.protection import LEVEL_KEYS
from support import MAC_MANAGED, MANAGED, NOW, HostFolder, found

ENGINE = "antivirusEngine"
MARK = "<EXAMPLE DO NOT USE>"
EICAR = "EICAR-Test-File (not a virus)"
LEFT_OVER = f"{MARK}{EICAR}"
NO_SCOPE = "/bin/cat<EXAMPLE DO NOT USE><NO SCOPE PROVIDED - GLOBAL CONSIDERED>"

Wrong = dict[str, list[str]]  # subjects without their "key:", by code


def _excluded(*items: str, key: str = f"{ENGINE}.exclusions") -> list[str]:
    return [f"{key}#{item}" for item in items]


def _allowed(threat: str) -> list[str]:
    return [f"{ENGINE}.allowedThreats#{threat}"]


OLD_PAIR = [f"{ENGINE}.enableRealTimeProtection", f"{ENGINE}.passiveMode"]
MERGED = "exclusionSettings.exclusions"
PDF, CAT = "excludedFileExtension:pdf", "excludedFileName:cat"

LINUX: dict[str, Wrong] = {
    # Microsoft's full profile: a joined list, a key without effect, examples left in.
    "TRANSCRIBED-microsoft-learn-linux-preferences-2026-07-02-full.mdatp_managed.json": {
        "accidentally-global-exclusion": _excluded(f"excludedFileName:{NO_SCOPE}", key=MERGED),
        "allowed-threats": _allowed(LEFT_OVER),
        "example-left-over": [
            f"{ENGINE}.offlineDefinitionUpdateUrl",
            "cloudService.proxy",
            "edr.groupIds",
            *_excluded(
                f"excludedPath:/home/*/git{MARK}",
                f"excludedPath:/run{MARK}",
                f"excludedPath:/var/log/system.log{MARK}<EXCLUDED IN ALL SCENARIOS>",
                f"excludedFileExtension:.pdf{MARK}",
                f"excludedFileName:{NO_SCOPE}",
                key=MERGED,
            ),
        ],
        "wrong-type": [f"{ENGINE}.unmonitoredFilesystems"],
        "deprecated-key": ["features.offlineDefinitionUpdateVerifySig"],
    },
    "TRANSCRIBED-microsoft-learn-schedule-antivirus-scans-linux-2026-09-10.mdatp_managed.json": {},
    "TRANSCRIBED-rhel9-install-script-heredoc.mdatp_managed.json": {
        "wrong-type": ["cloudService"],
        "misplaced-key": ["behaviorMonitoring"],
        "unknown-key": [f"{ENGINE}.exclusions.comment"],
        "deprecated-key": [f"{ENGINE}.enableRealTimeProtection"],
    },
    # Numbers as text, which Linux pages document, and /dev, which holds /dev/shm.
    "bushmeats-gsidevops.mdatp_managed.json": {
        "broad-exclusion": _excluded("excludedPath:/dev/"),
        "allowed-threats": _allowed(LEFT_OVER),
    },
    "dgibbs64-ansible-role-mdatp.mdatp_managed.json.j2.example": {"deprecated-key": OLD_PAIR},
    "gdiddy74-testdownload.mdatp_managed.json": {
        "broad-exclusion": _excluded("excludedPath:/home", PDF, CAT),
        "allowed-threats": _allowed(EICAR),
        "deprecated-key": OLD_PAIR,
    },
    # Both scans are on by default, and switched off here.
    "jimmymuzza-ansible.mdatp_managed.json": {
        "weak-setting": [f"{ENGINE}.scanAfterDefinitionUpdate", f"{ENGINE}.scanArchives"]
    },
    # Old and new together is one finding; of eight extensions only pdf can carry anything.
    "ogulcanozugenc-itg.mdatp_managed.json": {
        "broad-exclusion": _excluded("excludedPath:/home", PDF, CAT),
        "allowed-threats": _allowed(EICAR),
        "old-and-new-keys": [f"{ENGINE}.enforcementLevel"],
    },
    "thiagofborn-ff-mdatp.mdatp_managed.json": {
        "broad-exclusion": _excluded("excludedPath:/run", "excludedFileExtension:.pdf", CAT),
        "allowed-threats": _allowed(EICAR),
    },
    # Explanations in the form of keys: all of them unknown, most of them repeated.
    "microsoft-mdatp-xplat-configs.mdatp_managed.json": {
        "example-left-over": ["cloudService.proxy", "edr.groupIds"],
        "impossible-global-exclusion": _excluded(CAT, key=MERGED),
        "weak-setting": [f"{ENGINE}.nonExecMountPolicy"],
        "broad-exclusion": _excluded(
            "excludedFileExtension:.pdf", CAT, key="exclusionSettings.exclusions"
        ),
        "allowed-threats": _allowed("EICAR-Test-File"),
        "deprecated-key": ["features.offlineDefinitionUpdateVerifySig"],
        "duplicate-key": [
            "info",
            f"{ENGINE}.info",
            f"{ENGINE}.possible values",
            f"{ENGINE}.threatTypeSettings.info",
            f"{ENGINE}.threatTypeSettings.possible values",
            "exclusionSettings.info",
            "cloudService.info",
            "cloudService.possible values",
            "networkProtection.info",
            "networkProtection.possible values",
        ],
        "unknown-key": [
            "info",
            f"{ENGINE}.info",
            f"{ENGINE}.possible values",
            f"{ENGINE}.threatTypeSettings.info",
            f"{ENGINE}.threatTypeSettings.possible values",
            "exclusionSettings.info",
            "exclusionSettings.possible values",
            "exclusionSettings.exclusions.info",
            "exclusionSettings.exclusions.possible values",
            "cloudService.info",
            "cloudService.possible values",
            "features.info",
            "features.possible values",
            "networkProtection.info",
            "networkProtection.possible values",
        ],
    },
}
NOT_JSON = {
    "juju4-ansible-mde.mdatp_managed.json.j2": "malformed",  # templates
    "libre-devops-mde-linux-rhel.mdatp_managed.json.j2": "malformed",
    "ravindras93-placeholder.mdatp_managed.json": "empty",  # a comment, and nothing else
    "v3rtho-quick-configuration-heredoc.sh.txt": "malformed",  # a script
}
_DLP = "microsoft-mdatp-xplat-data_loss_prevention"
PASSIVE: Wrong = {"deprecated-key": [f"{ENGINE}.passiveMode"]}
MACOS: dict[str, Wrong] = {
    "TRANSCRIBED-microsoft-docs-behavior-monitoring-demo-2024-jamf.com.microsoft.wdav.plist": {},
    (
        "TRANSCRIBED-microsoft-learn-mac-schedule-scan-2026-09-19-jamf-example1"
        ".com.microsoft.wdav.plist"
    ): {},
    "leggatron-terraform-jamf-platform-endpointsettings.mobileconfig": {},  # sets nothing
    "microsoft-mdatp-devicecontrol-demo.mobileconfig": {},
    "microsoft-mdatp-devicecontrol-v1-deny_all_mount.mobileconfig": {
        "deprecated-key": ["deviceControl.navigationTarget", "deviceControl.removableMediaPolicy"]
    },
    "microsoft-mdatp-devicecontrol-v1-mount_allowlist.mobileconfig": {
        "deprecated-key": ["deviceControl.removableMediaPolicy"]
    },
    f"{_DLP}-process_exclusions.com.microsoft.wdav.mobileconfig": {},
    f"{_DLP}-process_exclusions.com.microsoft.wdav.plist": {},
    f"{_DLP}.com.microsoft.wdav.mobileconfig": PASSIVE,
    f"{_DLP}.com.microsoft.wdav.plist": PASSIVE,
    "microsoft-mdatp-xplat-device_control.com.microsoft.wdav.mobileconfig": PASSIVE,
}
NOT_A_PLIST = (
    "TRANSCRIBED-meerkat-doc-snippet-wrong-type.json",
    "skiptotheendpoint-openintunebaseline.intune-settings-catalog.json",
)


def _expected(wrong: Wrong) -> set[tuple[str, str]]:
    return {(code, f"key:{subject}") for code, subjects in wrong.items() for subject in subjects}


@pytest.mark.parametrize("name", LINUX)
def test_a_real_linux_file_yields_exactly_what_is_wrong_with_it(
    samples: Path, host: HostFolder, name: str
) -> None:
    """No more, and no less."""
    host.file(MANAGED, (samples / "managed/linux" / name).read_bytes())
    assert raised(host.report()) == _expected(LINUX[name])


@pytest.mark.parametrize("name", MACOS)
def test_a_real_macos_profile_yields_exactly_what_is_wrong_with_it(
    samples: Path, mac: HostFolder, name: str
) -> None:
    """In each of its three forms."""
    mac.file(MAC_MANAGED, (samples / "managed/macos" / name).read_bytes())
    assert raised(mac.report()) == _expected(MACOS[name])


@pytest.mark.parametrize("name", NOT_JSON)
def test_a_file_that_is_no_json_yields_that_alone(
    samples: Path, host: HostFolder, name: str
) -> None:
    """Templates, scripts and place holders as they were published."""
    host.file(MANAGED, (samples / "managed/linux" / name).read_bytes())
    report = host.report()
    assert raised(report) == {("policy-malformed", f"file:{MANAGED}")}
    (finding,) = found(report, "policy-malformed")
    assert finding.facts["kind"] == NOT_JSON[name]
    assert finding.line is not None


@pytest.mark.parametrize("name", NOT_A_PLIST)
def test_a_file_that_is_no_property_list_yields_that_alone(
    samples: Path, mac: HostFolder, name: str
) -> None:
    """JSON shown for a preference domain, and an export of Intune."""
    mac.file(MAC_MANAGED, (samples / "managed/macos" / name).read_bytes())
    assert raised(mac.report()) == {("policy-malformed", f"file:{MAC_MANAGED}")}


PLATFORMS: tuple[tuple[Platform, str], ...] = (("linux", "linux"), ("darwin", "macos"))


@pytest.mark.parametrize(("platform", "folder"), PLATFORMS)
def test_lint_finds_in_each_what_a_host_does(
    samples: Path, platform: Platform, folder: str
) -> None:
    """The same of the file alone; and of the engine, which a host tells by what it does."""
    every = tuple(rules.load().values())
    by = Judge(Config(), catalogue.load(), every, NOW, platform)
    levels = {("weak-setting", f"key:{key}") for key in LEVEL_KEYS}
    for path in sorted((samples / "managed" / folder).iterdir()):
        one = lint(Given(path.name, path.read_bytes()), by)
        told = {(finding.code, finding.subject) for finding in one.findings} - levels
        expected = _expected({**LINUX, **MACOS}.get(path.name, {}))
        if path.name in (*NOT_JSON, *NOT_A_PLIST):
            expected = {("policy-malformed", f"file:{path.name}")}
        assert {one for one in told if one[0] != "odd-policy-file"} == expected, path.name


def test_a_document_with_entries_of_an_unknown_type_is_wrong_where_json_belongs(
    samples: Path, host: HostFolder
) -> None:
    """The same text in a Linux file: two entries of a kind that does not exist."""
    name = "TRANSCRIBED-meerkat-doc-snippet-wrong-type.json"
    host.file(MANAGED, (samples / "managed/macos" / name).read_bytes())
    assert raised(host.report()) == {("value-not-allowed", f"key:{ENGINE}.exclusions#$type:folder")}


def test_microsofts_own_sample_repeats_43_keys(samples: Path, host: HostFolder) -> None:
    """Each finding says how often its key stands there."""
    name = "microsoft-mdatp-xplat-configs.mdatp_managed.json"
    host.file(MANAGED, (samples / "managed/linux" / name).read_bytes())
    repeated = found(host.report(), "duplicate-key")
    assert sum(one.facts["times"] - 1 for one in repeated) == 43


def test_no_sample_is_forgotten(samples: Path) -> None:
    """A new sample needs its line here."""
    there = {path.name for path in (samples / "managed").glob("*/*")}
    assert there == {*LINUX, *NOT_JSON, *MACOS, *NOT_A_PLIST}
