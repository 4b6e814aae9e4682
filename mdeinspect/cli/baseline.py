"""`mdeinspect baseline`: the settings that are wanted, and what differs from them."""

from __future__ import annotations

import contextlib
import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mdeinspect import catalogue
from mdeinspect.cli import options
from mdeinspect.cli.inspection import configuration, look
from mdeinspect.cli.wanted import place_of_pin
from mdeinspect.config.baseline_chosen import baseline_of
from mdeinspect.config.model import BaselineConfig, Privacy
from mdeinspect.errors import ConfigError, UsageError
from mdeinspect.privacy import mask, redact
from mdeinspect.views import baseline_text
from mdeinspect.views.outcome import line
from mdeinspect.views.status import status

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mdeinspect.baseline import Baseline
    from mdeinspect.catalogue import Preference
    from mdeinspect.cli import Target
    from mdeinspect.config.model import Config
    from mdeinspect.model import Report, SettingState

# What differs from host to host, and so is no baseline.
_OWN = frozenset({"tags", "ids"})

_file = click.option(
    "--file",
    "name",
    metavar="FILE",
    help="The baseline: a TOML or JSON file, or the word `recommended`.",
)


@click.group(epilog="Exit code: 0 as wanted, 1 something differs, 2 no baseline, 3 cannot tell.")
def command() -> None:
    """The settings that the organisation wants, and what differs from them.

    The baseline is the one named with --file, else the one of the configuration (baseline.file),
    else the one that was pinned on this machine.
    """


@command.command()
@click.option("--file", "name", metavar="FILE", help="Where to write it (JSON).")
@click.option("--force", is_flag=True, help="Replace a file that is there.")
@options.details
@click.pass_obj
def pin(target: Target, *, name: str | None, force: bool, details: bool) -> None:
    """Make this host, as it is now, the baseline.

    What policy sets counts as policy sets it, all else as the agent shows it. Tags and ids are
    left out, and so is what holds a password.
    """
    from mdeinspect.config import baseline_file

    path = Path(name) if name else place_of_pin(target)
    if path.suffix != ".json":
        raise UsageError(f"cannot pin to {path}: a pinned baseline is JSON; name it FILE.json")
    if path.exists() and not force:
        raise UsageError(f"cannot pin to {path}: it is there; replace it with --force")
    found = _report(target, configuration(target), details=details)
    settings = dict(_pinned(found))
    if not settings:
        raise UsageError("cannot pin this host: neither a policy nor the agent shows any setting")
    baseline_file.write(path, {found.host.platform: settings}, make_folder=name is None)
    click.echo(f"{path}: {len(settings)} settings")


@command.command()
@_file
@options.as_json
@click.pass_obj
def show(target: Target, *, name: str | None, as_json: bool) -> None:
    """Print the baseline that applies."""
    found = _chosen(target, name)[1]
    platforms = (target.platform,) if target.platform else catalogue.PLATFORMS
    shown = {one: mask(found.on(one)) for one in platforms if found.on(one)}
    if as_json:
        click.echo(json.dumps({"baseline": found.name, **shown}, indent=2, sort_keys=True))
        return
    click.echo(f"# {found.name}")
    for platform, settings in shown.items():
        click.echo(f"[{platform}]")
        for key, value in sorted(settings.items()):
            click.echo(f"{json.dumps(key)} = {json.dumps(value)}")


@command.command(
    epilog="Exit code: 0 as wanted, 1 something differs, 2 no baseline, 3 cannot tell."
)
@_file
@options.as_json
@options.details
@click.option("--all", "everything", is_flag=True, help="Settings as wanted as well.")
@click.pass_context
def diff(
    ctx: click.Context, *, name: str | None, as_json: bool, details: bool, everything: bool
) -> None:
    """The baseline (=) against policy (-) and the agent (+)."""
    config, baseline = _chosen(ctx.obj, name)
    report = _report(ctx.obj, config, details=details)
    plain = status(report)
    found = {
        "schema": baseline_text.SCHEMA,
        "taken_at": plain["taken_at"],
        "host": plain["host"],
        "baseline": baseline.name,
        "settings": _rows(config, report),
    }
    if as_json:
        click.echo(line(found))
    else:
        for text in baseline_text.lines(found, everything=everything):
            click.echo(text)
    ctx.exit(1 if baseline_text.differs(found) else 3 if plain["cannot_tell"] else 0)


@command.command()
@click.option("--file", "name", metavar="FILE", help="The pinned baseline, where it was named.")
@click.pass_obj
def clear(target: Target, *, name: str | None) -> None:
    """Remove the pinned baseline. One that the configuration names stays."""
    from mdeinspect.baseline import parse
    from mdeinspect.config import baseline_file

    path = Path(name) if name else place_of_pin(target)
    if not path.exists():
        click.echo(f"{path}: not there")
        return
    parse(
        baseline_file.load(str(path)), catalogue.load(), str(path)
    )  # nothing else is ever removed
    baseline_file.remove(path)
    click.echo(f"{path}: removed")


def _chosen(target: Target, name: str | None) -> tuple[Config, Baseline]:
    config = configuration(target)
    if name:
        from mdeinspect.config import baseline_file

        config = replace(config, baseline=BaselineConfig(name, baseline_file.load(name)))
    found = baseline_of(config)
    if found.empty:
        raise UsageError(
            "cannot compare without a baseline; name one with --file (for instance "
            "`--file recommended`), in the configuration, or make one with `baseline pin`"
        )
    return config, found


def _report(target: Target, config: Config, *, details: bool) -> Report:
    """The report with the values as they are: digests could not be compared, nor pinned."""
    return look(target, replace(config, privacy=Privacy()), details=details)


def _pinned(found: Report) -> Iterator[tuple[str, Any]]:
    """The settings worth keeping; a value that no baseline may have is a mistake of the policy."""
    from mdeinspect.baseline import parse

    known, platform = catalogue.load(), found.host.platform
    for row in found.settings:
        preference = known.find(row.key, platform)
        value = row.effective if row.policy is None else row.policy
        if preference is None or value is None or not _lasting(preference, row, found):
            continue
        with contextlib.suppress(ConfigError):
            parse({platform: {row.key: value}}, known, "this host")
            if mask(value) == value:
                yield row.key, value


def _lasting(preference: Preference, row: SettingState, found: Report) -> bool:
    """Whether a setting is worth keeping: not one of this host alone, nor one that is going."""
    managed = preference.managed(found.host.platform) and not preference.deprecated
    return managed and preference.sensitivity not in _OWN and row.verdict != "foreign"


def _rows(config: Config, found: Report) -> list[dict[str, Any]]:
    from mdeinspect.rules._baseline import wanted

    rows = {row.key: row for row in found.settings}
    every = wanted(config.baseline, catalogue.load(), found.host.platform, rows)
    known = found.authority.channel != "unknown"
    return [_row(one, config, known=known) for one in every]


def _row(one: Any, config: Config, *, known: bool) -> dict[str, Any]:
    row = one.row
    values = (one.value, row.policy if row else None, row.effective if row else None)
    if one.preference.sensitivity in config.privacy.redact:
        values = tuple(map(redact, values))
    wanted, policy, effective = (mask(value) for value in values)
    return {
        "key": one.key,
        "wanted": wanted,
        "policy": policy,
        "effective": effective,
        "channel": row.channel if row and known else None,
        "verdict": row.verdict if row else "unobservable",
        "observed_in": list(row.observed_in) if row else [],
        "state": baseline_text.state(one.policy, one.effective),
    }
