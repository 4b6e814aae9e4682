"""One `.deb` for every Debian that has its libc: 11, 12 and 13, none of them with a Python."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from container import Root
from simulated import install_agent


@pytest.mark.parametrize("suite", ["bullseye", "bookworm", "trixie"])
def test_it_installs_and_tells(root: Callable[..., Root], deb: Path, suite: str) -> None:
    """Without an agent it says so (exit 1); with one, what is in force; purged, nothing is left."""
    host = root(suite)
    assert host.run("sh", "-c", "command -v python3", check=False).returncode != 0
    before = host.files()
    host.run("dpkg", "--install", host.bring(deb))
    bare = host.run("mdeinspect", "status", "--json", check=False)
    assert bare.returncode == 1, bare.stderr
    assert "agent-missing" in [one["code"] for one in json.loads(bare.stdout)["findings"]]

    install_agent(host, booted=False)
    report = json.loads(host.run("mdeinspect", "status", "--json", check=False).stdout)
    assert report["host"]["os"].startswith("Debian GNU/Linux")
    assert report["authority"]["channel"] == "managed_file"
    assert [one for one in report["settings"] if one["verdict"] == "enforced"]

    assert host.run("dpkg", "--verify", "mdeinspect").stdout == ""
    host.sh("rm -rf /host.json /simulator.json /opt/microsoft /etc/opt/microsoft /usr/bin/mdatp")
    host.run("dpkg", "--purge", "mdeinspect")
    assert {
        path for path in host.files() - before if "mdeinspect" in path and "dpkg" not in path
    } == {f"/root/{deb.name}"}


@pytest.mark.parametrize("suite", ["bullseye", "bookworm", "trixie"])
def test_nothing_appears_beside_the_files(root: Callable[..., Root], deb: Path, suite: str) -> None:
    """Running as root writes no byte code, and the environment brings in no code of others."""
    host = root(suite)
    host.run("dpkg", "--install", host.bring(deb))
    before = {path for path in host.files() if path.startswith("/opt/mdeinspect")}
    host.sh("mkdir /tmp/trap; echo 'raise SystemExit(77)' >/tmp/trap/sitecustomize.py")
    trap = "PYTHONPATH=/tmp/trap PYTHONHOME=/tmp/trap PYTHONSTARTUP=/tmp/trap/sitecustomize.py"
    for words in ("--help", "status", "rules", "demo --scenario protection-off"):
        said = host.sh(f"cd /tmp/trap && {trap} mdeinspect {words}", check=False)
        assert said.returncode in (0, 1), said.stderr
    assert {path for path in host.files() if path.startswith("/opt/mdeinspect")} == before
    assert host.run("dpkg", "--verify", "mdeinspect").stdout == ""
