"""Rules as a person reads them, and as plain data."""

from __future__ import annotations

import string
import textwrap
from collections.abc import Sequence
from typing import Any

from mdeinspect.rules import Rule
from mdeinspect.views.words import length

WIDTH = 80
NAMES = {"linux": "Linux", "darwin": "macOS"}


def row(one: Rule) -> dict[str, Any]:
    """One rule as plain data."""
    return {
        "code": one.code,
        "family": one.family,
        "severity": one.severity.word,
        "title": one.title,
        "means": one.means,
        "matters": one.matters,
        "remedy": one.remedy,
        "needs": list(one.needs),
        "options": dict(one.options),
        "platforms": list(one.platforms),
        "quotes": list(one.quotes),
        "fields": list(one.fields),
        "hold": hold(one),
        "known": {
            word: {"means": what.means, "remedy": what.remedy} for word, what in one.known.items()
        },
        "lint": one.lint,
    }


def page(one: Rule) -> str:
    """One rule on a page of text."""
    parts = [
        f"{one.code}  ({one.severity.word}; family {one.family})",
        "",
        *_section("What it means", one.means),
        *_section("Why it matters", one.matters),
        *_section("What to do", template(one.remedy)),
        *_section("What it quotes", template(one.detail)),
        *_section("Needs", needs(one)),
        *_section("Told", hold(one)),
    ]
    for word, what in one.known.items():
        parts += _section(f"If it says {word!r}", f"{what.means}; {what.remedy}.")
    for name, default in one.options.items():
        parts += _section("Option", f"rules.{one.code}.{name} = {default!r}")
    if one.lint:
        parts += _section("Also judged by", "`mdeinspect lint`, of a file on its own")
    if len(one.platforms) == 1:
        parts += _section("Only on", NAMES[one.platforms[0]])
    return "\n".join(parts).rstrip()


def first_sentence(text: str) -> str:
    """The first sentence of a paragraph."""
    head, stop, _ = text.partition(". ")
    return head + (stop.rstrip() or "")


def nearest(word: str, known: Sequence[str]) -> str | None:
    """The known word that looks most like `word`."""
    import difflib  # only for a word that is not known

    return next(iter(difflib.get_close_matches(word, known, 1, 0.6)), None)


def needs(one: Rule) -> str:
    """What a rule goes by, in words: sources, and fields of health."""
    sources = ", ".join(one.needs) or "nothing beyond what it speaks of"
    fields = ", ".join(name.replace("|", " or ") for name in one.fields)
    return f"{sources}; of health: {fields}" if fields else sources


def hold(one: Rule) -> str:
    """How long a finding must last before an event tells of it, in words."""
    times = {platform: one.hold.on(platform) for platform in one.platforms}
    words = {platform: length(time) if time else "at once" for platform, time in times.items()}
    same = len(set(words.values())) == 1
    said = "; ".join(
        word if same else f"{word} on {NAMES[platform]}" for platform, word in words.items()
    )
    said = said.split("; ")[0] if same else said
    if one.hold.readings > 1:
        said += f" and {one.hold.readings} readings of health"
    return said if said == "at once" else f"after {said}"


def template(text: str, mark: str = "<{}>") -> str:
    """A template with its blanks as a person marks them: {path} as <path>."""
    found = []
    for words, name, spec, _ in string.Formatter().parse(text):
        found.append(words)
        if name and not name.startswith("say_"):
            plural = f"number of {spec.removeprefix('count ')}s" if spec else name
            found.append(mark.format(plural))
    return "".join(found)


def _section(title: str, text: str) -> list[str]:
    body = textwrap.wrap(text, WIDTH - 2, break_long_words=False, break_on_hyphens=False)
    return [title, *(f"  {line}" for line in body), ""]
