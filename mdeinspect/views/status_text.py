"""`status` on one screen, for a person. Colour carries nothing that words do not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from mdeinspect.views import words

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


def render(
    status: dict[str, Any], *, code: int, everything: bool = False, width: int = 80
) -> RenderableType:
    """The screen for a `mdeinspect.status/1` object; `code` is the exit code it names."""
    status = words.safe(status)
    parts = [
        _header(status),
        Text(),
        _summary(status),
        *_rows(status, everything=everything, width=width),
        *_findings(status),
        *_unknown(status),
        *(_sources(status) if everything else ()),
        Text(),
        _footer(status, code),
    ]
    return Group(*parts)


def text(console: Console, status: dict[str, Any], *, code: int, everything: bool = False) -> str:
    """The screen as text for this console, without blanks at the ends of its lines."""
    with console.capture() as capture:
        console.print(render(status, code=code, everything=everything, width=console.width))
    return "\n".join(line.rstrip() for line in capture.get().splitlines())


# --- the parts ----------------------------------------------------------------------------------


def _header(status: dict[str, Any]) -> RenderableType:
    host, agent = status["host"], status["agent"]
    version = f"mdatp {agent['version']}" if agent["version"] else None
    left = " · ".join(part for part in (host["name"], host["os"], version) if part)
    table = Table.grid(expand=True, padding=(0, 1, 0, 0))
    table.add_column(overflow="fold")
    table.add_column(justify="right", no_wrap=True)
    table.add_row(Text(left, style="bold"), words.moment(status["taken_at"]))
    return table


def _summary(status: dict[str, Any]) -> RenderableType:
    table = Table.grid(padding=(0, 1, 0, 0))
    table.add_column(width=LABEL, no_wrap=True)
    table.add_column(overflow="fold")
    for label, lines in (
        ("Governed by", _authority(status)),
        ("Check-in", _checkin(status)),
        ("Agent", _agent(status)),
        ("Protection", _protection(status)),
        ("Settings", _settings(status)),
    ):
        for number, line in enumerate(lines):
            table.add_row(Text(f" {label}" if number == 0 else "", style="bold"), line)
    return table


def _authority(status: dict[str, Any]) -> Iterator[Text]:
    authority = status["authority"]
    name = words.CHANNELS[authority["channel"]]
    name += " (probable)" if authority["probable"] else ""
    signs = [words.file_name(sign) if "/" in sign else sign for sign in authority["signs"]]
    yield Text(f"{name:<14} {', '.join(dict.fromkeys(signs))}".rstrip())
    for channel in authority["shadowed"]:
        wanted = [r for r in status["settings"] if r["channel"] == channel or _wishes(r, channel)]
        lost = _lost(status, channel)
        line = (
            f"{words.CHANNELS[channel]} is overridden: {len(lost)} of its {len(wanted)} "
            f"settings {'is' if len(lost) == 1 else 'are'} not in force"
        )
        yield Text(line, style="yellow" if lost else "")


def _wishes(row: dict[str, Any], channel: str) -> list[Any]:
    return [wish["policy"] for wish in row["also"] if wish["channel"] == channel]


def _lost(status: dict[str, Any], channel: str) -> list[Any]:
    """The keys of a shadowed channel that are lost, as the finding names them."""
    facts = [f["facts"] for f in status["findings"] if f["subject"] == f"channel:{channel}"]
    return next((fact["keys"] for fact in facts if "keys" in fact), [])


def _checkin(status: dict[str, Any]) -> Iterator[Text]:
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
    yield Text(text, style="yellow" if bad else "")
    awake, age = checkin["awake_age_seconds"], checkin["age_seconds"]
    if awake is not None and age is not None and age - awake > 3600 and state != "not-applicable":
        yield Text(f"the host was awake for {words.length(timedelta(seconds=awake))} of that")


def _used(evidence: dict[str, Any], checkin: dict[str, Any]) -> bool:
    return evidence["kind"] == "exact" or checkin["last_success"] is None


def _agent(status: dict[str, Any]) -> Iterator[Text]:
    agent = status["agent"]
    if agent["state"] != "running":
        reason = (status["sources"].get("health") or {}).get("reason")
        yield Text(f"{agent['state']:<14} {reason or ''}".rstrip(), style="red")
        return
    onboarded = {True: "onboarded", False: "NOT onboarded", None: "onboarding not known"}
    healthy = {True: "healthy by its own word", False: "UNHEALTHY", None: "health not known"}
    issues = ", ".join(agent["health_issues"] or ())
    line = f"running, {onboarded[agent['licensed']]}, {healthy[agent['healthy']]}"
    bad = agent["licensed"] is False or agent["healthy"] is False
    yield Text(f"{line}: {issues}" if issues else line, style="red" if bad else "")


def _protection(status: dict[str, Any]) -> Iterator[Text]:
    protection = status["protection"]
    on, passive = protection["real_time"], protection["passive"]
    word = {True: "real-time on", False: "real-time OFF", None: "not known"}[on]
    word += " (passive)" if passive else ""
    minutes = protection["definitions_age_minutes"]
    if minutes is not None:
        word += f", definitions {words.length(timedelta(minutes=minutes))} old"
    yield Text(word, style="red" if on is False else "")


def _settings(status: dict[str, Any]) -> Iterator[Text]:
    counts = Counter(row["verdict"] for row in status["settings"])
    named = [f"{counts[v]} {VERDICT_WORDS.get(v, v)}" for v in VERDICTS if counts[v]]
    yield Text(" · ".join(named) or "none seen")


def _rows(status: dict[str, Any], *, everything: bool, width: int) -> Iterator[RenderableType]:
    if everything:
        yield from _all_rows(status["settings"], width)
        return
    rows = [row for row in status["settings"] if row["verdict"] in NOTABLE]
    if rows:
        table = _table(" NOT IN FORCE", "POLICY", "AGENT", "FROM")
        for row in rows:
            channel = words.CHANNELS.get(row["channel"] or "", "")
            waiting = "" if row["verdict"] == "not-enforced" else f" ({row['verdict']})"
            table.add_row(f" {row['key']}", *_values(row), f"{channel}{waiting}".strip())
        yield Text()
        yield table


def _all_rows(rows: list[dict[str, Any]], width: int) -> Iterator[RenderableType]:
    """Every setting, below the section it belongs to."""
    table = _table(" SETTING", "POLICY", "AGENT", "VERDICT")
    table.columns[0].no_wrap = width >= WIDE  # names whole, values folded
    table.columns[1].max_width = width // 4
    table.columns[2].max_width = width // 6
    section = None
    for row in rows:
        head, _, name = row["key"].rpartition(".")
        if head != section:
            table.add_row(Text(f" {head}", style="bold"))
            section = head
        table.add_row(f"   {name}", *_values(row), _verdict(row))
    yield Text()
    yield table


def _table(*heads: str) -> Table:
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="bold")
    for head in heads:
        table.add_column(head, overflow="fold")
    return table


def _values(row: dict[str, Any]) -> tuple[str, str]:
    return words.value(row["policy"]), words.value(row["effective"])


def _verdict(row: dict[str, Any]) -> str:
    lost = [words.CHANNELS[wish["channel"]] for wish in row["also"]]
    where = words.CHANNELS.get(row["channel"] or "") or ", ".join(lost)
    return f"{row['verdict']} ({where})" if where else str(row["verdict"])


def _findings(status: dict[str, Any]) -> Iterator[RenderableType]:
    if status["findings"]:
        yield Text()
    for finding in status["findings"]:
        accepted = finding["accepted"] is not None
        style = "dim" if accepted else COLOURS[finding["severity"]]
        title = finding["title"] + (f" (accepted: {finding['accepted']})" if accepted else "")
        severity, code = Text(f" {finding['severity']}", style=style), finding["code"]
        if len(code) > CODE:  # a long code has a line of its own, so that titles stay aligned
            yield Text.assemble(severity, " " * (SEVERITY + 1 - len(severity)), code)
            severity, code = Text(), ""
        yield _finding(severity, code, title)


def _finding(severity: Text, code: str, title: str) -> RenderableType:
    table = Table.grid(padding=(0, 1, 0, 0))
    table.add_column(width=SEVERITY, no_wrap=True)
    table.add_column(width=CODE, no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row(severity, Text(code), Text(title))
    return table


def _unknown(status: dict[str, Any]) -> Iterator[RenderableType]:
    """Each reason once: what cannot be read hides many answers."""
    reasons: dict[str, list[str]] = {}
    for unknown in status["unknown"]:
        reasons.setdefault(unknown["because"], []).append(unknown["code"])
    for source in status["cannot_tell"]:
        reading = status["sources"].get(source) or {}
        reasons.setdefault(reading.get("reason") or f"cannot tell without {source}", [])
    if not reasons:
        return
    table = Table.grid(padding=(0, 1, 0, 0))
    table.add_column(width=9, no_wrap=True)
    table.add_column(overflow="fold")
    for because, rules in reasons.items():
        hidden = f" ({words.count(len(rules), 'rule')} cannot tell)" if len(rules) > 1 else ""
        table.add_row(Text(" unknown"), Text(because + hidden))
    yield Text()
    yield table


def _sources(status: dict[str, Any]) -> Iterator[RenderableType]:
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="bold")
    table.add_column(" SOURCE", overflow="fold")
    table.add_column("STATE", no_wrap=True)
    table.add_column("WHERE", overflow="fold")
    for name, source in status["sources"].items():
        kind = f" ({source['kind']})" if source["kind"] else ""
        links = f" through {', '.join(source['links'])}" if source["links"] else ""
        table.add_row(f" {name}", source["state"] + kind, (source["path"] or "") + links)
    yield Text()
    yield table


def _footer(status: dict[str, Any], code: int) -> Text:
    counted = [finding for finding in status["findings"] if finding["accepted"] is None]
    if not counted:
        start = "nothing found" if code == 0 else "nothing found, but not everything can be told"
        return Text(f" {start} · exit {code}")
    hint = "`mdeinspect explain CODE` says why and what to do"
    return Text(f" {words.count(len(counted), 'finding')} · {hint} · exit {code}")
