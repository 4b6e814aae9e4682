"""Property lists, XML and binary: the one module that knows them.

The names are those of biplist, for those who know it. biplist itself (1.0.3, 2017) cannot be
used: since Python 3.9 took `Data` out of plistlib it reads and writes no XML any more. So the
standard plistlib does the work, behind checks for what it lets through: it recurses, trusts the
sizes that a file claims, drops unknown tags, and raises whatever happens to go wrong.
"""

from __future__ import annotations

import codecs
import plistlib
import re
import struct
from collections.abc import Callable
from os import PathLike
from typing import Any, BinaryIO, NoReturn
from xml.parsers.expat import ErrorString, ExpatError

from mdeinspect.documents import (
    MAX_BYTES,
    MAX_DEPTH,
    MAX_DIGITS,
    MAX_NODES,
    MAX_ODDITIES,
    Path,
)
from mdeinspect.errors import ParseError

# biplist's names, kept although they are not this project's style.
# ruff: noqa: N802, N803

_MAX_TEXT = 4 * MAX_BYTES  # a binary list can name one long string from very many places
_TOO_LONG = 10**MAX_DIGITS
_AT_LINE = re.compile(r" at line (\d{1,9})\Z")
_Opener = str | bytes | PathLike[str]


class InvalidPlistException(ParseError):
    """The bytes are not a property list that can be used; `kind`, `line`, `column` as ever."""


class NotBinaryPlistException(InvalidPlistException):
    """The bytes are a property list in neither form; the message says what they look like."""


class Uid(plistlib.UID):
    """A reference inside a keyed archive."""

    @property
    def integer(self) -> int:
        """The number itself."""
        return self.data


class Data(bytes):
    """A data value, told apart from other bytes."""


def is_binary(data: bytes) -> bool:
    """True when `data` claims to be a binary property list, of whatever version."""
    return data.startswith(b"bplist")


def readPlistFromString(data: bytes) -> Any:
    """The value in `data`: dict, list, str, int, float, bool, datetime (UTC, naive), Data, Uid.

    Raises InvalidPlistException: kind `malformed`, `empty`, `too-deep` (beyond `MAX_DEPTH`) or
    `too-large` (beyond `MAX_BYTES`, or beyond `MAX_NODES` with shared values counted wherever
    they are reached). Equal keys in one dictionary: the last value counts.
    """
    return read_noting_repeats(data)[0]


def read_noting_repeats(data: bytes) -> tuple[Any, tuple[Path, ...]]:
    """As readPlistFromString, with the path of every key that its dictionary holds twice.

    Beyond `MAX_ODDITIES` paths only one more is given.
    """
    if len(data) > MAX_BYTES:
        problem = f"it has {len(data)} bytes, at most {MAX_BYTES} are read; make it smaller"
        _refuse(problem, "too-large")
    if not data.strip(b" \t\r\n\0"):
        _refuse("there is nothing in it; write an empty dictionary, or remove it", "empty")
    binary = is_binary(data)
    _guarded(_check_binary if binary else _check_xml, data)
    form = plistlib.FMT_BINARY if binary else plistlib.FMT_XML
    value = _guarded(lambda: plistlib.loads(data, fmt=form, dict_type=_NotingDict))
    if value is None and not binary:
        _refuse("there is no value in it; write an empty dictionary, or remove it", "empty")
    copier = _Copier()
    return _guarded(copier.copy, value), tuple(copier.repeated)


def readPlist(pathOrFile: _Opener | BinaryIO) -> Any:
    """As readPlistFromString, from a path or an open binary file. Raises OSError as `open` does.

    For users of biplist only: what belongs to an inspected machine is read through its host.
    """
    if isinstance(pathOrFile, str | bytes | PathLike):
        # biplist opens paths itself, and who calls this by that name expects it.
        with open(pathOrFile, "rb") as file:  # noqa: PTH123
            return readPlistFromString(file.read(MAX_BYTES + 1))
    return readPlistFromString(pathOrFile.read(MAX_BYTES + 1))


