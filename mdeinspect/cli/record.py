"""`mdeinspect record`: a support bundle that is a recorded host as well."""

from __future__ import annotations

import contextlib
import os
import platform
import secrets
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mdeinspect import __version__, catalogue
from mdeinspect.errors import MdeinspectError, UsageError
from mdeinspect.record.redaction import CATEGORIES

if TYPE_CHECKING:
    from datetime import datetime

    from mdeinspect.cli import Target
    from mdeinspect.config.model import Config
    from mdeinspect.record.bundle import Member

MAX_EVENTS = 500
MODE = 0o600


@click.command()
@click.argument("out", metavar="OUT.tar.gz", type=click.Path(path_type=Path))
@click.option("--no-redact", is_flag=True, help="Include exclusions, tags and ids as they are.")
@click.option(
    "--include",
    multiple=True,
    type=click.Choice(CATEGORIES),
    help="Include one of them as it is; may be repeated.",
)
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--force", is_flag=True, help="Replace the file, should there be one.")
@click.pass_obj
def command(
    target: Target, out: Path, *, no_redact: bool, include: tuple[str, ...], yes: bool, force: bool
) -> None:
    """Write what an inspection of this host sees into a file, for support.

    The file is a recorded host: `mdeinspect --root OUT.tar.gz status` inspects it. Exclusions,
    tags and ids are replaced by stand-ins, the same for the same value. Passwords in URLs and
    onboarding data are never in it.
    """
    _check(out, force=force)
    included = frozenset(CATEGORIES if no_redact else include)
    found, now = _collect(target, included)
    _list(found, included)
    if not yes and sys.stdin.isatty() and not click.confirm(f"Write {out}?"):
        raise MdeinspectError(f"cannot write {out}: not confirmed")
    from mdeinspect.record.bundle import packed

    data = packed(found, now)
    _write(out, data, force=force)
    click.echo(f"{out}: {len(data):,} bytes, readable by its owner alone")
    click.echo(f"mdeinspect --root {out} status", err=True)


def _collect(target: Target, include: frozenset[str]) -> tuple[list[Member], datetime]:
    """Inspect the host and put together what the bundle holds."""
    from mdeinspect.cli.inspection import configuration, open_host
    from mdeinspect.inspect import Plan, take
    from mdeinspect.record.bundle import members
    from mdeinspect.record.recorder import Recorder
    from mdeinspect.record.redaction import Redactor

    config = configuration(target)
    recorder = Recorder(open_host(target, config))
    plan = Plan(details=True, client_analyzer=config.paths.client_analyzer)
    snapshot = take(recorder, plan)
    if snapshot.host.program:
        with contextlib.suppress(MdeinspectError):  # then it is not there to be seen either
            recorder.stat(snapshot.host.program)
    now = snapshot.taken_at
    if config.paths.client_analyzer:
        recorder.seen.move_analyzed(config.paths.client_analyzer, now, config.checkin.late)
    redactor = Redactor(snapshot, catalogue.load(), secrets.token_bytes(16), include)
    own = _own(target, config, include)
    return members(recorder.seen, snapshot.host, now, redactor, own), now


def _own(target: Target, config: Config, include: frozenset[str]) -> dict[str, str]:
    """Texts about mdeinspect itself: version, configuration, newest events."""
    import json

    from mdeinspect.config.show import as_data, as_toml
    from mdeinspect.privacy import mask

    about = {
        "version": __version__,
        "python": platform.python_version(),
        "system": platform.platform(),
        "user": "root" if os.geteuid() == 0 else "not root",
        "redacted": sorted(set(CATEGORIES) - include),
    }
    texts = {
        "about.json": json.dumps(about, indent=1) + "\n",
        "config.toml": as_toml(mask(as_data(config))),
    }
    try:
        texts["events.ndjson"] = _events(target)
    except MdeinspectError as error:
        texts["events.txt"] = f"{error}\n"
    return texts


def _events(target: Target) -> str:
    """The newest events that the service told."""
    from mdeinspect.cli import state
    from mdeinspect.store.reader import Reader

    with Reader(state.folder(target)) as reader:
        lines = reader.after(max(0, reader.last_seq() - MAX_EVENTS), MAX_EVENTS)
    return "".join(f"{one.line}\n" for one in lines)


def _list(found: list[Member], include: frozenset[str]) -> None:
    """Show what the bundle holds, before it is written."""
    from mdeinspect.views import words

    hidden = ", ".join(one for one in CATEGORIES if one not in include) or "none of these"
    click.echo(f"The bundle holds (replaced by stand-ins: {hidden}; passwords never travel):\n")
    for one in found:
        if not one.folder:
            what = f"-> {one.target}" if one.target is not None else f"{len(one.data):,}"
            note = f"  ({one.note})" if one.note else ""
            click.echo(words.safe(f"{what:>12}  {one.name}{note}"))
    click.echo()


# --- the file -----------------------------------------------------------------------------------


def _check(out: Path, *, force: bool) -> None:
    """Refuse what cannot be written before anything is asked of the host."""
    if not out.name.endswith((".tar.gz", ".tgz")):
        raise UsageError(f"cannot write {out}: name it something.tar.gz")
    if not out.parent.is_dir():
        raise UsageError(f"cannot write {out}: there is no folder {out.parent}")
    if os.path.lexists(out) and not force:
        raise UsageError(f"cannot write {out}: it is there already; name another, or --force")


def _write(out: Path, data: bytes, *, force: bool) -> None:
    """Write the file whole or not at all, for its owner alone. Never through a link."""
    draft = out.with_name(f".{out.name}.{secrets.token_hex(4)}")
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        # Our own file, not one of the inspected machine.
        with os.fdopen(os.open(draft, flags, MODE), "wb") as file:  # noqa: TID251
            os.fchmod(file.fileno(), MODE)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if force:
            draft.replace(out)
        else:
            os.link(draft, out)  # fails where something has come there meanwhile
    except OSError as error:
        raise MdeinspectError(f"cannot write {out}: {error.strerror or error}") from error
    finally:
        draft.unlink(missing_ok=True)
