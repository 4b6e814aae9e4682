"""The whole program on recorded hosts. Differences are reviewed; --update-golden accepts them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from golden_hosts import HOSTS

EXPECTED = Path(__file__).parent / "expected"
PLAIN = {"PATH": os.environ["PATH"], "COLUMNS": "80", "NO_COLOR": "1", "TERM": "dumb"}


def run(root: Path, *args: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The program on a recorded host, in a plain environment."""
    command = [sys.executable, "-m", "mdeinspect", "--root", str(root), *args]
    return subprocess.run(
        command,
        capture_output=True,
        encoding="utf-8",
        env={**PLAIN, **environment},
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("name", sorted(HOSTS))
def test_output_is_as_reviewed(name: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """What status prints, as JSON and as text, is what somebody has read and approved."""
    HOSTS[name](tmp_path)
    printed = {
        "json": run(tmp_path, "status", "--json"),
        "txt": run(tmp_path, "status", "--all"),
    }
    for end, done in printed.items():
        assert done.stderr == ""
        assert str(tmp_path) not in done.stdout
        path = EXPECTED / f"{name}.{end}"
        if request.config.getoption("--update-golden"):
            path.write_text(done.stdout, encoding="utf-8")
        assert done.stdout == path.read_text(encoding="utf-8")
    assert printed["json"].returncode == printed["txt"].returncode
    assert f"exit {printed['txt'].returncode}" in printed["txt"].stdout


def test_every_golden_file_has_its_host() -> None:
    """No approved output outlives the host it belongs to."""
    assert {path.stem for path in EXPECTED.iterdir()} == set(HOSTS)


@pytest.mark.parametrize("name", ["linux-hostile-texts", "linux-attached-with-exceptions"])
def test_secrets_and_escapes_never_show(name: str, tmp_path: Path) -> None:
    """No password of a URL, and no escape sequence, reaches any output."""
    HOSTS[name](tmp_path)
    for args in (["status", "--json"], ["status", "--all"], ["check"], ["diff", "--all"]):
        shown = run(tmp_path, *args).stdout
        assert "hunter2" not in shown
        assert "s3cret" not in shown
        assert "\x1b" not in shown
        assert "\u202e" not in shown


@pytest.mark.parametrize("name", ["linux-mde-attach-shadows", "mac-wrapped-profile"])
def test_same_input_same_output(name: str, tmp_path: Path) -> None:
    """Folder, time zone, locale and caller's place do not matter."""
    here, there = tmp_path / "here", tmp_path / "another folder"
    for root in (here, there):
        HOSTS[name](root)
    for args in (["status", "--json"], ["status"], ["check"], ["diff", "--json"]):
        one = run(here, *args, TZ="UTC", LC_ALL="C")
        other = run(there, *args, TZ="Asia/Kathmandu", LC_ALL="C.UTF-8")
        assert one.stdout == other.stdout
        assert one.returncode == other.returncode


def test_a_narrow_and_a_wide_screen_lose_nothing(tmp_path: Path) -> None:
    """Every key that is shown at 200 columns is shown at 60, and no line is longer than asked."""
    HOSTS["linux-protection-off"](tmp_path)
    wide = run(tmp_path, "status", "--all", COLUMNS="200").stdout
    narrow = run(tmp_path, "status", "--all", COLUMNS="60").stdout
    keys = [row["key"] for row in json.loads(run(tmp_path, "status", "--json").stdout)["settings"]]
    for key in keys:
        assert key.rpartition(".")[2] in wide
        assert key.rpartition(".")[2][:10] in narrow
    assert max(len(line) for line in narrow.splitlines()) <= 60


@pytest.mark.parametrize("name", sorted(HOSTS))
def test_the_line_and_the_screen_agree(name: str, tmp_path: Path) -> None:
    """`check` prints one line and ends with the same code as `status`."""
    HOSTS[name](tmp_path)
    line = run(tmp_path, "check")
    assert line.returncode == run(tmp_path, "status", "--json").returncode
    assert line.stdout.count("\n") == 1
