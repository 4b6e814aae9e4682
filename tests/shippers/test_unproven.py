"""The configurations that cannot be run here: parsed, and held against what the shippers document.

Each says in its header that it is unproven, and what its limits are. Numbers are compared with what
mdeinspect writes: the size of a line, the first line of a file, the place of the time.
"""

from __future__ import annotations

import configparser
import json
import re
import tomllib
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from daemons import SHIPPERS
from sink_support import event, made, rendered

from mdeinspect.formats import LIMIT, load

PATTERN = "/var/log/mdeinspect/*.ndjson"
UNPROVEN = {
    "filebeat/filebeat.yml",
    "filebeat/ingest-pipeline.json",
    "fluent-bit/fluent-bit.yaml",
    "vector/vector.toml",
    "opentelemetry-collector/config.yaml",
    "splunk/inputs.conf",
    "splunk/props.conf",
    "azure-monitor-agent/mdeinspect.json",
    "azure-monitor-agent/transform.kql",
}
RUN = {"rsyslog", "syslog-ng"}


def text(name: str) -> str:
    """A shipped file."""
    return (SHIPPERS / name).read_text()


def stanza(name: str, section: str) -> configparser.SectionProxy:
    """A section of a Splunk file."""
    parser = configparser.RawConfigParser(delimiters=("=",), strict=True)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(SHIPPERS / name)
    return parser[section]


def format_of(name: str) -> Any:
    """A format of this version, or a skip where it has none of that name."""
    if name not in load():
        pytest.skip(f"this version has no format {name}")
    return load()[name]


# --- every file ---------------------------------------------------------------------------------


def test_every_file_is_either_run_or_marked() -> None:
    """What no test runs says so at its beginning, and names its limits; what is run says where."""
    files = {
        str(file.relative_to(SHIPPERS))
        for file in SHIPPERS.rglob("*")
        if file.is_file() and file.suffix != ".md"
    }
    run = {name for name in files if name.partition("/")[0] in RUN}
    assert files - run == UNPROVEN
    for name in sorted(files):
        head = text(name)[:2500]
        assert ("Unproven" in head) == (name in UNPROVEN), name
        assert "Run by the tests with" in head or name in UNPROVEN, name
        if not name.startswith("azure") and not name.endswith(".json"):
            assert "Limits:" in head, name


def test_the_index_names_every_file() -> None:
    """The README of the folder leads to each file."""
    readme = text("README.md")
    for file in SHIPPERS.rglob("*"):
        if file.is_file() and file.suffix != ".md":
            assert f"({file.relative_to(SHIPPERS)})" in readme, file.name


# --- Filebeat -----------------------------------------------------------------------------------


def test_filebeat(tmp_path: Path) -> None:
    """One filestream with an id, the ndjson parser, and a fingerprint that a first line fills."""
    config = yaml.safe_load(text("filebeat/filebeat.yml"))
    (stream,) = config["filebeat.inputs"]
    assert (stream["type"], stream["paths"]) == ("filestream", [PATTERN])
    assert stream["id"]
    fingerprint = stream["prospector.scanner"]["fingerprint"]
    assert "file_identity.fingerprint" in stream
    assert fingerprint["enabled"] is True
    sink = made("file", path=str(tmp_path / "events.ndjson"))
    sink.deliver(rendered(1))
    sink.close()
    first = (tmp_path / "events.ndjson").read_bytes().splitlines()[0]
    assert 64 <= fingerprint["length"] <= len(first)
    (parser,) = stream["parsers"]
    assert parser["ndjson"]["target"] == ""
    assert parser["ndjson"]["overwrite_keys"] is True
    assert parser["ndjson"]["add_error_key"] is True
    (copied,) = config["processors"][0]["copy_fields"]["fields"]
    assert copied == {"from": "event.id", "to": "@metadata._id"}
    assert config["output.elasticsearch"]["index"].startswith("logs-mdeinspect")
    assert config["output.elasticsearch"]["pipeline"] == "mdeinspect"


