"""What went away, judged by what is remembered; nothing is said without a memory."""

from __future__ import annotations

import pytest
from engine_support import IN_FORCE, POLICY, Machine, attached, words

from mdeinspect.model import Finding, Severity
from support import ATTACH, DAY, HOUR, MANAGED, MINUTE


def removed(machine: Machine) -> list[Finding]:
    return [one for one in machine.report().findings if one.code == "policy-removed"]


def managed() -> Machine:
    return Machine().put("mdatp_managed", POLICY, age=DAY)


def test_without_a_memory_nothing_was_ever_there() -> None:
    machine = managed()
    machine.step()
    machine.memory = None
    machine.later(HOUR).drop("mdatp_managed")
    assert removed(machine) == []


def test_a_policy_that_governed_and_is_gone_is_medium_until_it_is_back() -> None:
    machine = managed()
    machine.step()
    machine.later(HOUR).drop("mdatp_managed")
    for _ in range(50):
        (finding,) = removed(machine)
        assert (finding.severity, finding.subject) == (Severity.MEDIUM, f"file:{MANAGED}")
        machine.restart().step()
        machine.later(DAY).ask()
    machine.put("mdatp_managed", POLICY)
    assert removed(machine) == []
    assert any("policy-removed" in word and "resolved" in word for word in words(machine.step()))


def test_where_the_portal_governs_the_end_of_the_managed_file_is_worth_a_note() -> None:
    machine = attached().put("mdatp_managed", {}, age=DAY)
    machine.step()
    (fact,) = machine.later(HOUR).drop("mdatp_managed").step()
    assert fact.severity is Severity.INFO
    (finding,) = removed(machine)
    assert finding.severity is Severity.INFO
    machine.later(30 * DAY)
    assert removed(machine) == []


def test_where_the_portal_delivers_through_the_managed_file_its_end_is_the_end_of_policy() -> None:
    machine = managed().healthy(managedBy="MDE")
    machine.step()
    machine.later(HOUR).drop("mdatp_managed").step()
    (finding,) = removed(machine)
    assert finding.severity is Severity.MEDIUM


def test_a_portal_policy_that_ends_where_another_file_takes_over_is_told_for_a_while() -> None:
    machine = attached().put("mdatp_managed", POLICY, age=DAY)
    machine.step()
    machine.later(HOUR).drop("mdeattach_managed").healthy(**IN_FORCE | {"managedBy": ""}).step()
    (finding,) = removed(machine)
    assert (finding.severity, finding.subject) == (Severity.MEDIUM, f"file:{ATTACH}")
    machine.later(31 * DAY)
    assert removed(machine) == []


@pytest.mark.parametrize("content", [b"{", b""])
def test_a_broken_file_is_not_a_removed_one(content: bytes) -> None:
    machine = managed()
    machine.step()
    machine.later(HOUR).put("mdatp_managed", content)
    assert removed(machine) == []


def test_local_settings_are_no_policy() -> None:
    machine = Machine().put("wdavcfg", {"cloudService": {"enabled": True}}, age=DAY)
    machine.step()
    machine.later(HOUR).drop("wdavcfg").step()
    assert removed(machine) == []


def test_a_flag_that_was_never_there_is_not_lost() -> None:
    machine = attached().healthy(**IN_FORCE | {"managed": ()})
    for _ in range(5):
        machine.step()
        machine.later(15 * MINUTE).ask()
    assert not any(one.code == "managed-flag-lost" for one in machine.told)


def test_flags_cannot_be_told_while_health_is_silent() -> None:
    machine = attached()
    machine.step()
    for _ in range(2):
        machine.later(15 * MINUTE).healthy(**IN_FORCE | {"managed": ()}).step()
    machine.later(HOUR).trouble("timeout")
    assert "managed-flag-lost" in {one.code for one in machine.report().unknown}
    machine.step()
    assert not any(one.type == "finding.cleared" for one in machine.told)
