"""Enrolment codes of the portal, as a person reads them and as plain data."""

from __future__ import annotations

import textwrap
from typing import Any

from mdeinspect.catalogue.enrolment import PREFIX, Enrolment, codes, find

WIDTH = 80
GRADES = {
    "CERTAIN": "certain: documented for this platform",
    "ONE SOURCE": "known from one source only",
    "ASSUMED": "documented for Windows; that it means the same here is assumed",
}


def row(one: Enrolment) -> dict[str, Any]:
    """One code as plain data."""
    return {
        "code": f"{PREFIX}{one.code}",
        "means": one.means,
        "remedy": one.remedy,
        "status": one.status,
        "grade": one.grade,
        "differs": one.differs,
    }


def page(one: Enrolment) -> str:
    """One code on a page of text."""
    parts = [
        f"{PREFIX}{one.code}  (MDE enrolment status, in the portal: {one.status})",
        "",
        *_section("What it means", one.means),
        *_section("What to do", one.remedy),
        *_section("How sure that is", GRADES[one.grade]),
    ]
    if one.differs:
        parts += _section("Where sources differ", one.differs)
    return "\n".join(parts).rstrip()


def listed() -> str:
    """Every code that is known, a line each."""
    every = [one for one in map(find, codes()) if one is not None]
    lines = [f"{PREFIX}{one.code:<4} {one.means.partition('. ')[0].rstrip('.')}" for one in every]
    return "\n".join(lines)


def _section(title: str, text: str) -> list[str]:
    body = textwrap.wrap(text, WIDTH - 2, break_on_hyphens=False)
    return [title, *(f"  {line}" for line in body), ""]
