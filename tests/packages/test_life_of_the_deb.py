"""Upgrading, removing and purging the `.deb` on a booted Debian 12."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from container import Container, until
from simulated import events, install_agent

UNIT = "mdeinspect.service"
OURS = "mdeinspect"
CONFIG = "etc/mdeinspect/config.toml"
# The journal, and the backups that dpkg and the tools for users keep of their own files.
NOISE = (
    "/etc/passwd-", "/etc/group-", "/etc/shadow-", "/etc/gshadow-", "/etc/.pwd.lock",
    "/run/", "/tmp/", "/var/tmp/", "/var/log/journal", "/var/log/dpkg.log", "/var/lib/dpkg/",
)  # fmt: skip


def active(host: Container) -> bool:
    """Does the service run?"""
    return host.show(UNIT, "ActiveState")["ActiveState"] == "active"


def state_of(host: Container) -> dict[str, str]:
    """Who the store says it is."""
    line = host.run("mdeinspect", "events", "--json").stdout.splitlines()[0]
    return {"stream": json.loads(line)["stream"]}


def test_an_upgrade_keeps_state_and_configuration(
    boot: Callable[[], Container], previous: Path, deb: Path
) -> None:
    """A new process with the same memory; what the administrator changed and disabled stays so."""
    host = boot()
    host.run("dpkg", "--install", host.bring(previous))
    install_agent(host)
    config = host.folder / CONFIG
    config.write_text(config.read_text("utf-8") + '[heartbeat]\nevery = "3h"\n', "utf-8")
    until(lambda: active(host) and events(host), "the service and its first event")
    before, old = state_of(host), host.show(UNIT, "MainPID")

    host.run("dpkg", "--install", host.bring(deb))
    until(lambda: active(host) and host.show(UNIT, "MainPID") != old, "the new process")
    until(lambda: len(_starts(host)) == 2, "the second start")
    assert state_of(host) == before
    assert 'every = "3h"' in config.read_text("utf-8")
    seqs = sorted({one["seq"] for one in events(host)})
    assert seqs == list(range(1, len(seqs) + 1))

    host.run("systemctl", "disable", "--now", UNIT)
    host.run("dpkg", "--install", host.bring(deb))
    assert host.show(UNIT, "ActiveState", "UnitFileState") == {
        "ActiveState": "inactive",
        "UnitFileState": "disabled",
    }


def test_purge_leaves_nothing(boot: Callable[[], Container], deb: Path) -> None:
    """Not a file, a user, a group nor a process; `remove` alone keeps state and configuration."""
    host = boot()
    place = host.bring(deb)
    before, users = host.files(), host.run("getent", "passwd").stdout
    host.run("dpkg", "--install", place)
    host.run("mdeinspect", "status", check=False)
    until(lambda: active(host), "the service")

    host.run("dpkg", "--remove", OURS)
    assert not host.show(UNIT, "MainPID")["MainPID"].strip("0")
    assert (host.folder / CONFIG).exists()
    assert (host.folder / "var/lib/mdeinspect").is_dir()
    assert not (host.folder / "opt/mdeinspect").exists()

    host.run("dpkg", "--purge", OURS)
    left = {path for path in host.files() - before if not path.startswith(NOISE)}
    assert not left
    assert not {path for path in before - host.files() if not path.startswith(NOISE)}
    assert host.run("getent", "passwd").stdout == users
    assert host.run("getent", "group", OURS, check=False).returncode != 0
    assert host.run("systemctl", "--failed", "--quiet").stdout.strip() == ""


def test_scripts_may_run_twice(boot: Callable[[], Container], deb: Path) -> None:
    """Configuring again, as after an interruption, changes nothing; nor does installing again."""
    host = boot()
    host.run("dpkg", "--install", host.bring(deb))
    until(lambda: active(host), "the service")
    before, pid = host.files(), host.show(UNIT, "MainPID", "UnitFileState")
    for _ in range(2):
        host.run("/var/lib/dpkg/info/mdeinspect.postinst", "configure", "")
    changed = {path for path in host.files() ^ before if not path.startswith(NOISE)}
    assert not {path for path in changed if not path.startswith("/var/lib/mdeinspect/")}
    assert host.show(UNIT, "MainPID", "UnitFileState") == pid
    host.run("dpkg", "--purge", OURS)
    host.run("dpkg", "--install", host.bring(deb))
    until(lambda: active(host), "the service")


def _starts(host: Container) -> list[int]:
    return [one["seq"] for one in events(host) if one["type"] == "daemon.started"]
