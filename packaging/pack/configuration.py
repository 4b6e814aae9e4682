"""The configuration file of the packages: the documented example, with nothing in force."""

from __future__ import annotations


def commented(example: str) -> str:
    """`example` with every line that says something made a comment: all defaults hold.

    A later release can then change a default, and no host keeps the old one by accident.
    """
    lines = (line if _silent(line) else f"# {line}" for line in example.splitlines())
    return "\n".join(lines) + "\n"


def _silent(line: str) -> bool:
    return not line.strip() or line.lstrip().startswith("#")
