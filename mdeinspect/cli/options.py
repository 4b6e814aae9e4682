"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import click

from mdeinspect.severity import Severity

F = TypeVar("F", bound=Callable[..., object])

EXIT_CODES = """\b
Exit code: 0 nothing found, 1 something found, 2 cannot be used so,
3 nothing found but a needed source cannot be read."""

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
details = click.option(
    "--details", is_flag=True, help="Ask the agent for its optional views as well."
)


def _severity(_ctx: click.Context, _param: click.Parameter, word: str) -> Severity:
    return Severity.of(word)


fail_on: Callable[[F], F] = click.option(
    "--fail-on",
    type=click.Choice([severity.word for severity in Severity]),
    default="medium",
    show_default=True,
    callback=_severity,
    help="The lowest severity that makes the exit code 1.",
)
