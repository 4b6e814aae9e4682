"""Every checkup: a scene in which it passes, and one for each way in which it does not."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from doctor_support import PLAIN, Bench, Guarded, outcome, outcomes, scene, unit

from mdeinspect.config.load import parse
from mdeinspect.config.model import Config
from mdeinspect.doctor.machine import Machine, Space, Who
from mdeinspect.doctor.scene import Scene
from mdeinspect.events import Event, EventHost
from mdeinspect.installer import InstallError
from mdeinspect.store.last import write_report
from mdeinspect.store.writer import Store
from support import CORE_LOG, DAY, HOUR, MANAGED, MINUTE, NOW, STATE, HostFolder

MDATP = "/usr/bin/mdatp"
HOST = EventHost(name="web-07", id="5a9f", platform="linux")
SERVICE = Bench(units=(unit(),))
NONE = Bench(units=())
Make = Callable[..., Scene]


def told(found: Scene, name: str) -> tuple[str, str]:
    """State and detail of the one thing that a checkup says."""
    one = outcome(found, name)
    assert (one.remedy is None) == (one.state == "passing"), "what is not well has a remedy"
    return one.state, one.detail


def lived(folder: Path, age: timedelta) -> None:
    """A state folder of a service that gave its last sign of life so long ago."""
    with Store.open(folder) as store:
        store.commit({}, [Event(type="heartbeat", time=NOW - age)], HOST, NOW - age)
    taken = (NOW - age).isoformat().replace("+00:00", "Z")
    write_report(folder, {"schema": "mdeinspect.status/1", "taken_at": taken})


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """The state folder of a service that lives."""
    folder = tmp_path / "state"
    lived(folder, 5 * MINUTE)
    return folder


# --- the agent ----------------------------------------------------------------------------------


def test_rights(host: HostFolder) -> None:
    """root passes; a plain user is told that some of this cannot be run."""
    assert told(scene(host.root), "rights") == ("passing", "runs as root")
    plain = Bench(privileged=False, me=PLAIN)
    state, detail = told(scene(host.root, plain), "rights")
    assert state == "warning"
    assert "me, a plain user" in detail
    capable = Bench(privileged=True, me=PLAIN)
    assert told(scene(host.root, capable), "rights")[0] == "passing"


@pytest.mark.parametrize(("name", "path"), [("policy-files", MANAGED), ("state-files", STATE)])
def test_files(host: HostFolder, name: str, path: str) -> None:
    """What can be read passes, and what is not there as well; what is refused does not."""
    assert told(scene(host.root), name) == ("passing", "none is there")
    host.file(path, {})
    assert told(scene(host.root), name) == ("passing", "1 there, all can be read")
    refused = replace(scene(host.root), host=Guarded(host.root, path))
    assert told(refused, name) == ("failing", f"cannot read {path}: denied")
    plain = replace(refused, machine=Bench(privileged=False, me=PLAIN))
    assert told(plain, name)[0] == "could-not-run"


def test_a_file_that_is_wrong_inside(host: HostFolder) -> None:
    """It could be read: what is in it is for `status` to tell."""
    host.file(MANAGED, "{")
    assert told(scene(host.root), "policy-files")[0] == "passing"


def test_a_folder_where_policy_should_be(host: HostFolder) -> None:
    """What is no file cannot be read by anybody."""
    (host.root / MANAGED[1:]).mkdir(parents=True)
    assert told(scene(host.root), "policy-files")[0] == "failing"


def test_a_log_that_is_refused(host: HostFolder) -> None:
    """Logs are read from their end, and refused as well as files."""
    host.file(CORE_LOG, "Features merged with capabilities: {}\n")
    refused = replace(scene(host.root), host=Guarded(host.root, CORE_LOG))
    assert "failing" in {one.state for one in outcomes(refused, "state-files")}


def test_agent_cli(host: HostFolder) -> None:
    """A program at a known place, trusted; missing, or in the hands of others, it fails."""
    assert told(scene(host.root), "agent-cli")[0] == "failing"
    host.file(MDATP, "")
    assert told(scene(host.root), "agent-cli") == ("passing", MDATP)
    loose = "/usr/bin can be written by others than root"
    assert told(scene(host.root, Bench(distrust=loose)), "agent-cli")[0] == "failing"
    assert told(scene(host.root, Bench(distrust=OSError(5, "broken"))), "agent-cli")[0] == "failing"
    user = Bench(distrust=loose, privileged=False, me=PLAIN, units=())
    assert told(scene(host.root, user), "agent-cli")[0] == "warning"


@pytest.mark.parametrize(
    ("said", "privileged", "state"),
    [
        ("Error: permission denied, run as root", True, "failing"),
        ("Error: permission denied, run as root", False, "could-not-run"),
        ("ERROR: Could not connect to the daemon", True, "failing"),
        ("ERROR: Could not connect to the daemon", False, "failing"),
    ],
)
def test_agent_health(host: HostFolder, said: str, privileged: bool, state: str) -> None:
    """Refused for want of rights is not the same as broken."""
    host.command("health-json", "", exit=1, stderr=said)
    host.command("health-text", "", exit=1, stderr=said)
    found = scene(host.root, Bench(privileged=privileged, me=PLAIN))
    assert told(found, "agent-health")[0] == state


def test_agent_health_is_there(host: HostFolder) -> None:
    """Health that can be read passes; without a program there is nothing to ask."""
    assert told(scene(host.root), "agent-health")[0] == "could-not-run"
    host.health()
    assert told(scene(host.root), "agent-health")[0] == "passing"
    assert told(scene(host.root, recorded=True), "agent-health")[0] == "passing"


def test_full_disk_access(mac: HostFolder, host: HostFolder) -> None:
    """On a Mac, by a file that only those with the grant can open; elsewhere not asked."""
    tcc = "/Library/Application Support/com.apple.TCC/TCC.db"
    assert outcomes(scene(host.root), "full-disk-access") == []
    assert told(scene(mac.root), "full-disk-access")[0] == "could-not-run"
    mac.file(tcc, "x")
    assert told(scene(mac.root), "full-disk-access")[0] == "passing"
    refused = replace(scene(mac.root), host=Guarded(mac.root, tcc))
    assert told(refused, "full-disk-access")[0] == "warning"


# --- the configuration --------------------------------------------------------------------------


def test_configuration(host: HostFolder, tmp_path: Path) -> None:
    """None and a valid one pass; a fault fails, but where only the rights are missing."""
    path = tmp_path / "config.toml"
    assert told(scene(host.root, config_path=path), "configuration")[0] == "passing"
    path.write_text("")
    assert told(scene(host.root, config_path=path), "configuration")[1] == f"{path}: valid"
    fault = scene(host.root, config_path=path, config_fault="cannot use it: no such key")
    assert told(fault, "configuration") == ("failing", "cannot use it: no such key")
    denied = replace(
        fault, config_fault="cannot read it: Permission denied", machine=Bench(privileged=False)
    )
    assert told(denied, "configuration")[0] == "could-not-run"


def test_configuration_owner(host: HostFolder, tmp_path: Path) -> None:
    """The file, its folder and each fragment: writable by their owner alone."""
    folder = tmp_path / "etc"
    (folder / "conf.d").mkdir(parents=True)
    path, fragment = folder / "config.toml", folder / "conf.d/more.toml"
    assert outcomes(scene(host.root, config_path=path), "configuration-owner") == []
    for one in (path, fragment):
        one.write_text("")
        one.chmod(0o644)
    user = Bench(units=(), privileged=os.geteuid() == 0)
    found = scene(host.root, user, config_path=path)
    assert told(found, "configuration-owner")[0] == "passing"
    for one in (path, fragment, folder):
        before = one.stat().st_mode
        one.chmod(before | 0o020)
        state, detail = told(found, "configuration-owner")
        assert state == "failing"
        assert str(one) in detail
        one.chmod(before)


def test_configuration_of_another(host: HostFolder, tmp_path: Path) -> None:
    """A configuration that a user owns is the user's to change: not for a service."""
    if os.geteuid() != 0:
        pytest.skip("only root can give files away")
    path = tmp_path / "config.toml"
    path.write_text("")
    os.chown(path, 12345, -1)
    assert told(scene(host.root, config_path=path), "configuration-owner")[0] == "failing"
    own = scene(host.root, Bench(units=(), privileged=False), config_path=path)
    assert told(own, "configuration-owner")[0] == "passing"


