"""Reads JSON and remembers where everything stands, which keys are repeated, and why it fails.

The standard library's parser accepts repeated keys without a word, recurses into deep input and
knows no positions. This one is a loop over one regular expression; strings with escapes are
decoded by the standard library, so that both agree to the letter.
"""

from __future__ import annotations

import bisect
import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from mdeinspect.documents import (
    EXACT_DIGITS,
    MAX_BYTES,
    MAX_DEPTH,
    MAX_DIGITS,
    MAX_NODES,
    MAX_ODDITIES,
    Document,
    Oddity,
    Path,
    capped,
)
from mdeinspect.errors import ParseError

_BOM = b"\xef\xbb\xbf"

# Every repeat is possessive or ends at a character that it cannot contain: no input makes this
# expression go back over what it has read. A quote alone opens a string that needs decoding.
_TOKEN = re.compile(
    r"""[ \t\n\r]*+(?:
        (?P<text>"[^"\\\x00-\x1f]*+")
      | (?P<comma>,)
      | (?P<colon>:)
      | (?P<object>\{)
      | (?P<close_object>\})
      | (?P<array>\[)
      | (?P<close_array>\])
      | (?P<word>true|false|null|NaN|-?Infinity)
      | (?P<number>-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?(?:[eE][-+]?[0-9]++)?)
      | (?P<quote>")
      | (?P<end>\Z)
      | (?P<other>.)
    )""",
    re.VERBOSE | re.DOTALL,
)
_DECODER = json.JSONDecoder()
_WORDS = {
    "true": True,
    "false": False,
    "null": None,
    "NaN": float("nan"),
    "Infinity": float("inf"),
    "-Infinity": float("-inf"),
}


def parse(data: bytes) -> Document:
    """The document in `data`, UTF-8 with or without a byte order mark.

    Of a repeated key the last value counts, as everywhere; each repeat is an oddity. Raises
    ParseError of kind `malformed`, `empty` (nothing, or only a comment), `too-deep` (beyond
    `MAX_DEPTH`) or `too-large` (beyond `MAX_BYTES` or `MAX_NODES`).
    """
    if len(data) > MAX_BYTES:
        problem = f"it has {len(data)} bytes, at most {MAX_BYTES} are read; make it smaller"
        raise ParseError(f"cannot read this JSON: {problem}", kind="too-large")
    text = _decode(data)
    if not text.strip():
        problem = "there is nothing in it; write at least {}, or remove it"
        raise ParseError(f"cannot read this JSON: {problem}", kind="empty")
    reader = _Reader(text)
    if data.startswith(_BOM):
        reader.note("bom", (), 0, "the file starts with a UTF-8 byte order mark")
    reader.read()
    positions = _Positions(reader.lines, reader.root)
    digest = hashlib.sha256(data).hexdigest()
    return Document(reader.value, "json", capped(reader.oddities), positions, digest)


def _decode(data: bytes) -> str:
    # JSON starts with an ASCII character, so that one NUL among the first two bytes is half of it.
    if data.startswith((b"\xff\xfe", b"\xfe\xff")) or data[:2].count(0) == 1:
        problem = "it is UTF-16 text; save it as UTF-8"
        raise ParseError(f"cannot read this JSON: {problem}", line=1, column=1)
    try:
        return data.removeprefix(_BOM).decode("utf-8")
    except UnicodeDecodeError as error:
        before = data.removeprefix(_BOM)[: error.start].decode("utf-8")
        line, column = _Lines(before).at(len(before))
        problem = f"at line {line} column {column} it is not UTF-8 text; save it as UTF-8"
        message = f"cannot read this JSON: {problem}"
        raise ParseError(message, line=line, column=column) from error


# --- where things stand -------------------------------------------------------------------------


