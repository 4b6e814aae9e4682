"""The configuration of the service: validated elsewhere, and the same as if it were here."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from mdeinspect.errors import ConfigError
from mdeinspect.service import settings

FULL = """
[schedule]
health = "20m"
[sinks.siem]
type = "file"
path = "/var/log/mdeinspect/events.ndjson"
max_size = "1MiB"
mode = "0640"
[sinks.wire]
type = "syslog"
transport = "tcp"
host = "127.0.0.1"
port = 6514
[rules.definitions-old]
max_age_days = 3
[[accept]]
code = "broad-exclusion"
reason = "a ticket"
until = 2027-03-31
[[accept]]
code = "broad-exclusion"
until = 2027-03-31T18:00:00Z
"""


def written(tmp_path: Path, text: str) -> Path:
    """A configuration file."""
    path = tmp_path / "config.toml"
    path.write_text(text)
    return path


def test_apart_is_as_here(tmp_path: Path) -> None:
    """Durations, numbers, dates and options of sinks come back from the other process whole."""
    path = written(tmp_path, FULL)
    found = settings.load(path)
    assert found == settings.validate(path)
    assert list(found.sinks) == ["siem", "wire"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("schedule = 1", "schedule"),
        ('[sinks.siem]\ntype = "file"\n', "sinks.siem.path"),
        ('[sinks.siem]\ntype = "file"\npath = "relative"\n', "sinks.siem.path"),
        ("[rules.no-such-rule]\nenabled = false\n", "no-such-rule"),
        ('[store]\nmax_size = "much"\n', "max_size"),
        ("not toml", "config.toml"),
    ],
)
def test_what_is_wrong_is_told_in_the_same_words(tmp_path: Path, text: str, why: str) -> None:
    """An error of the other process is ours."""
    path = written(tmp_path, text)
    with pytest.raises(ConfigError, match=why) as here:
        settings.validate(path)
    with pytest.raises(ConfigError) as apart:
        settings.load(path)
    assert str(apart.value) == str(here.value)


@pytest.mark.parametrize("failing", ["no program", "ends badly", "says nothing", "hangs"])
def test_without_the_other_process_it_is_done_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    """No memory, no right, a signal to the whole group: the service still gets its settings."""
    path = written(tmp_path, FULL)
    stand_in = tmp_path / "python"
    if failing != "no program":
        body = {"ends badly": "kill -TERM $$", "says nothing": ":", "hangs": "exec sleep 30"}
        stand_in.write_text(f"#!/bin/sh\n{body[failing]}\n")
        stand_in.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(stand_in))
    monkeypatch.setattr(settings, "PATIENCE", 0.5)
    assert settings.load(path) == settings.validate(path)


def test_the_service_never_imports_what_validates(tmp_path: Path) -> None:
    """The point of it all: after loading, pydantic is not in this process."""
    code = (
        "import sys; from pathlib import Path; from mdeinspect.service import settings;"
        f"settings.load(Path({str(written(tmp_path, FULL))!r})); print('pydantic' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == "False"
