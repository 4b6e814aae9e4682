"""`mdeinspect demo`: what this program is for, on a host that does not exist."""

from __future__ import annotations

import tempfile
import textwrap
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mdeinspect.cli.inspection import inspect
from mdeinspect.cli.status import show
from mdeinspect.host.live import this_platform
from mdeinspect.model import Severity
from mdeinspect.simulator import demo, scenarios
from mdeinspect.views.outcome import exit_code

if TYPE_CHECKING:
    from mdeinspect.cli import Target
    from mdeinspect.model import Platform

STORIES = ("mde-attach-shadows", "protection-off", "checkin-stale", "config-tool-overwrites")
WIDTH = 80


@click.command()
@click.option("--scenario", metavar="NAME", help="Only this one (see --list).")
@click.option("--list", "only_list", is_flag=True, help="List the scenarios.")
@click.option("--keep", metavar="DIR", help="Keep the simulated host in this folder.")
@click.option("--platform", type=click.Choice(["linux", "darwin"]), help="Which platform to play.")
@click.pass_obj
def command(
    target: Target,
    *,
    scenario: str | None,
    only_list: bool,
    keep: str | None,
    platform: Platform | None,
) -> None:
    """A simulated host before and after something goes wrong."""
    chosen = platform or target.platform or this_platform()
    if only_list:
        for name in scenarios.names(chosen):
            click.echo(f"{name:<24} {scenarios.SCENARIOS[name].title}")
        return
    known = scenarios.names(chosen)
    stories = (scenario,) if scenario else tuple(name for name in STORIES if name in known)
    with tempfile.TemporaryDirectory(prefix="mdeinspect-demo-") as scratch:
        for name in stories:
            folder = Path(keep or scratch) / name
            _play(replace(target, root=str(folder), platform=chosen, config=None), name, folder)
    if keep:
        click.echo(f"The simulated host is kept: mdeinspect --root {folder} status")


def _play(target: Target, name: str, folder: Path) -> None:
    for headline, _ in demo.steps(name, target.platform or "linux", folder):
        text = textwrap.fill(f"SIMULATED HOST, {name}. {headline}", WIDTH)
        click.echo(click.style(text, bold=True))
        click.echo()
        found = inspect(target)
        show(found, exit_code(found, Severity.MEDIUM))
        click.echo()
