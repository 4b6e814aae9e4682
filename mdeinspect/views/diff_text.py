"""`diff`: policy against what the agent does, setting by setting."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from mdeinspect.views import words

SCHEMA = "mdeinspect.diff/1"
DIFFERENT = ("not-enforced", "shadowed", "foreign")


def diff(status: dict[str, Any], *, everything: bool = False) -> dict[str, Any]:
    """The settings of a `mdeinspect.status/1` object that are not as policy has them."""
    rows = [row for row in status["settings"] if everything or _matters(row)]
    return {
        "schema": SCHEMA,
        "taken_at": status["taken_at"],
        "host": status["host"],
        "authority": status["authority"],
        "settings": rows,
    }


def lines(found: dict[str, Any]) -> Iterator[str]:
    """The same for a person: what policy says with `-`, what the agent does with `+`."""
    found = words.safe(found)
    for row in found["settings"]:
        because = f": {row['because']}" if row["because"] else ""
        yield f"{row['key']}  [{row['verdict']}{because}]"
        if row["policy"] is not None:
            yield f"  - {_text(row['policy'])}  ({words.CHANNELS.get(row['channel'], '')})"
        for wish in row["also"]:
            yield f"  ~ {_text(wish['policy'])}  ({words.CHANNELS[wish['channel']]}, not in force)"
        seen = ", ".join(row["observed_in"]) or "not observable"
        flag = " [managed]" if row["managed"] else ""
        yield f"  + {_text(row['effective'])}{flag}  ({seen})"
    if not found["settings"]:
        yield "no difference between policy and the agent"


def differs(found: dict[str, Any]) -> bool:
    """True when a setting is surely not as policy has it."""
    return any(row["verdict"] in DIFFERENT for row in found["settings"])


def _matters(row: dict[str, Any]) -> bool:
    if row["verdict"] in (*DIFFERENT, "pending"):
        return True
    return row["verdict"] == "unknown" and (row["policy"] is not None or bool(row["also"]))


def _text(value: Any) -> str:
    if value is None:
        return "-"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=True)
    return text if len(text) <= 200 else text[:197] + "..."
