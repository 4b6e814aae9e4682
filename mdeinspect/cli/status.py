"""`mdeinspect status`: the whole answer on one screen."""

from __future__ import annotations

import os
import sys
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from mdeinspect.cli import options
from mdeinspect.errors import MdeinspectError, UsageError
from mdeinspect.views.outcome import exit_code, line

if TYPE_CHECKING:
    from mdeinspect.cli import Target
    from mdeinspect.model import Severity

WIDTH = 80  # where there is no terminal
WIDEST = 1000


@click.command(epilog=options.EXIT_CODES)
@options.as_json
@options.fail_on
@options.details
@click.option("--all", "everything", is_flag=True, help="Every setting and every source.")
@click.option("--last", is_flag=True, help="The last report of the service; nothing is inspected.")
@click.option("--watch", is_flag=True, help="Look again until interrupted.")
@click.option(
    "--interval",
    type=click.IntRange(5, 3600),
    default=60,
    show_default=True,
    metavar="SECONDS",
    help="How often --watch looks.",
)
@click.pass_context
def command(
    ctx: click.Context,
    *,
    as_json: bool,
    fail_on: Severity,
    details: bool,
    everything: bool,
    last: bool,
    watch: bool,
    interval: int,
) -> None:
    """Which settings are in force, who governs, when SenseCM last checked in."""
    target: Target = ctx.obj
    if last:
        if watch or details:
            raise UsageError("cannot look again for --last: leave --watch and --details out")
        ctx.exit(_last(target, fail_on, as_json=as_json, everything=everything))
    if watch:
        _watch(target, fail_on, details=details, everything=everything, interval=interval)
        return
    found = _inspect(target, details=details)
    code = exit_code(found, fail_on)
    if as_json:
        click.echo(line(found))
    else:
        show(found, code, everything=everything)
    ctx.exit(code)


def show(found: dict[str, Any], code: int, *, everything: bool = False) -> None:
    """Print the screen for a status object."""
    from mdeinspect.views.status_text import text

    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    shown = text(found, code=code, everything=everything, width=_width(), colour=_colour())
    click.echo(shown, color=True)


def _width() -> int:
    """Columns of the terminal; `COLUMNS` overrides it."""
    told = os.environ.get("COLUMNS", "")
    if told.isdecimal() and int(told) > 0:
        return min(int(told), WIDEST)
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns or WIDTH
    except (OSError, ValueError):
        return WIDTH


def _colour() -> bool:
    """Whether whoever reads this wants colours: a terminal, and no word against it."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") in (None, "dumb"):
        return bool(os.environ.get("FORCE_COLOR"))
    return sys.stdout.isatty() or bool(os.environ.get("FORCE_COLOR"))


def _inspect(target: Target, *, details: bool) -> dict[str, Any]:
    from mdeinspect.cli.inspection import inspect  # half of the start, and --last has no need of it

    return inspect(target, details=details)


def _last(target: Target, fail_on: Severity, *, as_json: bool, everything: bool) -> int:
    """Print what the service saw last; the exit code."""
    from mdeinspect.cli import state
    from mdeinspect.store.last import read_report
    from mdeinspect.views import words

    folder = state.folder(target)
    found = read_report(folder)
    try:
        code = exit_code(found, fail_on)
        if as_json:
            click.echo(line(found))
            return code
        # The age is for the person; nothing is decided by it.
        now = datetime.now(UTC).isoformat()  # noqa: TID251
        age = words.ago(found["taken_at"], now)
        click.echo(words.safe(f"Last report of the service, {age} ({folder})") + "\n")
        show(found, code, everything=everything)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise MdeinspectError(
            f"cannot show the last report in {folder}: it is not as this version writes it"
        ) from error
    return code


def _watch(
    target: Target, fail_on: Severity, *, details: bool, everything: bool, interval: int
) -> None:
    try:
        while True:
            found = _inspect(target, details=details)
            click.clear()
            show(found, exit_code(found, fail_on), everything=everything)
            time.sleep(interval)  # noqa: TID251 -- a person watches; nothing is decided by it
    except KeyboardInterrupt:
        click.echo()