class _Lines:
    """Turns an offset into line and column; the table is made when first asked for."""

    __slots__ = ("_starts", "_text")

    def __init__(self, text: str) -> None:
        self._text = text
        self._starts: list[int] = []

    def at(self, offset: int) -> tuple[int, int]:
        if not self._starts:
            self._starts = [0, *(found.end() for found in re.finditer("\n", self._text))]
        line = bisect.bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1


# The offset of a key or an element, and the same for what is inside it: a dict for an object, a
# list for an array, None for anything else.
_Mark = tuple[int, Any]


class _Positions(Mapping[Path, tuple[int, int]]):
    """Positions by path. Only offsets are kept while reading; the rest is worked out on demand."""

    __slots__ = ("_lines", "_root")

    def __init__(self, lines: _Lines, root: _Mark) -> None:
        self._lines = lines
        self._root = root

    def __getitem__(self, path: Path) -> tuple[int, int]:
        mark = self._root
        for step in path:
            if isinstance(mark[1], dict) and step in mark[1]:
                mark = mark[1][step]
            elif isinstance(mark[1], list) and step in range(len(mark[1])):
                mark = mark[1][int(step)]
            else:
                raise KeyError(path)
        return self._lines.at(mark[0])

    def __iter__(self) -> Iterator[Path]:
        waiting: list[tuple[Path, _Mark]] = [((), self._root)]
        while waiting:
            path, (_, inside) = waiting.pop()
            yield path
            steps = inside.items() if isinstance(inside, dict) else enumerate(inside or ())
            waiting.extend(reversed([((*path, step), mark) for step, mark in steps]))

    def __len__(self) -> int:
        return sum(1 for _ in self)


# --- reading ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class _State:
    """What may come next: the kinds of token, and how to say it to a person."""

    allows: frozenset[str]
    wanted: str


_VALUES = frozenset({"text", "quote", "word", "number", "object", "array"})
_KEYS = frozenset({"text", "quote"})
_ROOT = _State(_VALUES, "a value")
_VALUE = _State(_VALUES, "a value")
_FIRST_ELEMENT = _State(_VALUES | {"close_array"}, "a value or a closing bracket")
_ELEMENT = _State(_VALUES, "a value")
_FIRST_KEY = _State(_KEYS | {"close_object"}, "a key in double quotes or a closing brace")
_KEY = _State(_KEYS, "a key in double quotes")
_COLON = _State(frozenset({"colon"}), "a colon")
_AFTER_MEMBER = _State(frozenset({"comma", "close_object"}), "a comma or a closing brace")
_AFTER_ELEMENT = _State(frozenset({"comma", "close_array"}), "a comma or a closing bracket")
_DONE = _State(frozenset({"end"}), "the end of the file")


