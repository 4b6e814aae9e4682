"""Reads policy files in JSON: mdatp_managed.json, mdeattach_managed.json, wdavcfg.

{"antivirusEngine": {"enforcementLevel": "real_time"}, "cloudService": {"enabled": true}}
"""

from __future__ import annotations

from mdeinspect.documents import Document, jsondoc
from mdeinspect.errors import ParseError

_NAMES = {list: "a list", str: "a text", bool: "true or false", type(None): "null"}


def parse(data: bytes) -> Document:
    """The policy in `data`; `value` is always a dict, `{}` for a policy that sets nothing.

    Raises ParseError as `jsondoc.parse` does, and kind `malformed` where the root is no object:
    that would set nothing, and not by intention.
    """
    document = jsondoc.parse(data)
    if isinstance(document.value, dict):
        return document
    line, column = document.position(()) or (1, 1)
    found = _NAMES.get(type(document.value), "a number")
    problem = f"line {line} column {column}: it is {found}, not an object; write {{...}}"
    raise ParseError(f"cannot use this policy: {problem}", line=line, column=column)
