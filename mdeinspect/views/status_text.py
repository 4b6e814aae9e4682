"""`status` on one screen, for a person. Colour carries nothing that words do not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from mdeinspect.views import words
from mdeinspect.views.layout import Cell, Column, Line, cells, fold, grid, paint

COLOURS = {"critical": "bold red", "high": "red", "medium": "yellow", "low": "cyan", "info": "dim"}
VERDICTS = (
    "enforced",
    "unproven",
    "not-enforced",
    "pending",
    "shadowed",
    "foreign",
    "unobservable",
    "unknown",
    "unmanaged",
)
VERDICT_WORDS = {
    "unproven": "enforced without [managed]",
    "not-enforced": "not enforced",
    "unobservable": "not observable",
    "foreign": "managed by nobody known",
    "unmanaged": "without policy",
}
NOTABLE = ("not-enforced", "pending", "foreign")
LABEL = 13
SEVERITY = 9
CODE = 22
WIDE = 76
BLANK: Line = ()


def text(
    status: dict[str, Any],
    *,
    code: int,
    everything: bool = False,
    width: int = 80,
    colour: bool = False,
) -> str:
    """The screen for a `mdeinspect.status/1` object; `code` is the exit code it names."""
    lines = list(_lines(words.safe(status), code, everything=everything, width=width))
    return paint(lines, colour=colour)


def _lines(status: dict[str, Any], code: int, *, everything: bool, width: int) -> Iterator[Line]:
    yield from _header(status, width)
    yield BLANK
    yield from _summary(status, width)
    yield from _rows(status, everything=everything, width=width)
    yield from _findings(status, width)
    yield from _unknown(status, width)
    if everything:
        yield from _sources(status, width)
    yield BLANK
    yield from ((Cell(line),) for line in fold(_footer(status, code), width))


# --- the parts ----------------------------------------------------------------------------------


def _header(status: dict[str, Any], width: int) -> Iterator[Line]:
    host, agent = status["host"], status["agent"]
    version = f"mdatp {agent['version']}" if agent["version"] else None
    left = " · ".join(part for part in (host["name"], host["os"], version) if part)
    right = words.moment(status["taken_at"])
    room = max(1, width - cells(right) - 2)
    for number, line in enumerate(fold(left, room)):
        gap = " " * (room + 2 - cells(line))
        yield Cell(line + gap, "bold"), Cell(right if number == 0 else "")


def _summary(status: dict[str, Any], width: int) -> Iterator[Line]:
    for label, lines in (
        ("Governed by", _authority(status)),
        ("Check-in", _checkin(status)),
        ("Agent", _agent(status)),
        ("Protection", _protection(status)),
        ("Settings", _settings(status)),
    ):
        rows = [
            (Cell(f" {label}" if number == 0 else "", "bold"), line)
            for number, line in enumerate(lines)
        ]
        yield from grid(rows, (Column(False, LABEL), Column()), width)


def _authority(status: dict[str, Any]) -> Iterator[Cell]:
    authority = status["authority"]
    name = words.CHANNELS[authority["channel"]]
    name += " (probable)" if authority["probable"] else ""
    signs = [words.file_name(sign) if "/" in sign else sign for sign in authority["signs"]]
    yield Cell(f"{name:<14} {', '.join(dict.fromkeys(signs))}".rstrip())
    for channel in authority["shadowed"]:
        wanted = [r for r in status["settings"] if r["channel"] == channel or _wishes(r, channel)]
        lost = _lost(status, channel)
        line = (
            f"{words.CHANNELS[channel]} is overridden: {len(lost)} of its {len(wanted)} "
            f"settings {'is' if len(lost) == 1 else 'are'} not in force"
        )
        yield Cell(line, "yellow" if lost else "")


def _wishes(row: dict[str, Any], channel: str) -> list[Any]:
    return [wish["policy"] for wish in row["also"] if wish["channel"] == channel]


def _lost(status: dict[str, Any], channel: str) -> list[Any]:
    """The keys of a shadowed channel that are lost, as the finding names them."""
    facts = [f["facts"] for f in status["findings"] if f["subject"] == f"channel:{channel}"]
    return next((fact["keys"] for fact in facts if "keys" in fact), [])


def _checkin(status: dict[str, Any]) -> Iterator[Cell]:
    checkin, now = status["checkin"], status["taken_at"]
    state = checkin["state"]
    parts = []
    if checkin["last_success"]:
        parts.append(f"last success {words.ago(checkin['last_success'], now)}")
    if checkin["last_attempt"]:
        parts.append(f"last attempt {words.ago(checkin['last_attempt'], now)}")
    seen = sorted({e["source"] for e in checkin["evidence"] if _used(e, checkin)})
    seen_in = f" ({', '.join(seen)})" if seen and state not in words.CHECKINS else ""
    bad = state in ("failing", "stale", "never")
    told = ", ".join(parts) or ("by its traces" if seen_in else "")
    text = f"{words.CHECKINS.get(state, state):<14} {told}{seen_in if told else ''}".rstrip()
    yield Cell(text, "yellow" if bad else "")
    awake, age = checkin["awake_age_seconds"], checkin["age_seconds"]
    if awake is not None and age is not None and age - awake > 3600 and state != "not-applicable":
        yield Cell(f"the host was awake for {words.length(timedelta(seconds=awake))} of that")


def _used(evidence: dict[str, Any], checkin: dict[str, Any]) -> bool:
    return evidence["kind"] == "exact" or checkin["last_success"] is None


def _agent(status: dict[str, Any]) -> Iterator[Cell]:
    agent = status["agent"]
    if agent["state"] != "running":
        reason = (status["sources"].get("health") or {}).get("reason")
        yield Cell(f"{agent['state']:<14} {reason or ''}".rstrip(), "red")
        return
    onboarded = {True: "onboarded", False: "NOT onboarded", None: "onboarding not known"}
    healthy = {True: "healthy by its own word", False: "UNHEALTHY", None: "health not known"}
    issues = ", ".join(agent["health_issues"] or ())
    line = f"running, {onboarded[agent['licensed']]}, {healthy[agent['healthy']]}"
    bad = agent["licensed"] is False or agent["healthy"] is False
    yield Cell(f"{line}: {issues}" if issues else line, "red" if bad else "")


def _protection(status: dict[str, Any]) -> Iterator[Cell]:
    protection = status["protection"]
    on, passive = protection["real_time"], protection["passive"]
    word = {True: "real-time on", False: "real-time OFF", None: "not known"}[on]
    word += " (passive)" if passive else ""
    minutes = protection["definitions_age_minutes"]
    if minutes is not None:
        word += f", definitions {words.length(timedelta(minutes=minutes))} old"
    yield Cell(word, "red" if on is False else "")


def _settings(status: dict[str, Any]) -> Iterator[Cell]:
    counts = Counter(row["verdict"] for row in status["settings"])
    named = [f"{counts[v]} {VERDICT_WORDS.get(v, v)}" for v in VERDICTS if counts[v]]
    yield Cell(" · ".join(named) or "none seen")


def _rows(status: dict[str, Any], *, everything: bool, width: int) -> Iterator[Line]:
    if everything:
        yield from _all_rows(status["settings"], width)
        return
    rows = [row for row in status["settings"] if row["verdict"] in NOTABLE]
    if rows:
        yield BLANK
        table = [_heads(" NOT IN FORCE", "POLICY", "AGENT", "FROM")]
        for row in rows:
            channel = words.CHANNELS.get(row["channel"] or "", "")
            waiting = "" if row["verdict"] == "not-enforced" else f" ({row['verdict']})"
            table.append(_cells(f" {row['key']}", *_values(row), f"{channel}{waiting}".strip()))
        yield from grid(table, (Column(),) * 4, width)


def _all_rows(rows: list[dict[str, Any]], width: int) -> Iterator[Line]:
    """Every setting, below the section it belongs to."""
    table = [_heads(" SETTING", "POLICY", "AGENT", "VERDICT")]
    section = None
    for row in rows:
        head, _, name = row["key"].rpartition(".")
        if head != section:
            table.append((Cell(f" {head}", "bold"), *_cells("", "", "")))
            section = head
        table.append(_cells(f"   {name}", *_values(row), _verdict(row)))
    # Names whole, values folded.
    names = Column(fold=width < WIDE)
    yield BLANK
    yield from grid(
        table, (names, Column(most=width // 4), Column(most=width // 6), Column()), width
    )


def _heads(*heads: str) -> Line:
    return tuple(Cell(head, "bold") for head in heads)


def _cells(*texts: str) -> Line:
    return tuple(Cell(text) for text in texts)


def _values(row: dict[str, Any]) -> tuple[str, str]:
    return words.value(row["policy"]), words.value(row["effective"])


def _verdict(row: dict[str, Any]) -> str:
    lost = [words.CHANNELS[wish["channel"]] for wish in row["also"]]
    where = words.CHANNELS.get(row["channel"] or "") or ", ".join(lost)
    return f"{row['verdict']} ({where})" if where else str(row["verdict"])


def _findings(status: dict[str, Any], width: int) -> Iterator[Line]:
    if status["findings"]:
        yield BLANK
    for finding in status["findings"]:
        accepted = finding["accepted"] is not None
        style = "dim" if accepted else COLOURS[finding["severity"]]
        title = finding["title"] + (f" (accepted: {finding['accepted']})" if accepted else "")
        severity, code = Cell(f" {finding['severity']}", style), finding["code"]
        if len(code) > CODE:  # a long code has a line of its own, so that titles stay aligned
            yield Cell(severity.text.ljust(SEVERITY + 1), style), Cell(code)
            severity, code = Cell(""), ""
        row = severity, Cell(code), Cell(title)
        yield from grid([row], (Column(False, SEVERITY), Column(False, CODE), Column()), width)


def _unknown(status: dict[str, Any], width: int) -> Iterator[Line]:
    """Each reason once: what cannot be read hides many answers."""
    reasons: dict[str, list[str]] = {}
    for unknown in status["unknown"]:
        reasons.setdefault(unknown["because"], []).append(unknown["code"])
    for source in status["cannot_tell"]:
        reading = status["sources"].get(source) or {}
        reasons.setdefault(reading.get("reason") or f"cannot tell without {source}", [])
    rows = []
    for because, rules in reasons.items():
        hidden = f" ({words.count(len(rules), 'rule')} cannot tell)" if len(rules) > 1 else ""
        rows.append(_cells(" unknown", because + hidden))
    if rows:
        yield BLANK
        yield from grid(rows, (Column(False, SEVERITY), Column()), width)


def _sources(status: dict[str, Any], width: int) -> Iterator[Line]:
    rows = [_heads(" SOURCE", "STATE", "WHERE")]
    for name, source in status["sources"].items():
        kind = f" ({source['kind']})" if source["kind"] else ""
        links = f" through {', '.join(source['links'])}" if source["links"] else ""
        rows.append(_cells(f" {name}", source["state"] + kind, (source["path"] or "") + links))
    yield BLANK
    yield from grid(rows, (Column(), Column(fold=False), Column()), width)


def _footer(status: dict[str, Any], code: int) -> str:
    counted = [finding for finding in status["findings"] if finding["accepted"] is None]
    if not counted:
        start = "nothing found" if code == 0 else "nothing found, but not everything can be told"
        return f" {start} · exit {code}"
    hint = "`mdeinspect explain CODE` says why and what to do"
    return f" {words.count(len(counted), 'finding')} · {hint} · exit {code}"
