"""What other tools are shown: each by its own grammar, and unknown as neither good nor bad."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from mdeinspect.cli import cli
from mdeinspect.store.last import write_report
from mdeinspect.views import nagios, tools
from mdeinspect.views.attributes import ATTRIBUTES
from support import ATTACH, MANAGED, WANTS, HostFolder

PROJECT = Path(__file__).parents[2]
RULES = PROJECT / "packaging" / "intune" / "rules.json"
PAGE = PROJECT / "docs" / "monitoring.md"

# Monitoring Plugins Development Guidelines, "Performance data".
NUMBER = r"-?\d+(?:\.\d+)?"
RANGE = rf"@?(?:(?:~|{NUMBER})?:)?(?:{NUMBER})?"
PERFDATUM = re.compile(
    rf"(?:'(?:[^'=]|'')+'|[^\s'=]+)=(?:{NUMBER}(?:us|ms|s|%|[KMGT]?B|c)?|U)"
    rf"(?:;(?:{RANGE})?(?:;(?:{RANGE})?(?:;(?:{NUMBER})?(?:;(?:{NUMBER})?)?)?)?)?"
)
STATES = ("OK", "WARNING", "CRITICAL", "UNKNOWN")
JAMF_DATE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")
ISO_DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
HARDENED = {"antivirusEngine": {"enforcementLevel": "real_time"}}
FLAGS = ("realTimeProtectionEnabled", "passiveModeEnabled")


def shown(host: HostFolder, name: str, *args: str) -> Result:
    """`status --format NAME` on a recorded host."""
    words = ["--root", str(host.root), "status", "--format", name, *args]
    return CliRunner().invoke(cli, words)


def good(host: HostFolder) -> HostFolder:
    """A host on which nothing is found."""
    host.health(managed=FLAGS).file(MANAGED, HARDENED)
    if not (host.root / WANTS.lstrip("/")).is_symlink():
        host.enabled_at_boot()
    daemon = "/opt/microsoft/mdatp/sbin/wdavdaemon"
    roles: tuple[list[str], ...] = ([], ["edr", "14", "15"], ["unprivileged", "17", "18"])
    host.about(
        processes=[
            {"pid": 800 + at, "name": "wdavdaemon", "exe": daemon, "cmdline": [daemon, *words]}
            for at, words in enumerate(roles)
        ]
    )
    owned = (MANAGED, MANAGED.rpartition("/")[0])
    return host.about(files={path: {"uid": 0, "gid": 0} for path in owned})


def bad(host: HostFolder) -> HostFolder:
    """Policy wants protection, and there is none."""
    good(host)
    return host.health(managed=FLAGS, realTimeProtectionEnabled=False, passiveModeEnabled=True)


def blind(host: HostFolder) -> HostFolder:
    """Health says nothing that could be understood."""
    good(host)
    return host.command("health-json", "noise").command("health-text", "noise")


def only_low(host: HostFolder) -> HostFolder:
    """Nothing but a low finding: the portal is heard of late."""
    host.health(managedBy="MDE").file(ATTACH, HARDENED).enabled_at_boot()
    return host.checkin(timedelta(hours=6))


# --- Nagios -------------------------------------------------------------------------------------


def plugin(text: str) -> tuple[str, dict[str, str], list[str]]:
    """The state, performance data and further lines of a plugin's output; fails outside of it."""
    first, *more = text.removesuffix("\n").split("\n")
    line, _, data = first.partition(" | ")
    assert "|" not in line
    assert not [further for further in more if "|" in further]
    match = re.fullmatch(rf"MDEINSPECT ({'|'.join(STATES)}) - (.+)", line)
    assert match, line
    found = data.split(" ") if data else []
    assert all(PERFDATUM.fullmatch(one) for one in found), data
    values = dict(one.split("=", 1) for one in found)
    assert len(values) == len(found)
    return match[1], {name: value.split(";")[0] for name, value in values.items()}, more


CASES = [(good, "OK"), (bad, "CRITICAL"), (blind, "UNKNOWN"), (only_low, "OK")]


@pytest.mark.parametrize(("build", "state"), CASES)
def test_nagios_states(host: HostFolder, build: Any, state: str) -> None:
    """Findings of high severity are critical; unknown is a state of its own."""
    result = shown(build(host), "nagios")
    assert plugin(result.output)[0] == state
    assert result.exit_code == STATES.index(state)


