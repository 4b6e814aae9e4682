"""What of all that was looked at goes into a bundle: the agent's things, and what mentions them.

An inspection may look far around, for what deploys a policy file or for what an exclusion names.
Of files that are not the agent's only the lines that speak of it travel, and of the others not
even that they are there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from mdeinspect.record.recorder import Seen

# Paths of the agent, of the units and jobs that start it, and of what names the system.
OWN: Final = re.compile(
    r"/opt/microsoft/|/log/microsoft/|/Library/[^/]+/Microsoft/|/Microsoft Defender|"
    r"/com\.microsoft\.|/mdatp|/os-release$|/SystemVersion\.plist$"
)
MENTION: Final = re.compile(rb"mdatp|com\.microsoft\.wdav", re.IGNORECASE)
NEAR: Final = 300
MAX_LINES: Final = 50


def is_own(path: str) -> bool:
    """Whether a path is the agent's, or names the system."""
    return OWN.search(path) is not None


def scoped(seen: Seen) -> Seen:
    """What was seen, without what is nobody's business."""
    data = {}
    for path, content in seen.data.items():
        kept = content if is_own(path) else mentioning(content)
        if (kept and not path.startswith("/proc/")) or is_own(path):
            data[path] = kept
    looked_at = {path for path in (*seen.facts, *seen.refused, *seen.links) if is_own(path)}
    wanted = {*data, *looked_at}
    wanted |= {link for path in wanted if path in seen.facts for link in seen.facts[path].links}
    wanted |= {seen.links[link] for link in wanted if link in seen.links}
    wanted |= set(_above(wanted))
    return replace(
        seen,
        data=data,
        facts={path: one for path, one in seen.facts.items() if path in wanted},
        links={path: target for path, target in seen.links.items() if path in wanted},
        folders={path for path in seen.folders if path in wanted},
        refused={
            name: why
            for name, why in seen.refused.items()
            if name in wanted or not name.startswith("/")
        },
    )


def mentioning(data: bytes) -> bytes:
    """The lines that speak of the agent, long ones cut to what is near it; none of a binary."""
    if b"\0" in data[:4096]:
        return b""
    lines = []
    for line in data.splitlines():
        found = MENTION.search(line)
        if found is not None:
            whole = len(line) <= 2 * NEAR
            lines.append(line if whole else line[max(0, found.start() - NEAR) :][: 2 * NEAR])
        if len(lines) == MAX_LINES:
            break
    return b"".join(line + b"\n" for line in lines)


def _above(paths: Iterable[str]) -> Iterable[str]:
    for path in paths:
        yield from (path[:at] for at, sign in enumerate(path) if sign == "/" and at)
