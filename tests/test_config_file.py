"""The configuration file: what it may be."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from mdeinspect.cli import cli
from mdeinspect.config.load import load
from mdeinspect.errors import ConfigError


@pytest.mark.parametrize("device", ["fifo", "/dev/zero"])
def test_only_a_regular_file_is_read(tmp_path: Path, device: str) -> None:
    """A FIFO would wait for ever, and a device never end."""
    path = tmp_path / "config.toml"
    if device == "fifo":
        os.mkfifo(path)
    else:
        path.symlink_to(device)
    with pytest.raises(ConfigError, match=r"cannot use .* not a regular file"):
        load(path)


def written(tmp_path: Path, text: str) -> Path:
    """A configuration file with this content."""
    path = tmp_path / "config.toml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("how", ["denied", "file", "loop"])
def test_a_folder_of_fragments_that_cannot_be_listed_is_not_an_empty_one(
    tmp_path: Path, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What stands in it would be left out without a word: sinks, acceptances, redaction."""
    path = written(tmp_path, "")
    folder = tmp_path / "conf.d"
    if how == "file":
        folder.touch()
    elif how == "loop":
        folder.symlink_to(folder)
    else:
        folder.mkdir()

        def denied(_place: object = None) -> list[str]:  # root may list everything
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(os, "listdir", denied)
        monkeypatch.setattr(os, "scandir", denied)
    with pytest.raises(ConfigError, match=r"cannot read .*conf\.d"):
        load(path)


@pytest.mark.parametrize("args", [(), ("--json",)])
def test_user_info_of_urls_is_not_shown(tmp_path: Path, args: tuple[str, ...]) -> None:
    """`config show` is pasted into tickets."""
    text = '[[accept]]\ncode = "checkin-late"\nreason = "see http://me:hunter2@wiki.example/7"\n'
    path = written(tmp_path, text)
    shown = CliRunner().invoke(cli, ["--config", str(path), "config", "show", *args]).output
    assert "http://***@wiki.example/7" in shown
    assert "hunter2" not in shown


@pytest.mark.parametrize("until", ["2027-03-31", '"2027-03-31"'])
def test_a_date_in_quotes_is_the_same_date(tmp_path: Path, until: str) -> None:
    """An acceptance holds through its last day, however the day is written."""
    config = load(written(tmp_path, f'[[accept]]\ncode = "x"\nuntil = {until}\n'))
    assert type(config.accept[0].until) is date
    assert config.accept[0].until == date(2027, 3, 31)


def test_a_time_in_quotes_is_the_same_time(tmp_path: Path) -> None:
    """RFC 3339, with its offset."""
    config = load(written(tmp_path, '[[accept]]\ncode = "x"\nuntil = "2027-03-31T18:00:00Z"\n'))
    assert config.accept[0].until == datetime(2027, 3, 31, 18, tzinfo=UTC)


@pytest.mark.parametrize("until", ["5", '"soon"', "18:00:00", "true"])
def test_what_is_no_date_is_refused(tmp_path: Path, until: str) -> None:
    """A number is not taken for a moment of 1970."""
    path = written(tmp_path, f'[[accept]]\ncode = "x"\nuntil = {until}\n')
    with pytest.raises(ConfigError, match="cannot use the configuration: accept"):
        load(path)


def test_a_checkin_cannot_be_stale_before_it_is_late(tmp_path: Path) -> None:
    """Limits in the wrong order are a mistake, and are told as one."""
    path = written(tmp_path, '[checkin]\nlate = "24h"\nstale = "4h"\n')
    with pytest.raises(ConfigError, match="late must not be longer than stale"):
        load(path)


@pytest.mark.parametrize(
    "text",
    ['[sinks.a]\ntype = "nowhere"\n', '[sinks.a]\ntype = "file"\n', '[store]\nmax_size = "much"\n'],
)
def test_checking_refuses_what_the_service_would_refuse(tmp_path: Path, text: str) -> None:
    """`config check` is the place to learn of a wrong sink or size, not the next restart."""
    asked = ["--config", str(written(tmp_path, text)), "config", "check"]
    done = subprocess.run(
        [sys.executable, "-m", "mdeinspect", *asked], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr.startswith("mdeinspect: cannot use ")
