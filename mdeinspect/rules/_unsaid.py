"""Whether health keeps silent on something that it should say: that is unknown, and clears none."""

from __future__ import annotations

from mdeinspect.rules import Context


def unsaid(context: Context, name: str) -> bool:
    """Whether a field is shown as not known, or was shown in earlier reports and is not now.

    An agent that never had the field says nothing of it, and is not asked.
    """
    health = context.health
    if health is None:
        return False
    field = health.get(name)
    if field is not None:
        return field.value is None
    past = context.memory.agent if context.memory else None
    return past is not None and past.form == health.form and name in past.fields
