"""`mdeinspect status`: the whole answer, on one screen or as another tool wants it."""

from __future__ import annotations

import os
import sys
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from mdeinspect.cli import options
from mdeinspect.errors import MdeinspectError, UsageError
from mdeinspect.views import tools
from mdeinspect.views.outcome import exit_code

if TYPE_CHECKING:
    from mdeinspect.cli import Target
    from mdeinspect.model import Severity

WIDTH = 80  # where there is no terminal
WIDEST = 1000
TEXT = "text"
JSON = "json"
MAX_AGE = timedelta(hours=1)  # of a last report that another tool is shown


@click.command(epilog=options.EXIT_CODES)
@options.as_json
@click.option(
    "--format",
    "chosen",
    type=click.Choice([TEXT, *tools.FORMATS]),
    help="For another tool, with that tool's exit codes; --json is `json`.",
)
@click.option("--attribute", metavar="NAME", help="Which one, for jamf and intune-macos.")
@options.fail_on
@options.details
@click.option("--all", "everything", is_flag=True, help="Every setting and every source.")
@click.option("--last", is_flag=True, help="The last report of the service; nothing is inspected.")
@click.option(
    "--max-age",
    metavar="DURATION",
    callback=options.duration,
    help="Refuse an older --last report (default for another tool: 1h).",
)
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
    chosen: str | None,
    attribute: str | None,
    fail_on: Severity,
    details: bool,
    everything: bool,
    last: bool,
    max_age: timedelta | None,
    watch: bool,
    interval: int,
) -> None:
    """Which settings are in force, who governs, when SenseCM last checked in."""
    target: Target = ctx.obj
    if as_json and chosen not in (None, JSON):
        raise UsageError(f"cannot print JSON as {chosen}: leave --json or --format out")
    name = JSON if as_json else chosen or TEXT
    if last and (watch or details):
        raise UsageError("cannot look again for --last: leave --watch and --details out")
    if watch and name != TEXT:
        raise UsageError(f"cannot print {name} again and again: leave --watch out")
    if watch:
        _watch(target, fail_on, details=details, everything=everything, interval=interval)
    elif name != TEXT:
        asked = tools.Asked(fail_on, attribute)
        ctx.exit(_for_tool(target, name, asked, details=details, last=last, max_age=max_age))
    elif last:
        ctx.exit(_last(target, fail_on, everything=everything, max_age=max_age))
    else:
        found = _inspect(target, details=details)
        code = exit_code(found, fail_on)
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


# --- for another tool ---------------------------------------------------------------------------


def _for_tool(
    target: Target,
    name: str,
    asked: tools.Asked,
    *,
    details: bool,
    last: bool,
    max_age: timedelta | None,
) -> int:
    """Print one of the views of `tools`; the exit code that its reader expects."""
    view = tools.load(name)
    try:
        if last:
            limit = max_age or (None if name == JSON else MAX_AGE)
            printed = _shown_last(target, view, asked, limit)
        else:
            printed = view.show(_inspect(target, details=details), asked)
    except MdeinspectError as error:
        instead = tools.failed(view, str(error), asked)
        if instead is None:
            raise
        click.echo(f"mdeinspect: {error}", err=True)
        printed = instead
    if printed.text:
        click.echo(printed.text)
    return printed.code


def _shown_last(
    target: Target, view: tools.View, asked: tools.Asked, limit: timedelta | None
) -> tools.Printed:
    found, folder = _read_last(target, limit)
    try:
        return view.show(found, asked)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _other_version(folder) from error


# --- the last report ----------------------------------------------------------------------------


def _last(target: Target, fail_on: Severity, *, everything: bool, max_age: timedelta | None) -> int:
    """Show what the service saw last; the exit code."""
    from mdeinspect.views import words

    found, folder = _read_last(target, max_age)
    try:
        code = exit_code(found, fail_on)
        age = words.ago(found["taken_at"], _now().isoformat())
        click.echo(words.safe(f"Last report of the service, {age} ({folder})") + "\n")
        show(found, code, everything=everything)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _other_version(folder) from error
    return code


def _read_last(target: Target, limit: timedelta | None) -> tuple[dict[str, Any], str]:
    """The last report and the folder it lies in; one older than `limit` is refused."""
    from mdeinspect.cli import state
    from mdeinspect.store.last import read_report

    folder = state.folder(target)
    found = read_report(folder)
    try:
        age = _now() - datetime.fromisoformat(found["taken_at"])
    except (KeyError, TypeError, ValueError) as error:
        raise _other_version(folder) from error
    if limit is not None and age > limit:
        from mdeinspect.views import words

        raise MdeinspectError(
            f"cannot use the last report in {folder}: it is {words.length(age)} old, more than "
            f"{words.length(limit)}; see whether the service runs, or allow it with --max-age"
        )
    return found, str(folder)


def _other_version(folder: object) -> MdeinspectError:
    return MdeinspectError(
        f"cannot show the last report in {folder}: it is not as this version writes it"
    )


def _now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 -- how old a report is, seen from here


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