def writePlistToString(rootObject: Any, binary: bool = True) -> bytes:
    """`rootObject` as a property list, keys in the order given.

    Raises InvalidPlistException for what has no place in one: None and Uid in XML, keys that are
    not text, integers beyond 64 bits, containers that hold themselves.
    """
    form = plistlib.FMT_BINARY if binary else plistlib.FMT_XML
    try:
        return plistlib.dumps(rootObject, fmt=form, sort_keys=False)
    except Exception as error:  # plistlib has no error of its own for this
        problem = f"cannot write this property list: {str(error) or type(error).__name__}"
        raise InvalidPlistException(f"{problem}; leave out what plists cannot hold") from error


def writePlist(rootObject: Any, pathOrFile: _Opener | BinaryIO, binary: bool = True) -> None:
    """As writePlistToString, to a path or an open binary file. Raises OSError as `open` does."""
    data = writePlistToString(rootObject, binary)
    if isinstance(pathOrFile, str | bytes | PathLike):
        # See readPlist. Serialised first, so that a value that fails truncates no file.
        with open(pathOrFile, "wb") as file:  # noqa: PTH123
            file.write(data)
    else:
        pathOrFile.write(data)


# --- one error for all --------------------------------------------------------------------------


def _refuse(
    problem: str, kind: str = "malformed", line: int | None = None, column: int | None = None
) -> NoReturn:
    message = f"cannot read this property list: {problem}"
    raise InvalidPlistException(message, kind=kind, line=line, column=column)


def _guarded(read: Callable[..., Any], *arguments: Any) -> Any:
    """Calls `read`; whatever goes wrong inside becomes an InvalidPlistException."""
    try:
        return read(*arguments)
    except InvalidPlistException:
        raise
    except ExpatError as error:
        line, column = error.lineno, error.offset + 1
        problem = f"line {line} column {column}: {ErrorString(error.code)}; correct the XML there"
        _refuse(problem, line=line, column=column)
    except RecursionError:
        _too_deep()
    # Bytes that make plistlib run out of memory are a fault of the bytes, not of this program.
    except (Exception, MemoryError) as error:  # noqa: BLE001 - plistlib lets anything escape
        _refuse_damaged(error)


def _refuse_damaged(error: BaseException) -> NoReturn:
    """Takes from plistlib's message the line only: it may quote a secret, or megabytes."""
    found = _AT_LINE.search(str(error))
    if found is None:
        _refuse("a value in it is damaged; restore it, or check it with plutil -lint")
    line = int(found[1])
    _refuse(f"line {line}: a key without a value, or a value without a key; correct it", line=line)


def _too_deep() -> NoReturn:
    _refuse(f"more than {MAX_DEPTH} containers inside each other; flatten it", "too-deep")


# --- before plistlib sees it --------------------------------------------------------------------

# Comments and the like run to the end when they are never closed: nothing is scanned twice.
_MARKUP = re.compile(
    rb"<(?:!--.*?(?:-->|\Z)"
    rb"|!\[CDATA\[.*?(?:\]\]>|\Z)"
    rb"|\?.*?(?:\?>|\Z)"
    rb"|!DOCTYPE(?P<doctype>[^>]*+)"
    rb"|(?P<declaration>!)"
    rb"|(?P<close>/?)(?P<tag>[^\s<>/]*+)(?P<rest>[^<>]*+)>?)",
    re.DOTALL,
)
# Text between tags, which plistlib skips in silence; a template engine would have taken it out.
_STRAY_TEMPLATE = re.compile(rb"\s*+(?P<marker>\{[{%#]|\$\{)")
_UNRENDERED = "a template marker left unrendered; render the template before deploying it"
_CONTAINERS = (b"dict", b"array")
_TAGS = {b"plist", b"key", b"string", b"integer", b"real", b"true", b"false", b"date", b"data"}
_TAGS.update(_CONTAINERS)
_INTEGER, _UNICODE, _ARRAY, _DICT = 0x1, 0x6, 0xA, 0xD
_SIZED = (0x4, 0x5, _UNICODE, _ARRAY, _DICT)  # data, ASCII text, UTF-16 text, array, dictionary
_SIZE_FOLLOWS = 0xF
_TRAILER = 32
_OPENSTEP = re.compile(rb'\s*+(?:\(|\{\s*+(?:"[^"]*+"|[\w.$-]++)\s*+=)')