def test_configuration_out_of_sight(host: HostFolder, tmp_path: Path) -> None:
    """Where the folder is closed to a user, nothing is claimed of what is in it."""
    if os.geteuid() != 0:
        pytest.skip("only root can become somebody else")
    folder = tmp_path / "closed"
    folder.mkdir(mode=0o700)
    user = Bench(privileged=False, me=PLAIN)
    found = scene(host.root, user, config_path=folder / "config.toml", config_fault="denied")
    assert found.facts
    os.seteuid(65534)
    try:
        state = told(found, "configuration-owner")[0]
    finally:
        os.seteuid(0)
    assert state == "could-not-run"


# --- the machine --------------------------------------------------------------------------------


def test_program(host: HostFolder) -> None:
    """Code that others can change fails; a plain user without a service is not asked."""
    assert told(scene(host.root), "program")[0] == "passing"
    loose = Bench(objections=["/opt/x can be written by others than root"])
    assert told(scene(host.root, loose), "program")[0] == "failing"
    user = Bench(objections=["/home/me"], privileged=False, units=())
    assert outcomes(scene(host.root, user), "program") == []


def test_file_events(host: HostFolder) -> None:
    """Events pass, polling warns and says why; the limits are shown."""
    host.file("/proc/sys/fs/inotify/max_user_instances", "128\n")
    assert told(scene(host.root), "file-events")[1].endswith("(max_user_instances 128)")
    polls = Bench(watch=("polling", "inotify instance limit reached"))
    state, detail = told(scene(host.root, polls), "file-events")
    assert state == "warning"
    assert "inotify instance limit reached" in detail
    refused = Bench(watch=("polling", "cannot watch /etc: permission denied"), privileged=False)
    assert told(scene(host.root, refused), "file-events")[0] == "could-not-run"


