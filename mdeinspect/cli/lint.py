"""`mdeinspect lint`: what is wrong with policy files, before they are deployed."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mdeinspect import catalogue, rules
from mdeinspect.catalogue import version_key
from mdeinspect.cli import options
from mdeinspect.config import load as config_file
from mdeinspect.errors import Unreadable, UsageError
from mdeinspect.host import MAX_FILE
from mdeinspect.host.named import read_named
from mdeinspect.lint import Given, Judge, lint
from mdeinspect.views.lint import lines, lint_object
from mdeinspect.views.outcome import exit_code, line

if TYPE_CHECKING:
    from mdeinspect.cli import Target
    from mdeinspect.model import Platform, Severity

STDIN = "<stdin>"


def _version(_ctx: click.Context, _param: click.Parameter, text: str | None) -> str | None:
    if text is not None and version_key(text) is None:
        raise UsageError(f"cannot lint for version {text!r}: write it as 101.25082.0003")
    return text


@click.command(epilog=options.EXIT_CODES)
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
@click.option(
    "--platform",
    type=click.Choice(["linux", "darwin"]),
    help="What the files are meant for (default: property lists for darwin, JSON for linux).",
)
@click.option(
    "--for-version",
    metavar="X",
    callback=_version,
    help="The version of the agent that the files are meant for.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "sarif"]),
    default=None,
    help="How to print what is found (default: text).",
)
@options.as_json
@options.fail_on
@click.pass_context
def command(
    ctx: click.Context,
    *,
    files: tuple[str, ...],
    platform: Platform | None,
    for_version: str | None,
    form: str | None,
    as_json: bool,
    fail_on: Severity,
) -> None:
    """What is wrong with policy files, before they are deployed. `-` is standard input.

    Takes the JSON of Linux, property lists and profiles. Only the configuration that is named
    with --config counts; nothing of this machine does.
    """
    target: Target = ctx.obj
    form = _form(form, as_json=as_json)
    if target.root is not None:
        raise UsageError("cannot lint below a --root: name the files themselves")
    by = _judge(target, platform, for_version)
    linted = [lint(_given(name), by) for name in dict.fromkeys(files)]
    found = lint_object(linted)
    _print(found, form)
    ctx.exit(exit_code(found, fail_on))


def _form(form: str | None, *, as_json: bool) -> str:
    if as_json and form not in (None, "json"):
        raise UsageError(f"cannot print --json as {form}: leave one of them out")
    return "json" if as_json else form or "text"


def _judge(target: Target, platform: Platform | None, version: str | None) -> Judge:
    config = config_file.load(target.config)
    rules.validate(config)
    return Judge(
        config=config,
        catalogue=catalogue.load(),
        rules=tuple(rules.load().values()),
        now=datetime.now(UTC),  # noqa: TID251 -- only ends acceptances; no host has a clock here
        platform=platform or target.platform,
        version=version,
    )


def _given(name: str) -> Given:
    try:
        return Given(name, read_named(name)) if name != "-" else Given(STDIN, _stdin())
    except Unreadable as error:
        return Given(STDIN if name == "-" else name, kind=error.kind, reason=str(error))


def _stdin() -> bytes:
    try:
        return sys.stdin.buffer.read(MAX_FILE + 1)
    except (OSError, AttributeError) as error:  # a folder, or closed
        raise Unreadable("cannot read standard input: there is none to read", kind="io") from error


def _print(found: dict[str, Any], form: str) -> None:
    if form == "json":
        click.echo(line(found))
    elif form == "sarif":
        from mdeinspect.views.sarif import sarif

        click.echo(line(sarif(found["findings"], rules.load(), **_about(found))))
    else:
        for text in lines(found):
            click.echo(text)


def _about(found: dict[str, Any]) -> dict[str, Any]:
    """Where the files lie, and what was not to be read."""
    reasons = [file["reason"] for file in found["files"] if file["state"] == "broken"]
    return {"base": str(Path.cwd()), "cannot_tell": reasons}