def _check_xml(data: bytes) -> None:
    """Refuses what plistlib would parse at length, or skip in silence: in one scan of the tags.

    Entities it refuses itself; a document type of one's own can declare them.
    """
    text = data.removeprefix(codecs.BOM_UTF8)
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        text = data.decode("utf-16").encode("utf-8")
    if not text.lstrip().startswith(b"<"):
        _refuse_as_foreign(text.lstrip())
    depth = roots = 0
    for found in _MARKUP.finditer(text):
        _check_markup(text, found)
        if found["tag"] is None:
            continue
        opens = not found["close"]
        roots += opens and depth == 0 and found["tag"] != b"plist"
        if found["tag"] in _CONTAINERS and not found["rest"].endswith(b"/"):
            depth += 1 if opens else -1
        if depth > MAX_DEPTH:
            _too_deep()
        if roots > 1:
            _refuse_at(text, found.start(), "a second value after the first; keep one of them")


def _check_markup(text: bytes, found: re.Match[bytes]) -> None:
    """Refuses what no property list has."""
    if found["declaration"] or b"[" in (found["doctype"] or b""):
        _refuse_at(text, found.start(), "a document type of its own; remove it")
    template = _template_at(text, found)
    if template is not None:
        _refuse_at(text, template, _UNRENDERED)
    if found["tag"] is not None and found["tag"] not in _TAGS:
        _refuse_at(text, found.start(), "a tag that property lists do not have; correct it")


def _template_at(text: bytes, found: re.Match[bytes]) -> int | None:
    """Where a template begins: with this tag, or behind it, where no text belongs."""
    tag = found["tag"]
    if tag is not None and tag.startswith(b"%"):
        return found.start()
    in_scalar = tag is None or (not found["close"] and tag not in (*_CONTAINERS, b"plist"))
    stray = None if in_scalar else _STRAY_TEMPLATE.match(text, found.end())
    return stray.start("marker") if stray else None


def _refuse_at(text: bytes, offset: int, problem: str) -> NoReturn:
    line = text.count(b"\n", 0, offset) + 1
    column = offset - text.rfind(b"\n", 0, offset)
    _refuse(f"line {line} column {column}: {problem}", line=line, column=column)


def _refuse_as_foreign(text: bytes) -> NoReturn:
    """Says what the text looks like, since it is no property list that plistlib reads."""
    if text.startswith(b"-----BEGIN") or (text[:1] == b"\x30" and text[1:2] >= b"\x80"):
        looks = "it looks signed or encrypted; give the property list inside it"
    elif _OPENSTEP.match(text):
        looks = "it is in the old OpenStep form; convert it with plutil -convert xml1"
    elif text.startswith((b"{", b"[")):
        looks = "it looks like JSON; convert it with plutil -convert xml1"
    else:
        looks = "it is neither XML nor binary; restore it"
    raise NotBinaryPlistException(f"cannot read this property list: {looks}", line=1, column=1)