def test_file_events_for_real(host: HostFolder) -> None:
    """The trial makes real watches and lets go of them."""
    before = threading.active_count()
    mode, why = Machine().watch([str(host.root)])
    assert mode == "events", why
    assert threading.active_count() == before


def test_clock(host: HostFolder, tmp_path: Path) -> None:
    """Neither this program nor what the service wrote is of the future."""
    folder = tmp_path / "state"
    assert told(scene(host.root, folder=folder), "clock")[0] == "passing"
    future = Bench(installed_at=NOW + 2 * DAY)
    assert told(scene(host.root, future, folder=folder), "clock")[0] == "failing"
    lived(folder, -MINUTE)
    assert told(scene(host.root, folder=folder), "clock")[0] == "passing"


def test_clock_that_went_back(host: HostFolder, tmp_path: Path) -> None:
    """A service that wrote an hour from now wrote by another clock."""
    lived(tmp_path / "state", -HOUR)
    state, detail = told(scene(host.root, folder=tmp_path / "state"), "clock")
    assert state == "failing"
    assert "last event" in detail


def test_clock_synchronised(host: HostFolder) -> None:
    """As the kernel says; where it does not tell, nothing is claimed."""
    assert told(scene(host.root), "clock-synchronised")[0] == "passing"
    adrift = scene(host.root, Bench(synchronised=False))
    assert told(adrift, "clock-synchronised")[0] == "warning"
    assert outcomes(scene(host.root, Bench(synchronised=None)), "clock-synchronised") == []


