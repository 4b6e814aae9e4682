"""Findings as OCSF Compliance Findings (2003): created, updated, closed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

from mdeinspect.formats._words import PRODUCT, look
from mdeinspect.model import Severity

CLASS = 2003
_ACTIVITIES = {
    "finding.raised": (1, "Create"),
    "finding.changed": (2, "Update"),
    "finding.cleared": (3, "Close"),
}
# Cleared because the host is as it should be, or because somebody said that it does not count.
_CLOSED = {
    "resolved": (4, "Resolved"),
    "subject-gone": (4, "Resolved"),
    "accepted": (3, "Suppressed"),
    "rule-off": (3, "Suppressed"),
}
_NEW = (1, "New")
_OTHER = (99, "Other")


def attributes(found: dict[str, Any], exact: Callable[[Any], int | None]) -> dict[str, Any]:
    """What a Compliance Finding has beside the base; `exact` makes milliseconds of a moment."""
    activity, name = _ACTIVITIES.get(found["type"], _OTHER)
    status, status_name = _status(found)
    data = found.get("data")
    rest = dict(data) if isinstance(data, dict) else {}
    info, remediation = _info(found, rest, exact), _remediation(rest)
    evidence = found.get("evidence")
    artifacts = [{"data": one} for one in evidence] if isinstance(evidence, list) else []
    return {
        "class_uid": CLASS,
        "class_name": "Compliance Finding",
        "category_uid": 2,
        "activity_id": activity,
        "activity_name": name,
        "status_id": status,
        "status": status_name,
        "finding_info": info,
        "compliance": {"control": found["code"], **_verdict(found)},
        **remediation,
        **_resources(found),
        **({"evidences": artifacts} if artifacts else {}),
        "unmapped": {"data": rest, **({} if artifacts else {"evidence": evidence})},
    }


def uid(found: Mapping[str, Any]) -> str:
    """What one finding of one host is known by, from its raising to its clearing and again."""
    parts = (look(found, "host", "id"), found["code"], found.get("subject"))
    return hashlib.sha256("\0".join(map(str, parts)).encode()).hexdigest()[:32]


def _info(
    found: dict[str, Any], rest: dict[str, Any], exact: Callable[[Any], int | None]
) -> dict[str, Any]:
    code = found["code"]
    info: dict[str, Any] = {
        "uid": uid(found),
        "analytic": {"uid": code, "name": code, "type_id": 1, "type": "Rule"},
        "product": {"name": PRODUCT, "vendor_name": PRODUCT},
    }
    for name, attribute in (("title", "title"), ("detail", "desc")):
        if isinstance(rest.get(name), str):
            info[attribute] = rest.pop(name)
    since = exact(rest.get("since"))
    if since is not None:
        info["first_seen_time"] = since
        del rest["since"]
    return info


def _remediation(rest: dict[str, Any]) -> dict[str, Any]:
    if not isinstance(rest.get("remedy"), str):
        return {}
    return {"remediation": {"desc": rest.pop("remedy")}}


def _resources(found: dict[str, Any]) -> dict[str, Any]:
    if "subject" not in found:
        return {}
    subject = found["subject"]
    kind = subject.partition(":")[0]
    affected = {"name": subject, "type": kind, "role_id": 3, "role": "Affected"}
    return {"resources": [affected]}


def _status(found: dict[str, Any]) -> tuple[int, str]:
    if found["type"] != "finding.cleared":
        return _NEW
    return _CLOSED.get(str(found.get("because")), _OTHER)


def _verdict(found: dict[str, Any]) -> dict[str, Any]:
    """What the control says now: below medium a warning, not a failure."""
    if found["type"] == "finding.cleared":
        resolved = found.get("because") in ("resolved", "subject-gone")
        number, name = (1, "Pass") if resolved else (99, "Not judged")
    elif look(found, "data", "state") == "cleared":
        number, name = 1, "Pass"
    elif Severity.of(found["severity"]) < Severity.MEDIUM:
        number, name = 2, "Warning"
    else:
        number, name = 3, "Fail"
    return {"status_id": number, "status": name}
