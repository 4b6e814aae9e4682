"""What a template engine, a shell or an example leaves behind in a policy file."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

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
# Intune replaces these on the way to the Mac: {{serialnumber}}, {{userprincipalname}}.
_BY_MDM = re.compile(r"\{\{[A-Za-z_]{2,40}\}\}")
TYPE = "$type"
_END = object()
_BY_SHELL = ("\\$type", "")  # escaped where it need not be, and expanded to nothing

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
    return key in _BY_SHELL


def type_lost(entry: Any) -> bool:
    """Whether an entry of a list lost its `$type` to a shell."""
    return (
        isinstance(entry, Mapping)
        and TYPE not in entry
        and any(isinstance(entry.get(key), str) for key in _BY_SHELL)
    )


def nodes(value: Any) -> Iterator[tuple[Sequence[str | int], Any]]:
    """Every value of a document and the steps to it, in the order of the file.

    The steps are one list that changes as the walk goes on: whoever keeps them makes a tuple. A
    hostile file has very many values very deep, and no copy is made for each.
    """
    steps: list[str | int] = []
    waiting: list[Iterator[tuple[Any, Any]]] = [iter([(None, value)])]
    while waiting:
        step, here = next(waiting[-1], (None, _END))
        if here is _END:
            waiting.pop()
            del steps[-1:]
            continue
        if step is not None:
            steps.append(step)
        yield steps, here
        if isinstance(here, Mapping | list):
            waiting.append(iter(here.items() if isinstance(here, Mapping) else enumerate(here)))
        elif step is not None:
            steps.pop()
