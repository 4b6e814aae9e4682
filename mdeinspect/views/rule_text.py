"""Rules as a person reads them, and as plain data."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any

from mdeinspect.rules import Rule

WIDTH = 80


def row(one: Rule) -> dict[str, Any]:
    """One rule as plain data."""
    return {
        "code": one.code,
        "severity": one.severity.word,
        "title": one.title,
        "means": one.means,
        "matters": one.matters,
        "remedy": one.remedy,
        "needs": list(one.needs),
        "options": dict(one.options),
        "platforms": list(one.platforms),
        "lint": one.lint,
    }


def page(one: Rule) -> str:
    """One rule on a page of text."""
    parts = [
        f"{one.code}  ({one.severity.word})",
        "",
        *_section("What it means", one.means),
        *_section("Why it matters", one.matters),
        *_section("What to do", one.remedy),
        *_section("What it quotes", _template(one.detail)),
        *_section("Needs", ", ".join(one.needs) or "nothing beyond the files it speaks of"),
    ]
    for name, default in one.options.items():
        parts += _section("Option", f"rules.{one.code}.{name} = {default!r}")
    if one.lint:
        parts += _section("Also judged by", "`mdeinspect lint`, of a file on its own")
    if len(one.platforms) == 1:
        parts += _section("Only on", {"linux": "Linux", "darwin": "macOS"}[one.platforms[0]])
    return "\n".join(parts).rstrip()


def first_sentence(text: str) -> str:
    """The first sentence of a paragraph."""
    head, stop, _ = text.partition(". ")
    return head + (stop.rstrip() or "")


def nearest(word: str, known: Sequence[str]) -> str | None:
    """The known word that looks most like `word`."""
    import difflib  # only for a word that is not known

    return next(iter(difflib.get_close_matches(word, known, 1, 0.6)), None)


def _template(text: str) -> str:
    """A template with its blanks as a person marks them: {path} as <path>."""
    return text.replace("{", "<").replace("}", ">")


def _section(title: str, text: str) -> list[str]:
    body = textwrap.wrap(text, WIDTH - 2, break_long_words=False, break_on_hyphens=False)
    return [title, *(f"  {line}" for line in body), ""]
