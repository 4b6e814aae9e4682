"""`mdeinspect service`: the service where no package installed it, and how it is."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import click

from mdeinspect.cli import options, state
from mdeinspect.config.model import Config
from mdeinspect.errors import MdeinspectError, UsageError
from mdeinspect.installer import (
    InstallError,
    apply,
    full_disk_access,
    interpreter,
    linux,
    macos,
    manager,
    vitals,
)
from mdeinspect.installer.plan import Choice

if TYPE_CHECKING:
    from mdeinspect.cli import Target
    from mdeinspect.model import Platform

STATUS_CODES = """\b
Exit code: 0 it runs and gives signs of life, 1 it does not,
3 cannot tell (permission denied, or no systemd or launchd to ask)."""

dry_run = click.option("--dry-run", is_flag=True, help="Only say what would be done.")
prefix = click.option(
    "--prefix",
    metavar="DIR",
    type=click.Path(exists=True, file_okay=False, resolve_path=True),
    help="Write below DIR, as for an image, and run nothing.",
)


@click.group()
@click.pass_obj
def command(target: Target) -> None:
    """Install, remove or look at the service, where no package does that.

    For systemd and launchd. With a package, use systemctl.
    """
    if target.root is not None:
        raise UsageError("cannot install or ask a service of a recorded host; leave --root away")


@command.command()
@dry_run
@prefix
@click.option("--timer", is_flag=True, help="No daemon: one look every 15 minutes (systemd).")
@click.option("--strict", is_flag=True, help="Add strict.conf: no network (systemd; unproven).")
@click.option("--as-root", is_flag=True, help="Add root.conf: run as root (systemd).")
@click.pass_obj
def install(target: Target, /, *, dry_run: bool, prefix: str | None, **chosen: bool) -> None:
    """Install the service, enable and start it. Again: bring it up to date.

    An existing configuration is never overwritten.
    """
    platform = _platform(target)
    _may(platform, dry_run=dry_run, prefix=prefix)
    objections = interpreter.objections(interpreter.loaded(), platform)
    if objections and not (dry_run or prefix):
        raise InstallError(_refusal(objections))
    choice = Choice(command=interpreter.command(), **chosen)
    place = _place(prefix, dry_run=dry_run)
    if platform == "darwin":
        found = full_disk_access.grant(choice.command[0], place.run)
        apply.install(macos.plan(choice, found), macos.traces(), place)
    else:
        apply.install(linux.plan(choice), linux.traces(), place)
    if objections:
        click.echo(f"mdeinspect: {_refusal(objections)}", err=True)


@command.command()
@dry_run
@prefix
@click.option("--purge", is_flag=True, help="Configuration, state, logs and user as well.")
@click.pass_obj
def uninstall(target: Target, *, dry_run: bool, prefix: str | None, purge: bool) -> None:
    """Stop the service and remove what `install` wrote. Configuration and state are kept."""
    platform = _platform(target)
    _may(platform, dry_run=dry_run, prefix=prefix)
    traces = macos.traces() if platform == "darwin" else linux.traces()
    apply.uninstall(traces, _place(prefix, dry_run=dry_run), purge=purge)


@command.command(epilog=STATUS_CODES)
@options.as_json
@click.pass_context
def status(ctx: click.Context, *, as_json: bool) -> None:
    """How the service is: its unit, its last sign of life, its last report."""
    target: Target = ctx.obj
    # A person asks how old things are; nothing is decided by it.
    now = datetime.now(UTC)  # noqa: TID251
    found = vitals.look(_platform(target), state.folder(target), now, _silence(target))
    click.echo(json.dumps(found.as_data(), indent=2) if as_json else "\n".join(found.lines()))
    ctx.exit(found.exit_code)


def _place(prefix: str | None, *, dry_run: bool) -> apply.Place:
    """An image is only written to: its programs are not those of this machine."""
    return apply.Place(click.echo, prefix or "", dry_run, None if prefix else manager.run)


def _silence(target: Target) -> timedelta:
    """By the configuration; a wrong one, which `doctor` tells, hides no sign of life."""
    from mdeinspect.cli.inspection import configuration

    try:
        config = configuration(target)
    except (MdeinspectError, OSError):
        config = Config()
    return vitals.silence(config)


def _platform(target: Target) -> Platform:
    from mdeinspect.host.live import this_platform

    if target.platform not in (None, this_platform()):
        raise UsageError(f"cannot handle a service of {target.platform} on this machine")
    return this_platform()


def _may(platform: Platform, *, dry_run: bool, prefix: str | None) -> None:
    if dry_run or prefix:
        return
    if os.geteuid() != 0:
        raise UsageError("cannot change the services of this machine as this user: run with sudo")
    if platform == "linux" and not manager.booted():
        raise UsageError(
            "cannot install a service: systemd does not manage this machine; start "
            "`mdeinspect run` by the means of its own, or use --prefix for an image"
        )


def _refusal(objections: list[str]) -> str:
    several = "".join(f"\n  - {one}" for one in objections)
    return (
        "cannot let a privileged service run from this installation: who can change its files "
        f"would command the service.{several}\nInstall it where only root can write: "
        "`sudo python3 -m venv /opt/mdeinspect && sudo /opt/mdeinspect/bin/pip install mdeinspect`"
    )
