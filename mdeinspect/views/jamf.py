"""`status --format jamf --attribute NAME`: a computer extension attribute of Jamf Pro.

Jamf Pro stores the text between `<result>` and `</result>`, and nothing else that a script prints
(learn.jamf.com, "Computer Extension Attributes" and "Extension Attribute Input Types"). The data
type is String, Integer or Date (`YYYY-MM-DD hh:mm:ss`, here UTC).

    <result>on</result>

What is not known is the word `unknown` in a String, and an empty result in an Integer or a Date,
which can hold no word; so it is when the host could not be inspected. Always ends with 0.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from mdeinspect.views import words
from mdeinspect.views.attributes import Attribute, Value, find
from mdeinspect.views.tools import Asked, Printed

UNKNOWN = "unknown"
MAX_TEXT = 1000
MARKUP = str.maketrans("<>&", "___")  # whether entities are decoded is not documented


def show(found: dict[str, Any], asked: Asked) -> Printed:
    """One attribute as its result; raises `UsageError` for one that does not exist."""
    attribute = find(asked.attribute)
    return _result(_text(attribute, attribute.value(found, asked)))


def failed(message: str, asked: Asked) -> Printed:
    """Nothing is known of a host that could not be inspected; why is told on standard error."""
    del message
    return _result(_text(find(asked.attribute), None))


def _text(attribute: Attribute, value: Value) -> str:
    if value is None:
        return UNKNOWN if attribute.kind == "text" else ""
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}"
    return str(words.safe(str(value)))[:MAX_TEXT].translate(MARKUP)


def _result(text: str) -> Printed:
    return Printed(f"<result>{text}</result>")
