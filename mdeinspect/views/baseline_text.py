"""`baseline diff` and `baseline show`: what is wanted, what policy says, what the agent does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from mdeinspect.views import words

SCHEMA = "mdeinspect.baseline/1"
DRIFTS = ("drift", "policy-drift", "effective-drift")
_WORDS = {
    "meets": "as wanted",
    "drift": "policy and agent drift",
    "policy-drift": "policy drifts",
    "effective-drift": "the agent drifts",
    "unknown": "cannot be told",
}


def state(policy: bool | None, effective: bool | None) -> str:
    """One word for a setting: does policy, does the agent meet the baseline (None: not known)?"""
    if policy is False:
        return "drift" if effective is False else "policy-drift"
    if effective is False:
        return "effective-drift"
    return "unknown" if policy is None and effective is None else "meets"


def differs(found: dict[str, Any]) -> bool:
    """True when a setting is surely not as the baseline wants it."""
    return any(row["state"] in DRIFTS for row in found["settings"])


def lines(found: dict[str, Any], *, everything: bool = False) -> Iterator[str]:
    """What differs, for a person; with `everything` what is as wanted as well."""
    found = words.safe(found)
    rows = found["settings"]
    for row in rows:
        if everything or row["state"] != "meets":
            yield f"{row['key']}  [{_WORDS[row['state']]}]"
            yield f"  = {_text(row['wanted'])}  (baseline)"
            yield f"  - {_text(row['policy'])}  ({_channel(row)})"
            yield f"  + {_text(row['effective'])}  ({_seen(row)})"
    count = sum(row["state"] in DRIFTS for row in rows)
    hidden = sum(row["state"] == "unknown" for row in rows)
    told = f"{words.count(len(rows), 'setting')} of {found['baseline']}: {count} drift"
    yield f"{told}, {hidden} cannot be told" if hidden else told


def _channel(row: dict[str, Any]) -> str:
    if row["policy"] is None:
        return "no policy"
    return words.CHANNELS.get(row["channel"] or "", "")


def _seen(row: dict[str, Any]) -> str:
    return ", ".join(row["observed_in"]) or "nothing shows it"


def _text(value: Any) -> str:
    if value is None:
        return "-"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=True)
    return text if len(text) <= 200 else text[:197] + "..."
