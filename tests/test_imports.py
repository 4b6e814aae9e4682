"""What runs every minute on every host imports only what it needs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from mdeinspect.cli import cli
from mdeinspect.store.last import write_report
from support import HOUR, MANAGED, HostFolder

HEAVY = ("rich", "structlog", "watchdog", "pydantic", "psutil", "asyncio", "sqlite3", "ssl")

# Runs a command as a user would, and tells which modules were there at its end.
PROBE = """
import json, sys
from mdeinspect.__main__ import main
try:
    main()
except SystemExit as end:
    code = end.code
print(json.dumps({"code": code, "modules": sorted(sys.modules)}), file=sys.stderr)
"""


def imported(*args: str) -> set[str]:
    """The top-level names of all modules that a command leads to."""
    return {name.partition(".")[0] for name in modules(*args)}


def modules(*args: str) -> set[str]:
    """All modules that a command leads to."""
    result = subprocess.run(
        [sys.executable, "-c", PROBE, *args], capture_output=True, text=True, timeout=60, check=True
    )
    told = json.loads(result.stderr.splitlines()[-1])
    assert told["code"] in (0, 1, 3), result.stderr
    return set(told["modules"])


@pytest.mark.parametrize(
    "command",
    [
        ["status"],
        ["status", "--json"],
        ["check"],
        ["check", "--json"],
        ["status", "--json", "--details"],
    ],
    ids=" ".join,
)
def test_no_heavy_import_for_an_answer(host: HostFolder, command: list[str]) -> None:
    """On a record, without a configuration: none of the libraries of the edges."""
    host.health().file(MANAGED, {"antivirusEngine": {"enforcementLevel": "real_time"}})
    host.checkin(HOUR).enabled_at_boot()
    assert not imported("--root", str(host.root), *command) & set(HEAVY)


def test_the_last_report_is_shown_without_the_nouns(
    host: HostFolder, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """`status --last` reads a file and lays it out: nothing of the inspection is built for it."""
    host.health().enabled_at_boot()
    shown = CliRunner().invoke(cli, ["--root", str(host.root), "status", "--json"])
    folder = tmp_path_factory.mktemp("state")
    write_report(folder, json.loads(shown.output))
    found = modules("--state", str(folder), "status", "--last")
    assert "mdeinspect.views.status_text" in found
    assert not {"mdeinspect.model", "mdeinspect.documents", "mdeinspect.rules"} & found


def test_lint_costs_no_more(tmp_path: Path) -> None:
    """In CI it runs for every change."""
    path = tmp_path / "policy.json"
    path.write_text('{"edr": {"grupIds": 1}}')
    assert not imported("lint", str(path), "--format", "sarif") & set(HEAVY)


def test_a_mac_costs_no_more(mac: HostFolder) -> None:
    """Property lists come from the standard library."""
    mac.health().checkin(HOUR)
    assert not imported("--root", str(mac.root), "status", "--json") & set(HEAVY)


def test_help_imports_nothing_of_the_inspection() -> None:
    """The list of commands is there before any of them."""
    result = subprocess.run(
        [sys.executable, "-c", PROBE, "--help"], capture_output=True, text=True, check=True
    )
    modules = set(json.loads(result.stderr.splitlines()[-1])["modules"])
    assert "mdeinspect.cli" in modules
    assert not {"mdeinspect.inspect", "mdeinspect.rules", "mdeinspect.sources"} & modules
    assert not {name.partition(".")[0] for name in modules} & set(HEAVY)


def test_a_configuration_is_what_validation_is_imported_for(
    host: HostFolder, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """pydantic comes with the first key, so that the test above can fail."""
    config = tmp_path_factory.mktemp("config") / "config.toml"
    config.write_text('[schedule]\nhealth = "10m"\n')
    host.health()
    names = imported("--config", str(config), "--root", str(host.root), "check")
    assert "pydantic" in names
    assert not names & {"rich", "structlog", "watchdog", "psutil"}
