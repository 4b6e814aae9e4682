"""`mdeinspect events`: what the service has told, as far as it is kept."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, get_args

import click

from mdeinspect.cli import options, state
from mdeinspect.config.model import Duration
from mdeinspect.events import EventType
from mdeinspect.store.reader import Line, Reader
from mdeinspect.views import words

if TYPE_CHECKING:
    from mdeinspect.cli import Target

POLL = 1.0  # seconds between two looks of --follow


def _since(_ctx: click.Context, _param: click.Parameter, text: str | None) -> datetime | None:
    """A moment, or a duration before the present one."""
    if text is None:
        return None
    try:
        # A person asks for "the last hour"; nothing is decided by it.
        return datetime.now(UTC) - Duration.of(text)  # noqa: TID251
    except OverflowError:
        return None
    except ValueError:
        pass
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise click.BadParameter('write "90s", "15m", "4h" or "7d", or "2026-11-22T11:04:00Z"')
    return moment


@click.command()
@click.option(
    "--since",
    callback=_since,
    metavar="WHEN",
    help='Not older than "4h" or "7d", or than a time such as 2026-11-22T11:04:00Z.',
)
@click.option(
    "--type", "types", type=click.Choice(get_args(EventType)), multiple=True, help="Only of a type."
)
@click.option("--code", "codes", metavar="CODE", multiple=True, help="Only about a finding.")
@click.option("--follow", is_flag=True, help="Go on with new events until interrupted.")
@options.as_json
@click.pass_obj
def command(
    target: Target,
    *,
    since: datetime | None,
    types: Sequence[str],
    codes: Sequence[str],
    follow: bool,
    as_json: bool,
) -> None:
    """The events of the service that are still kept, oldest first."""
    reader = Reader(state.folder(target))
    wanted = {"since": since, "types": types, "codes": codes}
    try:
        stream, last = reader.stream(), 0
        last = _print(reader, last, wanted, as_json=as_json)
        while follow:
            time.sleep(POLL)  # noqa: TID251 -- a person watches
            if stream != (stream := reader.stream()):
                last = 0  # another store: its numbers start anew
            last = _print(reader, last, wanted, as_json=as_json)
    except KeyboardInterrupt:
        pass  # how a person ends --follow
    finally:
        reader.close()


def _print(reader: Reader, after: int, wanted: dict[str, Any], *, as_json: bool) -> int:
    """Print what is new after a number; the number of the last event that was looked at."""
    end = reader.last_seq()
    for lines in reader.pages(after=after, **wanted):
        click.echo("\n".join(one.line if as_json else _text(one) for one in lines))
        after = lines[-1].seq
    return max(after, end)


def _text(one: Line) -> str:
    """An event as one line for a person."""
    found = words.safe(json.loads(one.line))
    title = found["data"].get("title")
    parts = [found.get("code"), found.get("subject"), found.get("because"), title]
    told = "  ".join(part for part in parts if isinstance(part, str))
    moment = f"{one.time[:10]} {one.time[11:19]} UTC"
    return f"{moment}  {one.severity.word:<8}  {one.type:<17}  {told}".rstrip()
