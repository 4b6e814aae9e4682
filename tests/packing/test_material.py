"""What the packages are made from is whole and sound, before anything is built."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

CHECKOUT = Path(__file__).resolve().parents[2]
PACKAGING = CHECKOUT / "packaging"
SCRIPTS = sorted(
    path
    for place in (PACKAGING, CHECKOUT / ".ci")
    for path in place.rglob("*")
    if path.is_file() and path.read_bytes().startswith((b"#!/bin/sh", b"#!/usr/bin/env bash"))
)


def locked() -> dict[str, Version]:
    """Name -> version of every library that goes into the packages."""
    text = (PACKAGING / "requirements.txt").read_text("utf-8")
    return {name: Version(one) for name, one in re.findall(r"^([a-z0-9-]+)==(\S+)", text, re.M)}


def test_the_lock_has_every_dependency() -> None:
    """Each in a version that pyproject.toml allows: else `make lock`."""
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text("utf-8"))["project"]
    for text in project["dependencies"]:
        wanted = Requirement(text)
        assert locked()[wanted.name] in wanted.specifier


def test_the_lock_names_digests_and_no_registry() -> None:
    """No file but the reviewed ones gets in, from wherever it comes."""
    text = (PACKAGING / "requirements.txt").read_text("utf-8")
    assert text.count("--hash=sha256:") >= len(locked()) > 0
    assert "://" not in text


@pytest.mark.parametrize("name", sorted(path.name for path in (CHECKOUT / "systemd").iterdir()))
def test_every_unit_file_is_packaged(name: str) -> None:
    """What lies in `systemd/` is in the packages: by description, or among the documents."""
    told = (PACKAGING / "nfpm.yaml").read_text("utf-8")
    laid_out = (PACKAGING / "pack/payload.py").read_text("utf-8")
    assert f"systemd/{name}\n" in told or f'"{name}"' in laid_out


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_shellcheck(script: Path) -> None:
    """No script has a word of it."""
    if shutil.which("shellcheck") is None:
        pytest.skip("needs shellcheck")
    said = subprocess.run(
        ["shellcheck", "--external-sources", script],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert said.returncode == 0, said.stdout


def test_all_scripts_are_looked_at() -> None:
    """Those of both package managers, of the interpreter's recipe, and of CI."""
    assert {path.name for path in SCRIPTS} >= {
        "postinst", "prerm", "postrm", "post", "preun", "postun",
        "hook.sh", "fetch.sh", "build.sh", "run",
    }  # fmt: skip


@pytest.mark.parametrize(
    "pieces", ["deb/postinst", "deb/prerm", "deb/postrm", "rpm/preun", "rpm/postun"]
)
def test_scripts_do_nothing_unasked(pieces: str, tmp_path: Path) -> None:
    """Called for what they have no part in, they change nothing and succeed."""
    words = {"deb/postinst": ["abort-upgrade", "1"], "deb/prerm": ["upgrade", "2"]}
    empty = {"PATH": str(tmp_path)}  # no program at all: whatever they ran would fail
    argument = words.get(pieces, ["upgrade"] if pieces.startswith("deb") else ["0"])
    said = subprocess.run(
        ["/bin/sh", PACKAGING / "scripts" / pieces, *argument],
        env=empty,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (said.returncode, said.stdout, said.stderr) == (0, "", "")
