"""Can the files that carry policy be used at all?"""

from __future__ import annotations

import re
from collections.abc import Iterator

from mdeinspect.model import Severity
from mdeinspect.rules import Context, Outcome, Raise, Unsure, rule
from mdeinspect.rules._files import files, readings

MALFORMED = frozenset({"malformed", "empty", "too-deep", "too-large"})
DENIED = "denied"
ODD = {
    "bom": "it begins with a byte order mark",
    "not-a-number": "it holds NaN or an infinite number",
    "giant-integer": "it holds a number of more than 19 digits",
    "empty-payload": "it is a profile without settings for Defender",
}
# The parsers name the place first of all, in these words.
_POSITION = re.compile(r"\bline (\d{1,9})(?: column (\d{1,9}))?")


@rule(
    "policy-malformed",
    Severity.MEDIUM,
    title="{subject} cannot be used as policy ({kind})",
    detail="{reason}. It belongs to the channel {channel}.",
    remedy="Correct the file where it is made: in the template, the repository or the profile, and "
    "deploy it again.",
    means="The file exists, and is no document that the agent could take settings from: no valid "
    "JSON or property list, an empty file, or one of hostile size or depth. Usual causes are a "
    "template that was never rendered, a comment, a missing comma, and a file cut off by a crash.",
    matters="The whole file is without effect, not only the place of the mistake: the host runs on "
    "its defaults, which on Linux means no real-time protection.",
    lint=True,
)
def policy_malformed(context: Context) -> Iterator[Outcome]:
    """Every policy file that is there and says nothing. It counts shadowed as well.

    Who replaces the file that governs today falls back to this one.
    """
    for channel, path, reading in readings(context):
        reason = reading.reason or f"cannot read {path}"
        if reading.kind in MALFORMED:
            found = _POSITION.search(reason)
            line, column = found.groups() if found else (None, None)
            yield Raise(
                f"file:{path}",
                {"kind": reading.kind, "reason": reason, "channel": channel, "file": path},
                line=int(line) if line else None,
                column=int(column) if column else None,
            )
        elif reading.kind == DENIED:
            yield Unsure(reason)


@rule(
    "policy-unreadable",
    Severity.MEDIUM,
    title="{subject} is there and cannot be read ({kind})",
    detail="{reason}. It belongs to the channel {channel}.",
    remedy="Put a regular file in its place, owned by root and written in one step (write a "
    "temporary file beside it, then rename).",
    means="Where the policy file should be there is a folder, a device or another thing that is no "
    "regular file, a link to nothing or in a circle, a file that changes all the time, or a disk "
    "that fails. A file that only the inspector may not read is no finding.",
    matters="The agent cannot read it either, or reads something else every time.",
)
def policy_unreadable(context: Context) -> Iterator[Outcome]:
    """Every policy file that is there and gives no bytes."""
    for channel, path, reading in readings(context):
        reason = reading.reason or f"cannot read {path}"
        if reading.kind == DENIED:
            yield Unsure(reason)
        elif reading.state == "broken" and reading.kind not in MALFORMED:
            facts = {"kind": reading.kind, "reason": reason, "channel": channel, "file": path}
            yield Raise(f"file:{path}", facts)


@rule(
    "odd-policy-file",
    Severity.LOW,
    title="{subject} can be read, but is odd: {oddities}",
    detail="{file} of the channel {channel}: {oddities}.",
    remedy="Write the file as plain UTF-8 JSON, or as a profile that holds settings.",
    means="The file is usable here, and another reader, the agent's own among them, may refuse it.",
    matters="Whether the agent accepts it is not documented; a refused file is without effect.",
    lint=True,
)
def odd_policy_file(context: Context) -> Iterator[Outcome]:
    """What readers may disagree on, once for each file."""
    for file in files(context):
        kinds = {oddity.kind for oddity in file.document.oddities} & ODD.keys()
        if kinds:
            words = [ODD[kind] for kind in sorted(kinds)]
            facts = {"oddities": words, "channel": file.channel, "file": file.path}
            yield Raise(f"file:{file.path}", facts)
