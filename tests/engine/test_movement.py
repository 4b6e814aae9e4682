"""What moved by itself, goes back and forth, changed hands, or never comes to rest."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from engine_support import IN_FORCE, POLICY, Hand, Machine, a_finding, attached, words

from mdeinspect.config.model import BaselineConfig, Privacy
from mdeinspect.model import Finding, Folder, Severity
from support import ATTACH, DAY, HOUR, MANAGED, MINUTE, HostFolder, found, unknown

CLOUD = "cloudService.enabled"
CONSENT = "cloudService.automaticSampleSubmissionConsent"
SAFE = {"cloudAutomaticSampleSubmissionConsent": "safe"}
ALL = {"cloudAutomaticSampleSubmissionConsent": "all"}
OPTIONAL = {"cloudService": {"diagnosticLevel": "optional"}}


def raised(machine: Machine, code: str) -> list[Finding]:
    return [one for one in machine.report().findings if one.code == code]


def unmanaged(**fields: Any) -> Machine:
    """A host whose policy leaves the cloud open, remembered for a day."""
    policy = {"antivirusEngine": {"enforcementLevel": "real_time"}}
    machine = Machine().put("mdatp_managed", policy, age=2 * DAY).healthy(**fields)
    machine.step()
    machine.later(DAY).ask().step()
    return machine


def moving(machine: Machine, *shown: dict[str, Any], every: Any = 15 * MINUTE) -> Machine:
    """Health shows these, one after the other."""
    for fields in shown:
        machine.later(every).healthy(**fields).step()
    return machine


# --- unexplained-change -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after", "severity"),
    [(True, False, Severity.LOW), (False, True, Severity.INFO)],
)
def test_a_value_that_moves_with_nothing_to_explain_it_is_told(
    before: bool, after: bool, severity: Severity
) -> None:
    """Low where it is the weaker one; for a week, or until it is back."""
    machine = moving(unmanaged(cloudEnabled=before), {"cloudEnabled": after})
    (finding,) = raised(machine, "unexplained-change")
    assert (finding.subject, finding.severity) == (f"key:{CLOUD}", severity)
    assert finding.facts == {
        "before": before,
        "after": after,
        "policy": None,
        "channel": finding.facts["channel"],
    }
    machine.restart().later(6 * DAY).ask().step()
    assert raised(machine, "unexplained-change")
    machine.later(DAY).ask().step()
    assert raised(machine, "unexplained-change") == []


def test_what_moves_back_is_over() -> None:
    machine = moving(unmanaged(), {"cloudEnabled": False}, {"cloudEnabled": True})
    assert raised(machine, "unexplained-change") == []


def test_a_move_that_a_policy_explains_is_none() -> None:
    """Policy changed within the hour before."""
    machine = unmanaged()
    machine.later(MINUTE).put("mdatp_managed", {"networkProtection": {}}).step()
    moving(machine, {"cloudEnabled": False})
    assert raised(machine, "unexplained-change") == []


def test_a_move_that_another_version_explains_is_none() -> None:
    """Defaults differ by version."""
    machine = moving(unmanaged(), {"cloudEnabled": False, "appVersion": "101.26010.0001"})
    assert raised(machine, "unexplained-change") == []


def test_a_move_while_the_host_starts_is_none() -> None:
    machine = unmanaged()
    machine.reboot()
    moving(machine, {"cloudEnabled": False}, every=2 * MINUTE)
    machine.later(HOUR).ask().step()
    assert raised(machine, "unexplained-change") == []


def test_a_move_that_a_start_of_the_host_explains_is_none() -> None:
    """Health may be late after a boot, and the first that it says is another value."""
    machine = unmanaged()
    machine.reboot().trouble().step()
    moving(machine, {"cloudEnabled": False}, every=30 * MINUTE)
    machine.later(HOUR).ask().step()
    assert raised(machine, "unexplained-change") == []


def test_what_is_not_enforced_is_told_by_that_alone() -> None:
    machine = attached()
    machine.step()
    machine.later(DAY).ask().step()
    moving(machine, {**IN_FORCE, "cloudEnabled": False})
    assert raised(machine, "not-enforced")
    assert raised(machine, "unexplained-change") == []


def test_without_health_or_memory_there_is_no_move() -> None:
    """Unknown while health is silent; nothing at all to a first look."""
    machine = moving(unmanaged(), {"cloudEnabled": False})
    machine.later(MINUTE).trouble()
    assert {"unexplained-change", "setting-flapping"} <= {
        one.code for one in machine.report().unknown
    }
    machine.healthy(cloudEnabled=False).memory = None
    assert raised(machine, "unexplained-change") == []


def test_an_agent_that_falls_silent_moves_nothing() -> None:
    """What policy sets has a row all the same: unknown, and no event of it, whatever moved."""
    for shown in ({"cloudEnabled": False}, {"networkProtectionEnforcementLevel": "block"}):
        machine = attached()
        machine.step()
        machine.later(DAY).ask().step()
        moving(machine, *({**IN_FORCE, **one} for one in (shown, {}, shown, {}, shown)))
        told = {one.subject for one in raised(machine, "setting-flapping")}
        assert len(told) == 1
        machine.later(MINUTE).trouble()
        for code in ("unexplained-change", "setting-flapping"):
            assert raised(machine, code) == []
            assert code in {one.code for one in machine.report().unknown}
        events = [*machine.step(), *machine.later(HOUR).trouble().step()]
        assert not {"unexplained-change", "setting-flapping"} & {one.code for one in events}


def test_a_setting_that_is_private_is_told_without_its_value() -> None:
    """What is remembered is redacted already."""
    machine = Machine()
    machine.config = replace(machine.config, privacy=Privacy(redact=("tags",)))
    tag = [{"key": "GROUP", "value": "secret-one"}]
    machine.healthy(edrDeviceTags=tag).step()
    machine.later(DAY).ask().step()
    moving(machine, {"edrDeviceTags": [{"key": "GROUP", "value": "secret-two"}]})
    assert "secret" not in str(raised(machine, "unexplained-change"))


# --- setting-flapping ---------------------------------------------------------------------------


def test_a_value_that_goes_back_and_forth_is_one_finding() -> None:
    """Four moves within six hours; its facts do not move with it; over after six of quiet."""
    machine = moving(unmanaged(**SAFE), ALL, SAFE, ALL)
    assert raised(machine, "setting-flapping") == []
    moving(machine, SAFE)
    (finding,) = raised(machine, "setting-flapping")
    assert (finding.subject, finding.severity) == (f"key:{CONSENT}", Severity.LOW)
    assert sorted(finding.facts["values"]) == ["all", "safe"]
    assert raised(machine, "unexplained-change") == []
    moving(machine, ALL)
    assert raised(machine, "setting-flapping")[0].facts == finding.facts
    assert raised(machine, "unexplained-change") == []  # wherever it happens to be just now
    machine.later(6 * HOUR).ask().step()
    assert raised(machine, "setting-flapping") == []


def test_a_value_that_moves_now_and_then_does_not_flap() -> None:
    machine = moving(unmanaged(**SAFE), ALL, SAFE, ALL, SAFE, every=3 * HOUR)
    assert raised(machine, "setting-flapping") == []


def test_what_an_agent_shows_as_it_starts_does_not_flap() -> None:
    """A host that is started again and again shows this and that."""
    machine = unmanaged(**SAFE)
    for shown in (ALL, SAFE, ALL, SAFE, ALL):
        machine.later(30 * MINUTE).reboot()
        moving(machine, shown, every=2 * MINUTE)
    assert raised(machine, "setting-flapping") == []


def test_the_end_of_flapping_has_a_moment() -> None:
    """The service looks again when time alone ends it."""
    machine = moving(unmanaged(**SAFE), ALL, SAFE, ALL, SAFE)
    due = machine.due()
    assert due is not None
    assert due <= machine.now + 6 * HOUR


# --- authority-changed --------------------------------------------------------------------------


def test_another_governor_is_told_for_a_week_with_who_governed_before() -> None:
    """Low, on the host."""
    machine = Machine().put("mdatp_managed", POLICY, age=DAY)
    machine.step()
    machine.later(HOUR).put("mdeattach_managed", POLICY).healthy(**IN_FORCE).step()
    machine.later(HOUR).ask().step()
    (finding,) = raised(machine, "authority-changed")
    assert (finding.subject, finding.severity) == ("host", Severity.LOW)
    assert finding.facts == {
        "before": "managed_file",
        "channel": "mde_attach",
        "managed_by": "MDE",
    }
    machine.later(7 * DAY).ask().step()
    assert raised(machine, "authority-changed") == []


def test_the_first_policy_of_a_host_changes_no_hands() -> None:
    machine = Machine()
    machine.step()
    machine.later(HOUR).put("mdatp_managed", POLICY).step()
    assert raised(machine, "authority-changed") == []


def test_a_policy_that_was_away_for_a_while_comes_back_as_itself() -> None:
    """Away with nobody in its place, or with another one for less than an hour."""
    machine = Machine().put("mdatp_managed", POLICY, age=DAY)
    machine.step()
    machine.later(HOUR).drop("mdatp_managed").step()
    machine.later(3 * HOUR).put("mdatp_managed", POLICY).step()
    assert raised(machine, "authority-changed") == []
    machine = attached().put("mdatp_managed", POLICY, age=DAY)
    machine.step()
    machine.later(HOUR).drop("mdeattach_managed").healthy().step()
    machine.later(MINUTE).put("mdeattach_managed", POLICY).healthy(**IN_FORCE).step()
    assert raised(machine, "authority-changed") == []


def test_a_governor_that_is_not_known_leaves_it_open() -> None:
    machine = Machine().put("mdatp_managed", POLICY, age=DAY)
    machine.step()
    machine.later(HOUR).put("mdeattach_managed", POLICY).healthy(**IN_FORCE).step()
    machine.later(HOUR).drop("mdatp_managed").healthy(managedBy="Puppet").step()
    assert "authority-changed" in {one.code for one in machine.report().unknown}


def test_the_end_of_a_change_of_hands_has_a_moment() -> None:
    """After its week the service looks again, whatever else happens."""
    machine = Machine().put("mdatp_managed", POLICY, age=DAY)
    machine.step()
    machine.later(HOUR).put("mdeattach_managed", POLICY).healthy(**IN_FORCE).step()
    changed, moments = machine.now, []
    machine.success = machine.attempt = None
    while (due := machine.due()) is not None and due <= changed + 8 * DAY:
        machine.later(due - machine.now).ask().step()
        moments.append(due)
        assert len(moments) < 500
    assert changed + 7 * DAY in moments


# --- pending-too-long ---------------------------------------------------------------------------


def rewritten(machine: Machine, policy: Any, *, times: int = 20) -> Machine:
    """The same policy, written again every five minutes."""
    for _ in range(times):
        machine.later(5 * MINUTE).put("mdatp_managed", policy).ask().step()
    return machine


def test_a_file_that_is_always_new_hides_nothing_for_long() -> None:
    """Pending at each look, and the values the same for more than an hour: medium."""
    machine = Machine().put("mdatp_managed", POLICY).healthy(cloudEnabled=False)
    machine.step()
    rewritten(machine, POLICY, times=11)
    assert raised(machine, "pending-too-long") == []
    rewritten(machine, POLICY, times=3)
    findings = {one.subject: one for one in raised(machine, "pending-too-long")}
    finding = findings[f"key:{CLOUD}"]
    assert finding.severity is Severity.MEDIUM
    assert finding.facts == {
        "policy": True,
        "effective": False,
        "channel": "managed_file",
        "file": MANAGED,
    }
    assert raised(machine, "not-enforced") == []


def test_a_file_that_is_always_new_and_in_force_is_fine() -> None:
    policy = {"cloudService": {"enabled": True}}
    machine = Machine().put("mdatp_managed", policy).healthy(cloudEnabled=True)
    machine.step()
    assert raised(rewritten(machine, policy), "pending-too-long") == []


def test_a_file_that_is_newer_than_health_and_says_what_is_in_force_is_fine() -> None:
    """Pending, as health is the older of the two, and nothing to wait for."""
    policy = {"cloudService": {"enabled": True}}
    machine = Machine().put("mdatp_managed", policy).healthy(cloudEnabled=True)
    machine.step()
    for _ in range(20):
        machine.later(5 * MINUTE).ask().step()
        machine.later(MINUTE).put("mdatp_managed", policy).step()
    assert raised(machine, "pending-too-long") == []


def test_a_new_policy_after_long_rest_is_given_its_time() -> None:
    """What is remembered is the old one."""
    machine = Machine().put("mdatp_managed", POLICY).healthy(cloudEnabled=True)
    machine.step()
    off = {**POLICY, "cloudService": {"enabled": False}}
    machine.later(3 * HOUR).put("mdatp_managed", off).ask()
    assert raised(machine, "pending-too-long") == []


def test_a_policy_that_really_changes_is_given_its_time() -> None:
    """Other values each time: each has just come."""
    machine = Machine().put("mdatp_managed", POLICY).healthy(cloudEnabled=False)
    machine.step()
    for number in range(20):
        policy = {**POLICY, "antivirusEngine": {"maximumOnDemandScanThreads": number + 1}}
        machine.later(5 * MINUTE).put("mdatp_managed", policy).ask().step()
    assert raised(machine, "pending-too-long") == []


def test_while_health_is_silent_it_is_not_known_what_still_waits() -> None:
    machine = Machine().put("mdatp_managed", POLICY).healthy(cloudEnabled=False)
    machine.step()
    rewritten(machine, POLICY).trouble()
    assert "pending-too-long" in {one.code for one in machine.report().unknown}


# --- rewrites -----------------------------------------------------------------------------------


def test_rewrites_are_remembered_for_a_week_and_not_without_end() -> None:
    """Of policy files alone: the agent writes its own notes all the time."""
    machine = Machine().put("mdatp_managed", POLICY).put("wdavcfg", {})
    machine.step()
    for _ in range(12):
        machine.later(5 * MINUTE).put("mdatp_managed", POLICY).put("wdavcfg", {}).step()
    machine.restart()
    assert machine.memory is not None
    assert len(machine.memory.policies["mdatp_managed"].rewrites) == 8
    assert machine.memory.policies["wdavcfg"].rewrites == ()
    machine.later(8 * DAY).step()
    assert machine.memory.policies["mdatp_managed"].rewrites == ()


HARDENED = {"cloudService": {"enabled": True}, "networkProtection": {"enforcementLevel": "block"}}


def test_a_file_that_is_written_again_and_again_is_a_hint() -> None:
    """Three times within a week, as far as it is remembered."""
    machine = Machine().put("mdatp_managed", HARDENED, age=DAY)
    machine.put("mdeattach_managed", POLICY, age=DAY).healthy(managedBy="MDE")
    machine.step()
    for number in range(4):
        told = [one for one in machine.report().findings if one.code == "shadowed-file-deployed"]
        assert bool(told) is (number >= 3)
        machine.later(30 * MINUTE).put("mdatp_managed", HARDENED).step()
    assert told[0].facts["hints"] == [{"where": MANAGED, "sign": "rewritten"}]


def test_without_memory_or_file_nothing_was_written() -> None:
    """Unknown is no hint: a first look, and a file that is gone."""
    machine = Machine().put("mdatp_managed", HARDENED, age=DAY)
    machine.put("mdeattach_managed", POLICY, age=DAY).healthy(managedBy="MDE")
    assert "shadowed-file-deployed" not in {one.code for one in machine.report().findings}


# --- restart-needed -----------------------------------------------------------------------------


def running(host: HostFolder, started: str | None) -> HostFolder:
    process = {"pid": 812, "name": "wdavdaemon", "cmdline": ["wdavdaemon"], "started": started}
    return host.about(processes=[process])


def test_what_waits_for_a_restart_says_so(host: HostFolder) -> None:
    """Policy newer than the daemon, and not in effect: low, with the restart as remedy."""
    host.health(cloudDiagnosticEnabled=False).file(MANAGED, OPTIONAL, age=HOUR)
    (finding,) = found(running(host, "2026-11-20T00:00:00Z").report(), "restart-needed")
    assert finding.subject == "key:cloudService.diagnosticLevel"
    assert finding.severity is Severity.LOW
    assert finding.facts == {
        "policy": "optional",
        "effective": "required",
        "channel": "managed_file",
    }
    assert "restart" in finding.remedy


def test_after_a_restart_it_is_not_enforced(host: HostFolder) -> None:
    """The daemon is newer than the policy: there is nothing to wait for."""
    host.health(cloudDiagnosticEnabled=False).file(MANAGED, OPTIONAL, age=HOUR)
    report = running(host, "2026-11-22T10:30:00Z").report()
    assert found(report, "restart-needed") == []
    assert len(found(report, "not-enforced")) == 1


def test_what_is_in_effect_waits_for_nothing(host: HostFolder) -> None:
    host.health(cloudDiagnosticEnabled=True).file(MANAGED, OPTIONAL, age=HOUR)
    assert found(running(host, "2026-11-20T00:00:00Z").report(), "restart-needed") == []


def test_a_daemon_of_unknown_age_leaves_it_open(host: HostFolder) -> None:
    host.health(cloudDiagnosticEnabled=False).file(MANAGED, OPTIONAL, age=HOUR)
    report = running(host, None).report()
    assert found(report, "restart-needed") == []
    assert "restart-needed" in unknown(report)


def test_a_drift_from_the_baseline_waits_for_health_to_be_cleared() -> None:
    """Silence of the agent ends nothing; a value that is as wanted again does."""
    machine = unmanaged(cloudEnabled=False)
    settings = {CLOUD: True}
    machine.config = replace(machine.config, baseline=BaselineConfig(settings=settings))
    assert "finding.raised" in [one.type for one in machine.later(HOUR).ask().step()]
    machine.later(HOUR).trouble("timeout").step()
    cleared = [one for one in machine.told if one.type == "finding.cleared"]
    assert [one for one in cleared if str(one.code).startswith("baseline-")] == []
    told = machine.later(HOUR).healthy(cloudEnabled=True).step()
    assert sorted((one.code, one.because) for one in told if one.type == "finding.cleared") == [
        ("baseline-effective-drift", "resolved"),
        ("baseline-not-in-policy", "resolved"),
    ]


# --- file facts ---------------------------------------------------------------------------------


def test_a_file_that_gets_its_mode_in_a_second_step_is_not_told() -> None:
    """Tools write, then give the file to root: only what lasts a minute is an event."""
    hand = Hand(attached())
    hand.step()
    wrong = a_finding("policy-file-writable", f"file:{ATTACH}")
    assert words(hand.later(MINUTE).step(wrong)) == []
    assert words(hand.later(MINUTE / 2).step()) == []
    assert words(hand.later(MINUTE).step(wrong)) == []
    assert words(hand.later(MINUTE).step(wrong)) == [
        f"finding.raised policy-file-writable file:{ATTACH}"
    ]


def test_a_folder_that_was_corrected_is_resolved_and_not_gone() -> None:
    """It is there as long as it leads to a policy file."""
    hand = Hand(attached())
    reading = hand.base.sources["mdeattach_managed"]
    assert reading.file is not None
    placed = replace(reading, file=replace(reading.file, folders=(Folder("/etc/opt"),)))
    hand.base = replace(hand.base, sources={**hand.base.sources, "mdeattach_managed": placed})
    hand.step()
    wrong = a_finding("policy-folder-writable", "file:/etc/opt")
    hand.later(MINUTE).step(wrong)
    hand.later(2 * MINUTE).step(wrong)
    assert words(hand.later(MINUTE).step()) == [
        "finding.cleared policy-folder-writable file:/etc/opt resolved"
    ]
