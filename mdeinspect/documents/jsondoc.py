"""Reads JSON and remembers where everything stands, which keys are repeated, and why it fails.

The standard library's parser accepts repeated keys without a word, recurses into deep input and
knows no positions. This one is a loop over one regular expression; strings with escapes are
decoded by the standard library, so that both agree to the letter.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
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
from mdeinspect.documents.json_faults import (
    AFTER_ELEMENT,
    AFTER_MEMBER,
    COLON,
    DONE,
    ELEMENT,
    FIRST_ELEMENT,
    FIRST_KEY,
    KEY,
    ROOT,
    VALUE,
    State,
    cause,
    only_comments,
    string_cause,
)
from mdeinspect.documents.json_positions import Lines, Mark, Positions
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
    positions = Positions(reader.lines, reader.root)
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
        line, column = Lines(before).at(len(before))
        problem = f"at line {line} column {column} it is not UTF-8 text; save it as UTF-8"
        message = f"cannot read this JSON: {problem}"
        raise ParseError(message, line=line, column=column) from error


# --- reading ------------------------------------------------------------------------------------


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
        self.lines = Lines(text)
        self.oddities: list[Oddity] = []
        self.firsts: dict[tuple[int, str], int] = {}
        self.start = self.at = self.count = 0
        self.state = ROOT
        self.value: Any = None
        self.root: Mark = (0, None)
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
            self.fail(*string_cause(self.text, self.start, error.pos, error.msg))
        self._string(value)

    def _string(self, value: str) -> None:
        if self.state is not KEY and self.state is not FIRST_KEY:
            self._put(value)
            return
        if value in self.marks:
            self._repeated(value)
        self.key = value
        self.key_at = self.start
        self.state = COLON

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
        self._open({}, {}, FIRST_KEY)

    def _open_array(self, _: str) -> None:
        self._open([], [], FIRST_ELEMENT)

    def _open(self, container: Any, marks: Any, state: State) -> None:
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
        self.state = KEY if self.state is AFTER_MEMBER else ELEMENT

    def _colon(self, _: str) -> None:
        self.state = VALUE

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
            self.state = AFTER_MEMBER
        else:
            self.state = DONE if self.container is None else AFTER_ELEMENT

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
        if self.state is ROOT and only_comments(self.text):
            fault, remedy = "it holds only a comment", "write at least {}, or remove it"
            self.fail(self.start, fault, remedy, kind="empty")
        if kind == "end":
            line, column = self.lines.at(self.opened)
            what = "object" if isinstance(self.container, dict) else "list"
            fault = f"the file ends inside the {what} opened at line {line} column {column}"
            self.fail(self.start, fault, "close it, or restore what was cut off")
        self.fail(*cause(self.text, self.start, kind, self.state))
