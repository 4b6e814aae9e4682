"""`mdeinspect schema`: the contracts of events and status, as JSON Schema."""

from __future__ import annotations

import json
from typing import Any, cast, get_args

import click

from mdeinspect.events import EventType

STATUS = "status"
KINDS = (*get_args(EventType), STATUS)


@click.command()
@click.argument("kind", metavar="[TYPE]", type=click.Choice(KINDS), required=False)
def command(kind: str | None) -> None:
    """JSON Schema (2020-12) of all events, of one TYPE such as finding.raised, or of `status`."""
    click.echo(json.dumps(_schema(kind), indent=2))


def _schema(kind: str | None) -> dict[str, Any]:
    from mdeinspect.contract import schema  # pydantic, which no other command needs for this

    if kind == STATUS:
        return schema.of_status()
    return schema.of_type(cast("EventType", kind)) if kind else schema.of_all()
