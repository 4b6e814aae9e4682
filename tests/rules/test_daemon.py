"""Does the daemon keep running, whole and without being begun anew again and again?"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from cases_agent import daemon, hanging, looping, recorded
from engine_support import Machine, words

from mdeinspect.config.model import Config
from mdeinspect.events import Event
from mdeinspect.model import Finding, Process, Severity
from support import DAY, HOUR, MINUTE, NOW, HostFolder, codes, found, unknown


def raised(events: list[Event], code: str) -> list[Event]:
    """The events that tell of a code."""
    return [one for one in events if one.code == code]


def only(machine: Machine, code: str) -> Finding:
    """The one finding of a code."""
    (finding,) = found(machine.report(), code)
    return finding


# --- agent-hung ---------------------------------------------------------------------------------


def test_a_third_call_that_hangs_is_told() -> None:
    """Medium, since the first of them; the second is a candidate, no more."""
    machine = Machine()
    machine.step()
    for _ in range(2):
        machine.later(15 * MINUTE).trouble("timeout").step()
    assert raised(machine.told, "agent-hung") == []
    finding = only(machine, "agent-hung")
    assert (finding.severity, finding.subject) == (Severity.MEDIUM, "agent")
    assert finding.facts == {"daemon": "running"}
    machine.later(30 * MINUTE).trouble("timeout").restart().step()
    (event,) = raised(machine.told, "agent-hung")
    assert (event.type, event.data["since"]) == ("finding.raised", NOW + 15 * MINUTE)
    assert raised(machine.told, "agent-unreachable") == []


def test_one_hang_among_answers_is_none() -> None:
    """A loaded host does not answer now and then."""
    machine = Machine()
    for _ in range(5):
        machine.later(15 * MINUTE).healthy().step()
        machine.later(15 * MINUTE).trouble("timeout").step()
    assert "agent-hung" not in words(machine.told)
    assert raised(machine.told, "agent-hung") == []


@pytest.mark.parametrize("kind", ["denied", "malformed", "untrusted"])
def test_other_trouble_is_no_hang_and_ends_none(kind: str) -> None:
    """What says nothing of the daemon neither raises nor clears."""
    machine = Machine()
    hanging(machine, 3, kind)
    assert found(machine.report(), "agent-hung") == []
    machine = Machine()
    hanging(machine, 4)
    machine.step()
    assert raised(machine.told, "agent-hung")
    machine.later(HOUR).trouble(kind).step()
    assert not any(one.type == "finding.cleared" for one in machine.told)


@pytest.mark.parametrize("end", ["answers", "fails"])
def test_an_end_clears_it(end: str) -> None:
    """An answer, or an error that has a finding of its own."""
    machine = Machine()
    hanging(machine, 4)
    machine.step()
    machine.later(HOUR)
    (machine.healthy() if end == "answers" else machine.trouble("failed")).step()
    (event,) = [one for one in machine.told if one.type == "finding.cleared"]
    assert (event.code, event.because) == ("agent-hung", "resolved")


def test_hangs_of_before_a_boot_do_not_count() -> None:
    """The daemon is another one."""
    machine = Machine()
    hanging(machine, 2)
    machine.step()
    machine.reboot().later(15 * MINUTE).trouble("timeout")
    assert found(machine.report(), "agent-hung") == []


# --- agent-crash-looping ------------------------------------------------------------------------


def test_a_daemon_that_does_not_last_is_told_once() -> None:
    """High, with its role; more of the same is no news."""
    machine = Machine()
    looping(machine, 4)
    (event,) = raised(machine.told, "agent-crash-looping")
    assert (event.type, event.severity) == ("finding.raised", Severity.HIGH)
    assert event.data["facts"] == {"roles": ["main"]}
    for number in range(3):
        machine.later(20 * MINUTE).ask().restart()
        machine.processes(daemon(300 + number, age=MINUTE, now=machine.now)).step()
    assert len(raised(machine.told, "agent-crash-looping")) == 1


def test_it_is_over_once_the_daemon_lasts() -> None:
    """Six hours later, without anything else happening."""
    machine = Machine()
    looping(machine, 4)
    while (due := machine.due()) is not None and due < NOW + 9 * HOUR:
        machine.later(due - machine.now).ask().step()
    cleared = [one for one in machine.told if one.type == "finding.cleared"]
    assert [one.code for one in cleared] == ["agent-crash-looping"]
    assert cleared[0].time - NOW < 8 * HOUR


def test_a_loop_of_one_role_names_it() -> None:
    """The sensor crashes, the main daemon begins it anew."""
    machine = Machine()
    machine.processes(daemon(1), daemon(2, "edr")).step()
    for number in range(4):
        machine.later(20 * MINUTE).ask()
        begun = daemon(10 + number, "edr", age=MINUTE, now=machine.now)
        machine.processes(daemon(1), begun).step()
    (event,) = raised(machine.told, "agent-crash-looping")
    assert event.data["facts"] == {"roles": ["edr"]}


def test_reboots_are_no_crash_loop() -> None:
    """However often a host is started anew."""
    machine = Machine()
    machine.processes(daemon(1)).step()
    for number in range(8):
        machine.reboot().later(2 * MINUTE).healthy()
        machine.processes(daemon(number + 2, age=MINUTE, now=machine.now)).step()
        machine.later(20 * MINUTE).ask().step()
    assert raised(machine.told, "agent-crash-looping") == []


def test_upgrades_are_no_crash_loop() -> None:
    """Each begins the daemon anew, even several times within its ten minutes."""
    machine = Machine()
    machine.processes(daemon(1)).step()
    for number in range(5):
        machine.later(HOUR).healthy(appVersion=f"101.2602{number}.0001")
        for again in range(2):
            pid = 10 * number + again + 2
            machine.processes(daemon(pid, age=MINUTE, now=machine.now)).step()
            machine.later(4 * MINUTE).ask()
    assert raised(machine.told, "agent-crash-looping") == []


def test_a_crash_loop_inside_the_hold_after_a_boot_raises_in_the_end() -> None:
    """The first ten minutes are forgiven; what goes on after them is not."""
    machine = Machine()
    machine.processes(daemon(1)).step()
    machine.reboot()
    for number in range(12):
        machine.later(3 * MINUTE).healthy()
        machine.processes(daemon(number + 2, age=MINUTE, now=machine.now)).step()
    (event,) = raised(machine.told, "agent-crash-looping")
    assert machine.boot is not None
    assert event.time - machine.boot >= 10 * MINUTE


def test_the_same_process_at_a_wavering_start_is_the_same() -> None:
    """The time of a start is computed, and moves by seconds with the clock."""
    machine = Machine()
    for seconds in (0, 3, -4, 20, 1, 9, 0):
        process = daemon(7, age=DAY + timedelta(seconds=seconds))
        machine.later(15 * MINUTE).ask().processes(process).step()
    assert machine.memory is not None
    assert [one.restarts for one in machine.memory.agent.daemons] == [()]


def test_how_many_restarts_are_too_many_can_be_configured() -> None:
    """`restarts`."""
    machine = Machine(config=Config(rules={"agent-crash-looping": {"restarts": 2}}))
    looping(machine, 2)
    assert len(raised(machine.told, "agent-crash-looping")) == 1


def test_what_cannot_be_seen_of_processes_is_no_restart() -> None:
    """Neither a start that is not told, nor a role that nobody may read."""
    machine = Machine()
    for number in range(6):
        machine.later(15 * MINUTE).ask()
        machine.processes(Process(number, "wdavdaemon"), Process(50 + number, "sensecm")).step()
    assert machine.memory is not None
    assert machine.memory.agent.daemons == ()


# --- agent-roles-missing ------------------------------------------------------------------------


def test_a_role_that_is_expected_is_low(host: HostFolder) -> None:
    """That every agent of today has it is assumed."""
    (finding,) = found(recorded(host.health(), "unprivileged").report(), "agent-roles-missing")
    assert (finding.severity, finding.subject) == (Severity.LOW, "agent")
    assert finding.facts == {"roles": ["edr"]}


def test_a_role_that_ran_under_this_version_is_medium() -> None:
    """Told after ten minutes and two readings; an upgrade may do without it."""
    machine = Machine()
    main, edr, rest = daemon(1), daemon(2, "edr"), daemon(3, "unprivileged")
    machine.processes(main, edr, rest).step()
    for _ in range(2):
        machine.later(15 * MINUTE).ask().processes(main, rest).step()
    (event,) = raised(machine.told, "agent-roles-missing")
    assert (event.severity, event.data["facts"]) == (Severity.MEDIUM, {"roles": ["edr"]})
    machine.later(HOUR).ask().processes(main, edr, rest).step()
    assert words(machine.told)[-1] == "finding.cleared agent-roles-missing agent resolved"


def test_a_role_of_an_older_version_is_not_missed() -> None:
    """Versions may differ in their roles: then it is only expected again."""
    machine = Machine()
    main, rest = daemon(1), daemon(3, "unprivileged")
    machine.processes(main, daemon(2, "edr"), rest).step()
    machine.later(HOUR).healthy(appVersion="101.26022.0001").processes(main, rest).step()
    assert only(machine, "agent-roles-missing").severity is Severity.LOW


@pytest.mark.parametrize(
    "fields",
    [
        {"appVersion": "101.02.55"},
        {"appVersion": None},
        {"licensed": False, "healthy": False, "healthIssues": ["missing license"]},
    ],
)
def test_where_nothing_is_known_of_roles_nothing_is_missed(
    host: HostFolder, fields: dict[str, Any]
) -> None:
    """An old agent, one of no known version, one that works for nobody."""
    told = recorded(host.health(**fields)).report()
    assert "agent-roles-missing" not in (*codes(told), *unknown(told))


def test_without_its_main_daemon_nothing_else_is_missed(host: HostFolder) -> None:
    """What a plain user cannot see is not gone."""
    told = host.health().about(processes=[]).report()
    assert "agent-roles-missing" not in (*codes(told), *unknown(told))


def test_arguments_that_may_not_be_read_leave_it_unknown(host: HostFolder) -> None:
    """On Linux roles stand in them."""
    line = ["/opt/microsoft/mdatp/sbin/wdavdaemon"]
    old = (NOW - DAY).isoformat()
    host.health().about(
        processes=[
            {"pid": 1, "name": "wdavdaemon", "cmdline": line, "started": old},
            {"pid": 2, "name": "wdavdaemon_x", "started": old},
        ]
    )
    assert "agent-roles-missing" in unknown(host.report())


def test_the_roles_of_a_mac_stand_in_names_that_may_be_cut(mac: HostFolder) -> None:
    """The kernel keeps sixteen letters."""
    names = ["wdavdaemon", "wdavdaemon_enter", "wdavdaemon_unpri"]
    old = (NOW - DAY).isoformat()
    mac.health().about(
        processes=[{"pid": n, "name": name, "started": old} for n, name in enumerate(names, 1)]
    )
    told = mac.report()
    assert "agent-roles-missing" not in (*codes(told), *unknown(told))
