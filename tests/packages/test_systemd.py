"""The installed service under a real systemd, from its start to the next boot."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from container import Container, until
from simulated import events, install_agent, managed, policy

UNIT = "mdeinspect.service"
CAP_DAC_READ_SEARCH = 1 << 2
# Faster than shipped, so that a test can wait for it.
HASTE = "[Service]\nWatchdogSec=8s\nRestartSec=1s\n"


@pytest.fixture(scope="module")
def host(boot: Callable[[], Container], deb: Path) -> Container:
    """Debian 12 with the agent; the package installed, and nothing done by hand after it."""
    made = boot()
    place = made.bring(deb)
    made.run("dpkg", "--unpack", place)
    # The agent was there first, as it will be on a host: its stand-in needs our interpreter.
    install_agent(made)
    (made.folder / f"etc/systemd/system/{UNIT}.d").mkdir()
    (made.folder / f"etc/systemd/system/{UNIT}.d/haste.conf").write_text(HASTE, "utf-8")
    made.run("dpkg", "--configure", "mdeinspect")
    until(lambda: health_is_read(made), "the first health")
    return made


def health_is_read(host: Container) -> bool:
    """Has the service's last report got health in it?"""
    said = host.run("mdeinspect", "status", "--last", "--json", check=False).stdout
    report = json.loads(said) if said.startswith("{") else {"sources": {}}
    return any(
        name.startswith("health") and one["state"] == "present"
        for name, one in report["sources"].items()
    )


def main_pid(host: Container) -> int:
    """As the container counts; 0 when there is none."""
    return int(host.show(UNIT, "MainPID")["MainPID"])


def status(host: Container) -> dict[str, list[str]]:
    """`/proc/PID/status` of the service."""
    lines = host.run("cat", f"/proc/{main_pid(host)}/status").stdout.splitlines()
    pairs = (line.partition(":") for line in lines)
    return {name: value.split() for name, _, value in pairs}


def test_it_runs_and_is_enabled(host: Container) -> None:
    """After installing: active, which Type=notify is only after READY, and started at boot."""
    told = host.show(UNIT, "ActiveState", "SubState", "Type", "UnitFileState", "NRestarts")
    assert told == {
        "Type": "notify",
        "ActiveState": "active",
        "SubState": "running",
        "UnitFileState": "enabled",
        "NRestarts": "0",
    }


def test_it_has_the_least_privilege(host: Container) -> None:
    """Its own user, one capability, no way to gain more, and a filter of system calls."""
    told = status(host)
    uid = host.run("id", "-u", "mdeinspect").stdout.strip()
    assert told["Uid"] == [uid] * 4
    assert uid != "0"
    assert int(told["CapEff"][0], 16) == CAP_DAC_READ_SEARCH
    assert int(told["CapBnd"][0], 16) == CAP_DAC_READ_SEARCH
    assert told["NoNewPrivs"] == ["1"]
    assert told["Seccomp"] == ["2"]


def test_its_configuration_is_not_its_own(host: Container) -> None:
    """systemd mounts a ConfigurationDirectory writable; the modes keep the service out."""
    who = ("setpriv", "--reuid=mdeinspect", "--regid=mdeinspect", "--clear-groups")
    for path in ("/etc/mdeinspect/written", "/etc/mdeinspect/conf.d/written.toml"):
        said = host.run(*who, "touch", path, check=False)
        assert "Permission denied" in said.stderr


@pytest.mark.parametrize("folder", ["/etc", "/usr/lib", "/opt/mdeinspect", "/tmp"])
def test_its_view_is_read_only(host: Container, folder: str) -> None:
    """Not even root could write there as the service sees it."""
    inside = ("nsenter", "--target", str(main_pid(host)), "--mount", "--")
    said = host.run(*inside, "touch", f"{folder}/written", check=False)
    assert said.returncode != 0
    assert "Read-only file system" in said.stderr
    assert host.run(*inside, "touch", "/var/lib/mdeinspect/probe", check=False).returncode == 0
    host.run("rm", "/var/lib/mdeinspect/probe")


