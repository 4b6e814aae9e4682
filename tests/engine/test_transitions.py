"""What is told from one report to the next: the truth table, holds, flapping, facts, restarts."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from engine_support import (
    CATALOGUE,
    IN_FORCE,
    POLICY,
    RULES,
    Hand,
    Machine,
    a_finding,
    attached,
    edited,
    kinds,
    words,
)

from mdeinspect.config.model import Accept, Config, Privacy
from mdeinspect.model import Severity, Unknown
from mdeinspect.transitions import step
from support import DAY, HOUR, MINUTE, NOW

CODE = "checkin-clock-skew"  # no hold, no needs
NEEDY = "definitions-old"  # needs health
HELD = "agent-unhealthy"
OFF = {"networkProtection": {"enforcementLevel": "block"}}


def seen(hand: Hand, *findings: Any, **more: Any) -> Hand:
    """A host that was reported on before, without anything, and then with these findings."""
    hand.step()
    hand.later(MINUTE).step(*findings, **more)
    return hand


# --- the truth table ----------------------------------------------------------------------------


def test_a_new_finding_is_raised_once_with_all_there_is_to_know() -> None:
    hand = Hand()
    hand.step()
    (event,) = hand.later(MINUTE).step(a_finding(CODE, severity=3, why="x"))
    assert (event.type, event.code, event.subject) == ("finding.raised", CODE, "host")
    assert event.severity is Severity.HIGH
    assert event.time == hand.now
    assert event.data == {
        "title": f"{CODE} title",
        "detail": "detail",
        "remedy": "remedy",
        "facts": {"why": "x"},
        "since": hand.now,
    }
    assert event.evidence
    assert hand.later(MINUTE).step(a_finding(CODE, severity=3, why="x")) == []


def test_the_first_report_raises_as_initial_and_tells_nothing_else() -> None:
    hand = Hand()
    events = hand.step(a_finding(CODE), a_finding("checkin-late"))
    assert words(events) == [f"finding.raised {CODE} host", "finding.raised checkin-late host"]
    assert all(event.data["initial"] is True for event in events)
    assert hand.restart().later(HOUR).step(a_finding(CODE), a_finding("checkin-late")) == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (a_finding(CODE, severity=2), a_finding(CODE, severity=3)),
        (a_finding(CODE, level="off"), a_finding(CODE, level="passive")),
        (a_finding(CODE, on=True), a_finding(CODE, on=1)),
    ],
)
def test_another_severity_or_other_facts_change_a_finding(before: Any, after: Any) -> None:
    hand = seen(Hand(), before)
    (event,) = hand.later(MINUTE).step(after)
    assert event.type == "finding.changed"
    assert event.data["previous"]["severity"] == before.severity.word
    assert hand.later(MINUTE).step(after) == []


def test_moments_in_facts_move_by_themselves_and_change_nothing() -> None:
    hand = seen(Hand(), a_finding(CODE, last_attempt=NOW, seen=[NOW, {"at": NOW}]))
    moved = a_finding(CODE, last_attempt=NOW + HOUR, seen=[NOW + HOUR, {"at": NOW + HOUR}])
    assert hand.later(HOUR).step(moved) == []


def test_a_vanished_finding_is_cleared_as_resolved_and_keeps_its_name() -> None:
    hand = seen(Hand(), a_finding(CODE, severity=3))
    raised = hand.now
    (event,) = hand.later(MINUTE).step()
    assert (event.type, event.because, event.severity) == (
        "finding.cleared",
        "resolved",
        Severity.HIGH,
    )
    assert event.data == {"title": f"{CODE} title", "since": raised}
    assert hand.later(MINUTE).step() == []


def test_unknown_never_clears_and_tells_nothing_when_the_finding_is_seen_again() -> None:
    finding = a_finding(CODE)
    hand = seen(Hand(), finding)
    doubt = (Unknown(CODE, "cannot tell"),)
    for _ in range(3):
        assert hand.later(HOUR).step(unknown=doubt) == []
        hand.restart()
    assert hand.later(HOUR).step(finding) == []
    assert words(hand.later(HOUR).step()) == [f"finding.cleared {CODE} host resolved"]


def test_a_rule_that_lacks_what_it_needs_is_unknown_even_when_it_does_not_say_so() -> None:
    hand = seen(Hand(), a_finding(NEEDY, "agent"))
    without = {**hand.base.sources}
    del without["health"]
    assert kinds(hand.later(HOUR).step(sources=without)) == ["source.changed"]


def test_a_rule_that_is_switched_off_clears_whatever_it_raised() -> None:
    hand = seen(Hand(), a_finding(CODE))
    hand.machine.config = Config(rules={CODE: {"enabled": False}})
    doubt = (Unknown(CODE, "cannot tell"),)
    assert words(hand.later(MINUTE).step(unknown=doubt)) == [
        f"finding.cleared {CODE} host rule-off"
    ]
    assert hand.later(MINUTE).step() == []


def test_a_rule_that_is_no_more_is_off() -> None:
    hand = seen(Hand(), a_finding(CODE))
    hand.machine.rules = tuple(rule for rule in RULES if rule.code != CODE)
    assert words(hand.later(MINUTE).step()) == [f"finding.cleared {CODE} host rule-off"]


def test_a_candidate_of_a_rule_that_is_switched_off_says_nothing() -> None:
    hand = seen(Hand(), a_finding(HELD, "agent"))
    hand.machine.config = Config(rules={HELD: {"enabled": False}})
    assert hand.later(MINUTE).step() == []


def test_an_accepted_finding_is_cleared_and_raised_again_when_that_ends() -> None:
    finding = a_finding(CODE)
    accepted = replace(finding, accepted="we know")
    hand = seen(Hand(), finding)
    assert words(hand.later(MINUTE).step(accepted)) == [f"finding.cleared {CODE} host accepted"]
    assert hand.restart().later(DAY).step(accepted) == []
    (event,) = hand.later(DAY).step(finding)
    assert event.type == "finding.raised"
    assert "initial" not in event.data


def test_a_finding_that_is_accepted_from_the_start_is_never_raised() -> None:
    accepted = replace(a_finding(CODE), accepted="we know")
    hand = Hand()
    assert hand.step(accepted) == []
    assert hand.later(MINUTE).step() == []


def test_a_rule_new_in_this_release_raises_as_initial() -> None:
    hand = Hand()
    hand.machine.rules = tuple(rule for rule in RULES if rule.code != CODE)
    hand.step()
    hand.machine.rules = RULES
    (event,) = hand.restart().later(MINUTE).step(a_finding(CODE))
    assert event.data["initial"] is True
    hand.later(MINUTE).step()
    (again,) = hand.later(MINUTE).step(a_finding(CODE))
    assert "initial" not in again.data


def test_a_rule_that_could_never_tell_before_raises_as_initial() -> None:
    hand = Hand()
    hand.step(unknown=(Unknown(CODE, "cannot tell"),))
    (event,) = hand.later(MINUTE).step(a_finding(CODE))
    assert event.data["initial"] is True


@pytest.mark.parametrize(
    ("code", "subject"),
    [
        ("policy-malformed", "file:/etc/no/such/file"),
        ("policy-shadowed", "channel:managed_file"),
        ("not-enforced", "key:cloudService.cloudBlockLevel"),
    ],
)
def test_what_a_finding_was_about_may_be_gone(code: str, subject: str) -> None:
    hand = seen(Hand(), a_finding(code, subject))
    assert words(hand.later(MINUTE).step()) == [f"finding.cleared {code} {subject} subject-gone"]


@pytest.mark.parametrize("verdict", ["pending", "unknown"])
def test_a_verdict_that_is_not_known_clears_no_finding_about_it(verdict: Any) -> None:
    key = "networkProtection.enforcementLevel"
    finding = a_finding("not-enforced", f"key:{key}")
    hand = seen(Hand(), finding)
    rows = tuple(
        replace(row, verdict=verdict) if row.key == key else row for row in hand.base.settings
    )
    assert hand.later(MINUTE).step(settings=rows) == []
    assert kinds(hand.later(MINUTE).step()) == ["finding.cleared"]


def test_a_checkin_that_cannot_be_told_clears_no_finding_about_it() -> None:
    hand = seen(Hand(), a_finding("checkin-failing"))
    unknown = replace(hand.base.checkin, state="unknown")
    assert hand.later(MINUTE).step(checkin=unknown) == []


def test_since_is_when_a_finding_was_raised() -> None:
    machine = attached()
    machine.step()
    machine.later(DAY).put("mdatp_managed", POLICY | OFF, age=HOUR).step()
    raised = machine.now
    machine.later(DAY).ask().step()
    assert machine.last is not None
    (finding,) = (one for one in machine.last.findings if one.code == "policy-shadowed")
    assert finding.since == raised


# --- holds --------------------------------------------------------------------------------------


def test_a_held_finding_is_raised_after_its_time_and_two_readings() -> None:
    finding = a_finding(HELD, "agent")
    hand = seen(Hand(), finding)
    first = hand.now
    assert hand.later(5 * MINUTE).step(finding) == []
    (event,) = hand.later(5 * MINUTE).step(finding)
    assert event.type == "finding.raised"
    assert event.data["since"] == first
    (event,) = hand.later(HOUR).step()
    assert (event.type, event.data["since"]) == ("finding.cleared", first)


def test_one_reading_is_not_enough_however_old() -> None:
    machine = attached()
    machine.step()
    machine.later(HOUR).trouble().step()
    assert "finding.raised" not in kinds(machine.later(HOUR).step())
    machine.trouble()
    assert "finding.raised agent-unreachable agent" in words(machine.step())


def test_a_candidate_that_vanishes_before_its_hold_is_over_says_nothing() -> None:
    finding = a_finding(HELD, "agent")
    hand = seen(Hand(), finding)
    assert hand.later(9 * MINUTE).step(finding) == []
    assert hand.later(MINUTE / 2).step() == []
    assert hand.later(MINUTE).step(finding) == []  # and it starts anew


def test_a_crash_loop_inside_a_hold_still_raises_in_the_end() -> None:
    finding = a_finding(HELD, "agent")
    hand = seen(Hand(), finding)
    told = []
    for _ in range(11):
        told += hand.restart().later(MINUTE).step(finding)
    assert kinds(told) == ["finding.raised"]


def test_the_configuration_sets_another_hold() -> None:
    hand = Hand(attached(rules={CODE: {"hold": "2h"}}))
    seen(hand, a_finding(CODE))
    assert hand.later(HOUR).step(a_finding(CODE)) == []
    assert kinds(hand.later(HOUR).step(a_finding(CODE))) == ["finding.raised"]


def test_a_clock_that_is_set_back_does_not_hold_for_ever() -> None:
    finding = a_finding(HELD, "agent")
    hand = seen(Hand(), finding)
    hand.later(-DAY).step(finding)
    hand.later(5 * MINUTE).step(finding)
    assert kinds(hand.later(5 * MINUTE).step(finding)) == ["finding.raised"]


def test_a_clock_that_is_set_ahead_does_not_cut_a_hold_short() -> None:
    machine = attached()
    machine.awake = 30 * 86400.0
    hand = Hand(machine)
    finding = a_finding(HELD, "agent")
    seen(hand, finding)
    host = replace(hand.base.host, awake_seconds=machine.awake)
    hand.step(finding, host=host)
    machine.later(DAY, asleep=True)
    assert hand.step(finding, host=host) == []


@pytest.mark.parametrize("code", [NEEDY, "product-expired", "not-enforced"])
def test_nothing_is_told_of_an_agent_whose_host_has_just_started(code: str) -> None:
    hand = Hand()
    subject = "key:cloudService.enabled" if code == "not-enforced" else "agent"
    hand.step()
    hand.later(HOUR)
    host = replace(hand.base.host, boot_time=hand.now - MINUTE)
    assert hand.step(a_finding(code, subject), host=host) == []
    assert hand.later(8 * MINUTE).step(a_finding(code, subject), host=host) == []
    assert kinds(hand.later(MINUTE).step(a_finding(code, subject), host=host)) == ["finding.raised"]


def test_nothing_is_told_of_an_agent_that_was_just_replaced_but_the_fact() -> None:
    hand = Hand()
    hand.step()
    new = replace(hand.base.agent, version="101.25092.0001")
    finding = a_finding(NEEDY, "agent")
    (fact,) = hand.later(HOUR).step(finding, agent=new)
    assert fact.type == "agent.changed"
    assert hand.later(9 * MINUTE).step(finding, agent=new) == []
    assert kinds(hand.later(MINUTE).step(finding, agent=new)) == ["finding.raised"]


def test_a_removed_policy_is_a_fact_at_once_and_a_finding_after_its_hold() -> None:
    machine = attached()
    machine.step()
    gone = machine.later(HOUR).drop("mdeattach_managed").step()
    assert kinds(gone) == ["policy.changed"]  # managed_by still says MDE
    assert gone[0].severity is Severity.MEDIUM
    assert machine.later(MINUTE / 2).step() == []
    raised = machine.restart().later(MINUTE / 2).step()
    assert "finding.raised policy-removed" in " ".join(words(raised))
    back = machine.later(HOUR).put("mdeattach_managed", POLICY).ask().step()
    assert "policy.changed" in kinds(back)
    assert any("policy-removed" in word and "cleared" in word for word in words(back))


def test_a_policy_that_is_back_within_the_hold_is_two_facts_and_no_finding() -> None:
    machine = attached()
    machine.step()
    data, written = machine.files["mdeattach_managed"]
    told = machine.later(HOUR).drop("mdeattach_managed").step()
    machine.later(MINUTE / 2).files["mdeattach_managed"] = (data, written)
    told += machine.step()
    assert [one.data["kind"] for one in told] == ["removed", "added"]
    assert machine.later(HOUR).ask().step() == []


def test_a_file_that_is_back_with_its_old_time_accuses_nobody_at_once() -> None:
    machine = attached()
    machine.step()
    data, written = machine.files["mdeattach_managed"]
    machine.later(HOUR).drop("mdeattach_managed").step()
    off = {**IN_FORCE, "networkProtectionEnforcementLevel": "disabled"}
    machine.later(HOUR).healthy(**off).step()
    machine.later(MINUTE).files["mdeattach_managed"] = (data, written)
    machine.step()
    machine.later(MINUTE / 2).healthy(**IN_FORCE).step()
    assert not any(one.code == "not-enforced" for one in machine.told)


def test_what_follows_from_a_removed_policy_waits_until_the_removal_is_told() -> None:
    machine = Machine("darwin").put("managed_preferences", POLICY, age=DAY)
    machine.healthy(managedBy="MEM", managed=("cloudEnabled",)).step()
    told = []
    machine.later(HOUR).drop("managed_preferences")
    for _ in range(10):
        told += machine.step()
        machine.later(MINUTE).ask()
    assert kinds(told) == ["policy.changed"]
    told = words(machine.step())
    assert told[0] == "authority.changed"
    assert "finding.raised foreign-managed key:cloudService.enabled" in told
    assert any(word.startswith("finding.raised policy-removed") for word in told)


def test_who_governs_is_not_told_of_a_file_that_is_back_in_a_moment() -> None:
    """A tool that replaces a file in two steps changes nothing, the check-in included."""
    machine = Machine().put("mdeattach_managed", POLICY, age=DAY)
    machine.put("mdatp_managed", {"cloudService": {"enabled": False}}, age=DAY)
    machine.healthy().step()
    machine.later(HOUR).drop("mdeattach_managed")
    assert kinds(machine.step()) == ["policy.changed"]
    machine.later(MINUTE / 2).put("mdeattach_managed", POLICY, age=DAY)
    assert kinds(machine.step()) == ["policy.changed"]
    machine.drop("mdeattach_managed").step()
    told = machine.later(2 * MINUTE).step()
    assert kinds(told)[0] == "authority.changed"
    assert told[0].data["after"]["channel"] == "managed_file"


@pytest.mark.parametrize(("source", "told"), [("mdeattach_managed", ["added"]), ("wdavcfg", [])])
def test_an_empty_file_that_appears(source: str, told: list[str]) -> None:
    """From the portal it is news: it switches a hardened file off. The agent's own says nothing."""
    machine = Machine().put("mdatp_managed", POLICY, age=DAY).healthy()
    machine.step()
    machine.later(HOUR).put(source, {})
    assert [one.data["kind"] for one in machine.step() if one.type == "policy.changed"] == told


