"""`mdeinspect completion`: what a shell needs to complete our commands."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def command(ctx: click.Context, shell: str) -> None:
    """Print the completion script of a shell: `eval "$(mdeinspect completion bash)"`."""
    kind = get_completion_class(shell)
    if kind is None:
        raise click.UsageError(f"cannot complete for {shell}")
    root = ctx.find_root()
    completion = kind(root.command, {}, "mdeinspect", "_MDEINSPECT_COMPLETE")
    variables = completion.source_vars()
    click.echo(completion.source_template % variables)