def test_the_agent_answers_it(host: Container) -> None:
    """Inside the sandbox: `mdatp` passes the check of trust, runs, and is told as running."""
    report = json.loads(host.run("mdeinspect", "status", "--last", "--json", check=False).stdout)
    assert report["agent"]["state"] == "running"
    assert report["authority"]["channel"] == "managed_file"
    verdicts = {row["key"]: row["verdict"] for row in report["settings"]}
    assert verdicts["antivirusEngine.enforcementLevel"] == "enforced"


def test_doctor_is_content(host: Container) -> None:
    """Nothing fails after a fresh installation."""
    said = host.run("mdeinspect", "doctor", check=False)
    assert said.returncode == 0, said.stdout + said.stderr


def test_a_change_of_policy_is_a_line_in_the_journal(host: Container) -> None:
    """One event, as one line of JSON, after the file changed."""
    before = [one["id"] for one in events(host)]
    managed(host, policy("passive"))

    def told() -> list[str]:
        new = (one for one in events(host) if one["id"] not in before)
        return [one["subject"] for one in new if one["type"] == "policy.changed"]

    until(told, "policy.changed")
    assert len(told()) == 1


def test_the_watchdog_is_fed(host: Container) -> None:
    """Pings arrive, again and again."""
    first = host.show(UNIT, "WatchdogTimestampMonotonic")
    assert first["WatchdogTimestampMonotonic"] != "0"
    until(lambda: host.show(UNIT, "WatchdogTimestampMonotonic") != first, "another ping")


def test_what_hangs_is_killed_and_comes_back(host: Container) -> None:
    """A stopped process feeds no watchdog: systemd kills it and starts another, which is ready."""
    old = main_pid(host)
    restarts = int(host.show(UNIT, "NRestarts")["NRestarts"])
    host.sh(f"kill -s {signal.SIGSTOP.name.removeprefix('SIG')} {old}")
    until(lambda: int(host.show(UNIT, "NRestarts")["NRestarts"]) > restarts, "a restart")
    until(lambda: host.show(UNIT, "ActiveState")["ActiveState"] == "active", "a ready service")
    assert main_pid(host) not in (0, old)
    journal = host.run("journalctl", "--unit=mdeinspect", "--output=cat", "--no-pager").stdout
    assert "Watchdog timeout" in journal


def test_reload(host: Container) -> None:
    """A right configuration is taken up by the same process; a wrong one is refused and told."""
    place = host.folder / "etc/mdeinspect/conf.d/test.toml"
    pid = main_pid(host)
    place.write_text('[heartbeat]\nevery = "2h"\n', "utf-8")
    host.run("systemctl", "reload", UNIT)
    place.write_text("nonsense = 1\n", "utf-8")
    assert host.run("systemctl", "reload", UNIT, check=False).returncode != 0
    place.unlink()
    host.run("systemctl", "reload", UNIT)
    until(lambda: host.show(UNIT, "ActiveState")["ActiveState"] == "active", "a ready service")
    assert main_pid(host) == pid


def test_a_reboot_keeps_the_memory(host: Container) -> None:
    """It starts by itself, counts on where it was, and raises nothing again."""
    host.reboot()
    until(lambda: main_pid(host) != 0, "the service")
    until(lambda: _started_since_boot(host), "a start after the boot")
    # A line that was handed over and not yet acknowledged comes again, with its id.
    told = list({one["id"]: one for one in events(host)}.values())
    assert len({one["stream"] for one in told}) == 1
    assert [one["seq"] for one in told] == list(range(1, len(told) + 1))
    last = max(n for n, one in enumerate(told) if one["type"] == "daemon.started")
    assert told[last - 1]["type"] == "daemon.stopped"
    assert not _raised_twice(told)


def _started_since_boot(host: Container) -> bool:
    words = ("journalctl", "--unit=mdeinspect", "--output=cat", "--boot=0", "--no-pager")
    return "daemon.started" in host.run(*words).stdout


def _raised_twice(told: list[dict[str, Any]]) -> list[tuple[str, str]]:
    open_: set[tuple[str, str]] = set()
    twice = []
    for one in told:
        what = (one.get("code", ""), one.get("subject", ""))
        if one["type"] == "finding.cleared":
            open_.discard(what)
        elif one["type"] == "finding.raised":
            twice += [what] if what in open_ else []
            open_.add(what)
    assert open_, "nothing was raised at all: this test would prove nothing"
    return twice