def _check_binary(data: bytes) -> None:
    """Refuses objects that lie over each other: read one by one they could fill any memory."""
    if not data.startswith(b"bplist00"):
        _refuse("it is a binary form of another version; convert it with plutil -convert xml1")
    width, ref_size, count, _, table = struct.unpack(">6xBBQQQ", data[-_TRAILER:])
    if not width or table + count * width + _TRAILER > len(data):
        _refuse("it is cut off, or damaged at its end; restore it")
    if count > MAX_NODES:
        _refuse(f"more than {MAX_NODES} values; split it", "too-large")
    claimed = sum(
        _extent(data, int.from_bytes(data[start : start + width], "big"), ref_size)
        for start in range(table, table + count * width, width)
    )
    if claimed > len(data):
        _refuse("its objects overlap, or claim to be longer than the file; restore it")


def _extent(data: bytes, at: int, ref_size: int) -> int:
    """How many bytes the object at `at` claims; raises IndexError beyond the end."""
    kind, low = data[at] >> 4, data[at] & 0xF
    if kind == _INTEGER:
        return 1 << low
    if kind not in _SIZED or low < _SIZE_FOLLOWS:
        return low * _unit(kind, ref_size)
    width = 1 << (data[at + 1] & 3)
    return int.from_bytes(data[at + 2 : at + 2 + width], "big") * _unit(kind, ref_size)


def _unit(kind: int, ref_size: int) -> int:
    """Bytes for each item that an object of this kind counts."""
    return {_UNICODE: 2, _ARRAY: ref_size, _DICT: 2 * ref_size}.get(kind, 1)


# --- after plistlib has built it ----------------------------------------------------------------


class _NotingDict(dict[Any, Any]):
    """A dictionary that remembers which of its keys were set again."""

    __slots__ = ("again",)

    def __init__(self) -> None:
        super().__init__()
        self.again: dict[Any, None] = {}

    def __setitem__(self, key: Any, value: Any) -> None:
        if key in self:
            self.again[key] = None
        super().__setitem__(key, value)


class _Copier:
    """Copies into plain containers, once for every place that a value is reached from.

    Binary lists can share containers, so that few bytes unfold into very many values, and can
    even put one into itself: what comes out is a tree within the limits.
    """

    __slots__ = ("nodes", "opened", "path", "repeated", "text")

    def __init__(self) -> None:
        self.nodes = self.text = 0
        self.opened: set[int] = set()
        self.path: list[str | int] = []
        self.repeated: list[Path] = []

    def copy(self, value: Any) -> Any:
        self._count(value)
        if not isinstance(value, dict | list):
            return _scalar(value)
        self._enter(value)
        copied: Any = {} if isinstance(value, dict) else [None] * len(value)
        for step, item in value.items() if isinstance(value, dict) else enumerate(value):
            self.text += len(step) if isinstance(step, str) else 0
            self.path.append(step)
            copied[step] = self.copy(item)
            self.path.pop()
        self.opened.discard(id(value))
        return copied

    def _count(self, value: Any) -> None:
        self.nodes += 1
        self.text += len(value) if isinstance(value, str | bytes) else 0
        if self.nodes > MAX_NODES or self.text > _MAX_TEXT:
            problem = f"more than {MAX_NODES} values, or {_MAX_TEXT} characters, once unfolded"
            _refuse(f"{problem}; split it", "too-large")

    def _enter(self, value: Any) -> None:
        if id(value) in self.opened:
            _refuse("a container that holds itself; restore it")
        if len(self.opened) >= MAX_DEPTH:
            _too_deep()
        self.opened.add(id(value))
        if not isinstance(value, _NotingDict):
            return
        if not all(isinstance(key, str) for key in value):
            _refuse("a dictionary key that is not text; correct it")
        room = MAX_ODDITIES + 1 - len(self.repeated)
        self.repeated += [(*self.path, key) for key in list(value.again)[:room]]


def _scalar(value: Any) -> Any:
    if isinstance(value, bytes):
        return Data(value)
    if isinstance(value, plistlib.UID):
        return Uid(value.data)
    if isinstance(value, int) and abs(value) >= _TOO_LONG:
        _refuse(f"an integer of more than {MAX_DIGITS} digits; shorten it")
    return value