# --- consequences -------------------------------------------------------------------------------


def test_consequences_of_a_silent_agent_are_suppressed_and_not_cleared() -> None:
    machine = Machine().put("mdatp_managed", {"cloudService": {"enabled": False}}, age=DAY)
    raised = set(words(machine.step()))
    for _ in range(4):
        machine.later(15 * MINUTE).trouble().step()
    assert machine.memory is not None
    assert words(machine.told)[-1] == "finding.raised agent-unreachable agent"
    hidden = {one.code for one in machine.memory.findings.values() if one.suppressed}
    assert "not-enforced" in hidden
    assert machine.memory.standing()["suppressed"] == len(hidden)
    assert machine.memory.standing()["high"] == 1
    assert not any("cleared" in word for word in words(machine.told))
    back = machine.restart().later(15 * MINUTE).healthy().step()
    assert words(back) == ["agent.changed", "finding.cleared agent-unreachable agent resolved"]
    assert not any(one.suppressed for one in machine.memory.findings.values())
    assert raised


def test_an_agent_that_is_taken_away_hides_what_was_said_of_it() -> None:
    policy = {"networkProtection": {"enforcementLevel": "block"}}
    machine = Machine().put("mdatp_managed", policy, age=DAY)
    machine.step()
    told = []
    for _ in range(3):
        told += machine.later(15 * MINUTE).uninstalled().step()
    assert words(told) == ["agent.changed", "finding.raised agent-missing agent"]
    assert machine.memory is not None
    assert [one.code for one in machine.memory.findings.values() if not one.suppressed] == [
        "agent-missing"
    ]


