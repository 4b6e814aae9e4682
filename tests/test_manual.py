"""Manual pages and completions: each command has its page, each shell takes its script."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mdeinspect.cli import COMMANDS

ROOT = Path(__file__).parents[1]
SHELLS = ("bash", "zsh", "fish")
SUBCOMMANDS = ("config-check", "config-show", "service-install", "service-uninstall")


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Every page, made as for a package; by name."""
    folder = tmp_path_factory.mktemp("man")
    script = str(ROOT / "tools" / "manual.py")
    env = {**os.environ, "SOURCE_DATE_EPOCH": "1700000000"}
    subprocess.run([sys.executable, script, str(folder)], check=True, env=env, timeout=120)
    return {path.stem: path.read_text() for path in folder.glob("*.1")}


def test_a_page_for_each_command(pages: dict[str, str]) -> None:
    """And those of commands that have commands of their own."""
    wanted = {"mdeinspect", *(f"mdeinspect-{name}" for name in (*COMMANDS, *SUBCOMMANDS))}
    assert wanted <= set(pages)


def test_the_first_page_names_every_command(pages: dict[str, str]) -> None:
    """Whoever reads `man mdeinspect` finds them all."""
    assert [name for name in COMMANDS if f"\\fB{name}\\fP" not in pages["mdeinspect"]] == []


def test_summaries_are_whole(pages: dict[str, str]) -> None:
    """One line each, and none is cut off."""
    for name, text in pages.items():
        found = re.search(r"^\.SH NAME\n(.+)\n\.SH SYNOPSIS$", text, re.MULTILINE)
        assert found, name
        assert not found[1].endswith("...")


def test_exit_codes_are_told(pages: dict[str, str]) -> None:
    """Of each command whose exit code has a meaning."""
    for name in ("status", "check", "doctor", "service-status"):
        assert ".SH EXIT STATUS\nExit code: 0" in pages[f"mdeinspect-{name}"]


def test_the_same_again(pages: dict[str, str]) -> None:
    """The date is that of the sources, where that is given."""
    assert all('"2023-11-14"' in text.splitlines()[0] for text in pages.values())


def test_the_language_is_right(pages: dict[str, str], tmp_path: Path) -> None:
    """A strict reader has nothing to say."""
    mandoc = shutil.which("mandoc")
    if mandoc is None:
        pytest.skip("mandoc is not installed here")
    for name, text in pages.items():
        (tmp_path / name).write_text(text)
        done = subprocess.run(
            [mandoc, "-T", "lint", "-W", "warning", str(tmp_path / name)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stdout + done.stderr) == (0, "")


def completion(shell: str) -> str:
    """The script of a shell."""
    command = [sys.executable, "-m", "mdeinspect", "completion", shell]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout


@pytest.mark.parametrize("shell", SHELLS)
def test_a_shell_takes_its_script(shell: str, tmp_path: Path) -> None:
    """Its own syntax check passes."""
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"{shell} is not installed here")
    script = tmp_path / "script"
    script.write_text(completion(shell))
    done = subprocess.run([program, "-n", str(script)], capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


def test_bash_completes(tmp_path: Path) -> None:
    """A command that was begun is completed, by the program itself."""
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("bash is not installed here")
    program = tmp_path / "mdeinspect"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m mdeinspect "$@"\n')
    program.chmod(0o755)
    (tmp_path / "script").write_text(completion("bash"))
    ask = (
        f"source {tmp_path / 'script'}; COMP_WORDS=(mdeinspect doc); COMP_CWORD=1; "
        "_mdeinspect_completion mdeinspect; echo ${COMPREPLY[@]}"
    )
    env = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    done = subprocess.run(
        [bash, "--norc", "-c", ask], capture_output=True, text=True, check=True, env=env, timeout=60
    )
    assert done.stdout.split() == ["doctor"]
