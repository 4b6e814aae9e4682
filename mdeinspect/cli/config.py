"""`mdeinspect config`: is the configuration right, and what does it come to?"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from mdeinspect.cli import options
from mdeinspect.cli.inspection import configuration
from mdeinspect.config import load as config_file
from mdeinspect.config.show import as_data, as_toml
from mdeinspect.privacy import mask

if TYPE_CHECKING:
    from mdeinspect.cli import Target


@click.group()
def command() -> None:
    """Check or show the configuration."""


@command.command()
@click.pass_obj
def check(target: Target) -> None:
    """Say whether the configuration can be used."""
    from mdeinspect.sinks import chosen
    from mdeinspect.store import size

    config = configuration(target)
    chosen(config.sinks)  # what only the service would stumble over
    size.parse(config.store.max_size)
    path = target.config or config_file.DEFAULT
    click.echo(f"{path}: valid" if path.exists() else f"{path}: not there, the defaults apply")


@command.command()
@options.as_json
@click.pass_obj
def show(target: Target, *, as_json: bool) -> None:
    """Print the configuration that applies, defaults included."""
    data = mask(as_data(configuration(target)))
    click.echo(json.dumps(data, indent=2) if as_json else as_toml(data), nl=as_json)
