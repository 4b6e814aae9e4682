"""The converted queries of Splunk, Elastic and Kusto, judged on events in the format of each.

No engine of theirs can be had here. The queries are comparisons of a field with one or several
texts, joined by and, or and brackets: so much of each language is read here, and anything else is
an error. What it shows is that the fields that a query names hold what it looks for.
"""

from __future__ import annotations

import configparser
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import siem

from mdeinspect.formats import load

CONVERTED = siem.SIGMA / "converted"
_LOGIC = re.compile(r"(?:True|False|and|or|[() ])+")


@dataclass(frozen=True)
class Dialect:
    """A language: the format of its events, its queries by id, and how it compares.

    `comparison` has the groups `field`, and `one` (a text) or `many` (texts, of which `text` is the
    pattern). `value` is what an event has in a field.
    """

    format: str
    queries: Callable[[], Mapping[str, str]]
    comparison: str
    text: str
    value: Callable[[dict[str, Any], str], Any]

    def fired(self, events: Iterable[dict[str, Any]]) -> dict[str, int]:
        """The detections that fire on these native events, and how often."""
        documents = [self._document(one) for one in events]
        by_id, found = self.queries(), {}
        for name, rule in siem.rules().items():
            query = by_id[rule["id"]]
            if count := sum(self._holds(query, one) for one in documents):
                found[name] = count
        return found

    def _document(self, event: dict[str, Any]) -> dict[str, Any]:
        native = {name: value for name, value in event.items() if name != "prev"}
        document: dict[str, Any] = json.loads(load()[self.format](native, event["prev"]))
        return document

    def _holds(self, query: str, document: dict[str, Any]) -> bool:
        def compared(found: re.Match[str]) -> str:
            one, many = found["one"], found["many"]
            wanted = re.findall(self.text, many) if one is None else [one]
            assert wanted, f"compared with nothing: {found[0]}"
            plain = [re.sub(r"\\(.)", r"\1", text) for text in wanted]
            return str(self.value(document, found["field"]) in plain)

        logic = re.sub(self.comparison, compared, query).replace("AND", "and").replace("OR", "or")
        logic = re.sub(r"(True|False|\)) +(?=True|False|\()", r"\1 and ", logic)
        assert _LOGIC.fullmatch(logic), f"not understood: {query} -> {logic}"
        return bool(eval(logic))


def here() -> list[Dialect]:
    """The dialects whose format this version has."""
    return [one for one in (SPLUNK, ELASTIC, KUSTO) if one.format in load()]


def _within(document: Any, path: str) -> Any:
    for name in path.split("."):
        document = document.get(name) if isinstance(document, dict) else None
    return document


def _splunk() -> dict[str, str]:
    text = (CONVERTED / "splunk.conf").read_text()
    ids = re.findall(r"^# ([0-9a-f-]{36})$", text, re.MULTILINE)
    parser = configparser.RawConfigParser(delimiters=("=",))
    parser.read_string(text)
    late = " _index_earliest=-5m@m _index_latest=@m"
    searches = [parser[name]["search"].removesuffix(late) for name in parser.sections()]
    return dict(zip(ids, searches, strict=True))


def _elastic() -> dict[str, str]:
    lines = Path(CONVERTED / "elasticsearch.ndjson").read_text().splitlines()
    return {one["rule_id"]: one["query"] for one in map(json.loads, lines)}


def _kusto() -> dict[str, str]:
    text = (CONVERTED / "kusto.kql").read_text()
    found = re.findall(
        r"^// .* ([0-9a-f-]{36})\)\nMdeInspect_CL\n\| where (.*)$", text, re.MULTILINE
    )
    return dict(found)


def _in_splunk(document: dict[str, Any], field: str) -> Any:
    return "mdeinspect:event" if field == "sourcetype" else _within(document, field)


def _in_kusto(document: dict[str, Any], field: str) -> Any:
    """A column, or what the transformation made of the JSON text in Data."""
    inner = re.fullmatch(r"tostring\(Data\.(.+)\)", field)
    return _within(json.loads(document["Data"]), inner[1]) if inner else document[field]


SPLUNK = Dialect(
    "native",
    _splunk,
    r'(?P<field>[\w.]+)(?:="(?P<one>[^"]*)"| IN \((?P<many>[^)]*)\))',
    r'"([^"]*)"',
    _in_splunk,
)
ELASTIC = Dialect(
    "ecs",
    _elastic,
    r"(?P<field>[\w.]+):(?:\((?P<many>[^)]*)\)|(?P<one>[^\s()]+))",
    r"(?!OR\b)([^\s()]+)",
    _within,
)
KUSTO = Dialect(
    "flat",
    _kusto,
    r'(?P<field>tostring\([\w.]+\)|\w+) (?:=~ "(?P<one>[^"]*)"|in~ \((?P<many>[^)]*)\))',
    r'"([^"]*)"',
    _in_kusto,
)