# --- flapping -----------------------------------------------------------------------------------


def flap(hand: Hand, times: int, every: timedelta = 10 * MINUTE) -> list[str]:
    """A finding that comes and goes; the state before is: raised."""
    told = []
    for number in range(times):
        present = [a_finding(CODE)] if number % 2 else []
        told += hand.later(every).step(*present)
    return [f"{one.type} {one.data.get('flapping', {}).get('count', '')}".strip() for one in told]


def test_a_flapping_finding_is_told_at_four_eight_and_sixteen_transitions() -> None:
    hand = seen(Hand(), a_finding(CODE))  # the first transition
    assert flap(hand, 29) == [
        "finding.cleared",
        "finding.raised",
        "finding.changed 4",
        "finding.changed 8",
        "finding.changed 16",
    ]


def test_flapping_says_since_when_and_what_is_so_now() -> None:
    hand = seen(Hand(), a_finding(CODE))
    start = hand.now
    flap(hand, 2)
    (event,) = hand.later(MINUTE).step()
    assert event.data["flapping"] == {"count": 4, "since": start}
    assert event.data["state"] == "cleared"


def test_flapping_is_over_after_six_hours_of_quiet_and_tells_a_state_that_differs() -> None:
    hand = seen(Hand(), a_finding(CODE))
    flap(hand, 3)  # told: cleared
    hand.later(MINUTE).step(a_finding(CODE))
    assert hand.restart().later(5 * HOUR).step(a_finding(CODE)) == []
    (event,) = hand.later(HOUR).step(a_finding(CODE))
    assert event.type == "finding.raised"
    assert event.data["flapping"]["over"] is True
    assert words(hand.later(MINUTE).step()) == [f"finding.cleared {CODE} host resolved"]


