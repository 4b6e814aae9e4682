"""What is in the packages, read without installing them."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

from conftest import CHECKOUT, lacking

STAGE = CHECKOUT / "build/package"
NEWEST_GLIBC = (2, 30)  # what the .rpm asks for; Debian 11 has 2.31


def read(*words: str | Path) -> str:
    """What a program prints."""
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout


def listed(deb: Path) -> dict[str, tuple[str, str]]:
    """Path -> mode and owner of everything in the `.deb`."""
    rows = (line.split(None, 5) for line in read("dpkg-deb", "--contents", deb).splitlines())
    return {row[5].partition(" -> ")[0].lstrip("."): (row[0], row[1]) for row in rows}


def test_nobody_but_root_may_change_them(deb: Path) -> None:
    """Everything is root's; nothing is writable by others, set-user-ID, or a device."""
    for path, (mode, owner) in listed(deb).items():
        assert owner == "root/root", path
        assert mode in ("drwxr-xr-x", "-rw-r--r--", "-rwxr-xr-x") or mode[0] == "l", path


def test_no_more_than_is_needed(deb: Path) -> None:
    """No tests, no package manager, no interpreter but the one that runs."""
    paths = listed(deb)
    for unwanted in ("/test/", "/tests/", "ensurepip", "/pip/", "idlelib", "tkinter", "/include/"):
        assert not [path for path in paths if unwanted in path]
    programs = {
        path for path, (mode, _) in paths.items() if mode.startswith("-rwx") and "/bin/" in path
    }
    assert programs == {"/opt/mdeinspect/bin/mdeinspect", "/opt/mdeinspect/bin/python3.13"}
    assert sum(path.endswith(".py") for path in paths) == sum(
        path.endswith(".pyc") for path in paths
    )


def test_configuration_is_the_administrators(deb: Path) -> None:
    """Marked so, and with nothing in force: every default holds."""
    marked = read("dpkg-deb", "--info", deb, "conffiles").split()
    assert sorted(marked) == ["/etc/logrotate.d/mdeinspect", "/etc/mdeinspect/config.toml"]
    text = (STAGE / "etc/mdeinspect/config.toml").read_text("utf-8")
    assert tomllib.loads(text) == {}


def test_every_file_of_systemd_is_in(deb: Path) -> None:
    """What `systemd/` has is installed somewhere, unchanged."""
    digests = {
        hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest(): path.name
        for path in (CHECKOUT / "systemd").iterdir()
    }
    sums = read("dpkg-deb", "--info", deb, "md5sums").splitlines()
    found = {digests[line.split()[0]] for line in sums if line.split()[0] in digests}
    assert found == set(digests.values())


def test_it_runs_on_an_old_libc(dist: Path) -> None:
    """No symbol of the C library is newer than that of Debian 11 and RHEL 9."""
    files = [STAGE / "opt/mdeinspect/bin/python3.13", *(STAGE / "opt").rglob("*.so")]
    assert len(files) > 2
    for path in files:
        table = read("objdump", "-T", path)
        versions = {(int(a), int(b)) for a, b in re.findall(r"GLIBC_(\d+)\.(\d+)", table)}
        assert max(versions) <= NEWEST_GLIBC, path
        needed = re.findall(r"NEEDED\s+(\S+)", read("objdump", "-p", path))
        assert all(re.match(r"(lib(c|m|dl|pthread|rt|util|gcc_s)|ld-linux)", one) for one in needed)


def test_manual_and_completions_are_in(deb: Path) -> None:
    """For every command a page; for three shells a completion."""
    paths = listed(deb)
    assert "/usr/share/man/man1/mdeinspect-status.1.gz" in paths
    assert "/usr/share/bash-completion/completions/mdeinspect" in paths
    assert "/usr/share/zsh/vendor-completions/_mdeinspect" in paths
    assert "/usr/share/fish/vendor_completions.d/mdeinspect.fish" in paths


def test_checksums(dist: Path) -> None:
    """Of every file that is published."""
    said = subprocess.run(["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=dist, check=False)
    assert said.returncode == 0
    named = {line.split()[1] for line in (dist / "SHA256SUMS").read_text("utf-8").splitlines()}
    assert named | {"SHA256SUMS"} == {path.name for path in dist.iterdir()}


def test_the_bill_of_materials_names_everything(dist: Path) -> None:
    """Each library with its version, and what the interpreter was built from."""
    [path] = dist.glob("*.cdx.json")
    bill = json.loads(path.read_text("utf-8"))
    named = {one["name"].lower().replace("_", "-"): one["version"] for one in bill["components"]}
    lock = (CHECKOUT / "packaging/requirements.txt").read_text("utf-8")
    for name, version in re.findall(r"^([a-z0-9-]+)==(\S+)", lock, re.MULTILINE):
        assert named[name] == version
    built_from = (STAGE / "usr/share/doc/mdeinspect/built-from").read_text("utf-8")
    for line in built_from.splitlines():
        name, version = line.split()
        assert named[name] == version
    assert bill["metadata"]["component"]["name"] == "mdeinspect"


def test_lintian_finds_no_error(deb: Path) -> None:
    """But those that are overridden, each with its reason beside it."""
    if why := lacking("lintian"):
        pytest.skip(why)
    words = ["lintian", "--fail-on", "error", "--allow-root", str(deb)]
    said = subprocess.run(words, capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stdout + said.stderr
