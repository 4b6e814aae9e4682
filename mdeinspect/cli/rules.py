"""`mdeinspect rules`: every rule there is."""

from __future__ import annotations

import json
import shutil
import textwrap

import click

from mdeinspect import rules
from mdeinspect.cli import options
from mdeinspect.views import rule_text, rules_page


@click.command()
@options.as_json
@click.option("--markdown", is_flag=True, help="The whole reference, as docs/rules.md has it.")
def command(*, as_json: bool, markdown: bool) -> None:
    """Every rule, with its severity; `explain CODE` tells one."""
    if markdown:
        click.echo(rules_page.page(rules.load(), rules.families()), nl=False)
        return
    every = sorted(rules.load().values(), key=lambda rule: (-rule.severity, rule.code))
    if as_json:
        click.echo(json.dumps([rule_text.row(one) for one in every], indent=2))
        return
    screen = max(60, shutil.get_terminal_size().columns)
    for one in every:
        head = f"{one.severity.word:<9}{one.code}"
        indent = " " * 9
        click.echo(head)
        click.echo(textwrap.indent(textwrap.fill(one.means, screen - 9), indent))