@pytest.mark.parametrize(
    ("space", "state"),
    [
        (Space(10 * 1024**3, 10**6, read_only=False), "passing"),
        (Space(10 * 1024**3, None, read_only=False), "passing"),
        (Space(100 * 1024**2, 10**6, read_only=False), "warning"),
        (Space(1024**2, 10**6, read_only=False), "failing"),
        (Space(10 * 1024**3, 5, read_only=False), "failing"),
        (Space(10 * 1024**3, 10**6, read_only=True), "failing"),
        (OSError(13, "Permission denied"), "could-not-run"),
    ],
)
def test_disk_space(host: HostFolder, space: object, state: str) -> None:
    """Bytes, files, and whether anything can be written at all."""
    found = scene(host.root, Bench(space=space), folder=Path("/var/lib/mdeinspect"))
    assert told(found, "disk-space")[0] == state


def test_disk_space_of_every_folder(host: HostFolder) -> None:
    """State, each file sink, metrics; a folder that two share is told once."""
    sink = {"type": "file", "path": "/var/log/mdeinspect/a.ndjson"}
    config = parse(
        [
            {
                "sinks": {"a": sink, "b": {**sink, "path": "/var/log/mdeinspect/b.ndjson"}},
                "metrics": {"textfile": "/var/lib/node/m.prom"},
            }
        ]
    )
    found = scene(host.root, config=config, folder=Path("/var/lib/mdeinspect"))
    subjects = [one.subject for one in outcomes(found, "disk-space")]
    assert subjects == ["/var/lib/mdeinspect", "/var/log/mdeinspect", "/var/lib/node"]


# --- delivery -----------------------------------------------------------------------------------


def with_sink(**options: Any) -> Config:
    """A configuration with one sink, `siem`."""
    return parse([{"sinks": {"siem": options}}])


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """A TCP server on this machine."""
    with socket.create_server(("127.0.0.1", 0)) as made:
        made.settimeout(10)
        yield made


def test_stdout(host: HostFolder) -> None:
    """Without a sink events go to standard output, which is always there."""
    one = outcome(scene(host.root), "sinks")
    assert (one.state, one.subject) == ("passing", "stdout")


def test_stdout_of_launchd(mac: HostFolder) -> None:
    """The job drops it: without a sink nobody would ever read an event."""
    job = Bench(units=(unit("com.mdeinspect.daemon", settings={"ProtectSystem": ""}),))
    assert told(scene(mac.root, job), "sinks")[0] == "warning"
    assert told(scene(mac.root, NONE), "sinks")[0] == "passing"


def test_sinks_of_a_wrong_configuration(host: HostFolder) -> None:
    """Nobody knows which they are."""
    assert told(scene(host.root, config_fault="cannot use it"), "sinks")[0] == "could-not-run"


def test_tcp(host: HostFolder, listener: socket.socket) -> None:
    """A server that listens is reached, and nothing is sent to it; one that is not there fails."""
    port = listener.getsockname()[1]
    config = with_sink(type="syslog", transport="tcp", host="127.0.0.1", port=port)
    assert told(scene(host.root, config=config), "sinks")[0] == "passing"
    connection, _ = listener.accept()
    with connection:
        connection.settimeout(10)
        assert connection.recv(100) == b""
    listener.close()
    assert told(scene(host.root, config=config), "sinks")[0] == "failing"