def test_flapping_that_ends_as_it_was_told_says_nothing_more() -> None:
    hand = seen(Hand(), a_finding(CODE))
    flap(hand, 3)
    assert hand.later(6 * HOUR).step() == []
    assert kinds(hand.later(MINUTE).step(a_finding(CODE))) == ["finding.raised"]


def test_four_transitions_in_more_than_six_hours_are_each_told() -> None:
    hand = seen(Hand(), a_finding(CODE))
    assert flap(hand, 6, every=2 * HOUR + MINUTE) == ["finding.cleared", "finding.raised"] * 3


# --- facts --------------------------------------------------------------------------------------


def test_an_edit_that_takes_effect_in_time_is_one_policy_changed_and_no_more() -> None:
    machine = attached()
    machine.step()
    machine.later(HOUR).put("mdeattach_managed", edited(**OFF)).step()
    assert kinds(machine.told) == ["policy.changed"]
    for _ in range(3):
        machine.later(30 * MINUTE / 60).ask().step()
    machine.later(MINUTE).healthy(**IN_FORCE | {"networkProtectionEnforcementLevel": "block"})
    machine.step()
    machine.later(HOUR).ask().step()
    assert kinds(machine.told) == ["policy.changed"]


def test_an_edit_that_takes_no_effect_makes_one_setting_changed_when_grace_is_over() -> None:
    machine = attached()
    machine.step()
    machine.later(HOUR).put("mdeattach_managed", edited(**OFF)).step()
    for _ in range(30):
        machine.later(MINUTE).ask().step()
    told = words(machine.told)
    key = "networkProtection.enforcementLevel"
    assert told == ["policy.changed", "setting.changed", f"finding.raised not-enforced key:{key}"]
    (change,) = machine.told[1].data["settings"]
    assert (change["key"], change["before"]["policy"], change["after"]["policy"]) == (
        key,
        "audit",
        "block",
    )
    assert change["after"]["verdict"] == "not-enforced"
    assert machine.told[2].time - machine.told[0].time == 10 * MINUTE


