"""`mdeinspect schema`: the contract of the events, as JSON Schema."""

from __future__ import annotations

import json
from typing import get_args

import click

from mdeinspect.events import EventType


@click.command()
@click.argument("kind", metavar="[TYPE]", type=click.Choice(get_args(EventType)), required=False)
def command(kind: EventType | None) -> None:
    """JSON Schema (2020-12) of all events, or of one TYPE such as finding.raised."""
    from mdeinspect.contract import schema  # pydantic, which no other command needs for this

    found = schema.of_type(kind) if kind else schema.of_all()
    click.echo(json.dumps(found, indent=2))
