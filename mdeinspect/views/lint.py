"""What is wrong with policy files, as one plain object and as lines for a person."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from mdeinspect.lint import Linted
from mdeinspect.model import Finding
from mdeinspect.privacy import mask
from mdeinspect.views import words
from mdeinspect.views.status import finding_object, plain_json

SCHEMA = "mdeinspect.lint/1"


def lint_object(files: Sequence[Linted]) -> dict[str, Any]:
    """The public object, `mdeinspect.lint/1`: the findings of `status`, each with its file."""
    found = {
        "schema": SCHEMA,
        "files": [_file(one) for one in files],
        "findings": [_finding(finding, one) for one in files for finding in one.findings],
        "unknown": [
            {"code": unknown.code, "because": unknown.because, "file": one.name}
            for one in files
            for unknown in one.unknown
        ],
        "cannot_tell": [one.name for one in files if not one.reading.present],
    }
    result: dict[str, Any] = mask(plain_json(found))
    return result


def lines(found: dict[str, Any]) -> Iterator[str]:
    """The lines for a `mdeinspect.lint/1` object; one finding each, and what to do about it."""
    found = words.safe(found)
    for finding in found["findings"]:
        place = ":".join(str(part) for part in _place(finding) if part is not None)
        accepted = f" (accepted: {finding['accepted']})" if finding["accepted"] else ""
        yield f"{place}: {finding['severity']}: {finding['title']} [{finding['code']}]{accepted}"
        yield f"    {finding['detail']}"
        yield f"    {finding['remedy']}"
    malformed = {one["file"] for one in found["findings"] if one["code"] == "policy-malformed"}
    for file in found["files"]:
        if file["state"] == "broken" and file["path"] not in malformed:
            yield f"{file['path']}: {file['reason']}"
    for unknown in found["unknown"]:
        yield f"{unknown['file']}: unknown: {unknown['because']} [{unknown['code']}]"
    yield _summary(found)


def _file(one: Linted) -> dict[str, Any]:
    document = one.reading.value
    return {
        "path": one.name,
        "platform": one.platform,
        "form": document.form if document else None,
        "state": one.reading.state,
        "kind": one.reading.kind,
        "reason": one.reading.reason,
    }


def _finding(finding: Finding, one: Linted) -> dict[str, Any]:
    place = {"file": one.name, "line": finding.line, "column": finding.column}
    return {**finding_object(finding), **place}


def _place(finding: dict[str, Any]) -> tuple[Any, ...]:
    return finding["file"], finding["line"], finding["column"]


def _summary(found: dict[str, Any]) -> str:
    counted = Counter(one["severity"] for one in found["findings"] if one["accepted"] is None)
    tally = ", ".join(f"{counted[word]} {word}" for word in words.SEVERITIES if counted[word])
    files = words.count(len(found["files"]), "file")
    findings = words.count(counted.total(), "finding") if tally else "nothing found"
    blind = len(found["cannot_tell"])
    end = f"; {words.count(blind, 'file')} could not be read" if blind else ""
    return f"{findings} in {files}" + (f" ({tally})" if tally else "") + end
