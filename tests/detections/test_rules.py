"""The Sigma rules: complete, valid by other people's validators, and converted as committed."""

from __future__ import annotations

import configparser
import dis
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any
from uuid import UUID

import pytest
import siem
import yaml

from mdeinspect import rules
from mdeinspect.model import Severity
from mdeinspect.rules import Rule

BUILD = siem.SIGMA / "build.py"
CONVERTED = siem.SIGMA / "converted"
GRAVE = {"HIGH", "CRITICAL"}
ECS: dict[str, str] = yaml.safe_load((siem.SIGMA / "pipelines" / "elasticsearch.yml").read_text())[
    "transformations"
][0]["mapping"]
LEVELS = {"low", "medium", "high", "critical"}


# These name a graver severity on the way, and cut it to medium in the end.
CAPPED = frozenset({"policy-file-linked"})


def grave() -> set[str]:
    """The codes of all rules that can be high or critical without a configuration that says so."""
    return {one.code for one in rules.load().values() if can_be_grave(one)} - CAPPED


def can_be_grave(one: Rule) -> bool:
    """By its own severity, or because its check names a graver one somewhere."""
    check = one.check
    assert isinstance(check, FunctionType)
    return one.severity >= Severity.HIGH or bool(GRAVE & set(_names(check, set())))


def _names(function: FunctionType, seen: set[FunctionType]) -> Iterator[str]:
    """Every attribute that a function of our rules asks for, with what it calls."""
    if function in seen or not function.__module__.startswith("mdeinspect.rules"):
        return
    seen.add(function)
    for code in _codes(function.__code__):
        for step in dis.get_instructions(code):
            if step.opname == "LOAD_ATTR":
                yield str(step.argval)
            if step.opname == "LOAD_GLOBAL":
                known = function.__globals__.get(step.argval)
                yield from _severities(known)
                if isinstance(known, FunctionType):
                    yield from _names(known, seen)