def test_udp(host: HostFolder) -> None:
    """Where names are known the way is there; a name that nobody knows fails."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        config = with_sink(
            type="syslog", transport="udp", host="127.0.0.1", port=server.getsockname()[1]
        )
        assert told(scene(host.root, config=config), "sinks")[0] == "passing"
        server.setblocking(False)
        with pytest.raises(BlockingIOError):
            server.recv(100)
    nobody = with_sink(type="syslog", transport="udp", host="nobody.invalid")
    assert told(scene(host.root, config=nobody), "sinks")[0] == "failing"


def test_unix(host: HostFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A socket that is there passes, one that is not fails."""
    monkeypatch.chdir(tmp_path)
    path = f"/tmp/mdeinspect-test-{os.getpid()}.sock"  # below 108 bytes
    config = with_sink(type="syslog", path=path)
    assert told(scene(host.root, config=config), "sinks")[0] == "failing"
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server:
            server.bind(path)
            assert told(scene(host.root, config=config), "sinks")[0] == "passing"
    finally:
        Path(path).unlink()


def test_no_network_in_the_unit(host: HostFolder, listener: socket.socket) -> None:
    """The drop-in strict.conf and a sink that names a host exclude each other."""
    config = with_sink(
        type="syslog", transport="tcp", host="127.0.0.1", port=listener.getsockname()[1]
    )
    strict = Bench(units=(unit(settings={"PrivateNetwork": "yes"}),))
    state, detail = told(scene(host.root, strict, config=config), "sinks")
    assert state == "failing"
    assert "strict.conf" in detail


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder that anybody may write to."""
    made = tmp_path / "out"
    made.mkdir()
    made.chmod(0o777)
    return made


def file_outcome(host: HostFolder, path: Path | str, machine: Machine) -> tuple[str, str]:
    config = with_sink(type="file", path=str(path))
    return told(scene(host.root, machine, config=config), "sinks")


def test_file(host: HostFolder, folder: Path) -> None:
    """The file, or the folder for it, or the one above that: whatever is there is looked at."""
    assert file_outcome(host, folder / "events.ndjson", NONE)[0] == "passing"
    assert file_outcome(host, folder / "new" / "events.ndjson", NONE)[0] == "passing"
    assert file_outcome(host, folder / "a" / "b" / "events.ndjson", NONE)[0] == "failing"
    (folder / "events.ndjson").write_text("")
    assert file_outcome(host, folder / "events.ndjson", NONE)[0] == "passing"
    (folder / "link").symlink_to(folder / "events.ndjson")
    assert file_outcome(host, folder / "link", NONE)[0] == "failing"
    assert file_outcome(host, folder, NONE)[0] == "failing"


def test_file_of_the_service(host: HostFolder, folder: Path) -> None:
    """root asks for the user of the service, whom the modes bind."""
    folder.chmod(0o755)
    open_ = {"ReadWritePaths": str(folder)}
    machine = Bench(units=(unit(settings=open_),))
    state, detail = file_outcome(host, folder / "events.ndjson", machine)
    assert state == "failing"
    assert "cannot be written by mdeinspect" in detail
    folder.chmod(0o777)
    assert file_outcome(host, folder / "events.ndjson", machine)[0] == "passing"
    everything = {**open_, "User": "", "CapabilityBoundingSet": "cap_chown cap_dac_override"}
    folder.chmod(0o000)
    powerful = Bench(units=(unit(settings=everything),))
    assert file_outcome(host, folder / "events.ndjson", powerful)[0] == "passing"


def test_file_that_cannot_be_rotated(host: HostFolder, folder: Path) -> None:
    """A file that can be written in a folder that cannot works until it is full."""
    (folder / "events.ndjson").write_text("")
    (folder / "events.ndjson").chmod(0o666)
    folder.chmod(0o755)
    machine = Bench(units=(unit(settings={"ReadWritePaths": str(folder)}),))
    state, detail = file_outcome(host, folder / "events.ndjson", machine)
    assert (state, detail) == ("failing", f"{folder} cannot be written by mdeinspect")


def test_file_on_a_mac(mac: HostFolder, folder: Path) -> None:
    """The job runs as root, whom no capability is taken from."""
    folder.chmod(0o000)
    job = Bench(units=(replace(unit("com.mdeinspect.daemon"), settings={"state": "running"}),))
    assert file_outcome(mac, folder / "events.ndjson", job)[0] == "passing"


def test_file_behind_the_sandbox(host: HostFolder, folder: Path) -> None:
    """A folder that the unit keeps read-only fails, with the drop-in to write."""
    config = with_sink(type="file", path=str(folder / "events.ndjson"))
    one = outcome(scene(host.root, SERVICE, config=config), "sinks")
    assert one.state == "failing"
    assert "ProtectSystem=strict" in one.detail
    assert f"ReadWritePaths={folder}" in str(one.remedy)


@pytest.mark.parametrize(
    ("group", "settings", "state"),
    [
        ("mdeinspect", {}, "passing"),
        ("adm", {}, "failing"),
        ("adm", {"SupplementaryGroups": "adm"}, "passing"),
        ("adm", {"Group": "adm"}, "passing"),
        ("adm", {"User": "root"}, "failing"),
        ("adm", {"User": "", "CapabilityBoundingSet": "cap_chown cap_dac_override"}, "passing"),
        ("nobody-such", {}, "failing"),
    ],
)
def test_file_for_a_group(
    host: HostFolder, folder: Path, group: str, settings: dict[str, str], state: str
) -> None:
    """A file is given away by members of the group only: the service must be one."""
    machine = Bench(units=(unit(settings={"ReadWritePaths": str(folder), **settings}),))
    config = with_sink(type="file", path=str(folder / "events.ndjson"), group=group)
    assert told(scene(host.root, machine, config=config), "sinks")[0] == state


def test_file_that_a_plain_user_cannot_write(host: HostFolder, folder: Path) -> None:
    """The service may well be able to: the user cannot tell. Without a service, it fails."""
    folder.chmod(0o755)
    me = Who("me", 12345, frozenset({12345}))
    user = Bench(privileged=False, me=me)
    assert file_outcome(host, folder / "events.ndjson", user)[0] == "could-not-run"
    alone = Bench(privileged=False, me=me, units=())
    assert file_outcome(host, folder / "events.ndjson", alone)[0] == "failing"


def test_a_kind_of_sink_that_does_not_say(
    host: HostFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What cannot be tried is not called reachable."""
    monkeypatch.setattr("mdeinspect.doctor.checkups.delivery.needs", lambda *_: None)
    assert told(scene(host.root), "sinks")[0] == "could-not-run"


