"""The `.rpm`: what `rpm` says of it, and what it does in a root where rpm is only a guest."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import lacking
from container import Root


@pytest.fixture(autouse=True)
def needed() -> None:
    """rpm itself."""
    if why := lacking("rpm"):
        pytest.skip(why)


def query(rpm: Path, *words: str) -> list[str]:
    """Lines of `rpm -qp`."""
    said = subprocess.run(["rpm", "-qp", *words, rpm], capture_output=True, text=True, check=True)
    return said.stdout.splitlines()


def test_it_needs_nothing_but_a_libc(rpm: Path) -> None:
    """No Python, no library of the host; a libc that has the symbols."""
    needs = {one for one in query(rpm, "--requires") if not one.startswith("rpmlib(")}
    assert needs == {"libc.so.6(GLIBC_2.30)(64bit)", "/usr/sbin/useradd", "/bin/sh"} or needs == {
        "libc.so.6(GLIBC_2.30)(64bit)",
        "/usr/sbin/useradd",
    }


def test_owners_and_modes(rpm: Path) -> None:
    """Everything is root's, and writable by root alone."""
    lines = query(
        rpm, "--queryformat", "[%{FILEUSERNAME} %{FILEGROUPNAME} %{FILEMODES:perms} %{FILENAMES}\n]"
    )
    assert len(lines) > 1000
    for line in lines:
        owner, group, mode, path = line.split(None, 3)
        assert (owner, group) == ("root", "root"), path
        assert mode[0] == "l" or mode in ("drwxr-xr-x", "-rw-r--r--", "-rwxr-xr-x"), line


def test_configuration_is_kept(rpm: Path) -> None:
    """Marked as configuration that an upgrade does not replace."""
    assert sorted(query(rpm, "--configfiles")) == [
        "/etc/logrotate.d/mdeinspect",
        "/etc/mdeinspect/config.toml",
    ]
    flags = query(rpm, "--queryformat", "[%{FILENAMES} %{FILEFLAGS:fflags}\n]")
    assert "/etc/mdeinspect/config.toml cn" in flags


def test_scripts(rpm: Path) -> None:
    """The three of them, for a plain shell."""
    text = "\n".join(query(rpm, "--scripts"))
    for kind in ("postinstall", "preuninstall", "postuninstall"):
        assert f"{kind} scriptlet (using /bin/sh)" in text


def test_rpm_installs_upgrades_and_removes_it(root: Callable[..., Root], rpm: Path) -> None:
    """In a Debian root, without its dependencies, which only a system of rpms could have."""
    host = root("bookworm", "rpm")
    place = host.bring(rpm)
    host.run("rpm", "--install", "--nodeps", place)
    assert "mdeinspect" in host.run("getent", "passwd", "mdeinspect").stdout
    assert host.run("stat", "-c", "%U %a", "/var/lib/mdeinspect").stdout == "mdeinspect 750\n"
    assert host.run("mdeinspect", "status", "--json", check=False).returncode == 1
    assert host.run("rpm", "--verify", "--nodeps", "mdeinspect").stdout == ""
    config = host.folder / "etc/mdeinspect/config.toml"
    config.write_text(config.read_text("utf-8") + "# ours\n", "utf-8")
    host.run("rpm", "--upgrade", "--nodeps", "--replacepkgs", place)
    assert config.read_text("utf-8").endswith("# ours\n")
    host.run("rpm", "--erase", "--nodeps", "mdeinspect")
    assert not (host.folder / "opt/mdeinspect").exists()
    assert (host.folder / "var/lib/mdeinspect").is_dir()
    assert config.with_name("config.toml.rpmsave").exists()
