"""Do the policy files ask for less protection than the agent gives by itself?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mdeinspect.catalogue import Preference, same_value
from mdeinspect.model import Severity
from mdeinspect.rules import Context, Outcome, rule
from mdeinspect.rules._files import Flaw, judge, lookup, shortened, written
from mdeinspect.rules.protection import LEVEL_KEYS

THREATS = "antivirusEngine.threatTypeSettings"


@rule(
    "weak-setting",
    Severity.LOW,
    title="{subject} is set to {value}, which is weaker than the default",
    detail="{file} ({channel}) sets {subject} to {value}. {impact}",
    remedy="Leave the key out, or set it to what the recommended profile has, unless there is a "
    "reason; accept the finding with that reason then.",
    means="A policy sets what protects less than the documented default does. A weak value that is "
    "the default as well is not told: the policy changes nothing by it. Where the default is "
    "disputed, only what is weaker than all that is stated is told, and where none is known, "
    "nothing. Files that are not in force are not looked at. Whether real-time protection is on "
    "is told by rules of its own on a host, and here, as info, of a file alone.",
    matters="Nobody sees it on the host: the agent calls itself healthy.",
    lint=True,
)
def weak_setting(context: Context) -> Iterator[Outcome]:
    """One finding for each setting, and for each kind of threat that is switched off."""
    yield from judge(context, _weak(context))


def _weak(context: Context) -> Iterator[Flaw]:
    for file in written(context):
        if file.in_force is False:
            continue  # what nobody applies makes nothing weaker
        for key, one in context.catalogue.keys(context.platform).items():
            path = tuple(key.split("."))
            value = lookup(file, path)
            severity = _severity(key, one, value, context)
            if severity is not None:
                yield Flaw(file, path, severity, {"value": value, "impact": one.impact})
            if key == THREATS and isinstance(value, list):
                for index, threat in enumerate(value):
                    if isinstance(threat, Mapping) and threat.get("value") == "off":
                        what = shortened(str(threat.get("key")))
                        facts = {"value": f"off for {what}", "impact": one.impact}
                        yield Flaw(file, (*path, index), Severity.LOW, facts, what)


def _severity(key: str, one: Preference, value: Any, context: Context) -> Severity | None:
    """How bad it is that policy sets this; None when it is not weak, or not weaker."""
    if not any(same_value(value, weak) for weak in one.weak_values):
        return None
    if key in LEVEL_KEYS:
        return Severity.INFO if context.alone else None
    stated = [default.value for default in one.defaults[context.platform]]
    weaker = all(_weaker(one, value, default, context) for default in stated)
    return Severity.LOW if stated and weaker else None


def _weaker(one: Preference, value: Any, default: Any, context: Context) -> bool:
    """Whether `value`, which is weak, protects less than `default`."""
    if same_value(value, default):
        return False
    if not any(same_value(default, weak) for weak in one.weak_values):
        return True
    order = one.allowed(context.platform)  # where several are weak, from the weakest up
    return value in order and default in order and order.index(value) < order.index(default)