def test_metrics(host: HostFolder, folder: Path) -> None:
    """The folder is there and can be written; not asked where no textfile is wanted."""
    assert outcomes(scene(host.root), "metrics") == []
    config = parse([{"metrics": {"textfile": str(folder / "m.prom")}}])
    assert told(scene(host.root, NONE, config=config), "metrics")[0] == "passing"
    assert told(scene(host.root, SERVICE, config=config), "metrics")[0] == "failing"
    folder.rmdir()
    assert told(scene(host.root, NONE, config=config), "metrics")[0] == "failing"


# --- the service --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("units", "state"),
    [
        ((unit(),), "passing"),
        ((unit(active="reloading"),), "passing"),
        ((unit("mdeinspect-check.timer", restarts=None, detail="waiting"),), "passing"),
        ((), "warning"),
        ((unit(restarts=9),), "warning"),
        ((unit(enabled=False),), "failing"),
        ((unit(active="failed", detail="failed, last result watchdog"),), "failing"),
        ((unit(active="activating", detail="auto-restart, last result exit-code"),), "failing"),
        ((unit(active="inactive"),), "failing"),
        ((unit(installed=False, active="inactive", detail="masked"),), "failing"),
        (InstallError("cannot ask systemd: not booted"), "could-not-run"),
    ],
)
def test_service(host: HostFolder, units: object, state: str) -> None:
    """Installed, enabled and active; a restart loop is none of that for long."""
    assert told(scene(host.root, Bench(units=units)), "service")[0] == state