def test_a_key_taken_out_of_the_policy_is_one_edit_although_the_agent_follows_later() -> None:
    machine = attached()
    machine.step()
    less = {name: value for name, value in POLICY.items() if name != "networkProtection"}
    machine.later(HOUR).put("mdeattach_managed", less).step()
    machine.later(MINUTE).ask().step()
    machine.later(MINUTE).healthy(**IN_FORCE | {"networkProtectionEnforcementLevel": "disabled"})
    machine.step()
    machine.later(HOUR).ask().step()
    assert kinds(machine.told) == ["policy.changed", "setting.changed"]


def test_a_change_on_the_host_is_told_at_once() -> None:
    machine = attached()
    machine.step()
    machine.later(HOUR).healthy(**IN_FORCE | {"networkProtectionEnforcementLevel": "disabled"})
    told = machine.step()
    assert kinds(told)[0] == "setting.changed"
    (change,) = told[0].data["settings"]
    assert (change["before"]["effective"], change["after"]["effective"]) == ("audit", "disabled")
    assert {one.source for one in told[0].evidence} == {"health", "mdeattach_managed"}
    assert all(one.time for one in told[0].evidence)


def test_what_is_not_known_for_a_while_is_no_change_of_a_setting() -> None:
    machine = attached()
    machine.step()
    machine.later(HOUR).trouble("timeout").step()
    machine.later(HOUR).ask().step()
    machine.later(HOUR).healthy(**IN_FORCE).step()
    assert kinds(machine.told) == ["source.changed", "source.changed"]


