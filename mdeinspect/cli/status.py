"""`mdeinspect status`: the whole answer on one screen."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

import click

from mdeinspect.cli import options
from mdeinspect.cli.inspection import inspect
from mdeinspect.views.status import exit_code, line

if TYPE_CHECKING:
    from mdeinspect.cli import Target
    from mdeinspect.model import Severity

EXIT_CODES = """\b
Exit code: 0 nothing found, 1 something found, 2 cannot be used so,
3 nothing found but a needed source cannot be read."""


@click.command(epilog=EXIT_CODES)
@options.as_json
@options.fail_on
@options.details
@click.option("--all", "everything", is_flag=True, help="Every setting and every source.")
@click.option("--watch", is_flag=True, help="Look again until interrupted.")
@click.option(
    "--interval",
    type=click.IntRange(5, 3600),
    default=60,
    show_default=True,
    metavar="SECONDS",
    help="How often --watch looks.",
)
@click.pass_context
def command(
    ctx: click.Context,
    *,
    as_json: bool,
    fail_on: Severity,
    details: bool,
    everything: bool,
    watch: bool,
    interval: int,
) -> None:
    """Which settings are in force, who governs, when SenseCM last checked in."""
    target: Target = ctx.obj
    if watch:
        _watch(target, fail_on, details=details, everything=everything, interval=interval)
        return
    found = inspect(target, details=details)
    code = exit_code(found, fail_on)
    if as_json:
        click.echo(line(found))
    else:
        show(found, code, everything=everything)
    ctx.exit(code)


def show(found: dict[str, Any], code: int, *, everything: bool = False) -> None:
    """Print the screen for a status object."""
    from rich.console import Console

    from mdeinspect.views.status_text import text

    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    click.echo(text(Console(highlight=False), found, code=code, everything=everything), color=True)


def _watch(
    target: Target, fail_on: Severity, *, details: bool, everything: bool, interval: int
) -> None:
    try:
        while True:
            found = inspect(target, details=details)
            click.clear()
            show(found, exit_code(found, fail_on), everything=everything)
            time.sleep(interval)  # noqa: TID251 -- a person watches; nothing is decided by it
    except KeyboardInterrupt:
        click.echo()
