"""What is wrong with a JSON text, where, and what to do about it, in words for a person.

Messages name the kind of a fault and never quote values of the file.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """What may come next: the kinds of token, and how to say it to a person."""

    allows: frozenset[str]
    wanted: str


VALUES = frozenset({"text", "quote", "word", "number", "object", "array"})
KEYS = frozenset({"text", "quote"})
ROOT = State(VALUES, "a value")
VALUE = State(VALUES, "a value")
FIRST_ELEMENT = State(VALUES | {"close_array"}, "a value or a closing bracket")
ELEMENT = State(VALUES, "a value")
FIRST_KEY = State(KEYS | {"close_object"}, "a key in double quotes or a closing brace")
KEY = State(KEYS, "a key in double quotes")
COLON = State(frozenset({"colon"}), "a colon")
AFTER_MEMBER = State(frozenset({"comma", "close_object"}), "a comma or a closing brace")
AFTER_ELEMENT = State(frozenset({"comma", "close_array"}), "a comma or a closing bracket")
DONE = State(frozenset({"end"}), "the end of the file")

_TEMPLATE = ("{{", "{%", "{#", "${", "<%")
_IGNORED = re.compile(r"\s*+(?:(?://|\#)[^\n]*+|/\*.*?(?:\*/|\Z)|<!--.*?(?:-->|\Z))", re.DOTALL)
_BARE_WORD = re.compile(r"[^\W\d]\w*+")
_Cause = tuple[int, str, str]
_TEMPLATE_CAUSE = ("a template marker left unrendered", "render the template before deploying it")

_BY_START = (
    (("//", "/*", "#", "<!--"), "a comment, which JSON does not have", "remove it"),
    (("'", "\u2018", "\u2019"), "single quotes", "JSON wants double quotes"),
    (("\u201c", "\u201d"), "typographic quotes", "JSON wants straight double quotes"),
    (("<",), "this looks like XML", "a property list belongs to macOS; write JSON here"),
    (("bplist",), "this is a binary property list", "write JSON here"),
    (("\\",), "a backslash outside a string", "remove it; a shell may have left it there"),
    (("\0",), "a NUL byte", "restore the file: a crash may have cut it off"),
)
_PYTHON_WORDS = {"True": "true", "False": "false", "None": "null"}


def only_comments(text: str) -> bool:
    """True when there is nothing but comments, of whatever language, and white space."""
    at = 0
    while found := _IGNORED.match(text, at):
        at = found.end()
    return at > 0 and not text[at:].strip()


def cause(text: str, at: int, kind: str, state: State) -> _Cause:
    """Where the fault lies, what it is and what to do, for the token at `at`."""
    template = _template_at(text, at)
    if template is not None:
        return (template, *_TEMPLATE_CAUSE)
    for starts, cause, remedy in _BY_START:
        if text.startswith(starts, at):
            return at, cause, remedy
    if kind == "other":
        return _other_cause(text, at, state)
    return (at, *_token_cause(text, at, kind, state))


def _template_at(text: str, at: int) -> int | None:
    """The offset of a template marker that starts at `at`, one before it, or was left open."""
    for offset in (at, at - 1):
        if offset >= 0 and text.startswith(_TEMPLATE, offset):
            return offset
    # A quote inside {{ ... }} ends the JSON string too early, so that the fault shows later.
    line_start = text.rfind("\n", 0, at) + 1
    for opening, closing in (("{{", "}}"), ("{%", "%}")):
        found = text.rfind(opening, line_start, at)
        if found >= 0 and text.find(closing, found, at) < 0:
            return found
    return None


def _token_cause(text: str, at: int, kind: str, state: State) -> tuple[str, str]:
    """The fault of a token that is sound in itself but stands in the wrong place."""
    closing = kind in ("close_object", "close_array")
    if state is DONE:
        return "something follows the end of the document", "remove it, or a bracket too many"
    if closing and state in (KEY, ELEMENT):
        return "a trailing comma before this bracket", "remove the comma"
    if closing and state in (AFTER_MEMBER, AFTER_ELEMENT, FIRST_KEY, FIRST_ELEMENT):
        return "a bracket that does not match the one that was opened", "correct one of them"
    if kind == "comma" and state not in (COLON, VALUE):
        return "a comma with nothing before it", "remove it, or write what is missing"
    if state is COLON:
        return "a colon is missing after the key", "add it"
    if state in (AFTER_MEMBER, AFTER_ELEMENT) and kind in VALUES:
        return _after_value(text, at)
    return f"{state.wanted} is missing here", "write it"


def _after_value(text: str, at: int) -> tuple[str, str]:
    if text[at - 1].isalnum() and text[at].isalnum():
        return "a number or word that JSON does not know", "correct it, or put it in double quotes"
    return "a comma is missing before this", "add it"


def _other_cause(text: str, at: int, state: State) -> _Cause:
    """The fault of a character with which no JSON token starts."""
    word = _BARE_WORD.match(text, at)
    if word and word[0] in _PYTHON_WORDS:
        return at, f"{word[0]} is Python", f"write {_PYTHON_WORDS[word[0]]}"
    if word:
        return at, "a word without quotes", "put it in double quotes, or write true, false or null"
    character = text[at]
    if character in "+-.":
        return at, "a number that JSON does not know", "write digits on both sides of the point"
    if not character.isascii() or not character.isprintable():
        return at, f"the character U+{ord(character):04X} outside a string", "remove it"
    return at, f"{state.wanted} should stand here", "write it"


def string_cause(text: str, start: int, at: int, problem: str) -> _Cause:
    """The fault inside the string that starts at `start`, from the standard library's words."""
    template = _template_at(text, start)
    if template is not None:
        return (template, *_TEMPLATE_CAUSE)
    if problem.startswith("Invalid control character"):
        if text[at] in "\r\n":
            return at, "a line break inside a string", "close the string, or write \\n"
        return at, f"the raw control character U+{ord(text[at]):04X} in a string", "escape it"
    if problem.startswith("Unterminated"):
        return start, "a string without its closing quote", "close it"
    remedy = "remove the backslash, which a shell here-document may have left, or write two"
    return at, "a backslash escape that JSON does not know", remedy
