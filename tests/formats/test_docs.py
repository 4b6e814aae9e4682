"""docs/formats.md shows what the formats really do."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from mdeinspect import formats
from mdeinspect.formats import ecs, flat, ocsf
from mdeinspect.formats._ocsf_changes import CLASS as CHANGE
from mdeinspect.formats._ocsf_finding import CLASS as FINDING
from mdeinspect.formats._ocsf_lifecycle import CLASS as LIFECYCLE
from played import examples

pytestmark = pytest.mark.slow
PAGE = Path(__file__).parents[2] / "docs" / "formats.md"
WHAT: Mapping[str, str] = {
    "TimeGenerated": "`time`",
    "EventId": "`id`",
    "EventSeq": "`seq`",
    "EventPrev": "`prev`: the `seq` last handed to this sink",
    "EventStream": "`stream`",
    "EventSchema": "`schema`",
    "EventType": "`type`",
    "EventSeverity": "`info`, `low`, `medium`, `high`, `critical`",
    "HostName": "`host.name`",
    "HostId": "`host.id`",
    "HostPlatform": "`linux`, `darwin`",
    "Message": "one line for a person",
    "FindingCode": "`code`: the rule",
    "Subject": "`subject`",
    "Because": "`because`",
    "FindingTitle": "`data.title`",
    "FindingDetail": "`data.detail`",
    "FindingRemedy": "`data.remedy`",
    "FindingSince": "`data.since`",
    "FindingInitial": "`data.initial`",
    "Evidence": "JSON text of `evidence`",
    "Data": "JSON text of what is left of `data`",
    "Truncated": "details were cut",
}


def generated() -> dict[str, str]:
    """What stands behind each marker of the page."""
    found = examples()["finding.raised"]
    parts = {
        f"example: {name}": f"```json\n{formats.get(name)(found, 2)}\n```"
        for name in formats.load()
    }
    rows = [f"| `{name}` | {kind} | {WHAT[name]} |" for name, kind in flat.COLUMNS.items()]
    return {**parts, "columns": "\n".join(["| column | type | |", "|---|---|---|", *rows])}


def test_examples_and_columns_are_real(request: pytest.FixtureRequest) -> None:
    """One line of each format, and every column with its type, as they are made."""
    made = PAGE.read_text(encoding="utf-8")
    for mark, text in generated().items():
        start, begin, rest = made.partition(f"<!-- {mark} -->\n")
        assert begin, f"the page has no place for {mark}"
        _, end, rest = rest.partition("<!-- end -->\n")
        made = f"{start}{begin}\n{text}\n\n{end}{rest}"
    if request.config.getoption("--update-golden"):
        PAGE.write_text(made, encoding="utf-8")
    assert made == PAGE.read_text(encoding="utf-8")


def test_versions_and_classes_are_named() -> None:
    """The page names the releases that the formats say they are, and every class."""
    page = PAGE.read_text(encoding="utf-8")
    assert f"Elastic Common Schema {ecs.VERSION}" in page
    assert f"Open Cybersecurity Schema Framework {ocsf.VERSION}" in page
    for number in (CHANGE, FINDING, LIFECYCLE):
        assert str(number) in page
    for name in examples():
        assert page.count(f"`{name}`") + page.count(f"`{name.partition('.')[0]}.*`") >= 2, name