def test_a_rewrite_with_the_same_bytes_is_silent_and_one_with_the_same_values_says_so() -> None:
    machine = attached()
    machine.step()
    assert machine.later(HOUR).put("mdeattach_managed", POLICY).ask().step() == []
    again = dict(reversed(POLICY.items()))
    (event,) = machine.later(HOUR).put("mdeattach_managed", again).ask().step()
    assert (event.type, event.data["kind"]) == ("policy.changed", "form")
    assert event.data["difference"] == {"added": [], "changed": [], "removed": []}
    assert event.data["old_digest"] != event.data["new_digest"]


def test_a_policy_changed_names_channel_file_digests_and_difference() -> None:
    machine = attached()
    machine.step()
    (event,) = machine.later(HOUR).put("mdeattach_managed", edited(**OFF)).ask().step()
    assert event.data["channel"] == "mde_attach"
    assert event.data["file"] == event.evidence[0].path
    assert event.data["kind"] == "values"
    assert event.data["difference"]["changed"] == [
        {"key": "networkProtection.enforcementLevel", "old": "audit", "new": "block"}
    ]
    assert event.evidence[0].time == machine.now


def test_a_broken_policy_file_is_neither_a_removal_nor_a_change_of_values() -> None:
    machine = attached()
    machine.step()
    broken = machine.later(HOUR).put("mdeattach_managed", b"{").step()
    assert "source.changed" in kinds(broken)
    assert "policy.changed" not in kinds(broken)
    machine.restart().later(HOUR).ask().step()
    machine.later(HOUR).put("mdeattach_managed", POLICY).ask().step()
    assert {"policy.changed", "setting.changed", "authority.changed"}.isdisjoint(
        kinds(machine.told)
    )
    assert kinds(machine.told).count("source.changed") == 2


