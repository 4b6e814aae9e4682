"""`mdeinspect rules`: every rule there is."""

from __future__ import annotations

import json

import click

from mdeinspect import rules
from mdeinspect.cli import options
from mdeinspect.views import rule_text


@click.command()
@options.as_json
def command(*, as_json: bool) -> None:
    """Every rule, with its severity; `explain CODE` tells one."""
    every = sorted(rules.load().values(), key=lambda rule: (-rule.severity, rule.code))
    if as_json:
        click.echo(json.dumps([rule_text.row(one) for one in every], indent=2))
        return
    width = max(len(one.code) for one in every)
    for one in every:
        click.echo(
            f"{one.severity.word:<9} {one.code:<{width}}  {rule_text.first_sentence(one.means)}"
        )
