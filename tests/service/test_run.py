"""The whole service as a process, over a simulated host on the real clock."""

from __future__ import annotations

import contextlib
import json
import mmap
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import pytest
from service_support import (
    MANAGED,
    QUICK,
    SLOW,
    Daemon,
    check_delivered,
    check_findings,
    check_stream,
    digest,
    read_lines,
    until,
)

from mdeinspect.simulator.host import SimulatedHost
from mdeinspect.simulator.policies import hardened, lax

pytestmark = pytest.mark.slow
Make = Callable[..., Daemon]


def settle(daemon: Daemon, seconds: float = 3.0) -> None:
    """Let whatever else would be told be told."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        assert daemon.process is not None
        assert daemon.process.poll() is None
        time.sleep(0.1)


def place(host: SimulatedHost) -> Path:
    """Where the managed file of a host lies."""
    return host.folder / MANAGED.lstrip("/")


def kinds(events: Sequence[dict[str, object]]) -> list[object]:
    return [one["type"] for one in events]


# --- beginning and ending -----------------------------------------------------------------------


def test_first_start(governed: SimulatedHost, daemon: Daemon) -> None:
    """First `daemon.started`, then what is found, as initial; nothing else, and no gap."""
    governed.managed(lax("linux"))
    governed.record()
    daemon.start().assessed()
    daemon.until_told("finding.raised", 2)
    settle(daemon)
    told = daemon.told()
    assert told[0]["type"] == "daemon.started"
    assert told[0]["data"]["watch"]["mode"] == "events"
    assert told[0]["data"]["sources"]["mdatp_managed"] == "present"
    assert set(kinds(told[1:])) == {"finding.raised"}
    assert all(one["data"]["initial"] is True for one in told[1:])
    assert {"allowed-threats", "broad-exclusion"} <= {one["code"] for one in told[1:]}
    assert daemon.stop() == 0
    check_stream(daemon.told())
    assert daemon.lines() == [{**one, "prev": one["seq"] - 1 or None} for one in daemon.told()]


def test_restart(governed: SimulatedHost, daemon: Daemon) -> None:
    """A restart raises nothing again, and numbers go on."""
    governed.managed(lax("linux"))
    governed.record()
    daemon.start().assessed()
    daemon.until_told("finding.raised", 2)
    settle(daemon)
    assert daemon.stop() == 0
    before = daemon.told()
    daemon.start().assessed()
    settle(daemon)
    assert daemon.stop() == 0
    after = daemon.told()
    assert after[: len(before)] == before
    assert kinds(after[len(before) :]) == ["daemon.started", "daemon.stopped"]
    check_stream(after)
    check_findings(after)


def test_change_while_down(governed: SimulatedHost, daemon: Daemon) -> None:
    """What changed while nobody watched is told as one net change."""
    daemon.start().assessed()
    assert daemon.stop() == 0
    governed.managed({"cloudService": {"enabled": True}})
    governed.managed(lax("linux"))
    governed.record()
    daemon.start().assessed()
    (change,) = daemon.until_told("policy.changed")
    assert change["data"]["new_digest"] == digest(place(governed).read_bytes())
    settle(daemon, 2.0)
    assert len(daemon.told("policy.changed")) == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_end(daemon: Daemon, number: signal.Signals) -> None:
    """SIGTERM ends it with 0 within 5 seconds, and the last event says so; so does Ctrl-C."""
    daemon.start().assessed()
    daemon.signal(number)
    assert daemon.process is not None
    assert daemon.process.wait(5 + SLOW) == 0
    last = daemon.told()[-1]
    assert (last["type"], last["because"]) == ("daemon.stopped", number.name)
    assert daemon.lines()[-1]["id"] == last["id"], "the last event was not delivered"
    assert any("STOPPING=1" in message for message in daemon.mailbox.read())


def test_end_at_any_time(daemon: Daemon) -> None:
    """SIGTERM right after the start, or several at once, end it with 0 as well."""
    for delay in (0.25, 0.4, 0.6, 0.9):
        daemon.launch()
        time.sleep(delay)
        assert daemon.process is not None
        with contextlib.suppress(FileNotFoundError):
            status = Path(f"/proc/{daemon.process.pid}/status").read_text()
            caught = next(line for line in status.splitlines() if line.startswith("SigCgt"))
            if not int(caught.split()[1], 16) & 1 << (signal.SIGTERM - 1):
                daemon.kill()  # still being imported: nothing can catch it yet
                continue
        for _ in range(3):
            daemon.signal(signal.SIGTERM)
        assert daemon.stop() == 0
    check_stream(daemon.told())


def test_second_instance(daemon: Daemon) -> None:
    """A second service on one state folder is refused with 2 and one clear line."""
    daemon.start()
    assert daemon.process is not None
    second = daemon.call("run")
    assert second.returncode == 2
    (line,) = second.stderr.splitlines()
    assert str(daemon.state) in line
    assert str(daemon.process.pid) in line
    assert second.stdout == ""
    daemon.assessed()
    assert daemon.stop() == 0


@pytest.mark.parametrize(
    "config",
    [
        "[schedule]\nfile = '1s'\n",
        "[sinks.x]\ntype = 'carrier-pigeon'\n",
        "[sinks.x]\ntype = 'file'\n",
        "[store]\nmax_size = 'much'\n",
        "[rules.no-such-rule]\nenabled = false\n",
        "not toml",
    ],
)
def test_wrong_config(governed: SimulatedHost, daemon_of: Make, config: str) -> None:
    """A configuration that is wrong is refused with 2 and one line, before anything is touched."""
    one = daemon_of(governed, config=config)
    refused = one.call("run")
    assert refused.returncode == 2
    assert len(refused.stderr.splitlines()) == 1
    assert not one.state.exists()


# --- watching -----------------------------------------------------------------------------------


def test_the_service_says_that_it_polls(governed: SimulatedHost, daemon: Daemon) -> None:
    """Changes that no event announced end the trust in events, and the admin is told so, once."""
    path = place(governed)
    daemon.start().assessed()
    with path.open("r+b") as file, mmap.mmap(file.fileno(), 0) as memory:
        at = memory.find(b'"enabled"')
        for mark in range(1, 9):  # the kernel announces none of these before the file is closed
            memory[at : at + 9] = b'"enable%d"' % mark
            memory.flush()
            count = len(daemon.told("policy.changed"))
            until(lambda count=count: len(daemon.told("policy.changed")) > count, "the rescan")
            if daemon.told("source.changed", source="watch"):
                break
            time.sleep(2.0)  # an alarm waits for an event that may only be late
    (told,) = daemon.told("source.changed", source="watch")
    assert (told["because"], told["data"]["after"]) == ("watch-polling", "polling")
    assert told["data"]["reason"].startswith("cannot rely on events")
    assert daemon.stop() == 0


# --- configuration ------------------------------------------------------------------------------


def test_reload_wrong(governed: SimulatedHost, daemon: Daemon) -> None:
    """A wrong configuration on SIGHUP is told, and the old one goes on."""
    daemon.start().assessed()
    for wrong in ("[schedule]\nfile = '1s'\n", "[store]\nmax_size = 'much'\n", "[sinks.x]\n"):
        count = len(daemon.told("source.changed"))
        daemon.configure(wrong)
        daemon.signal(signal.SIGHUP)
        told = daemon.until_told("source.changed", count + 1, because="config-invalid")[-1]
        assert told["severity"] == "medium"
        assert told["data"]["reason"]
        assert told["subject"] == f"file:{daemon.config}"
        assert [one["path"] for one in told["evidence"]] == [str(daemon.config)]
    governed.managed(lax("linux"))
    daemon.until_told("policy.changed")
    assert daemon.stop() == 0
    messages = daemon.mailbox.read()
    reloading = next(i for i, message in enumerate(messages) if "RELOADING=1" in message)
    assert any("READY=1" in message for message in messages[reloading:])


def test_reload_right(governed: SimulatedHost, daemon: Daemon, tmp_path: Path) -> None:
    """A right configuration is taken: other sinks, other rules, and no event is lost or doubled."""
    governed.managed(lax("linux"))
    governed.record()
    daemon.start().assessed()
    daemon.until_told("finding.raised", code="allowed-threats")
    path = tmp_path / "log" / "events.ndjson"
    sinks = f'[sinks.siem]\ntype = "file"\npath = "{path}"\n[sinks.out]\ntype = "stdout"\n'
    daemon.configure(QUICK + sinks + "[rules.allowed-threats]\nenabled = false\n")
    daemon.signal(signal.SIGHUP)
    (cleared,) = daemon.until_told("finding.cleared", code="allowed-threats")
    assert cleared["because"] == "rule-off"
    (told,) = daemon.told("source.changed")
    assert told["because"] == "config-reloaded"
    assert daemon.stop() == 0
    stored = daemon.told()
    check_stream(stored)
    # The sinks are new ones: each got what came since, and the one before all until then.
    ids = [one["id"] for one in daemon.lines()]
    assert ids == [one["id"] for one in stored]
    assert [one["id"] for one in read_lines(path)] == ids[-len(read_lines(path)) :]


def test_many_reloads(daemon: Daemon) -> None:
    """A storm of SIGHUP is survived, and the agent is still asked after it."""
    daemon.start().assessed()
    for _ in range(200):
        daemon.signal(signal.SIGHUP)
    daemon.until_told("source.changed", because="config-reloaded")
    taken = json.loads((daemon.state / "report.json").read_text())["taken_at"]

    def again() -> bool:
        return json.loads((daemon.state / "report.json").read_text())["taken_at"] > taken

    until(again, "another report")
    assert daemon.stop() == 0


# --- what is told -------------------------------------------------------------------------------


def test_policy_edit(governed: SimulatedHost, daemon_of: Make) -> None:
    """A change that the agent applies in time is one `policy.changed`, and else silent."""
    daemon = daemon_of(governed, config=QUICK.replace('grace = "2s"', 'grace = "60s"'))
    daemon.start().assessed()
    policy = hardened("linux")
    policy["cloudService"]["cloudBlockLevel"] = "high_plus"
    policy["networkProtection"]["enforcementLevel"] = "audit"
    governed.managed(policy)
    (change,) = daemon.until_told("policy.changed")
    assert change["data"]["kind"] == "values"
    assert change["data"]["new_digest"] == digest(place(governed).read_bytes())
    settle(daemon)  # pending
    governed.record()
    settle(daemon, 5.0)  # in force
    assert daemon.stop() == 0
    assert kinds(daemon.told()) == ["daemon.started", "policy.changed", "daemon.stopped"]


def test_policy_not_applied(governed: SimulatedHost, daemon: Daemon) -> None:
    """A change that the agent does not apply is one `policy.changed`, one `setting.changed`."""
    daemon.start().assessed()
    policy = hardened("linux")
    policy["networkProtection"]["enforcementLevel"] = "audit"
    policy["antivirusEngine"]["enforcementLevel"] = "passive"
    governed.managed(policy)
    daemon.until_told("finding.raised", code="not-enforced")
    settle(daemon, 5.0)
    assert len(daemon.told("policy.changed")) == 1
    (changed,) = daemon.told("setting.changed")
    keys = {one["key"] for one in changed["data"]["settings"]}
    assert {"networkProtection.enforcementLevel", "antivirusEngine.enforcementLevel"} <= keys


def test_whitespace(governed: SimulatedHost, daemon: Daemon) -> None:
    """A file that is written anew with the same values is told as just that."""
    daemon.start().assessed()
    place(governed).write_text(json.dumps(hardened("linux"), indent=7))
    (change,) = daemon.until_told("policy.changed")
    assert change["data"]["kind"] not in ("values", "added", "removed")
    assert change["data"]["difference"]["changed"] == []
    settle(daemon)
    assert set(kinds(daemon.told())) == {"daemon.started", "policy.changed"}


def test_slow_writer(governed: SimulatedHost, daemon: Daemon) -> None:
    """A file that is written in pieces is never told as broken."""
    daemon.start().assessed()
    data = json.dumps(lax("linux"), indent=2).encode()
    with place(governed).open("wb") as file:
        for start in range(0, len(data), len(data) // 8):
            file.write(data[start : start + len(data) // 8])
            file.flush()
            time.sleep(0.15)
    (change,) = daemon.until_told("policy.changed")
    assert change["data"]["new_digest"] == digest(data)
    assert daemon.told("source.changed") == []
    assert daemon.told("finding.raised", code="policy-malformed") == []


def test_broken_file(governed: SimulatedHost, daemon: Daemon) -> None:
    """A file that stays broken is told, and so is its recovery."""
    daemon.start().assessed()
    place(governed).write_text('{"antivirusEngine": ')
    (told,) = daemon.until_told("source.changed")
    assert (told["data"]["before"], told["data"]["after"]) == ("present", "broken")
    governed.managed(hardened("linux"))
    daemon.until_told("source.changed", 2)
    settle(daemon)
    assert daemon.told("policy.changed") == []


def test_agent_down(governed: SimulatedHost, daemon: Daemon) -> None:
    """An agent that falls silent is told once, and so is its return."""
    daemon.start().assessed()
    governed.daemon("down")
    governed.record()
    (told,) = daemon.until_told("agent.changed")
    assert told["data"]["after"]["state"] == "unreachable"
    governed.daemon("up")
    governed.record()
    daemon.until_told("agent.changed", 2)
    settle(daemon)
    assert len(daemon.told("agent.changed")) == 2


def test_checkin(governed: SimulatedHost, daemon: Daemon) -> None:
    """The check-in is followed without any event of the file system."""
    governed.remove("managed")
    governed.attach(hardened("linux"))
    governed.record()
    daemon.start().assessed()
    governed.checkin(timedelta(days=3))
    for name in ("policy", "current_report"):
        stale = governed.folder / f"etc/opt/microsoft/mdatp/security_management/{name}"
        found = [one for one in governed.folder.rglob(name) if one.is_file()] or [stale]
        os.utime(found[0], (time.time() - 3 * 86400,) * 2)
    os.utime(
        governed.folder / "etc/opt/microsoft/mdatp/managed/mdeattach_managed.json",
        (time.time() - 3 * 86400,) * 2,
    )
    (told,) = daemon.until_told("checkin.changed")
    assert (told["data"]["before"], told["data"]["after"]) == ("fresh", "stale")


def test_heartbeat(governed: SimulatedHost, daemon_of: Make) -> None:
    """It says regularly that it lives, how it watches, what it uses, how its sinks are."""
    daemon = daemon_of(governed, config=QUICK + '[heartbeat]\nevery = "1s"\n')
    daemon.start().assessed()
    beats = daemon.until_told("heartbeat", 3)
    data = beats[-1]["data"]
    assert data["watch"]["mode"] == "events"
    assert data["sinks"]["stdout"]["state"] == "ok"
    assert data["rss_bytes"] > 1_000_000
    assert data["store_bytes"] > 0
    assert data["agent"]["state"] == "running"
    assert set(data["findings"]) == {"critical", "high", "medium", "low", "info"}
    assert data["sources"]["health"] == "present"


def test_details(governed: SimulatedHost, daemon: Daemon) -> None:
    """Of a recorded host every view that it holds is read, with the first health."""
    daemon.start().assessed()
    report = json.loads((daemon.state / "report.json").read_text())
    assert report["sources"]["health-details-antivirus"]["state"] == "present"
    assert report["sources"]["exclusion-list"]["state"] == "present"


# --- what lies in the state folder --------------------------------------------------------------


def test_last_report(governed: SimulatedHost, daemon: Daemon) -> None:
    """The last report is fresh, and shown by `status --last` in the same views."""
    daemon.start().assessed()
    governed.managed(lax("linux"))
    daemon.until_told("finding.raised", code="allowed-threats")

    def shown() -> bool:
        return "allowed-threats" in (daemon.state / "report.json").read_text()

    until(shown, "the report")
    report = json.loads((daemon.state / "report.json").read_text())
    age = datetime.now(UTC) - datetime.fromisoformat(report["taken_at"])
    assert age < timedelta(seconds=60)
    last = daemon.call("status", "--last", "--json")
    assert last.returncode == 1
    assert json.loads(last.stdout)["findings"]
    text = daemon.call("status", "--last")
    assert "allowed-threats" in text.stdout
    assert (daemon.state / "report.json").stat().st_mode & 0o777 == 0o640
    assert (daemon.state / "store.db").stat().st_mode & 0o777 == 0o640


def test_events_command(daemon: Daemon) -> None:
    """`events --json` prints every native line while the service runs, ascending."""
    daemon.start().assessed()
    daemon.signal(signal.SIGHUP)
    daemon.until_told("source.changed")
    shown = daemon.call("events", "--json")
    assert shown.returncode == 0
    found = [json.loads(line) for line in shown.stdout.splitlines()]
    assert found == daemon.told()[: len(found)]
    assert len(found) >= 2


def test_metrics(governed: SimulatedHost, daemon_of: Make, tmp_path: Path) -> None:
    """The metrics are replaced at once: nobody ever reads half of them, or an empty file."""
    folder = tmp_path / "textfile"
    folder.mkdir()
    path = folder / "mdeinspect.prom"
    daemon = daemon_of(governed, config=f'{QUICK}[metrics]\ntextfile = "{path}"\n')
    daemon.start().assessed()
    until(path.exists, "the metrics")
    end = time.monotonic() + 4
    seen = set()
    while time.monotonic() < end:
        text = path.read_text()
        assert text.startswith("# HELP mdeinspect_findings")
        assert text.endswith("\n")
        assert "mdeinspect_service_last_seq" in text
        seen.add(path.stat().st_ino)
        time.sleep(0.005)
    assert len(seen) > 1, "it was never written anew"
    assert path.stat().st_mode & 0o777 == 0o644
    assert daemon.stop() == 0
    assert [one.name for one in folder.iterdir()] == ["mdeinspect.prom"]


def test_unwritable_metrics(governed: SimulatedHost, daemon_of: Make, tmp_path: Path) -> None:
    """That metrics cannot be written disturbs nothing else."""
    config = f'{QUICK}[metrics]\ntextfile = "{tmp_path}/not/there/x.prom"\n'
    daemon = daemon_of(governed, config=config)
    daemon.start().assessed()
    governed.managed(lax("linux"))
    daemon.until_told("policy.changed")
    assert daemon.stop() == 0


# The write-ahead log alone can hold a whole database, so each of these harms both.


def broken_in_place(state: Path) -> None:
    for name in ("store.db", "store.db-wal"):
        with contextlib.suppress(FileNotFoundError), (state / name).open("r+b") as file:
            file.write(os.urandom((state / name).stat().st_size))


def cut_off(state: Path) -> None:
    for name, size in (("store.db", 5000), ("store.db-wal", 0)):
        with contextlib.suppress(FileNotFoundError):
            os.truncate(state / name, size)


def removed(state: Path) -> None:
    (state / "store.db").unlink()


def all_removed(state: Path) -> None:
    shutil.rmtree(state)


def replaced(state: Path) -> None:
    (state / "new").write_bytes(b"not a database" * 1000)
    (state / "new").rename(state / "store.db")
    for name in ("store.db-wal", "store.db-shm"):
        (state / name).unlink()


@pytest.mark.parametrize("harm", [broken_in_place, cut_off, removed, all_removed, replaced])
def test_store_harmed(
    governed: SimulatedHost, daemon_of: Make, tmp_path: Path, harm: Callable[[Path], None]
) -> None:
    """A store that is gone or broken is made anew while it runs, and an event says so.

    What is remembered goes on: nothing is raised again, and what comes is told, once.
    """
    path = tmp_path / "log" / "events.ndjson"
    sink = f'[sinks.siem]\ntype = "file"\npath = "{path}"\n'
    governed.managed(lax("linux"))
    governed.record()
    daemon = daemon_of(governed, config=QUICK + sink)
    daemon.start().assessed()
    daemon.until_told("finding.raised", code="allowed-threats")
    first = daemon.told()[0]["stream"]
    until(lambda: len(read_lines(path)) == len(daemon.told()), "the sink to be idle")
    before = read_lines(path)
    harm(daemon.state)
    governed.managed(hardened("linux"))

    def other() -> list[dict[str, object]]:
        return [one for one in daemon.told("policy.changed") if one["stream"] != first]

    until(other, "the change in another stream")
    governed.record()
    settle(daemon)
    assert daemon.stop() == 0
    told = daemon.told()
    check_stream(told)
    assert (told[0]["type"], told[0]["because"]) == ("daemon.started", "store-set-aside")
    assert told[0]["data"]["stream_before"] == first
    assert kinds(told).count("policy.changed") == 1
    assert daemon.told("finding.raised", code="allowed-threats") == []
    assert daemon.told("finding.cleared", code="allowed-threats")
    after = read_lines(path)
    assert after[: len(before)] == before
    check_delivered([one for one in after if one["stream"] == told[0]["stream"]], told)


def test_store_harmed_while_down(governed: SimulatedHost, daemon: Daemon) -> None:
    """A store that is broken at the start is set aside; the history begins anew, and says so."""
    daemon.start().assessed()
    assert daemon.stop() == 0
    stream = daemon.told()[0]["stream"]
    broken_in_place(daemon.state)
    daemon.start().assessed()
    told = daemon.until_told("daemon.started")
    assert told[0]["because"] == "store-set-aside"
    assert told[0]["stream"] != stream
    assert Path(told[0]["data"]["set_aside"]).exists()


# --- the agent ----------------------------------------------------------------------------------

SHELL = """
set -e
mount --make-rprivate /
mount --bind "$1" /etc/opt
mount --bind "$2" /srv
shift 2
exec "$@"
"""


@pytest.fixture
def own_mounts(tmp_path: Path) -> tuple[Path, Path]:
    """Folders that a service sees as /etc/opt and /srv, and nobody else does."""
    if sys.platform != "linux" or os.geteuid() != 0 or not shutil.which("unshare"):
        pytest.skip("a live host with files of its own needs Linux, root and unshare")
    etc, srv = tmp_path / "etc", tmp_path / "srv"
    for folder in (etc, srv):
        folder.mkdir()
        folder.chmod(0o755)
    tried = subprocess.run(
        ["unshare", "--mount", "sh", "-c", SHELL, "sh", str(etc), str(srv), "true"],
        capture_output=True,
        check=False,
    )
    if tried.returncode:
        pytest.skip(f"this machine does not let us mount: {tried.stderr.decode().strip()}")
    return etc, srv


def test_slow_agent(tmp_path: Path, daemon_of: Make, own_mounts: tuple[Path, Path]) -> None:
    """On a live host, a slow or hung `mdatp` delays no file event, and not the end."""
    etc, srv = own_mounts
    host = SimulatedHost(tmp_path / "agent", now=None)
    host.install(srv / "mdatp")
    managed = etc / "microsoft/mdatp/managed/mdatp_managed.json"
    managed.parent.mkdir(parents=True)
    managed.write_text(json.dumps(hardened("linux")))
    host.managed(hardened("linux"))
    daemon = daemon_of(None, config=QUICK, options=["--mdatp", "/srv/mdatp"])
    daemon.wrap = ["unshare", "--mount", "sh", "-c", SHELL, "sh", str(etc), str(srv)]
    daemon.start().assessed()
    report = json.loads((daemon.state / "report.json").read_text())
    assert report["sources"]["health"]["state"] == "present"
    assert report["authority"]["channel"] == "managed_file"
    host.daemon("slow", slow_seconds=60)

    def hung() -> list[psutil.Process]:
        return daemon.children()

    until(hung, "a hung call")
    time.sleep(0.5)
    for number in range(3):
        data = json.dumps(
            {**lax("linux"), "edr": {"tags": [{"key": "GROUP", "value": str(number)}]}}
        )
        managed.write_text(data)
        began = time.monotonic()
        daemon.until_told("policy.changed", new_digest=digest(data.encode()))
        assert time.monotonic() - began < 10, "the agent's 30 s were waited for"
    children = hung()
    assert daemon.stop() == 0
    assert not any(child.is_running() for child in children), "a program outlived the service"


def test_agent_hung_from_the_start(
    tmp_path: Path, daemon_of: Make, own_mounts: tuple[Path, Path]
) -> None:
    """An agent that never answers is waited for in peace; its timeout makes the first report."""
    etc, srv = own_mounts
    host = SimulatedHost(tmp_path / "agent", now=None)
    host.install(srv / "mdatp")
    host.daemon("slow", slow_seconds=60)
    config = QUICK + '[heartbeat]\nevery = "1s"\n[agent]\ntimeout = "6s"\n'
    daemon = daemon_of(None, config=config, options=["--mdatp", "/srv/mdatp"])
    daemon.wrap = ["unshare", "--mount", "sh", "-c", SHELL, "sh", str(etc), str(srv)]
    daemon.start()
    time.sleep(1.5)
    assert daemon.busy(3.0) < 0.5, "it spins"
    daemon.assessed()
    report = json.loads((daemon.state / "report.json").read_text())
    assert report["sources"]["health"]["kind"] == "timeout"
    assert report["agent"]["state"] == "unknown"
    daemon.until_told("heartbeat")
    assert daemon.stop() == 0


def test_gentle(tmp_path: Path, daemon_of: Make, own_mounts: tuple[Path, Path]) -> None:
    """Never more than 30 calls an hour, however short the schedule; policy is watched on."""
    etc, srv = own_mounts
    host = SimulatedHost(tmp_path / "agent", now=None)
    host.install(tmp_path / "answer")
    calls = srv / "calls"
    program = srv / "mdatp"
    program.write_text(f'#!/bin/sh\necho "$*" >> /srv/calls\nexec {tmp_path}/answer "$@"\n')
    program.chmod(0o755)
    managed = etc / "microsoft/mdatp/managed/mdatp_managed.json"
    managed.parent.mkdir(parents=True)
    daemon = daemon_of(None, config=QUICK, options=["--mdatp", "/srv/mdatp"])
    daemon.wrap = ["unshare", "--mount", "sh", "-c", SHELL, "sh", str(etc), str(srv)]
    daemon.start().assessed()
    counts = []

    def quiet() -> bool:
        counts.append(len(calls.read_text().splitlines()))
        time.sleep(0.2)
        return len(counts) > 15 and counts[-1] == counts[-15] and counts[-1] > 10

    until(quiet, "the allowance to be used up")
    managed.write_text(json.dumps(lax("linux")))
    daemon.until_told("policy.changed")
    settle(daemon)
    assert len(calls.read_text().splitlines()) <= 30
    assert daemon.stop() == 0
