"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
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


def duration(_ctx: click.Context, _param: click.Parameter, text: str | None) -> timedelta | None:
    """A length of time such as `90s` or `2h`; None when it is not given."""
    if text is None:
        return None
    from mdeinspect.config.model import Duration

    try:
        return Duration.of(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


fail_on: Callable[[F], F] = click.option(
    "--fail-on",
    type=click.Choice([severity.word for severity in Severity]),
    default="medium",
    show_default=True,
    callback=_severity,
    help="The lowest severity that makes the exit code 1.",
)
