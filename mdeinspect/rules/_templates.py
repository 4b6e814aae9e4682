"""What a template engine, a shell or an example leaves behind in a policy file."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from mdeinspect.documents import Path
from mdeinspect.rules import Context

# Opening, closing, and whose they are. Longest texts are megabytes: only plain searches here.
_PAIRS = (
    ("{{", "}}", "Jinja or Go"),
    ("{%", "%}", "Jinja"),
    ("{#", "#}", "Jinja"),
    ("<%", "%>", "ERB"),
    ("${", "}", "a shell or Terraform"),
    ("#{", "}", "Ruby or a release pipeline"),
)
# Intune and Jamf replace these on the way to the Mac: {{serialnumber}}, {{userprincipalname}}.
_BY_MDM = re.compile(r"\{\{[A-Za-z_]{2,40}\}\}")
_SHELL_KEY = "\\$"  # an escaped dollar sign, as a here-document leaves it
TYPE = "$type"

EXAMPLES = ("EXAMPLE DO NOT USE", "GROUPIDEXAMPLE", "PROXY.SERVER:PORT")
"""Values of Microsoft's examples that mean nothing to anybody, in capitals."""


def marker(text: str, context: Context) -> str | None:
    """Whose marker stands unrendered in a key or a value; None without one."""
    if context.alone and context.platform == "darwin":
        text = _BY_MDM.sub("", text)
    for opening, closing, whose in _PAIRS:
        start = text.find(opening)
        if start >= 0 and text.find(closing, start + len(opening)) >= 0:
            return whose
    return None


def from_shell(key: str) -> bool:
    """Whether a key is what a shell made of `$type`: escaped where it need not be, or expanded."""
    return key.startswith(_SHELL_KEY) or not key


def type_lost(entry: Any) -> bool:
    """Whether an entry of a list lost its `$type` to a shell."""
    return (
        isinstance(entry, Mapping)
        and TYPE not in entry
        and any(from_shell(key) and isinstance(entry[key], str) for key in entry)
    )


def nodes(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every value of a document and its path, in the order of the file, containers before inside.

    As deep as a document may be, which is not very.
    """
    yield path, value
    steps = (
        value.items()
        if isinstance(value, Mapping)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    for step, inside in steps:
        yield from nodes(inside, (*path, step))
