"""The whole way: a host, the service, file and TCP, a real syslog daemon, detections on what came.

Nothing of the product is replaced: `mdeinspect run` is a process of its own, the daemon runs the
shipped configuration, the detections are the converted Sigma rules. Debian's packages of rsyslog
and syslog-ng exclude each other: on one host, one half is skipped.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import siem
from daemons import Kind, Place, rsyslog, running, syslog_ng
from native_contract import check, schema
from service_support import QUICK, Daemon, simulated, until

from mdeinspect.simulator.host import SimulatedHost

pytestmark = pytest.mark.slow
# Who governs is not told while the file of who did may be back in a moment.
SOON = '[rules.policy-removed]\nhold = "1s"\n'
SINKS = """
[heartbeat]
every = "5s"

[sinks.file]
type = "file"
path = "{log}"

[sinks.server]
type = "syslog"
transport = "tcp"
host = "127.0.0.1"
port = {port}
"""
WAYS = ("tcp", "file")
BAD = frozenset(
    {
        "finding_protection_off",
        "policy_governing_file_removed",
        "authority_no_management_channel",
        "daemon_stopped",
    }
)


@pytest.fixture(params=[rsyslog, syslog_ng])
def kind(request: pytest.FixtureRequest) -> Kind:
    """Each of the daemons."""
    found: Kind = request.param
    return found


@pytest.fixture
def host(tmp_path: Path) -> SimulatedHost:
    """A host on the real clock, governed by a hardened managed file."""
    return simulated(tmp_path / "host")


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """Places for the daemon."""
    folder = tmp_path / "daemon"
    folder.mkdir()
    return Place(folder)


@pytest.fixture
def service(tmp_path: Path, host: SimulatedHost, place: Place) -> Iterator[Daemon]:
    """`mdeinspect run`, not started yet, with a file and a TCP sink; it ends with the test."""
    config = QUICK + SINKS.format(log=place.log, port=place.port) + SOON
    with Daemon(tmp_path / "service", host.folder, config) as daemon:
        yield daemon


def arrived(place: Place, way: str) -> list[str]:
    """What came by one of the ways: over TCP the host is the event's, by the file the machine's."""
    over_tcp = place.lines("web-07")
    if way == "tcp":
        return over_tcp
    return [line for file in _others(place) for line in file.read_text().split("\n")[:-1]]


def _others(place: Place) -> list[Path]:
    return sorted(one for one in place.output.glob("*.ndjson") if one.name != "web-07.ndjson")


def all_of(service: Daemon, place: Place) -> bool:
    """Whether everything that the store holds came by both ways."""
    sent = {one["id"] for one in service.told()}
    return all(sent <= {check(line)["id"] for line in arrived(place, way)} for way in WAYS)


def go_wrong(host: SimulatedHost, service: Daemon) -> None:
    """Somebody switches protection off, and then takes the policy away."""
    host.set_field("antivirusEngine.enforcementLevel", "passive")
    host.record()
    service.until_told("finding.raised", code="protection-off")
    host.remove("managed")
    host.record()
    service.until_told("policy.changed", severity="medium")
    service.until_told("authority.changed")


def test_from_the_host_to_the_detection(
    kind: Kind, host: SimulatedHost, service: Daemon, place: Place
) -> None:
    """All that is sent is received by both ways, is by the contract, and fires what it should."""
    with running(kind, place):
        service.start().assessed()
        service.until_told("heartbeat", 2)
        until(lambda: all_of(service, place), "what a good host tells, by both ways")
        good = {way: arrived(place, way) for way in WAYS}
        go_wrong(host, service)
        assert service.stop() == 0
        until(lambda: all_of(service, place), "all events, by both ways")
        received = {way: arrived(place, way) for way in WAYS}
    assert not [one for one in psutil.process_iter(["environ"]) if _ours(one, service)]
    sent = [one["id"] for one in service.told()]
    assert place.rest() == ""
    validate = schema()
    for way in WAYS:
        found = [check(line) for line in received[way]]
        assert [one["id"] for one in found] == sent, f"lost, doubled or out of order by {way}"
        for one in found if validate else ():
            validate(one)  # type: ignore[misc]
        assert good[way], "nothing was told while all was well"
        assert siem.fired(good[way]) == {}
        assert siem.fired(received[way]) == dict.fromkeys(BAD, 1)
        assert siem.asked("loss", received[way]) == []
        assert siem.asked("silence", received[way]) == []
        (gap,) = siem.asked("loss", received[way][:2] + received[way][3:])
        assert gap["missing"] == 3


def _ours(process: psutil.Process, service: Daemon) -> bool:
    """Whether a process other than this test belongs to the service."""
    environment = process.info["environ"] or {}
    return process.pid != os.getpid() and environment.get("NOTIFY_SOCKET") == service.mailbox.name
