"""The command line. One module a command, imported only when it is the one that runs."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from mdeinspect import __version__
from mdeinspect.errors import ConfigError, MdeinspectError, UsageError

if TYPE_CHECKING:
    from mdeinspect.model import Platform

# Command -> the line that help shows; each lives in the module of its name.
COMMANDS: Mapping[str, str] = {
    "status": "Which settings are in force, who governs, when SenseCM checked in.",
    "check": "The same in one line and an exit code.",
    "diff": "Policy against what the agent does, setting by setting.",
    "explain": "What a finding or a setting means, and what to do.",
    "settings": "Every setting that is known.",
    "events": "What the service has told, oldest first.",
    "rules": "Every rule, with its severity.",
    "run": "The service: watch this host, tell one event for each change.",
    "service": "Install or remove the service where no package did, and see how it is.",
    "doctor": "Everything that the service needs: is it there, and what to do.",
    "config": "Check or show the configuration.",
    "demo": "A simulated host, before and after something goes wrong.",
    "completion": "Shell completion for bash, zsh or fish.",
}
CANNOT = 2
UNKNOWN = 3
DEBUG = "MDEINSPECT_DEBUG"


@dataclass(frozen=True, slots=True)
class Target:
    """The options before the command: which host, and how to look at it."""

    root: str | None = None
    platform: Platform | None = None
    config: Path | None = None
    state: Path | None = None
    mdatp: str | None = None


class Program(click.Group):
    """The group of all commands; help knows them without importing them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The commands, in the order in which people meet them."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the module of one command."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"mdeinspect.cli.{cmd_name}")
        found: click.Command = module.command
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of commands, from the table above."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; what goes wrong on purpose is one line and an exit code."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            _quiet_exit()
        except MdeinspectError as error:
            click.echo(f"mdeinspect: {error}", err=True)
            ctx.exit(CANNOT if isinstance(error, UsageError | ConfigError) else UNKNOWN)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception as error:
            if DEBUG in os.environ:
                raise
            fault = f"{type(error).__name__}: {error}".splitlines()[0]
            click.echo(f"mdeinspect: cannot go on, a fault of its own: {fault}", err=True)
            click.echo(f"Set {DEBUG}=1 to see where, and please report it.", err=True)
            ctx.exit(UNKNOWN)


def _quiet_exit() -> NoReturn:
    """The reader went away (`| head`): nothing to say, and nobody to say it to."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # noqa: TID251
    sys.exit(141)


@click.group(cls=Program, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="mdeinspect")
@click.option("--root", metavar="DIR", help="Inspect a recorded host instead of this machine.")
@click.option(
    "--platform", type=click.Choice(["linux", "darwin"]), help="The platform of a recorded host."
)
@click.option(
    "--config",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Configuration (default: /etc/mdeinspect/config.toml, if there).",
)
@click.option(
    "--state",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Where the service keeps its store.",
)
@click.option("--mdatp", metavar="PATH", help="The `mdatp` program, if in an unusual place.")
@click.pass_context
def cli(ctx: click.Context, /, **given: Any) -> None:
    """Is Microsoft Defender for Endpoint policy in force on this host?

    Only reads: never changes the agent, its files or its service.
    """
    ctx.obj = Target(**given)