def test_elastic_notes_when_an_event_came_in() -> None:
    """The field by which the rules look back is the one that the pipeline sets."""
    pipeline = json.loads(text("filebeat/ingest-pipeline.json"))
    field = pipeline["processors"][0]["set"]["field"]
    rules = SHIPPERS.parent / "sigma" / "converted" / "elasticsearch.ndjson"
    for line in rules.read_text().splitlines():
        assert json.loads(line)["timestamp_override"] == field


# --- Fluent Bit ---------------------------------------------------------------------------------


def test_fluent_bit() -> None:
    """From the head, with a memory, and no line that would end the monitoring."""
    config = yaml.safe_load(text("fluent-bit/fluent-bit.yaml"))
    (tail,) = config["pipeline"]["inputs"]
    assert (tail["name"], tail["path"]) == ("tail", PATTERN)
    assert tail["read_from_head"] is True
    assert tail["skip_long_lines"] is True
    assert tail["db"]
    assert int(tail["buffer_max_size"].rstrip("k")) * 1024 > LIMIT
    assert tail["rotate_wait"] >= 5
    (parser,) = config["parsers"]
    assert tail["parser"] == parser["name"]
    assert (parser["format"], parser["time_key"]) == ("json", "time")
    layout = parser["time_format"].replace(".%L", ".%f")
    assert datetime.strptime(event(1)["time"], layout).year == 2026
    (output,) = config["pipeline"]["outputs"]
    assert output["match"] == tail["tag"]
    assert output["event_sourcetype"] == "mdeinspect:event"


# --- Vector -------------------------------------------------------------------------------------


def vector() -> dict[str, Any]:
    """The configuration of Vector."""
    return tomllib.loads(text("vector/vector.toml"))


def test_vector() -> None:
    """From the beginning, by the first line, and everything leads somewhere."""
    config = vector()
    (source,) = config["sources"].values()
    assert (source["type"], source["include"]) == ("file", [PATTERN])
    assert source["read_from"] == "beginning"
    assert source["fingerprint"]["strategy"] == "checksum"
    assert source["max_line_bytes"] > LIMIT
    inputs = {name for one in config["sinks"].values() for name in one["inputs"]}
    assert inputs == {"mdeinspect_event", "mdeinspect_event.dropped"}
    assert config["transforms"]["mdeinspect_event"]["reroute_dropped"] is True
    sink = config["sinks"]["elasticsearch"]
    assert sink["data_stream"]["dataset"].startswith("mdeinspect")
    assert sink["pipeline"] == "mdeinspect"


def test_the_remap_of_vector_compiles() -> None:
    """The program is right by Vector's own compiler, and refuses what is no event."""
    vrl = pytest.importorskip("vrl_python", reason="VRL cannot be had on this platform")
    program = vector()["transforms"]["mdeinspect_event"]["source"]
    runtime = vrl.VRLRuntime()
    assert runtime.compile(program)
    for line in ("no json", "[1]", "{}", '{"event":{"id":"x"}}'):
        with pytest.raises((RuntimeError, vrl.VRLRuntimeError)):
            runtime.execute(program, {"message": line})


def test_the_remap_of_vector_keeps_an_event() -> None:
    """An event in ECS comes out as it was, with its own time, and its id as the document's."""
    vrl = pytest.importorskip("vrl_python", reason="VRL cannot be had on this platform")
    ecs = format_of("ecs")
    line = ecs(event(7), 6)
    program = vector()["transforms"]["mdeinspect_event"]["source"]
    made_of_it = dict(vrl.VRLRuntime().execute(program, {"message": line}).processed_event)
    expected = json.loads(line)
    assert made_of_it.pop("document_id") == expected["event"]["id"]
    told = datetime.fromisoformat(str(made_of_it.pop("timestamp")).replace(" UTC", "+00:00"))
    assert told == datetime.fromisoformat(expected.pop("@timestamp"))
    assert made_of_it == expected


# --- OpenTelemetry ------------------------------------------------------------------------------


