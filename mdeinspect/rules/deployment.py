"""Does somebody go on deploying a file that is dead?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from mdeinspect.model import Reading, Severity
from mdeinspect.rules import Context, Outcome, Raise, Unsure, rule
from mdeinspect.sources.deployment import TOOLS

OFTEN = 3  # rewrites within a week that are no accident
# What tools and people write into a file to say whose it is.
_HEADER = re.compile(
    r"\b(?:managed|deployed|generated|maintained|controlled|written)\s+(?:by|with|from)\b"
    r"|\bansible[ _-]managed\b",
    re.IGNORECASE,
)
MOST_TEXTS = 2000


@rule(
    "shadowed-file-deployed",
    Severity.LOW,
    title="{file} seems to be deployed still, and MDE Attach overrides it",
    detail="MDE Attach governs this host, so that {file} is without effect but for its "
    "exceptions. What points to somebody who keeps deploying it: {hints}.",
    remedy="Look where the hints point to, and take the file out of the role, manifest, recipe, "
    "state or script that brings it; or take the host out of MDE Attach.",
    means="Something on this host speaks of exactly this file: a header in the file itself, a cron "
    "table, a systemd unit, the working files of Ansible, Puppet, Chef, Salt or CFEngine, or that "
    "it was written three times or more within a week. That such a tool is installed is no sign.",
    matters="Whoever maintains the pipeline believes that it protects this host.",
    platforms=("linux",),
)
def shadowed_file_deployed(context: Context) -> Iterator[Outcome]:
    """Only where the file sets something that is not in force, and something ties a tool to it."""
    if "managed_file" not in context.authority.shadowed:
        return
    for reading in context.channels["managed_file"].readings:
        path = reading.file.path if reading.file else reading.source
        hints = sorted(_hints(context, reading, path), key=lambda one: (one["where"], one["sign"]))
        if hints and not reading.present:
            yield Unsure(reading.reason or f"cannot read {path}, which seems to be deployed")
        elif hints and _dead(context):
            yield Raise(f"file:{path}", {"file": path, "hints": hints})


def _dead(context: Context) -> bool:
    """Whether the file sets anything that another channel decides."""
    return any(
        wish.channel == "managed_file" for row in context.settings.values() for wish in row.also
    )


def _hints(context: Context, reading: Reading[Any], path: str) -> Iterator[dict[str, str]]:
    for mention in context.snapshot.value("deployment") or ():
        yield {"where": mention.path, "sign": mention.tool or "mention"}
    header = _header(reading)
    if header:
        yield {"where": path, "sign": header}
    past = context.memory.policies.get(reading.source) if context.memory else None
    if past is not None and len(past.rewrites) >= OFTEN:
        yield {"where": path, "sign": "rewritten"}


def _header(reading: Reading[Any]) -> str | None:
    """The tool that a text in the file names as its owner; `header` when that is none we know."""
    document = reading.value
    for text in _texts(document.value) if document is not None else ():
        if _HEADER.search(text):
            tools = (name for name, pattern in TOOLS[:6] if pattern.search(text))
            return next(tools, "header")
    return None


def _texts(value: Any) -> Iterator[str]:
    """The first texts of a document, keys among them: JSON has no other place for a comment."""
    todo, seen = [value], 0
    while todo and seen < MOST_TEXTS:
        here = todo.pop()
        seen += 1
        if isinstance(here, str):
            yield here[:1000]
        elif isinstance(here, dict):
            todo.extend([*here.values(), *here.keys()])
        elif isinstance(here, list):
            todo.extend(here)