class _Reader:
    """One pass over the text. `container` and `marks` are what is being filled at the moment."""

    __slots__ = (
        "at",
        "container",
        "count",
        "firsts",
        "key",
        "key_at",
        "lines",
        "marks",
        "oddities",
        "opened",
        "root",
        "stack",
        "start",
        "state",
        "text",
        "value",
    )

    def __init__(self, text: str) -> None:
        self.text = text
        self.lines = _Lines(text)
        self.oddities: list[Oddity] = []
        self.firsts: dict[tuple[int, str], int] = {}
        self.start = self.at = self.count = 0
        self.state = _ROOT
        self.value: Any = None
        self.root: _Mark = (0, None)
        self.container: Any = None
        self.marks: Any = None
        self.opened = 0
        self.key = ""
        self.key_at = 0
        self.stack: list[tuple[Any, Any, int, str]] = []

    def read(self) -> None:
        """Fills `value` and `root`, or raises ParseError."""
        actions: dict[str, Callable[[str], None]] = {
            "text": self._text,
            "quote": self._quote,
            "word": self._word,
            "number": self._number,
            "object": self._open_object,
            "array": self._open_array,
            "close_object": self._close,
            "close_array": self._close,
            "comma": self._comma,
            "colon": self._colon,
        }
        text, match = self.text, _TOKEN.match
        while True:
            token = match(text, self.at)
            kind = (token and token.lastgroup) or "other"
            if token is not None:
                self.start, self.at = token.span(kind)
            if kind not in self.state.allows:
                self._refuse(kind)
            if kind == "end":
                return
            actions[kind](text[self.start : self.at])

    def note(self, kind: str, path: Path, offset: int, detail: str) -> None:
        """Remembers an oddity: at most one more than will be listed."""
        if len(self.oddities) <= MAX_ODDITIES:
            self.oddities.append(Oddity(kind, path, *self.lines.at(offset), detail))

    def fail(self, offset: int, cause: str, remedy: str, kind: str = "malformed") -> NoReturn:
        line, column = self.lines.at(offset)
        message = f"cannot read this JSON: line {line} column {column}: {cause}; {remedy}"
        raise ParseError(message, kind=kind, line=line, column=column)

    # One method for each kind of token.

    def _text(self, token: str) -> None:
        self._string(token[1:-1])

    def _quote(self, _: str) -> None:
        try:
            value, self.at = _DECODER.raw_decode(self.text, self.start)
        except json.JSONDecodeError as error:
            self.fail(*_string_cause(self.text, self.start, error.pos, error.msg))
        self._string(value)

    def _string(self, value: str) -> None:
        if self.state is not _KEY and self.state is not _FIRST_KEY:
            self._put(value)
            return
        if value in self.marks:
            self._repeated(value)
        self.key = value
        self.key_at = self.start
        self.state = _COLON

    def _repeated(self, key: str) -> None:
        if len(self.oddities) > MAX_ODDITIES:  # paths cost time, and nobody will see this one
            return
        first = self.firsts.setdefault((self.opened, key), self.marks[key][0])
        line, column = self.lines.at(first)
        detail = f"first at line {line} column {column}; the last one counts"
        self.note("duplicate-key", (*self._path(), key), self.start, detail)

    def _word(self, token: str) -> None:
        if token in ("NaN", "Infinity", "-Infinity"):
            self.note("not-a-number", self._place(), self.start, f"{token} is not valid JSON")
        self._put(_WORDS[token])

    def _number(self, token: str) -> None:
        # Beyond this length conversion is slow, printing is refused by Python, and nobody means it.
        if len(token) > MAX_DIGITS:
            self.fail(self.start, f"a number of {len(token)} characters", "shorten it")
        digits = token.lstrip("-")
        if not digits.isdigit():
            self._real(token)
            return
        if len(digits) > EXACT_DIGITS:
            detail = f"an integer of {len(digits)} digits; many programs lose the last ones"
            self.note("giant-integer", self._place(), self.start, detail)
        try:
            self._put(int(token))
        except ValueError:  # Python may be set to refuse shorter ones than it does by default
            self.fail(self.start, f"an integer of {len(digits)} digits", "shorten it")

    def _real(self, token: str) -> None:
        value = float(token)
        if value in (float("inf"), float("-inf")):
            self.note("not-a-number", self._place(), self.start, "it is too large for a number")
        self._put(value)

    def _open_object(self, _: str) -> None:
        self._open({}, {}, _FIRST_KEY)

    def _open_array(self, _: str) -> None:
        self._open([], [], _FIRST_ELEMENT)

    def _open(self, container: Any, marks: Any, state: _State) -> None:
        if len(self.stack) >= MAX_DEPTH:
            cause = f"more than {MAX_DEPTH} objects or lists inside each other"
            self.fail(self.start, cause, "flatten it", kind="too-deep")
        self._put(container, marks)
        self.stack.append((self.container, self.marks, self.opened, self.key))
        self.container, self.marks, self.opened = container, marks, self.start
        self.state = state

    def _close(self, _: str) -> None:
        self.container, self.marks, self.opened, self.key = self.stack.pop()
        self._settle()

    def _comma(self, _: str) -> None:
        self.state = _KEY if self.state is _AFTER_MEMBER else _ELEMENT

    def _colon(self, _: str) -> None:
        self.state = _VALUE

    def _put(self, value: Any, inside: Any = None) -> None:
        self.count += 1
        if self.count > MAX_NODES:
            self.fail(self.start, f"more than {MAX_NODES} values", "split it", kind="too-large")
        container = self.container
        if isinstance(container, dict):
            container[self.key] = value
            self.marks[self.key] = (self.key_at, inside)
        elif isinstance(container, list):
            container.append(value)
            self.marks.append((self.start, inside))
        else:
            self.value, self.root = value, (self.start, inside)
        self._settle()

    def _settle(self) -> None:
        """A value is complete: what comes next depends on what it is in."""
        if isinstance(self.container, dict):
            self.state = _AFTER_MEMBER
        else:
            self.state = _DONE if self.container is None else _AFTER_ELEMENT

    def _path(self) -> Path:
        """The path of the container that is being filled."""
        outer = [*self.stack[1:], (self.container, None, 0, "")]
        keys = [frame[3] for frame in outer[:-1]]
        return tuple(
            key if isinstance(frame[0], dict) else len(frame[0]) - 1
            for frame, key in zip(outer, keys, strict=False)
        )

    def _place(self) -> Path:
        """The path of the value that is about to be put."""
        if self.container is None:
            return ()
        last = self.key if isinstance(self.container, dict) else len(self.container)
        return (*self._path(), last)

    def _refuse(self, kind: str) -> NoReturn:
        if self.state is _ROOT and _only_comments(self.text):
            cause, remedy = "it holds only a comment", "write at least {}, or remove it"
            self.fail(self.start, cause, remedy, kind="empty")
        if kind == "end":
            line, column = self.lines.at(self.opened)
            what = "object" if isinstance(self.container, dict) else "list"
            cause = f"the file ends inside the {what} opened at line {line} column {column}"
            self.fail(self.start, cause, "close it, or restore what was cut off")
        self.fail(*_cause(self.text, self.start, kind, self.state))