def test_opentelemetry() -> None:
    """From the beginning, with a storage, and every severity has a number."""
    config = yaml.safe_load(text("opentelemetry-collector/config.yaml"))
    (receiver,) = config["receivers"].values()
    assert receiver["include"] == [PATTERN]
    assert receiver["start_at"] == "beginning"
    assert receiver["storage"] in config["extensions"]
    assert receiver["storage"] in config["service"]["extensions"]
    assert receiver["retry_on_failure"]["enabled"] is True
    assert receiver["max_log_size"] == "1MiB"
    (parser,) = receiver["operators"]
    assert parser["type"] == "json_parser"
    mapping = parser["severity"]["mapping"]
    assert set(mapping.values()) == {"critical", "high", "medium", "low", "info"}
    layout = parser["timestamp"]["layout"]
    assert re.sub(r"\d", "0", layout) == re.sub(r"\d", "0", event(1)["time"])
    (pipeline,) = config["service"]["pipelines"].values()
    assert set(pipeline["receivers"]) == set(config["receivers"])
    assert set(pipeline["exporters"]) == set(config["exporters"])


# --- Splunk -------------------------------------------------------------------------------------


def test_splunk() -> None:
    """Known by the first 256 bytes, never cut, the time found where it stands, fields once."""
    monitor = stanza("splunk/inputs.conf", f"monitor://{PATTERN}")
    assert monitor["sourcetype"] == "mdeinspect:event"
    assert "crcSalt" not in monitor
    assert int(monitor["initCrcLength"]) == 256
    props = stanza("splunk/props.conf", "mdeinspect:event")
    assert int(props["TRUNCATE"]) > LIMIT
    assert props["KV_MODE"] == "json"
    assert "INDEXED_EXTRACTIONS" not in props
    assert re.compile(props["LINE_BREAKER"]).groups == 1
    line = rendered(7)[0].text
    prefix = re.match(props["TIME_PREFIX"], line)
    assert prefix
    seen = line[prefix.end() :][: int(props["MAX_TIMESTAMP_LOOKAHEAD"])]
    layout = props["TIME_FORMAT"].replace("%3N", "%f")
    assert datetime.strptime(seen, layout).isoformat() == "2026-11-22T11:04:07"


# --- Azure Monitor Agent ------------------------------------------------------------------------


def azure() -> tuple[dict[str, str], dict[str, str], dict[str, Any]]:
    """The columns of the stream, those of the table, and the properties of the rule."""
    template = json.loads(text("azure-monitor-agent/mdeinspect.json"))
    table, rule = template["resources"]
    (stream,) = rule["properties"]["streamDeclarations"].values()
    columns = [
        {one["name"]: one["type"] for one in part["columns"]}
        for part in (stream, table["properties"]["schema"])
    ]
    return columns[0], columns[1], rule["properties"]


def test_azure_monitor_agent() -> None:
    """The rule picks the file up, its stream and the table have the same columns, none reserved."""
    stream, table, rule = azure()
    (source,) = rule["dataSources"]["logFiles"]
    (flow,) = rule["dataFlows"]
    assert (source["format"], source["filePatterns"]) == ("json", [PATTERN])
    assert source["streams"] == flow["streams"] == list(rule["streamDeclarations"])
    assert flow["outputStream"] == "Custom-MdeInspect_CL"
    assert flow["destinations"] == [one["name"] for one in rule["destinations"]["logAnalytics"]]
    assert list(stream) == list(table)
    assert {name for name in table if table[name] != stream[name]} == {"Data", "Evidence"}
    assert table["TimeGenerated"] == "datetime"
    assert {"Computer", "FilePath"} <= stream.keys()
    reserved = {"id", "type", "title", "tenantid", "uniqueid", "billedsize", "isbillable"}
    assert not reserved & {name.lower() for name in table}
    shown = [
        one for one in text("azure-monitor-agent/transform.kql").splitlines() if one[:2] != "//"
    ]
    assert flow["transformKql"] == " ".join(shown)


def test_the_columns_of_azure_are_those_of_the_format() -> None:
    """Every column of `flat` is in the stream, with its type; the agent adds two of its own."""
    format_of("flat")
    from mdeinspect.formats import flat

    stream, _, _ = azure()
    assert list(stream.items())[:-2] == list(flat.COLUMNS.items())
