"""Events whose texts, lists and values are as bad as a policy file can make them."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from contract_check import HOST, STREAM
from mdeinspect.events import Event, Evidence, native
from mdeinspect.model import Severity
from played import examples
from support import NOW

BAD = ["\x00", "\x1b[2J", "\u202e", "\ud800", "\udfff\ud800", "\u2028", '"\\', "😀", "é", "\n"]
TEXT = st.builds(
    lambda text, bad, times: (text + bad) * times,
    st.text(st.characters(codec=None), max_size=12),
    st.sampled_from(["", *BAD]),
    st.sampled_from([1, 1, 1, 40, 700]),
)
SCALAR = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from([10**400, -(2**63), 2**63, 1e308])
    | TEXT
)
VALUE = st.recursive(
    SCALAR,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)
HUGE = st.builds(lambda value, times: [value] * times, VALUE, st.sampled_from([30, 300]))
DEEP = st.builds(lambda value, depth: _deep(value, depth), SCALAR, st.sampled_from([30, 150, 400]))
ANY = VALUE | HUGE | DEEP
_FREE = frozenset({"value", "old", "new", "policy", "effective"})
# Texts that come from the host; all others have a form that the contract fixes.
_PROSE = frozenset({"title", "detail", "remedy", "reason", "managed_by", "file", "source", "key"})


def _deep(value: Any, depth: int) -> Any:
    for number in range(depth):
        value = [value] if number % 2 else {"in": value}
    return value


@st.composite
def events(draw: st.DrawFn, *, forms: bool = True) -> dict[str, Any]:
    """The native object of a real event, with anything from outside in place of its own.

    Without `forms`, texts whose form the contract fixes stay as they are.
    """
    real = draw(st.sampled_from(sorted(examples().values(), key=lambda one: str(one["type"]))))
    event = Event(
        type=real["type"],
        time=NOW,
        severity=draw(st.sampled_from(list(Severity))),
        data=_spoiled(draw, real["data"], forms=forms),
        code=real.get("code"),
        subject=draw(st.builds("file:{}".format, TEXT)) if "subject" in real else None,
        because=real.get("because"),
        evidence=tuple(
            Evidence("health", draw(TEXT), NOW) for _ in range(draw(st.sampled_from([0, 1, 60])))
        ),
    )
    return native(event, stream=STREAM, seq=draw(st.integers(1, 2**53)), host=HOST)


def _spoiled(draw: st.DrawFn, value: Any, name: str = "", *, forms: bool) -> Any:
    if name in _FREE:
        return draw(ANY)
    if name == "facts":
        return draw(st.dictionaries(TEXT, ANY, max_size=4))
    if isinstance(value, dict):
        return {key: _spoiled(draw, inner, key, forms=forms) for key, inner in value.items()}
    if isinstance(value, list) and value:
        times = draw(st.sampled_from([1, 1, 40]))
        return [_spoiled(draw, one, forms=forms) for one in value[:1]] * times
    if isinstance(value, str) and (forms or name in _PROSE) and draw(st.booleans()):
        return draw(TEXT)
    return value