def _severities(value: object) -> Iterator[str]:
    """The severities in a constant of a module: alone, or in a table."""
    if isinstance(value, Severity):
        yield value.name
    elif isinstance(value, Mapping):
        yield from (name for inner in value.values() for name in _severities(inner))
    elif isinstance(value, tuple | list | frozenset):
        yield from (name for inner in value for name in _severities(inner))


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from _codes(inner)


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The tool of the folder, as `make detections` runs it."""
    return subprocess.run(
        [sys.executable, str(BUILD), *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


# --- complete -----------------------------------------------------------------------------------


def test_the_walk_finds_what_is_graver_than_its_rule_says() -> None:
    """The expectation below knows severities that a check gives itself, and only those."""
    found = grave()
    assert {"not-enforced", "checkin-stale", "checkin-failing", "broad-exclusion"} <= found
    assert not {"checkin-late", "allowed-threats", "policy-shadowed", "unknown-key"} & found


def test_every_grave_code_has_a_detection() -> None:
    """A new rule of high or critical severity gets a Sigma rule, or this fails and says which."""
    covered = {
        rule["detection"]["selection"]["code"]
        for name, rule in siem.rules().items()
        if name.startswith("finding_")
    }
    lacking = sorted(grave() - covered)
    assert not lacking, (
        f"no Sigma rule for {', '.join(lacking)}: add packaging/sigma/rules/"
        f"mdeinspect_finding_<code>.yml and a story in tests/detections/stories.py, "
        f"then run `make detections`"
    )
    gone = sorted(covered - set(rules.load()))
    assert not gone, f"Sigma rules for codes that no rule has: {', '.join(gone)}"
    assert not covered - grave(), "Sigma rules for codes that are never high or critical"


@pytest.mark.parametrize("name", sorted(siem.rules()))
def test_a_rule_says_what_an_engineer_needs(name: str) -> None:
    """A stable id, a level that fits the severity it looks for, ATT&CK where it fits, doubts."""
    rule = siem.rules()[name]
    selection = rule["detection"]["selection"]
    assert UUID(rule["id"]).version == 4
    assert rule["status"] == "experimental"
    assert rule["level"] in LEVELS
    assert rule["falsepositives"]
    assert rule["references"]
    assert rule["logsource"] == {"product": "mdeinspect"}
    if name.startswith("finding_"):
        assert name == "finding_" + selection["code"].replace("-", "_")
        assert set(selection["severity"]) == {"high", "critical"}
        critical = rules.load()[selection["code"]].severity is Severity.CRITICAL
        assert rule["level"] == ("critical" if critical else "high")


def test_ids_and_titles_are_unique() -> None:
    """Two rules never share an id or a title."""
    every = list(siem.rules().values())
    assert len({one["id"] for one in every}) == len({one["title"] for one in every}) == len(every)


# --- valid --------------------------------------------------------------------------------------


def test_every_validator_is_content() -> None:
    """sigma-cli, with all validators of pySigma and SigmaHQ, finds neither error nor issue."""
    done = run("check")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Found 0 errors, 0 condition errors and 0 issues" in done.stdout


def test_the_validators_would_find_something(tmp_path: Path) -> None:
    """A field that no event has, a level that is missing, a wrong tag: each is found."""
    for folder in ("rules", "vocabulary"):
        (tmp_path / folder).mkdir()
        for file in (siem.SIGMA / folder).iterdir():
            (tmp_path / folder / file.name).write_bytes(file.read_bytes())
    for name in ("build.py", "validation.yml"):
        (tmp_path / name).write_bytes((siem.SIGMA / name).read_bytes())
    one = tmp_path / "rules" / "mdeinspect_daemon_stopped.yml"
    wrong = one.read_text().replace("type: daemon", "kind: daemon").replace("t1685", "t9999")
    one.write_text(wrong.replace("level: low\n", ""))
    done = subprocess.run(
        [sys.executable, str(tmp_path / "build.py"), "check"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode != 0
    for issue in ("SigmahqInvalidFieldname", "SigmahqLevelExistence", "InvalidATTACKTag"):
        assert issue in done.stdout


# --- converted ----------------------------------------------------------------------------------


def test_the_committed_queries_are_those_of_the_rules(tmp_path: Path) -> None:
    """`make detections` would change nothing."""
    done = run("convert", str(tmp_path))
    assert done.returncode == 0, done.stderr
    made = {file.name: file.read_text() for file in tmp_path.iterdir()}
    committed = {file.name: file.read_text() for file in CONVERTED.iterdir()}
    assert made == committed, "run `make detections` and review the difference"


@pytest.mark.parametrize("name", ["splunk.conf", "elasticsearch.ndjson", "kusto.kql", "sqlite.sql"])
def test_every_backend_has_every_rule(name: str) -> None:
    """No backend lacks a detection."""
    text = (CONVERTED / name).read_text()
    assert all(rule["id"] in text for rule in siem.rules().values())


def test_splunk_gets_scheduled_searches() -> None:
    """A stanza a rule, restricted to our sourcetype, scheduled, by the time of indexing."""
    parser = configparser.RawConfigParser(delimiters=("=",), strict=True)
    parser.read(CONVERTED / "splunk.conf")
    assert parser.sections() == [rule["title"] for rule in ordered()]
    for section in parser.values():
        if section.name != "DEFAULT":
            assert section["search"].startswith('sourcetype="mdeinspect:event" ')
            assert section["search"].endswith(" _index_earliest=-5m@m _index_latest=@m")
            assert section["enablesched"] == "1"


def test_elastic_gets_rules_to_import() -> None:
    """A JSON object a rule, with its level, its technique and a query of fields of `ecs`."""
    lines = (CONVERTED / "elasticsearch.ndjson").read_text().splitlines()
    for line, rule in zip(lines, ordered(), strict=True):
        one: dict[str, Any] = json.loads(line)
        assert (one["rule_id"], one["severity"]) == (rule["id"], rule["level"])
        fields = set(re.findall(r"([a-z_.]+):", one["query"]))
        assert fields <= set(ECS.values()), one["query"]
        techniques = {t["id"] for part in one["threat"] for t in part["technique"]}
        assert techniques == ({"T1685"} if "attack.t1685" in rule.get("tags", ()) else set())


def test_the_names_for_elastic_are_those_of_the_format() -> None:
    """Each field of a rule lies where the pipeline says, in the format `ecs`."""
    ecs = pytest.importorskip("mdeinspect.formats.ecs", reason="the format ecs is not there yet")
    told = {
        "policy": {"kind": "removed"},
        "authority": {"after": {"channel": "none"}},
    }
    for kind, data in told.items():
        found = {
            "time": "2026-11-22T11:04:00.000Z",
            "id": "s-1",
            "seq": 1,
            "stream": "s",
            "schema": "mdeinspect.event/1",
            "type": f"{kind}.changed",
            "severity": "medium",
            "host": {"name": "web-07", "id": "1", "platform": "linux"},
            "code": "a-code",
            "subject": "host",
            "because": "why",
            "evidence": [],
            "data": data,
        }
        document = json.loads(ecs.render(found, None))
        for native, mapped in ECS.items():
            expected = _within(found, native)
            assert expected is None or _within(document, mapped) == expected, native


def _within(value: Any, path: str) -> Any:
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value


def test_kusto_compares_columns() -> None:
    """Each comparison has a column of the table on its left, never a text in quotes."""
    text = (CONVERTED / "kusto.kql").read_text()
    assert text.count("MdeInspect_CL\n| where ") == len(siem.rules())
    left = re.findall(r"(\S+) (?:=~|in~) ", text)
    column = re.compile(
        r"\(?(?:Event(?:Type|Severity)|FindingCode|Because|tostring\(Data(?:\.\w+)+\))"
    )
    assert left
    assert all(column.fullmatch(one.replace("((", "(")) for one in left), left


def test_the_table_has_every_field_that_rules_may_use() -> None:
    """The vocabulary of the rules and the columns of the SQLite table are the same."""
    told = json.loads((siem.SIGMA / "vocabulary" / "taxonomy.json").read_text())
    fields = set(told["taxonomy"]["mdeinspect"]["field"]["native"])
    db = siem.table([])
    columns = {row[1] for row in db.execute("PRAGMA table_xinfo(events)")}
    db.close()
    assert columns == fields | {"line"}


def ordered() -> list[dict[str, Any]]:
    """The rules by the names of their files."""
    by_name: Callable[[tuple[str, dict[str, Any]]], str] = lambda item: item[0]  # noqa: E731
    return [rule for _, rule in sorted(siem.rules().items(), key=by_name)]
