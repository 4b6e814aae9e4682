"""From a delivered line back to the native object and `prev`: proof that nothing is lost."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from mdeinspect.events import stamp
from mdeinspect.formats import ecs, flat, ocsf
from mdeinspect.model import Severity

Back = tuple[dict[str, Any], Any]


def of_native(line: str) -> Back:
    found = json.loads(line)
    return found, found.pop("prev")


def of_flat(line: str) -> Back:
    row = json.loads(line)
    data = json.loads(row["Data"])
    own = {name: row[column] for name, column in flat.OWN.items() if row[column] is not None}
    found = {
        "time": row["TimeGenerated"],
        "id": row["EventId"],
        "seq": row["EventSeq"],
        "stream": row["EventStream"],
        "schema": row["EventSchema"],
        "type": row["EventType"],
        "severity": row["EventSeverity"],
        "host": {"name": row["HostName"], "id": row["HostId"], "platform": row["HostPlatform"]},
        **_there(code=row["FindingCode"], subject=row["Subject"], because=row["Because"]),
        "evidence": json.loads(row["Evidence"]),
        "data": {**data, **own},
        **_there(truncated=row["Truncated"] or None),
    }
    return found, row["EventPrev"]


def of_ecs(line: str) -> Back:
    document = json.loads(line)
    event, host, own = document["event"], document["host"], document["mdeinspect"]
    family = own["type"].partition(".")[0]
    data = json.loads(own["data_json"]) if "data_json" in own else _unnamed(own[family])
    evidence = own["evidence"] if "evidence" in own else json.loads(own["evidence_json"])
    found = {
        "time": document["@timestamp"],
        "id": event["id"],
        "seq": event["sequence"],
        "stream": own["stream"],
        "schema": own["schema"],
        "type": own["type"],
        "severity": document["log"]["level"],
        "host": {
            "name": host.get("name"),
            "id": host.get("id"),
            "platform": host["os"]["platform"],
        },
        **_there(code=event.get("code"), subject=own.get("subject"), because=event.get("reason")),
        "evidence": evidence,
        "data": data,
        **_there(truncated=own.get("truncated")),
    }
    return found, own["prev"]


def of_ocsf(line: str) -> Back:
    event = json.loads(line)
    metadata, device, unmapped = event["metadata"], event["device"], event["unmapped"]
    finding = event["class_uid"] == 2003
    data = dict(unmapped["data"])
    code, subject, evidence = (unmapped.get(name) for name in ("code", "subject", "evidence"))
    if finding:
        info = event["finding_info"]
        code = event["compliance"]["control"]
        subject = event["resources"][0]["name"] if "resources" in event else None
        evidence = [one["data"] for one in event["evidences"]] if "evidences" in event else evidence
        since = _moment(info["first_seen_time"]) if "first_seen_time" in info else None
        remedy = event["remediation"]["desc"] if "remediation" in event else None
        data |= _there(title=info.get("title"), detail=info.get("desc"), since=since, remedy=remedy)
    found = {
        "time": _moment(event["time"]),
        "id": metadata["uid"],
        "seq": metadata["sequence"],
        "stream": unmapped["stream"],
        "schema": metadata["log_version"],
        "type": metadata["event_code"],
        "severity": Severity(event["severity_id"] - 1).word,
        "host": {
            "name": device.get("hostname"),
            "id": device.get("uid"),
            "platform": {200: "linux", 300: "darwin"}[device["os"]["type_id"]],
        },
        **_there(code=code, subject=subject, because=event.get("status_code")),
        "evidence": evidence,
        "data": data,
        **_there(truncated=metadata.get("is_truncated")),
    }
    return found, unmapped["prev"]


INVERSE: Mapping[str, Callable[[str], Back]] = {
    "native": of_native,
    "flat": of_flat,
    "ecs": of_ecs,
    "ocsf": of_ocsf,
}


def _there(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _moment(millis: int) -> str:
    return stamp(ocsf.EPOCH + timedelta(milliseconds=millis))


def _unnamed(value: dict[str, Any]) -> dict[str, Any]:
    found = {}
    for name, inner in value.items():
        if name.endswith(ecs.JSON):
            found[name.removesuffix(ecs.JSON)] = json.loads(inner)
        else:
            found[name] = _unnamed(inner) if isinstance(inner, dict) else inner
    return found
