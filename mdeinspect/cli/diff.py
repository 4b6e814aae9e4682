"""`mdeinspect diff`: policy against effective."""

from __future__ import annotations

import click

from mdeinspect.cli import options
from mdeinspect.cli.inspection import inspect
from mdeinspect.views import diff_text
from mdeinspect.views.outcome import line


@click.command(epilog="Exit code: 0 no difference, 1 a difference, 3 cannot tell.")
@options.as_json
@options.details
@click.option("--all", "everything", is_flag=True, help="Settings without a difference as well.")
@click.pass_context
def command(ctx: click.Context, *, as_json: bool, details: bool, everything: bool) -> None:
    """Policy (-) against what the agent does (+), and what is not in force (~)."""
    status = inspect(ctx.obj, details=details)
    found = diff_text.diff(status, everything=everything)
    if as_json:
        click.echo(line(found))
    else:
        for text in diff_text.lines(found):
            click.echo(text)
    ctx.exit(1 if diff_text.differs(found) else 3 if status["cannot_tell"] else 0)