def test_nagios_warning(host: HostFolder) -> None:
    """What counts and is not high is a warning, at the threshold that is asked for."""
    result = shown(only_low(host), "nagios", "--fail-on", "low")
    assert (plugin(result.output)[0], result.exit_code) == ("WARNING", 1)
    assert "checkin-late" in plugin(result.output)[2][0]


def test_nagios_labels_stay(host: HostFolder) -> None:
    """A graph needs the same labels in every run: what is not known is U."""
    known, unknown = (plugin(shown(build(host), "nagios").output)[1] for build in (good, blind))
    assert known.keys() == unknown.keys()
    assert known["definitions_age"] == "10800s"
    assert unknown["definitions_age"] == unknown["settings_not_enforced"] == "U"


def test_nagios_without_a_host(tmp_path: Path) -> None:
    """2 would be CRITICAL: whatever keeps us from looking is UNKNOWN, and on standard output."""
    for words in (["--root", str(tmp_path / "no")], ["--config", str(tmp_path / "no.toml")]):
        result = CliRunner().invoke(cli, [*words, "status", "--format", "nagios"])
        assert plugin(result.stdout)[0] == "UNKNOWN"
        assert result.exit_code == 3
        assert result.stderr.startswith("mdeinspect: cannot")


@given(title=st.text(), code=st.text(min_size=1))
def test_nagios_any_text(title: str, code: str) -> None:
    """No text of a host breaks the grammar."""
    found = {
        "host": {"name": None},
        "agent": {"state": "running"},
        "findings": [{"severity": "high", "accepted": None, "code": code, "title": title}] * 30,
        "settings": [],
        "cannot_tell": [],
        "protection": {"definitions_age_minutes": -5},
        "checkin": {"age_seconds": None},
    }
    printed = nagios.show(found, tools.Asked())
    state, values, more = plugin(printed.text)
    assert (state, values["definitions_age"]) == ("CRITICAL", "U")
    assert len(more) == nagios.MAX_LINES + 1


# --- Jamf and Intune for Macs -------------------------------------------------------------------


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_every_attribute_by_its_type(host: HostFolder, name: str) -> None:
    """Known: of its type. Not known: a word in a text, and no value at all in the others."""
    kind = ATTRIBUTES[name].kind
    pattern = {"text": re.compile(r"[ -~]+"), "integer": re.compile(r"\d+")}.get(kind)
    host.file(ATTACH, HARDENED).checkin(timedelta(hours=2))
    for build in (good, blind):  # the one makes the other of the same host
        jamf = shown(build(host), "jamf", "--attribute", name)
        told = re.fullmatch(r"<result>([^<>&]*)</result>\n", jamf.output)
        assert told, jamf.output
        assert jamf.exit_code == 0
        intune = shown(host, "intune-macos", "--attribute", name)
        if told[1] in ("", "unknown"):
            assert (told[1] == "unknown") == (kind == "text")
            assert intune.output == ("unknown\n" if kind == "text" else "")
            assert intune.exit_code == (0 if kind == "text" else 3)
            continue
        assert (pattern or JAMF_DATE).fullmatch(told[1]), told[1]
        assert (pattern or ISO_DATE).fullmatch(intune.output.removesuffix("\n"))
        assert intune.exit_code == 0


VALUES = [
    ("state", good, "ok"),
    ("state", bad, "found"),
    ("state", blind, "unknown"),
    ("findings", good, "none"),
    ("findings", bad, "protection-off"),
    ("findings", blind, "unknown"),
    ("worst-severity", bad, "critical"),
    ("finding-count", good, "0"),
    ("finding-count", blind, ""),
    ("real-time-protection", good, "on"),
    ("real-time-protection", bad, "off"),
    ("real-time-protection", blind, "unknown"),
    ("governed-by", good, "managed_file"),
    ("settings-not-enforced", good, "0"),
    ("settings-not-enforced", bad, "1"),
    ("settings-not-enforced", blind, ""),
    ("definitions-age-hours", good, "3"),
    ("definitions-updated", good, "2026-11-22 08:04:00"),
]


@pytest.mark.parametrize(("name", "build", "value"), VALUES)
def test_attribute_values(host: HostFolder, name: str, build: Any, value: str) -> None:
    """What cannot be told is never 0, never off, never none."""
    printed = shown(build(host), "jamf", "--attribute", name).output
    assert printed == f"<result>{value}</result>\n"