# --- why it fails -------------------------------------------------------------------------------

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


def _only_comments(text: str) -> bool:
    """True when there is nothing but comments, of whatever language, and white space."""
    at = 0
    while found := _IGNORED.match(text, at):
        at = found.end()
    return at > 0 and not text[at:].strip()


def _cause(text: str, at: int, kind: str, state: _State) -> _Cause:
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


def _token_cause(text: str, at: int, kind: str, state: _State) -> tuple[str, str]:
    """The fault of a token that is sound in itself but stands in the wrong place."""
    closing = kind in ("close_object", "close_array")
    if state is _DONE:
        return "something follows the end of the document", "remove it, or a bracket too many"
    if closing and state in (_KEY, _ELEMENT):
        return "a trailing comma before this bracket", "remove the comma"
    if closing and state in (_AFTER_MEMBER, _AFTER_ELEMENT, _FIRST_KEY, _FIRST_ELEMENT):
        return "a bracket that does not match the one that was opened", "correct one of them"
    if kind == "comma" and state not in (_COLON, _VALUE):
        return "a comma with nothing before it", "remove it, or write what is missing"
    if state is _COLON:
        return "a colon is missing after the key", "add it"
    if state in (_AFTER_MEMBER, _AFTER_ELEMENT) and kind in _VALUES:
        return _after_value(text, at)
    return f"{state.wanted} is missing here", "write it"


def _after_value(text: str, at: int) -> tuple[str, str]:
    if text[at - 1].isalnum() and text[at].isalnum():
        return "a number or word that JSON does not know", "correct it, or put it in double quotes"
    return "a comma is missing before this", "add it"


def _other_cause(text: str, at: int, state: _State) -> _Cause:
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


def _string_cause(text: str, start: int, at: int, problem: str) -> _Cause:
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
