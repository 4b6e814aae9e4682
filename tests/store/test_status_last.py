"""`status --last`: what the service saw, without looking again; and where it is looked for."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from about_store import plain_user
from click.testing import CliRunner, Result

from mdeinspect.cli import cli
from mdeinspect.errors import UsageError
from mdeinspect.store import place
from mdeinspect.store.last import NAME, write_report
from support import HostFolder


@pytest.fixture
def reported(host: HostFolder, folder: Path) -> Path:
    """A state folder with the report on a host that is not protected."""
    host.health(realTimeProtectionEnabled=False).enabled_at_boot()
    shown = CliRunner().invoke(cli, ["--root", str(host.root), "status", "--json"])
    folder.mkdir()
    write_report(folder, json.loads(shown.output))
    return folder


def last(folder: Path, *args: str) -> Result:
    """`status --last` on a state folder."""
    return CliRunner().invoke(cli, ["--state", str(folder), "status", "--last", *args])


def test_json(reported: Path) -> None:
    """`--json` prints what is stored, and nothing else."""
    result = last(reported, "--json")
    assert result.output == (reported / NAME).read_text()


def test_same_screen(host: HostFolder, reported: Path) -> None:
    """For a person: how old it is, and the screen that `status` shows."""
    now = CliRunner().invoke(cli, ["--root", str(host.root), "status"])
    then = last(reported)
    first, _, rest = then.output.partition("\n\n")
    assert ("report" in first, first.count("\n")) == (True, 0)
    assert rest == now.output
    assert then.exit_code == now.exit_code == 1


def test_exit_codes(reported: Path) -> None:
    """Exit codes are those of `status`, the threshold included."""
    found = json.loads((reported / NAME).read_text())
    for finding in found["findings"]:
        finding["severity"] = "low"
    write_report(reported, found)
    assert last(reported, "--json").exit_code == 0
    assert last(reported, "--json", "--fail-on", "low").exit_code == 1
    write_report(reported, found | {"cannot_tell": ["health"]})
    assert last(reported, "--json").exit_code == 3


def test_none(folder: Path) -> None:
    """Without a report there is one clear line and exit code 3."""
    result = last(folder)
    assert result.exit_code == 3
    assert result.output.startswith("mdeinspect: cannot read the last report")
    assert len(result.output.splitlines()) == 1


@pytest.mark.parametrize("missing", ["findings", "taken_at", "authority"])
def test_other_version(reported: Path, missing: str) -> None:
    """A report that lacks what the view needs is told as such, not as a fault."""
    found = json.loads((reported / NAME).read_text())
    del found[missing]
    write_report(reported, found)
    result = last(reported)
    assert result.exit_code == 3
    assert "cannot show the last report" in result.output


@pytest.mark.parametrize("option", ["--watch", "--details"])
def test_no_second_look(reported: Path, option: str) -> None:
    """Options that ask for a look contradict it."""
    assert last(reported, option).exit_code == 2


def test_imports_little() -> None:
    """It starts without the catalogue, the rules, the host and the database."""
    code = (
        "import sys, click.testing as t; from mdeinspect.cli import cli;"
        "t.CliRunner().invoke(cli, ['--state', '/nonexistent', 'status', '--last']);"
        "print(' '.join(m for m in sys.modules))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(shown.stdout.split())
    assert "mdeinspect.store.last" in loaded
    for room in ("catalogue", "rules", "host", "sources", "resolve", "inspect", "config.load"):
        assert f"mdeinspect.{room}" not in loaded
    assert not {"sqlite3", "pydantic", "psutil", "structlog"} & loaded


class TestPlace:
    def test_system(self, public: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Root keeps state in the folder of the system, a plain user in one of their own."""
        monkeypatch.setenv("HOME", "/home/someone")
        monkeypatch.delenv("XDG_STATE_HOME", raising=False)
        monkeypatch.setattr(place.os, "geteuid", lambda: 0)
        assert place.default("linux") == Path("/var/lib/mdeinspect")
        assert place.default("darwin") == Path("/Library/Application Support/mdeinspect")
        monkeypatch.setattr(place.os, "geteuid", lambda: 1000)
        assert place.default("linux") == Path("/home/someone/.local/state/mdeinspect")
        assert place.default("darwin") == Path(
            "/home/someone/Library/Application Support/mdeinspect"
        )
        monkeypatch.setenv("XDG_STATE_HOME", "/elsewhere")
        assert place.default("linux") == Path("/elsewhere/mdeinspect")
        monkeypatch.setenv("XDG_STATE_HOME", "relative")
        assert place.default("linux") == Path("/home/someone/.local/state/mdeinspect")

    def test_no_home(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A user without a home is asked to name a folder."""

        def nowhere() -> Path:
            raise RuntimeError

        monkeypatch.setattr(place.os, "geteuid", lambda: 1000)
        monkeypatch.setattr(Path, "home", nowhere)
        with pytest.raises(UsageError, match="--state"):
            place.default("linux")

    def test_to_read(self, public: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """A plain user reads the folder of the system where there is one, even if denied."""
        monkeypatch.setitem(place.SYSTEM, "linux", public / "locked" / "state")
        monkeypatch.setenv("HOME", "/home/someone")
        monkeypatch.delenv("XDG_STATE_HOME", raising=False)
        with plain_user():
            assert place.to_read("linux") == place.default("linux")
        (public / "locked" / "state").mkdir(parents=True)
        with plain_user():
            assert place.to_read("linux") == public / "locked" / "state"
        (public / "locked").chmod(0o700)
        with plain_user():
            assert place.to_read("linux") == public / "locked" / "state"
