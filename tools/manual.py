"""Writes a manual page for every command, from the same texts as `--help`.

`python tools/manual.py FOLDER` (`make man`). click-man makes the pages; what it leaves out (exit
codes, files) is added here.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import click
from click_man.core import generate_man_page  # type: ignore[import-untyped]

from mdeinspect import __version__
from mdeinspect.cli import cli

FILES = """\
.SH FILES
.TP
/etc/mdeinspect/config.toml
The configuration; files in conf.d/*.toml beside it add to it.
.TP
/var/lib/mdeinspect, /Library/Application Support/mdeinspect
State of the service on Linux and macOS: memory, events, the last report.
"""


def main(folder: Path) -> None:
    """Write all pages into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    # The same pages from the same sources: https://reproducible-builds.org/specs/source-date-epoch/
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    moment = datetime.fromtimestamp(int(epoch), UTC) if epoch else datetime.now(UTC)
    cli.short_help = _summary(cli)
    for context in contexts(cli, "mdeinspect"):
        name = context.command_path.replace(" ", "-")
        text = page(context, f"{moment:%Y-%m-%d}")
        (folder / f"{name}.1").write_text(text, encoding="utf-8")


def contexts(
    command: click.Command, name: str, parent: click.Context | None = None
) -> Iterator[click.Context]:
    """Every command and what is below it; ours are imported only when they are asked for."""
    context = click.Context(command, info_name=name, parent=parent)
    inner = {}
    if isinstance(command, click.Group):
        for word in command.list_commands(context):
            found = command.get_command(context, word)
            if found is not None and not found.hidden:
                found.short_help = _summary(found)
                inner[word] = found
        command.commands = inner
    yield context
    for word, found in inner.items():
        yield from contexts(found, word, context)


def page(context: click.Context, date: str) -> str:
    """One page, in the language of man(7)."""
    text: str = generate_man_page(context, version=__version__, date=date)
    text = text.replace("\b", "").rstrip("\n") + "\n"
    text = text.replace(".SH COMMANDS\n.PP\n", ".SH COMMANDS\n")
    told = context.command.epilog
    if told:
        text += f".SH EXIT STATUS\n{_plain(told.removeprefix(chr(8)).strip())}\n"
    if context.parent is None:
        return text + FILES
    return f"{text}.SH SEE ALSO\n\\fBmdeinspect\\fP(1)\n"


def _summary(command: click.Command) -> str:
    """The first paragraph of what a command says of itself, in one line, never cut short."""
    return " ".join((command.help or "").partition("\n\n")[0].split())


def _plain(text: str) -> str:
    """Text as man(7) takes it: no backslash, no line that looks like a request."""
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return re.sub(r"^(?=[.'])", r"\\&", text, flags=re.MULTILINE)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