def test_a_file_that_was_broken_when_first_seen_is_not_told_as_new() -> None:
    machine = attached().put("mdatp_managed", b"{", age=DAY)
    machine.step()
    told = machine.later(HOUR).put("mdatp_managed", {}).ask().step()
    assert "policy.changed" not in kinds(told)


def test_values_of_unknown_keys_and_user_info_never_reach_memory_or_events() -> None:
    machine = attached()
    machine.step()
    proxy = {"proxy": "http://u:hunter2@proxy:8080"}
    secret = edited(cloudService=proxy) | {"mySecret": "hunter2"}
    told = machine.later(HOUR).put("mdeattach_managed", secret).ask().step()
    assert "policy.changed" in kinds(told)
    assert "hunter2" not in repr([one for one in told if one.type == "policy.changed"])
    assert "hunter2" not in repr(machine.memory)


def test_what_becomes_private_is_forgotten_and_makes_no_event() -> None:
    policy = edited(edr={"tags": [{"key": "GROUP", "value": "vault"}]})
    machine = attached().put("mdeattach_managed", policy, age=DAY)
    machine.step()
    assert "vault" in repr(machine.memory)
    machine.config = Config(privacy=Privacy(redact=("tags", "exclusions")))
    machine.last = None
    told = machine.later(HOUR).ask().step()
    assert "setting.changed" not in kinds(told)
    assert "policy.changed" not in kinds(told)
    assert machine.memory is not None
    assert "vault" not in repr(machine.memory.rows())


def test_local_settings_count_only_as_far_as_policy_could_set_them() -> None:
    machine = attached()
    notes = {"cloudService": {"definitionUpdateDue": 1, "enabled": True}}
    machine.put("wdavcfg", notes, age=DAY).step()
    notes["cloudService"]["definitionUpdateDue"] = 2
    assert machine.later(HOUR).put("wdavcfg", notes).ask().step() == []
    notes["cloudService"]["enabled"] = False
    (event,) = machine.later(HOUR).put("wdavcfg", notes).ask().step()
    assert (event.type, event.data["channel"]) == ("policy.changed", "local")


def test_another_governor_is_told_once_and_not_when_health_is_just_silent() -> None:
    machine = Machine().healthy(managedBy="MDE").put("mdatp_managed", POLICY, age=DAY)
    machine.step()
    machine.later(HOUR).trouble("timeout").step()  # managed_by is not known: seems `managed_file`
    machine.later(HOUR).healthy(managedBy="MDE").step()
    assert "authority.changed" not in kinds(machine.told)
    machine.later(HOUR).healthy(managedBy="").step()
    (event,) = (one for one in machine.told if one.type == "authority.changed")
    assert (event.data["before"]["channel"], event.data["after"]["channel"]) == (
        "mde_attach",
        "managed_file",
    )


def test_checkin_changes_are_told_and_unknown_is_none() -> None:
    machine = attached()
    machine.step()
    machine.success = machine.attempt = None
    machine.later(DAY).ask().step()
    machine.success = machine.attempt = machine.now - 5 * HOUR
    told = machine.later(MINUTE).ask().step()
    (event,) = (one for one in told if one.type == "checkin.changed")
    assert (event.data["before"], event.data["after"]) == ("fresh", "late")
    assert event.evidence[0].source == "wdavstate"


