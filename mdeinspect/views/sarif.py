"""Findings as SARIF 2.1.0, for code scanning. Of a file to be deployed, or of a host.

The standard: https://docs.oasis-open.org/sarif/sarif/v2.1.0/ (errata 01).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from mdeinspect import __version__
from mdeinspect.model import Severity
from mdeinspect.rules import Rule, load
from mdeinspect.views.outcome import exit_code, line
from mdeinspect.views.rule_text import first_sentence
from mdeinspect.views.tools import Asked, Printed

VERSION = "2.1.0"
SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
FINGERPRINT = "mdeinspect/v1"
ROOT = "%SRCROOT%"
LEVELS = {"critical": "error", "high": "error", "medium": "warning", "low": "note", "info": "note"}
# What GitHub sorts security findings by; it reads 9 and above as critical, and so on.
SCORES = {"critical": "9.5", "high": "8.0", "medium": "5.5", "low": "3.0", "info": "1.0"}


def sarif(
    findings: Sequence[Mapping[str, Any]],
    rules: Mapping[str, Rule],
    *,
    base: str | None = None,
    cannot_tell: Sequence[str] = (),
) -> dict[str, Any]:
    """A SARIF log of findings in the shape of `status` or `lint`.

    `base` is the folder that relative file names, and those of files below it, are relative to;
    without one all names are a host's own. `cannot_tell` are sentences about what could not be
    read. Findings without a file have only a logical location.
    """
    codes = sorted({finding["code"] for finding in findings} & rules.keys())
    index = {code: number for number, code in enumerate(codes)}
    run = {
        "tool": {
            "driver": {
                "name": "mdeinspect",
                "version": __version__,
                "rules": [_rule(rules[code]) for code in codes],
            }
        },
        "columnKind": "unicodeCodePoints",
        "invocations": [
            {
                "executionSuccessful": not cannot_tell,
                "toolExecutionNotifications": [
                    {"level": "error", "message": {"text": text}} for text in cannot_tell
                ],
            }
        ],
        "results": [_result(finding, index, base) for finding in findings],
    }
    return {"$schema": SCHEMA, "version": VERSION, "runs": [run]}


def show(found: dict[str, Any], asked: Asked) -> Printed:
    """`status --format sarif`, with the exit codes of `status`."""
    reasons = [
        (found["sources"].get(name) or {}).get("reason") or f"cannot tell without {name}"
        for name in found["cannot_tell"]
    ]
    log = sarif(found["findings"], load(), cannot_tell=reasons)
    return Printed(line(log), exit_code(found, asked.fail_on))


def _rule(one: Rule) -> dict[str, Any]:
    word = one.severity.word
    help_text = f"{one.matters}\n\nWhat to do: {_blanks(one.remedy)}"
    return {
        "id": one.code,
        "name": "".join(part.capitalize() for part in one.code.split("-")),
        "shortDescription": {"text": first_sentence(one.means)},
        "fullDescription": {"text": one.means},
        "help": {"text": help_text, "markdown": f"{one.means}\n\n{help_text}"},
        "defaultConfiguration": {"level": LEVELS[word]},
        "properties": {
            "tags": ["security", "configuration"],
            "precision": "high",
            "problem.severity": _problem(one.severity),
            "security-severity": SCORES[word],
        },
    }


def _result(
    finding: Mapping[str, Any], index: Mapping[str, int], base: str | None
) -> dict[str, Any]:
    code, subject = finding["code"], finding["subject"]
    file = finding.get("file") or finding["facts"].get("file")
    identity = "\0".join((code, subject, uri(file, base) if isinstance(file, str) else ""))
    result: dict[str, Any] = {
        "ruleId": code,
        "level": LEVELS[finding["severity"]],
        "message": {"text": _message(finding)},
        "locations": [_location(finding, file, base)],
        "partialFingerprints": {
            FINGERPRINT: hashlib.sha256(identity.encode("utf-8", "replace")).hexdigest()
        },
        "properties": {"severity": finding["severity"], "subject": subject},
    }
    if code in index:
        result["ruleIndex"] = index[code]
    if finding["accepted"] is not None:
        result["suppressions"] = [{"kind": "external", "justification": finding["accepted"]}]
    return result


def _location(finding: Mapping[str, Any], file: object, base: str | None) -> dict[str, Any]:
    subject = finding["subject"]
    location: dict[str, Any] = {
        "logicalLocations": [{"fullyQualifiedName": subject, "kind": subject.partition(":")[0]}]
    }
    if not isinstance(file, str):
        return location
    place = uri(file, base)
    artifact = {"uri": place} if place.startswith("file:") else {"uri": place, "uriBaseId": ROOT}
    # Without a line it is the file that is meant; code scanning wants one all the same.
    region = {"startLine": finding.get("line") or 1}
    if finding.get("line") and finding.get("column"):
        region["startColumn"] = finding["column"]
    return {"physicalLocation": {"artifactLocation": artifact, "region": region}, **location}


def uri(file: str, base: str | None) -> str:
    """A file name as a URI: relative where it is below `base` or was given so."""
    if file == "<stdin>":
        return "stdin"
    if base is not None and file.startswith(base.rstrip("/") + "/"):
        file = file[len(base.rstrip("/")) + 1 :]
    if not file.startswith("/"):
        while file.startswith("./"):
            file = file[2:].lstrip("/")
    quoted = quote(file.encode("utf-8", "surrogateescape"), safe="/~")
    return f"file://{quoted}" if file.startswith("/") else quoted


def _message(finding: Mapping[str, Any]) -> str:
    parts = [finding["title"].rstrip("."), finding["detail"].rstrip("."), finding["remedy"]]
    return ". ".join(part for part in parts if part)


def _problem(severity: Severity) -> str:
    if severity >= Severity.HIGH:
        return "error"
    return "warning" if severity is Severity.MEDIUM else "recommendation"


def _blanks(template: str) -> str:
    """A template with its blanks as a person marks them: {path} as <path>."""
    return template.replace("{", "<").replace("}", ">")