def test_what_to_do_on_a_mac(mac: HostFolder) -> None:
    """Remedies are of the system that they are for."""
    job = Bench(units=(unit("com.mdeinspect.daemon", active="inactive"),))
    remedy = str(outcome(scene(mac.root, job), "service").remedy)
    assert "launchctl kickstart system/com.mdeinspect.daemon" in remedy
    assert "systemctl" not in remedy


def test_heartbeat(host: HostFolder, state: Path) -> None:
    """Not older than two of them, by the configured rhythm."""
    assert told(scene(host.root, folder=state), "heartbeat")[0] == "passing"
    host.about(now=(NOW + 3 * HOUR).isoformat())
    assert told(scene(host.root, folder=state), "heartbeat")[0] == "failing"
    seldom = parse([{"heartbeat": {"every": "1d"}}])
    assert told(scene(host.root, folder=state, config=seldom), "heartbeat")[0] == "passing"


def test_state_that_a_service_left(host: HostFolder, state: Path) -> None:
    """Without a unit its silence only warns; beside the timer nobody expects to hear of it."""
    host.about(now=(NOW + 30 * DAY).isoformat())
    assert told(scene(host.root, NONE, folder=state), "heartbeat")[0] == "warning"
    nobody = Bench(units=InstallError("cannot ask systemd: not booted"))
    assert told(scene(host.root, nobody, folder=state), "heartbeat")[0] == "failing"
    timer = Bench(units=(unit("mdeinspect-check.timer"),))
    assert outcomes(scene(host.root, timer, folder=state), "heartbeat") == []
    assert outcomes(scene(host.root, timer, folder=state), "last-report") == []


def test_last_report(host: HostFolder, state: Path) -> None:
    """An old report warns: the agent may be slow to answer, and is then asked less often."""
    assert told(scene(host.root, folder=state), "last-report")[0] == "passing"
    host.about(now=(NOW + 3 * HOUR).isoformat())
    assert told(scene(host.root, folder=state), "last-report")[0] == "warning"
    (state / "report.json").write_text("{")
    assert told(scene(host.root, folder=state), "last-report")[0] == "warning"


@pytest.mark.parametrize(
    ("name", "state"), [("heartbeat", "failing"), ("last-report", "warning"), ("store", "failing")]
)
def test_a_service_that_wrote_nothing(
    host: HostFolder, tmp_path: Path, name: str, state: str
) -> None:
    """Where a service is installed there must be a state; where none is, nothing is asked."""
    folder = tmp_path / "nothing"
    assert told(scene(host.root, SERVICE, folder=folder), name)[0] == state
    assert outcomes(scene(host.root, NONE, folder=folder), name) == []


def test_store(host: HostFolder, state: Path) -> None:
    """Sound and closed to others passes."""
    assert told(scene(host.root, folder=state), "store")[0] == "passing"
    state.chmod(0o755)
    assert told(scene(host.root, folder=state), "store")[0] == "failing"
    state.chmod(0o750)
    (state / "store.db.corrupt-20261101T000000Z").write_text("")
    assert told(scene(host.root, folder=state), "store")[0] == "warning"


def test_store_that_is_broken(host: HostFolder, state: Path) -> None:
    """What the service would set aside at its start fails here."""
    for side in ("-wal", "-shm"):
        (state / f"store.db{side}").unlink(missing_ok=True)
    (state / "store.db").write_bytes(b"not a database at all" * 1000)
    assert told(scene(host.root, folder=state), "store")[0] == "failing"


def test_store_that_is_denied(host: HostFolder, state: Path) -> None:
    """A user outside the group cannot tell."""
    if os.geteuid() != 0:
        pytest.skip("only root can become somebody else")
    found = scene(host.root, Bench(privileged=False, me=PLAIN), folder=state)
    assert found.facts
    state.chmod(0o700)
    os.seteuid(65534)
    try:
        results = {name: told(found, name)[0] for name in ("store", "heartbeat", "last-report")}
    finally:
        os.seteuid(0)
    assert set(results.values()) == {"could-not-run"}