def test_agent_changes_are_told_and_unknown_is_none() -> None:
    hand = Hand()
    hand.step()
    agent = hand.base.agent
    assert hand.later(MINUTE).step(agent=replace(agent, state="unknown", version=None)) == []
    (event,) = hand.later(MINUTE).step(agent=replace(agent, licensed=False))
    assert event.data["changed"] == ["licensed"]
    (event,) = hand.later(MINUTE).step(agent=replace(agent, version="101.9"))
    assert event.data["before"] == {"version": agent.version, "licensed": False}


def test_an_agent_that_is_silent_while_the_host_starts_is_no_event() -> None:
    machine = attached()
    machine.step()
    machine.later(HOUR).reboot().trouble().step()
    machine.later(2 * MINUTE).healthy(**IN_FORCE).step()
    machine.later(HOUR).ask().step()
    assert machine.told == []
    machine.reboot().trouble().step()
    machine.later(10 * MINUTE).trouble().step()
    assert words(machine.told) == ["agent.changed", "finding.raised agent-unreachable agent"]


def test_a_first_report_without_anything_wrong_is_silent() -> None:
    assert attached().step() == []


def test_a_flag_that_is_lost_is_a_finding_after_two_readings_without_it() -> None:
    machine = attached()
    machine.step()
    bare = {**IN_FORCE, "managed": ()}
    assert machine.later(15 * MINUTE).healthy(**bare).step() == []
    assert machine.later(MINUTE).step() == []  # the same reading
    raised = machine.restart().later(15 * MINUTE).healthy(**bare).step()
    assert {one.code for one in raised} == {"managed-flag-lost"}
    cleared = machine.later(15 * MINUTE).healthy(**IN_FORCE).step()
    assert {one.because for one in cleared} == {"resolved"}


def test_a_flag_that_goes_with_its_policy_is_not_lost() -> None:
    machine = attached()
    machine.step()
    machine.later(HOUR).put("mdeattach_managed", edited(**OFF))
    bare = {**IN_FORCE, "managed": (), "networkProtectionEnforcementLevel": "block"}
    for _ in range(4):
        machine.later(15 * MINUTE).healthy(**bare).step()
    assert kinds(machine.told) == ["policy.changed"]


def test_flags_of_the_channel_before_are_not_lost_to_the_next() -> None:
    """MDE Attach need not flag anything; until it is taken up, health shows the old flags."""
    machine = Machine().put("mdatp_managed", POLICY, age=DAY)
    machine.success = machine.attempt = machine.now
    machine.healthy(**{**IN_FORCE, "managedBy": ""}).step()
    machine.later(HOUR).put("mdeattach_managed", POLICY).step()  # health is still the old one
    machine.later(MINUTE).healthy(**IN_FORCE).step()
    for pause in (MINUTE, 5 * MINUTE, 15 * MINUTE, 15 * MINUTE, 15 * MINUTE):
        machine.later(pause).healthy(**{**IN_FORCE, "managed": ()}).step()
    assert "managed-flag-lost" not in {one.code for one in machine.told}


def test_acceptances_of_the_configuration_come_and_go() -> None:
    machine = Machine().put("mdatp_managed", {"cloudService": {"enabled": False}}, age=DAY)
    machine.step()
    until = date(2026, 11, 23)
    machine.config = Config(accept=(Accept("not-enforced", "key:cloud*", "known", until),))
    subject = "not-enforced key:cloudService.enabled"
    assert words(machine.later(MINUTE).step()) == [f"finding.cleared {subject} accepted"]
    machine.later(2 * DAY).ask().step()
    assert f"finding.raised {subject}" in words(machine.told)


def test_the_same_step_always_tells_the_same() -> None:
    machine = attached()
    machine.step()
    before = machine.memory
    machine.later(HOUR).put("mdeattach_managed", edited(**OFF)).ask()
    report = machine.report()
    same = [
        step(
            before,
            report,
            config=machine.config,
            catalogue=CATALOGUE,
            rules=RULES,
            now=machine.now,
        )
        for _ in range(2)
    ]
    assert same[0] == same[1]
