"""`mdeinspect doctor`: what is missing for the service to do its work, and what to do about it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from mdeinspect import __version__
from mdeinspect.cli import options
from mdeinspect.doctor import SCHEMA, Result, State, exit_code, run
from mdeinspect.views import words

if TYPE_CHECKING:
    from mdeinspect.cli import Target

CODES = """\b
Exit code: 0 nothing failing (there may be warnings), 1 something failing,
2 cannot be used so, 3 nothing failing but something could not be run."""
MARKS: dict[State, str] = {
    "passing": "ok",
    "warning": "WARNING",
    "failing": "FAILING",
    "could-not-run": "not run",
}


@click.command(epilog=CODES)
@options.as_json
@click.pass_context
def command(ctx: click.Context, *, as_json: bool) -> None:
    """Everything that the service needs, one by one, and what to do where it is missing.

    Changes nothing and sends nothing. Works for a plain user, and says what it could not look at.
    """
    target: Target = ctx.obj
    results = run(**asdict(target))
    code = exit_code(results)
    if as_json:
        checks = [one.as_data() for one in results]
        found = {"schema": SCHEMA, "version": __version__, "exit": code, "checks": checks}
        click.echo(json.dumps(found, indent=2))
    else:
        click.echo("\n".join(_lines(results, code)))
    ctx.exit(code)


def _lines(results: Sequence[Result], code: int) -> list[str]:
    found = []
    for one in results:
        name = f"{one.name} {one.subject}" if one.subject else one.name
        found.append(words.safe(f"{MARKS[one.state]:8} {name}: {one.detail}"))
        if one.remedy:
            found.append(words.safe(f"{'':8}   {one.remedy}"))
    states = Counter(one.state for one in results)
    tally = ", ".join(f"{states[state]} {state}" for state in MARKS if states[state])
    return [*found, "", f"{tally} · exit {code}"]
