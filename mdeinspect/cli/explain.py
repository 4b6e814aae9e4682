"""`mdeinspect explain`: what a finding, a setting or an enrolment code means."""

from __future__ import annotations

import click

from mdeinspect import catalogue, rules
from mdeinspect.catalogue import enrolment
from mdeinspect.cli import options
from mdeinspect.errors import UsageError
from mdeinspect.views import enrolment_text, rule_text, settings_list
from mdeinspect.views.outcome import line


@click.command()
@click.argument("topic", metavar="CODE|KEY|enrolment-NUMBER")
@options.as_json
def command(topic: str, *, as_json: bool) -> None:
    """What a finding's CODE or a setting's KEY means, why it matters, what to do.

    `enrolment-15` explains the MDE enrolment status 15 of the portal, `enrolment` lists them all.
    """
    one = rules.load().get(topic)
    known = catalogue.load()
    preference = known.get(topic)
    if one is not None:
        click.echo(line(rule_text.row(one)) if as_json else rule_text.page(one))
    elif preference is not None:
        row = next(r for r in settings_list.settings_rows(known, None) if r["id"] == preference.id)
        click.echo(line(row) if as_json else settings_list.preference_page(preference))
    elif topic.strip().lower() == enrolment.PREFIX.rstrip("-") and not as_json:
        click.echo(enrolment_text.listed())
    elif topic.strip().lower().startswith(enrolment.PREFIX):
        found = _enrolment(topic)
        click.echo(line(enrolment_text.row(found)) if as_json else enrolment_text.page(found))
    else:
        near = rule_text.nearest(
            topic, [*rules.load(), *known.keys("linux"), *known.keys("darwin")]
        )
        hint = f"; did you mean {near}?" if near else "; see `mdeinspect rules` and `settings`"
        raise UsageError(f"cannot explain {topic!r}: no such code or setting{hint}")


def _enrolment(topic: str) -> enrolment.Enrolment:
    number = enrolment.parse(topic)
    if number is None:
        raise UsageError(f"cannot explain {topic!r}: write a number, such as enrolment-15")
    found = enrolment.find(number)
    if found is None:
        raise UsageError(
            f"cannot explain {topic!r}: no public source has this code; "
            "`mdeinspect explain enrolment` lists those that are known"
        )
    return found
