"""A week in the life of a host: what an administrator should hear of it, and no more."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from engine_support import IN_FORCE, POLICY, Machine, attached, edited

from mdeinspect.events import Event
from support import DAY, MINUTE, NOW

pytestmark = pytest.mark.slow
SECOND = timedelta(seconds=1)
PUPPET = {"cloudService": {"enabled": True}, "antivirusEngine": {"scanArchives": False}}
PROFILE = {
    "antivirusEngine": {"enforcementLevel": "real_time"},
    "cloudService": {"enabled": True, "automaticSampleSubmissionConsent": "safe"},
    "networkProtection": {"enforcementLevel": "audit"},
    "tamperProtection": {"enforcementLevel": "block"},
}
FLAGS = (
    "cloudEnabled",
    "cloudAutomaticSampleSubmissionConsent",
    "realTimeProtectionEnabled",
    "passiveModeEnabled",
    "networkProtectionEnforcementLevel",
    "tamperProtection",
)
ON_MAC: dict[str, Any] = {
    "managedBy": "MEM",
    "networkProtectionEnforcementLevel": "audit",
    "networkProtectionStatus": "started",
    "managed": FLAGS,
}
ALONE: dict[str, Any] = {**ON_MAC, "managedBy": "", "managed": (), "tamperProtection": "audit"}


class Week:
    """A machine, and what happens to it at which time. Every step but few is a quarter apart."""

    def __init__(self, machine: Machine, start: datetime, hours: range = range(24)) -> None:
        self.machine = machine
        self.start = machine.now = machine.health_at = start
        self.hours = hours  # in which the host is awake
        self.cycles = 0
        self.plan: list[tuple[datetime, Callable[[], Any]]] = []

    def at(self, day: int, clock: str, happens: Callable[[], Any]) -> None:
        hours, minutes, seconds = (*map(int, clock.split(":")), 0)[:3]
        moment = timedelta(days=day, hours=hours, minutes=minutes, seconds=seconds)
        self.plan.append((self.start + moment, happens))

    def run(self) -> list[str]:
        for moment, happens in sorted(self._all(), key=lambda one: one[0]):
            slept = moment.hour == self.hours.start and moment.hour not in (self.machine.now.hour,)
            self.machine.later(moment - self.machine.now, asleep=slept and len(self.hours) < 24)
            happens()
            self.machine.step()
            if self.cycles % 50 == 0:
                self.machine.restart()
            self.cycles += 1
        return [self._line(event) for event in self.machine.told]

    def _all(self) -> Iterator[tuple[datetime, Callable[[], Any]]]:
        yield from self.plan
        for number in range(7 * 96):
            moment = self.start + number * 15 * MINUTE
            if moment.hour in self.hours:
                yield moment, self.machine.ask

    def _line(self, event: Event) -> str:
        what = " ".join(filter(None, (event.code, event.because)))
        if event.type == "policy.changed":
            what = event.data["kind"]
        elif event.type == "agent.changed":
            what = json.dumps(event.data["after"])
        elif event.type == "authority.changed":
            what = event.data["after"]["channel"]
        passed = event.time - self.start
        return f"{passed.days} {passed - timedelta(days=passed.days)} {event.type} {what}".strip()


def edit(machine: Machine, level: str) -> Callable[[], Any]:
    return lambda: machine.put(
        "mdeattach_managed", edited(networkProtection={"enforcementLevel": level})
    )


START = NOW.replace(hour=0, minute=0)


def server() -> Machine:
    """Attached, and with a file of its own that Puppet keeps: which is overridden."""
    machine = attached().put("mdatp_managed", PUPPET, age=DAY)
    machine.put("mdeattach_managed", POLICY, age=2 * DAY)
    machine.awake = 30 * 86400.0
    machine.success = machine.attempt = START
    return machine


def laptop() -> Machine:
    """A Mac that an MDM profile governs."""
    machine = Machine("darwin").put("managed_preferences", PROFILE, age=2 * DAY)
    machine.awake = 30 * 86400.0
    return machine.healthy(**ON_MAC)


def test_a_server_with_a_portal_edit_a_day_and_puppet_an_upgrade_and_a_reboot() -> None:
    machine = server()
    week = Week(machine, START)
    shown: dict[str, Any] = {**IN_FORCE}

    def answers(**fields: Any) -> Callable[[], Any]:
        def happens() -> None:
            shown.update(fields)
            machine.healthy(**shown)

        return happens

    def checks_in() -> None:
        machine.success = machine.attempt = machine.now

    for day in range(7):
        level = "block" if day % 2 == 0 else "audit"
        week.at(day, "9:00:05", edit(machine, level))
        week.at(day, "9:00:25", answers(networkProtectionEnforcementLevel=level))
        for pause in (10, 30, 60, 120, 300, 600):  # seconds: how health is read after an edit
            week.at(day, str(timedelta(hours=9, seconds=5 + pause)), machine.ask)
        for half in range(48):
            clock = f"{half // 2}:{half % 2 * 30 + 7}"
            week.at(day, clock, lambda: machine.put("mdatp_managed", PUPPET))
        for number in range(16):
            week.at(day, str(timedelta(minutes=90 * number, seconds=1)), checks_in)
        week.at(day, "3:10:30", answers(definitionsVersion=f"1.441.{day}.0"))
    week.at(2, "4:14:30", machine.trouble)  # an upgrade: silent for three minutes
    week.at(2, "4:17:30", answers(appVersion="101.25092.0001"))
    week.at(4, "2:01", lambda: machine.reboot(off=40 * SECOND).trouble())
    week.at(4, "2:04", answers())

    told = week.run()
    assert week.cycles > 1100
    assert told == [
        "0 0:00:00 finding.raised policy-shadowed",
        "0 1:15:00 finding.raised shadowed-file-deployed",  # Puppet goes on writing a dead file
        "0 9:00:05 policy.changed values",
        "1 9:00:05 policy.changed values",
        '2 4:14:30 agent.changed {"state": "unreachable"}',
        '2 4:17:30 agent.changed {"version": "101.25092.0001", "state": "running"}',
        "2 9:00:05 policy.changed values",
        "3 9:00:05 policy.changed values",
        "4 9:00:05 policy.changed values",
        "5 9:00:05 policy.changed values",
        "6 9:00:05 policy.changed values",
    ]


def test_a_laptop_that_sleeps_and_whose_profile_comes_and_goes() -> None:
    machine = laptop()
    written = machine.files["managed_preferences"]
    week = Week(machine, START, hours=range(8, 19))

    def goes() -> None:
        machine.drop("managed_preferences")

    def returns() -> None:
        machine.files["managed_preferences"] = written

    for hour in (10, 11, 12):  # macOS takes the profile away and puts it back
        week.at(2, f"{hour}:03:10", goes)
        week.at(2, f"{hour}:04:00", machine.ask)
        week.at(2, f"{hour}:05:10", returns)
    week.at(3, "9:03:30", goes)  # withdrawn, for an hour
    week.at(3, "9:03:40", lambda: machine.healthy(**ALONE))
    week.at(3, "9:13:30", machine.ask)
    week.at(3, "10:03:30", lambda: machine.put("managed_preferences", PROFILE))
    week.at(3, "10:03:40", lambda: machine.healthy(**ON_MAC))
    week.at(4, "9:03:10", lambda: machine.reboot().trouble())
    week.at(4, "9:06:10", lambda: machine.healthy(**ON_MAC))

    told = week.run()
    assert told == [
        *(
            line
            for hour in (10, 11, 12)
            for line in (
                f"2 {hour}:03:10 policy.changed removed",
                f"2 {hour}:05:10 policy.changed added",
            )
        ),
        "3 9:03:30 policy.changed removed",
        "3 9:13:30 authority.changed none",
        "3 9:13:30 setting.changed",
        "3 9:13:30 finding.raised policy-removed",
        "3 9:13:30 finding.raised tamper-protection-off",
        "3 10:03:30 policy.changed added",
        "3 10:03:30 authority.changed mdm",
        "3 10:03:30 finding.cleared policy-removed resolved",
        "3 10:03:40 finding.cleared tamper-protection-off resolved",
    ]
