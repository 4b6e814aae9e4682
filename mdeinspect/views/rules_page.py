"""The reference of all rules, as one page of Markdown: `docs/rules.md` is made of it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mdeinspect.rules import Rule
from mdeinspect.views.rule_text import NAMES, hold, needs, template

HEAD = """\
# Rules

Made from the code by `make docs`; what stands here is what runs. `mdeinspect explain CODE` shows
the same for one rule, `mdeinspect rules --json` all of it as data.

A finding is identified by its code and its subject (`host`, `agent`, `channel:<name>`,
`file:<path>`, `key:<dotted path>[#item]`). A rule that cannot tell says so: *unknown* is neither a
finding nor its end, and clears nothing. *Told* is how long a finding must last before the service
makes an event of it; `status` shows it at once. Nothing that rests on health is told within ten
minutes of a boot or of a change of the agent's program.

Every rule can be chosen in the configuration:

```toml
[rules.unknown-key]
enabled = true                      # false: off, and what it raised is cleared
severity = "info"                   # in place of every grade that the rule gives
hold = "30m"                        # how long a finding must last before an event tells of it
only = ["key:antivirusEngine.*"]    # subjects that it counts for
except = ["key:*.info"]             # subjects that it does not count for

[[accept]]                          # one finding: listed, not counted, raised again after `until`
code = "broad-exclusion"
subject = "key:antivirusEngine.exclusions#excludedPath:/var/lib/*"
reason = "database files, ticket 1234"
until = 2027-03-31                  # through that day, UTC, by the host's clock
```

In `only`, `except` and `subject`, `*` and `?` stand for any text; a pattern that no subject can
match is an error. Where the configuration redacts, subjects are matched as they are shown: with
digests.
"""


MARK = "*{}*"  # what a blank of a template looks like; angle brackets would be HTML


def page(rules: Mapping[str, Rule], families: Mapping[str, str]) -> str:
    """Every rule: one table of defaults, then family by family."""
    every = sorted(rules.values(), key=lambda one: (one.family, one.code))
    parts = [HEAD, "## All defaults", "", *_table(every), ""]
    for family, asks in families.items():
        parts += [f"## {family}", "", asks, ""]
        for one in every:
            if one.family == family:
                parts += [*_rule(one), ""]
    return "\n".join(parts).rstrip() + "\n"


def _table(every: Sequence[Rule]) -> Iterator[str]:
    yield "| code | severity | told | options | platforms |"
    yield "|---|---|---|---|---|"
    for one in every:
        options = ", ".join(f"`{name} = {_toml(value)}`" for name, value in one.options.items())
        where = ", ".join(NAMES[platform] for platform in one.platforms)
        link = f"[{one.code}](#{one.code})"
        yield f"| {link} | {one.severity.word} | {hold(one)} | {options} | {where} |"


def _rule(one: Rule) -> Iterator[str]:
    yield f"### {one.code}"
    yield ""
    yield f"**{one.severity.word}**: {template(one.title, MARK)}"
    yield ""
    yield f"{one.means}"
    yield ""
    yield f"- *Why it matters:* {one.matters}"
    yield f"- *What to do:* {template(one.remedy, MARK)}"
    yield f"- *Evidence:* {template(one.detail, MARK)}{_facts(one)}"
    yield f"- *Needs:* {needs(one)}"
    yield f"- *Told:* {hold(one)}"
    for name, value in one.options.items():
        yield f"- *Option:* `rules.{one.code}.{name} = {_toml(value)}`"
    if len(one.platforms) == 1:
        yield f"- *Only on* {NAMES[one.platforms[0]]}"
    if one.known:
        yield ""
        yield "| it says | which means | what to do |"
        yield "|---|---|---|"
        for word, what in one.known.items():
            yield f"| `{word}` | {what.means} | {what.remedy} |"


def _facts(one: Rule) -> str:
    names = ", ".join(f"`{name}`" for name in one.quotes)
    return f" Facts: {names}." if names else ""


def _toml(value: Any) -> str:
    # JSON texts, numbers, booleans and lists of them are TOML as well.
    return json.dumps(value)