@pytest.mark.parametrize("name", ["jamf", "intune-macos"])
def test_attributes_are_listed(host: HostFolder, name: str) -> None:
    """Without a name, or with a wrong one, the names are told, and the exit code is 2."""
    for words in ([], ["--attribute", "nonsense"]):
        result = shown(good(host), name, *words)
        assert result.exit_code == 2
        assert result.output.startswith("mdeinspect: cannot print")
        assert all(attribute in result.output for attribute in ATTRIBUTES)


def test_jamf_without_a_host(tmp_path: Path) -> None:
    """A result is stored even then, or Jamf would keep nothing; it is the unknown one."""
    for name, value in (("state", "unknown"), ("finding-count", "")):
        words = ["--root", str(tmp_path / "no"), "status", "--format", "jamf", "--attribute", name]
        result = CliRunner().invoke(cli, words)
        assert (result.stdout, result.exit_code) == (f"<result>{value}</result>\n", 0)
        assert result.stderr.startswith("mdeinspect: cannot")


# --- Intune for Linux ---------------------------------------------------------------------------

OPERATORS = {
    "IsEquals": lambda value, operand: value == operand,
    "NotEquals": lambda value, operand: value != operand,
    "GreaterThan": lambda value, operand: value > operand,
    "GreaterEquals": lambda value, operand: value >= operand,
    "LessThan": lambda value, operand: value < operand,
    "LessEquals": lambda value, operand: value <= operand,
}
TYPES: dict[str, Any] = {"Boolean": bool, "Int64": int, "Double": float, "String": str}
SUPPORTED_LANGUAGES = {"en_US", "de_DE", "fr_FR", "es_ES", "it_IT", "ja_JP", "pl_PL", "nl_NL"}


def rules() -> list[dict[str, Any]]:
    """The rules that are shipped."""
    loaded: list[dict[str, Any]] = json.loads(RULES.read_text())["Rules"]
    return loaded


def version(text: str) -> tuple[int, ...]:
    assert re.fullmatch(r"\d+(\.\d+){1,3}", text)
    return tuple(map(int, text.split(".")))


def judged(text: str) -> dict[str, str]:
    """What Intune makes of a script's output: compliant, not compliant, or error."""
    assert text.count("\n") == 1, "one line"
    found = json.loads(text)
    assert not [value for value in found.values() if isinstance(value, dict | list)], "flat"
    verdicts = {}
    for rule in rules():
        name, kind, operand = rule["SettingName"], rule["DataType"], rule["Operand"]
        if name not in found:
            verdicts[name] = "error"  # 65008: setting missing in the script result
            continue
        value = found[name]
        if kind == "Version":
            value, operand = version(value), version(operand)
        else:
            assert type(value) is TYPES[kind], "65010: invalid datatype"
        agrees = OPERATORS[rule["Operator"]](value, operand)
        verdicts[name] = "compliant" if agrees else "not compliant"
    return verdicts


def test_intune_rules() -> None:
    """The rules file keeps to the documented grammar and limits."""
    assert RULES.stat().st_size < 100_000
    every = json.loads(RULES.read_text())
    assert list(every) == ["Rules"]
    names = [rule["SettingName"] for rule in rules()]
    assert 0 < len(names) == len(set(names)) <= 100
    fields = "SettingName Operator DataType Operand MoreInfoUrl RemediationStrings"
    for rule in rules():
        assert list(rule) == fields.split()
        assert rule["Operator"] in OPERATORS
        operand = str if rule["DataType"] == "Version" else TYPES[rule["DataType"]]
        assert type(rule["Operand"]) is operand
        assert rule["MoreInfoUrl"].startswith("https://learn.microsoft.com/")
        languages = [told["Language"] for told in rule["RemediationStrings"]]
        assert "en_US" in languages
        assert set(languages) <= SUPPORTED_LANGUAGES
        assert all(told["Title"] and told["Description"] for told in rule["RemediationStrings"])


def test_intune_compliant(host: HostFolder) -> None:
    """A good host is compliant by every rule."""
    result = shown(good(host), "intune-linux")
    assert (set(judged(result.output).values()), result.exit_code) == ({"compliant"}, 0)


def test_intune_not_compliant(host: HostFolder) -> None:
    """A bad one is not, by the rules that are about it; the script itself has not failed."""
    result = shown(bad(host), "intune-linux")
    wrong = {name for name, verdict in judged(result.output).items() if verdict != "compliant"}
    assert wrong == {"MdatpRealTimeProtection", "MdatpPolicyInForce", "MdeinspectFindings"}
    assert result.exit_code == 0


