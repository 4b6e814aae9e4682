"""`mdeinspect settings`: every setting that is known."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from mdeinspect import catalogue
from mdeinspect.cli import options
from mdeinspect.views import settings_list

if TYPE_CHECKING:
    from mdeinspect.cli import Target


@click.command()
@options.as_json
@click.pass_obj
def command(target: Target, *, as_json: bool) -> None:
    """Every known setting (of one platform, with `--platform` before the command)."""
    rows = settings_list.settings_rows(catalogue.load(), target.platform)
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return
    for row in rows:
        click.echo(f"{row['key']:<64} {row['type']:<14} {', '.join(row['platforms'])}")
