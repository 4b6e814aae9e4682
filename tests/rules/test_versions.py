"""Settings that the agent does not know yet, or does not heed any more."""

from __future__ import annotations

from typing import Any

import pytest
from about_files import denied, only, raised, set_at

from mdeinspect.model import Severity
from support import ATTACH, MAC_MANAGED, MANAGED, HostFolder, found, unknown

SCHEDULE = "antivirusEngine.scheduledScan"  # on Linux since 101.26032.0000
GLOBAL = "exclusionSettings.mergePolicy"
LISTED = "exclusionSettings.exclusions"  # documents disagree: 101.23092.0012 or 101.24092.0001
VERIFY = "features.offlineDefinitionUpdateVerifySig"  # on Linux until 101.26062.0005
CODES = ("key-too-new", "key-without-effect")


def judged(host: HostFolder, key: str, value: Any, version: str) -> set[tuple[str, str]]:
    """What these rules find for an agent of that version."""
    where = MANAGED if host.platform == "linux" else MAC_MANAGED
    host.file(where, only(key, value)).health(appVersion=version)
    return raised(host.report(), CODES)


@pytest.mark.parametrize(
    ("version", "too_new"),
    [("101.25082.0003", True), ("101.26032.0000", False), ("101.26082.0001", False)],
)
def test_a_setting_that_the_agent_does_not_know_yet_is_low(
    host: HostFolder, version: str, too_new: bool
) -> None:
    """Up to, and without, the first version that knows it."""
    expected = {("key-too-new", f"key:{SCHEDULE}")} if too_new else set()
    assert judged(host, SCHEDULE, "enabled", version) == expected
    if too_new:
        (finding,) = found(host.report(), "key-too-new")
        assert finding.severity is Severity.LOW
        assert (finding.facts["needs"], finding.facts["version"]) == ("101.26032.0000", version)
        assert finding.line is not None


def test_what_the_portal_writes_is_info(host: HostFolder) -> None:
    """One policy for agents of every age, which nobody can change."""
    host.file(ATTACH, only(SCHEDULE, "enabled"))
    host.health(managedBy="MDE", appVersion="101.25082.0003")
    (finding,) = found(host.report(), "key-too-new")
    assert finding.severity is Severity.INFO


def test_a_value_may_be_newer_than_its_setting(host: HostFolder) -> None:
    """Auditing came years after the setting."""
    key = "antivirusEngine.enforcementLevel"
    assert judged(host, key, "audit", "101.25082.0003") == {("key-too-new", f"key:{key}")}
    assert judged(host, key, "audit", "101.26062.0007") == set()
    assert judged(host, key, "passive", "101.25082.0003") == set()


def test_each_platform_has_its_own_versions(mac: HostFolder) -> None:
    """The Mac had scheduled scans two years earlier."""
    assert judged(mac, "scheduledScan.runScanWhenIdle", False, "101.25082.0003") == set()


@pytest.mark.parametrize(
    ("version", "outcome"),
    [("101.23082.0006", "raised"), ("101.23112.0001", "unsure"), ("101.24092.0001", "quiet")],
)
def test_where_documents_disagree_it_is_unknown_in_between(
    host: HostFolder, version: str, outcome: str
) -> None:
    """Surely too new below both, surely known above both."""
    found_ = judged(host, LISTED, [], version)
    assert (found_ == {("key-too-new", f"key:{LISTED}")}) == (outcome == "raised")
    assert ("key-too-new" in unknown(host.report())) == (outcome == "unsure")


def test_without_a_version_only_newer_settings_leave_it_unsure(host: HostFolder) -> None:
    """That agents are newer than those of years ago needs no telling."""
    host.file(MANAGED, only("antivirusEngine.scanArchives", True))
    assert not set(CODES) & set(unknown(host.report()))
    report = host.file(MANAGED, set_at(only(SCHEDULE, "enabled"), VERIFY, "enabled")).report()
    assert raised(report, CODES) == set()
    assert set(CODES) <= set(unknown(report))
    (doubt,) = [one.because for one in report.unknown if one.code == "key-too-new"]
    assert doubt.startswith("cannot ")
    assert SCHEDULE in doubt


def test_a_month_instead_of_a_version_proves_nothing(host: HostFolder) -> None:
    """Nobody knows which version that was."""
    assert judged(host, GLOBAL, "merge", "101.10.72") == set()


@pytest.mark.parametrize(("version", "over"), [("101.26062.0004", False), ("101.26062.0005", True)])
def test_a_setting_without_effect_is_told_instead_of_as_deprecated(
    host: HostFolder, version: str, over: bool
) -> None:
    """Before that version it is merely on its way out."""
    host.file(MANAGED, only(VERIFY, "enabled")).health(appVersion=version)
    code = "key-without-effect" if over else "deprecated-key"
    assert raised(host.report()) == {(code, f"key:{VERIFY}")}


def test_on_a_mac_it_still_has_its_effect(mac: HostFolder) -> None:
    """The note speaks of Linux."""
    assert judged(mac, VERIFY, "enabled", "101.26082.0001") == set()


@pytest.mark.parametrize("code", CODES)
def test_a_file_that_may_not_be_read_leaves_the_rules_unsure(host: HostFolder, code: str) -> None:
    """Not knowing is neither a finding nor a pass."""
    report = denied(host.file(MANAGED, only(SCHEDULE, "enabled")), "mdatp_managed")
    assert raised(report) == set()
    assert code in unknown(report)