def test_intune_unknown(host: HostFolder) -> None:
    """What is not known is an error in Intune: neither compliant nor not."""
    verdicts = judged(shown(blind(host), "intune-linux").output)
    assert verdicts.pop("MdatpCheckinCurrent") == "compliant", "it does not apply here"
    assert verdicts.pop("MdatpVersion") == "error"
    assert set(verdicts.values()) == {"error"}


def test_intune_missing_agent(host: HostFolder) -> None:
    """An agent that is not there is known to be not running, and enforces nothing."""
    verdicts = judged(shown(host, "intune-linux").output)
    assert verdicts["MdatpAgentRunning"] == verdicts["MdeinspectFindings"] == "not compliant"
    assert verdicts["MdatpPolicyInForce"] == "error"


# --- all of them --------------------------------------------------------------------------------


def words_for(name: str) -> list[str]:
    needed = ["--attribute", "state"] if name in ("jamf", "intune-macos") else []
    return ["--format", name, *needed]


def test_prometheus(host: HostFolder) -> None:
    """By Prometheus's own linter."""
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed")
    result = shown(bad(host), "prometheus")
    checked = subprocess.run(
        [promtool, "check", "metrics"],
        input=result.output,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")
    assert 'mdeinspect_findings{severity="critical"} 1' in result.output.splitlines()
    assert result.exit_code == 0


def test_json_by_either_name(host: HostFolder) -> None:
    """`--json` is `--format json`; another format beside it is refused."""
    words = ["--root", str(bad(host).root), "status", "--json"]
    plain = CliRunner().invoke(cli, words)
    assert shown(host, "json").output == plain.output
    assert shown(host, "json").exit_code == plain.exit_code == 1
    assert CliRunner().invoke(cli, [*words, "--format", "nagios"]).exit_code == 2


@pytest.mark.parametrize("name", tools.FORMATS)
def test_the_last_report_in_every_view(host: HostFolder, tmp_path: Path, name: str) -> None:
    """The same as when it was made; once too old, it is neither good nor bad."""
    found = json.loads(shown(good(host), "json").output)
    state = tmp_path / "state"
    state.mkdir()
    write_report(state, found)
    words = ["--state", str(state), "status", "--last", *words_for(name)]
    allowed = CliRunner().invoke(cli, [*words, "--max-age", "99999d"])
    assert allowed.output == shown(host, name, *words_for(name)[2:]).output
    assert allowed.exit_code == 0
    refused = CliRunner().invoke(cli, [*words, "--max-age", "1h"])
    stored = {"nagios": "MDEINSPECT UNKNOWN", "jamf": "<result>unknown</result>"}
    assert refused.stdout.startswith(stored.get(name, ""))
    assert bool(refused.stdout) == (name in stored)
    assert refused.exit_code == (0 if name == "jamf" else 3)
    assert "cannot use the last report" in refused.stderr


@pytest.mark.parametrize("name", tools.FORMATS)
def test_an_hour_is_the_default(host: HostFolder, tmp_path: Path, name: str) -> None:
    """A service that died must not stay green, though `--json` shows what there is."""
    found = json.loads(shown(good(host), "json").output)
    for hours, fresh in ((0.9, True), (1.1, False)):
        moment = datetime.now(UTC) - timedelta(hours=hours)
        write_report(tmp_path, found | {"taken_at": moment.isoformat()})
        words = ["--state", str(tmp_path), "status", "--last", *words_for(name)]
        refused = "cannot use" in CliRunner().invoke(cli, words).stderr
        assert refused == (not fresh and name != "json")


def test_not_again_and_again(host: HostFolder) -> None:
    """`--watch` is for a person."""
    result = shown(good(host), "nagios", "--watch")
    assert (result.exit_code, "cannot print nagios" in result.output) == (2, True)


def test_documented() -> None:
    """The page names every format, attribute and setting, and its scripts are shell."""
    page = PAGE.read_text()
    assert not [name for name in tools.FORMATS if f"| `{name}` |" not in page]
    rows = [f"| `{name}` | {one.kind} | {one.title} |" for name, one in ATTRIBUTES.items()]
    assert not [row for row in rows if row not in page.splitlines()]
    assert not [rule for rule in rules() if f"`{rule['SettingName']}`" not in page]
    scripts = re.findall(r"```sh\n(.*?)```", page, re.DOTALL)
    assert len(scripts) == 4
    for script in scripts:
        assert script.startswith("#!/bin/sh\n")
        checked = subprocess.run(["sh", "-n"], input=script, text=True, check=False)
        assert checked.returncode == 0
