"""`mdeinspect check`: one line and an exit code."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from mdeinspect.cli import options
from mdeinspect.cli.inspection import inspect
from mdeinspect.views.check_line import check_line
from mdeinspect.views.outcome import exit_code, line

if TYPE_CHECKING:
    from mdeinspect.model import Severity


@click.command(epilog=options.EXIT_CODES)
@options.as_json
@options.fail_on
@options.details
@click.pass_context
def command(ctx: click.Context, *, as_json: bool, fail_on: Severity, details: bool) -> None:
    """The worst of what is found in one line, and an exit code."""
    found = inspect(ctx.obj, details=details)
    code = exit_code(found, fail_on)
    click.echo(line(found) if as_json else check_line(found, code))
    ctx.exit(code)
