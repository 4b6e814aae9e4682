"""`mdeinspect explain`: what a finding or a setting means."""

from __future__ import annotations

import click

from mdeinspect import catalogue, rules
from mdeinspect.cli import options
from mdeinspect.errors import UsageError
from mdeinspect.views import rule_text, settings_list
from mdeinspect.views.outcome import line


@click.command()
@click.argument("topic", metavar="CODE|KEY")
@options.as_json
def command(topic: str, *, as_json: bool) -> None:
    """What a finding's CODE or a setting's KEY means, why it matters, what to do."""
    one = rules.load().get(topic)
    known = catalogue.load()
    preference = known.get(topic)
    if one is not None:
        click.echo(line(rule_text.row(one)) if as_json else rule_text.page(one))
    elif preference is not None:
        row = next(r for r in settings_list.settings_rows(known, None) if r["id"] == preference.id)
        click.echo(line(row) if as_json else settings_list.preference_page(preference))
    else:
        near = rule_text.nearest(
            topic, [*rules.load(), *known.keys("linux"), *known.keys("darwin")]
        )
        hint = f"; did you mean {near}?" if near else "; see `mdeinspect rules` and `settings`"
        raise UsageError(f"cannot explain {topic!r}: no such code or setting{hint}")
