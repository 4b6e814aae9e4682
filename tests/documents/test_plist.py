"""Property lists: both forms are read, and whatever is wrong with one ends in one exception."""

from __future__ import annotations

import io
import plistlib
import struct
from datetime import datetime, timedelta

import biplist
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mdeinspect import plist
from mdeinspect.documents import MAX_BYTES, MAX_DEPTH, MAX_DIGITS, MAX_NODES
from mdeinspect.errors import ParseError

HEAD = b'<?xml version="1.0" encoding="UTF-8"?>\n'
APPLE = (
    b'<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" '
    b'"http://www.apple.com/DTDs/PropertyList-1.0.dtd">\n'
)


def xml(body: bytes) -> bytes:
    return HEAD + APPLE + b'<plist version="1.0">' + body + b"</plist>\n"


def binary(*objects: bytes, top: int = 0) -> bytes:
    """A binary list made by hand of raw objects; references take two bytes."""
    body, starts = b"bplist00", []
    for raw in objects:
        starts.append(len(body))
        body += raw
    table = b"".join(struct.pack(">I", start) for start in starts)
    return body + table + struct.pack(">6xBBQQQ", 4, 2, len(starts), top, len(body))


def array(*references: int) -> bytes:
    size = struct.pack(">H", len(references))
    return b"\xaf\x11" + size + struct.pack(f">{len(references)}H", *references)


def refusal(data: bytes) -> plist.InvalidPlistException:
    with pytest.raises(plist.InvalidPlistException) as caught:
        plist.readPlistFromString(data)
    assert str(caught.value).startswith("cannot read this property list: ")
    assert len(str(caught.value)) < 300
    return caught.value


def attempt(data: bytes) -> object:
    """What came of it: any exception but a ParseError escapes, and fails the test."""
    try:
        return plist.readPlistFromString(data)
    except ParseError as error:
        return error


# --- what is read -------------------------------------------------------------------------------

FULL = {
    "text": "caf\u00e9",
    "ascii": "x",
    "whole": -7,
    "big": 2**63,
    "real": 1.5,
    "yes": True,
    "no": False,
    "list": [1, [], {}],
    "data": b"\0\1",
    "time": datetime(2026, 11, 22, 11, 4),
}


@pytest.mark.parametrize("form", [plistlib.FMT_XML, plistlib.FMT_BINARY])
def test_every_type_in_both_forms(form):
    """Both forms yield the same plain values; data is told apart from text."""
    found = plist.readPlistFromString(plistlib.dumps(FULL, fmt=form))
    assert found == FULL
    assert type(found) is dict
    assert type(found["list"][2]) is dict
    assert isinstance(found["data"], plist.Data)


def test_uids_in_the_binary_form():
    """A UID has its number under biplist's name, and equals plistlib's own."""
    data = plist.writePlistToString({"a": plist.Uid(5)})
    found = plist.readPlistFromString(data)["a"]
    assert (found.integer, int(found)) == (5, 5)
    assert found == plistlib.UID(5)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (xml(b"<dict/>"), {}),
        (b"<plist><dict></dict></plist>", {}),
        (APPLE + b"<plist><true/></plist>", True),
        (b"\n<!-- <dict><dict> --><plist><array/></plist>", []),
        (b"\xef\xbb\xbf" + xml(b"<array><integer>0x1f</integer></array>"), [31]),
        (xml(b"<string><![CDATA[<array>&]]></string>"), "<array>&"),
        (xml(b"<string>a&lt;b</string>"), "a<b"),
        (xml(b"<dict/>").decode().replace("UTF-8", "UTF-16").encode("utf-16"), {}),
        (xml(b"<array><real>inf</real></array>"), [float("inf")]),
    ],
)
def test_unusual_but_sound_xml(data, expected):
    """Byte order marks, UTF-16, comments, CDATA and hexadecimal numbers are all read."""
    assert plist.readPlistFromString(data) == expected


def test_repeated_keys_are_noted_with_their_path():
    """The last value counts, as plistlib has it; each key set again is told once."""
    inner = b"<dict><key>a</key><true/><key>a</key><false/><key>a</key><integer>3</integer></dict>"
    found, repeats = plist.read_noting_repeats(
        xml(b"<dict><key>x</key><array><true/>" + inner + b"</array></dict>")
    )
    assert found == {"x": [True, {"a": 3}]}
    assert repeats == (("x", 1, "a"),)


def test_is_binary():
    """Only the magic number decides."""
    assert plist.is_binary(plistlib.dumps({}, fmt=plistlib.FMT_BINARY))
    assert not plist.is_binary(xml(b"<dict/>"))
    assert not plist.is_binary(b"")


# --- agreement ----------------------------------------------------------------------------------

moments = st.integers(-(10**9), 10**9).map(
    lambda seconds: datetime(2001, 1, 1) + timedelta(seconds=seconds)
)
# Without surrogates, which UTF-8 and UTF-16 alike refuse to write.
texts = st.text(st.characters(exclude_categories=["Cs"]))
scalars = (
    st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | texts
    | moments
    | st.binary().map(biplist.Data)
)
trees = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(texts, inner))


def same(left: object, right: object) -> bool:
    """Equal in value, type and order; biplist's Data and ours print alike."""
    return repr(left) == repr(right)


@given(trees)
def test_reads_what_biplist_writes_as_biplist_does(value):
    """On binary lists that biplist can write and read, both see the same."""
    data = biplist.writePlistToString(value)
    assert same(plist.readPlistFromString(data), biplist.readPlistFromString(data))


@given(trees)
def test_biplist_reads_what_is_written_here(value):
    """What is written here is a binary list to biplist, with the same value."""
    data = plist.writePlistToString(value)
    assert same(biplist.readPlistFromString(data), plist.readPlistFromString(data))


xml_texts = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff")
)
xml_scalars = st.booleans() | st.integers(-(2**63), 2**63 - 1) | xml_texts | st.binary()


@given(
    st.recursive(xml_scalars, lambda inner: st.lists(inner) | st.dictionaries(xml_texts, inner)),
    st.booleans(),
)
def test_what_is_written_is_read(value, is_binary):
    """Both forms, written and read again, bring the value back."""
    assert plist.readPlistFromString(plist.writePlistToString(value, is_binary)) == value


def test_paths_and_files(tmp_path):
    """`readPlist` and `writePlist` take a path or an open file, as biplist's do."""
    path = tmp_path / "a.plist"
    plist.writePlist({"a": 1}, str(path))
    assert plist.is_binary(path.read_bytes())
    assert plist.readPlist(path) == {"a": 1}
    file = io.BytesIO()
    plist.writePlist({"a": 1}, file, binary=False)
    assert file.getvalue().startswith(b"<?xml")
    assert plist.readPlist(io.BytesIO(file.getvalue())) == {"a": 1}
    with pytest.raises(FileNotFoundError):
        plist.readPlist(tmp_path / "none.plist")


def test_a_failed_write_leaves_the_file_alone(tmp_path):
    """What cannot be written is refused before the file is touched."""
    path = tmp_path / "a.plist"
    path.write_bytes(b"before")
    loop: list[object] = []
    loop.append(loop)
    for value in ({1: 2}, {"a": object()}, 2**64):
        with pytest.raises(plist.InvalidPlistException, match=r"^cannot write"):
            plist.writePlist(value, path)
    with pytest.raises(plist.InvalidPlistException, match=r"^cannot write"):
        plist.writePlistToString(loop, binary=False)
    assert path.read_bytes() == b"before"


# --- what is refused ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "line", "words"),
    [
        (b'{"a": 1}', 1, "JSON"),
        (b" [1]", 1, "JSON"),
        (b"{ a = 1; }", 1, "OpenStep"),
        (b'{ "a" = 1; }', 1, "OpenStep"),
        (b"(a, b)", 1, "OpenStep"),
        (b"\x30\x82\x0b\x16\x06\x09", 1, "signed"),
        (b"-----BEGIN PKCS7-----", 1, "signed"),
        (b"hello", 1, "neither XML nor binary"),
        (HEAD + b"<plist><dict>", 2, "no element found"),
        (HEAD + b"\n<plist><dict></plist>", 3, "mismatched tag"),
        (HEAD + b"<plist><dict><key>a</key></dict></plist>", 2, "without a value"),
        (HEAD + b"<plist><dict><true/></dict></plist>", 2, "without a key"),
        (HEAD + b"<plist>\n<array><True/></array></plist>", 3, "a tag that"),
        (HEAD + b"<plist>\n<dict/>\n<dict/></plist>", 4, "a second value"),
        (HEAD + b"<plist><true/>\n<string>a</string></plist>", 3, "a second value"),
        (b"<html><body/></html>", 1, "a tag that"),
        (
            HEAD + b"<!DOCTYPE plist [<!ENTITY a 'b'>]><plist><string>&a;</string></plist>",
            2,
            "type",
        ),
        (HEAD + b"<!DOCTYPE p SYSTEM 'x>' [<!ELEMENT a ANY>]><plist/>", 2, "type"),
        (HEAD + b"<!ENTITY a 'b'><plist/>", 2, "type"),
    ],
)
def test_a_refusal_names_line_and_cause(data, line, words):
    """Text that is no property list is refused for what it is, with a line."""
    error = refusal(data)
    assert (error.kind, error.line) == ("malformed", line)
    assert words in str(error)


def test_entities_are_refused_in_any_encoding():
    """A document type hidden in UTF-16 declares nothing either."""
    text = '<?xml version="1.0"?><!DOCTYPE p [<!ENTITY a "b">]><plist><string>&a;</string></plist>'
    assert "document type" in str(refusal(text.encode("utf-16")))


@pytest.mark.parametrize(
    "body",
    [
        b"<integer>x</integer>",
        b"<integer></integer>",
        b"<integer>" + b"9" * 5000 + b"</integer>",
        b"<integer>0x" + b"f" * 5000 + b"</integer>",
        b"<real>x</real>",
        b"<date>yesterday</date>",
        b"<date>2026-02-31T00:00:00Z</date>",
        b"<data>a</data>",
        b"<dict><array/></dict>",
        b"<array><key>a</key></array>",
        b"<key>a</key>",
        b"</dict>",
    ],
)
def test_damaged_values_are_malformed(body):
    """plistlib raises half a dozen exceptions of its own for these; here it is one."""
    assert refusal(xml(body)).kind == "malformed"


def test_messages_never_quote_values():
    """A policy may hold secrets: what is wrong is described, not repeated."""
    for tag in (b"integer", b"real", b"date"):
        assert "s3cret" not in str(refusal(xml(b"<%b>s3cret</%b>" % (tag, tag))))
    assert "s3cret" not in str(refusal(xml(b"<dict><key>s3cret</key></dict>")))


@pytest.mark.parametrize("data", [b"", b" \n", b"\0\0\0", b"<plist/>", xml(b""), xml(b"<!-- -->")])
def test_nothing_at_all_is_empty(data):
    """No bytes, or no value between the tags, is empty, which is not malformed and not `{}`."""
    assert refusal(data).kind == "empty"


@pytest.mark.parametrize("end", range(8, 60))
def test_a_binary_list_cut_short(end):
    """A binary list cut off anywhere is refused."""
    whole = plistlib.dumps({"abc": [1, "d"], "e": 2.5}, fmt=plistlib.FMT_BINARY)
    assert refusal(whole[:end]).kind == "malformed"


@pytest.mark.parametrize(
    "data",
    [
        binary(b"\x70"),  # no such type
        binary(b"\xa1\0\5"),  # a reference to nowhere
        binary(b"\x09", top=1),
        binary(b"\x33" + struct.pack(">d", float("nan"))),
        binary(b"\x33" + struct.pack(">d", 1e300)),
        binary(b"\x8f" + b"\xff" * 16),  # a UID that is too large
        binary(b"\x51\xff"),  # ASCII that is none
        binary(b"\x61\xd8\0"),  # half a character
        binary(b"\xd1\0\1\0\2", b"\xa0", b"\x09"),  # a list as a key
        binary(b"\xd1\0\1\0\2", b"\x10\1", b"\x09"),  # a number as a key
        binary(b"\x1f" + b"\x7f" * 32768),  # an integer of 78,000 digits
        b"bplist15" + bytes(40),
        b"bplist00" + bytes(40),
        b"bplist00" + b"\xff" * 40,
    ],
)
def test_damaged_binary_lists(data):
    """Whatever is wrong inside a binary list, it is malformed."""
    assert refusal(data).kind == "malformed"


@given(st.binary())
@example(b"bplist00")
@example(b"<")
@example(b"\xff\xfe<")
@example(b"\xff\xfe\x00\xd8")
@example(b"\x00\x00\xfe\xff")
def test_no_bytes_raise_anything_but_a_parse_error(data):
    """Whatever the bytes: a value or a ParseError."""
    found = attempt(data)
    assert not isinstance(found, ParseError) or str(found).startswith("cannot")


pieces = st.sampled_from(
    [
        *(b"<plist>", b"</plist>", b"<dict>", b"</dict>", b"<array>", b"</array>", b"<array/>"),
        *(b"<key>", b"</key>", b"<string>", b"</string>", b"<integer>", b"</integer>", b"<true/>"),
        *(b"<date>", b"</date>", b"<data>", b"</data>", b"<!--", b"-->", b"<![CDATA[", b"]]>"),
        *(b"<!DOCTYPE a", b"[", b"]", b">", b"<", b"&amp;", b"&x;", b"<?", b"?>", b"\0", b"\xff"),
        *(b"a", b"1", HEAD),
    ]
)


@given(st.lists(pieces).map(b"".join))
def test_no_markup_raises_anything_but_a_parse_error(data):
    """Whatever order the pieces of an XML list come in: a value or a ParseError."""
    for document in (data, xml(data)):
        found = attempt(document)
        assert not isinstance(found, ParseError) or str(found).startswith("cannot")


WHOLE = plistlib.dumps(FULL | {"uid": plistlib.UID(300)}, fmt=plistlib.FMT_BINARY)


@given(st.lists(st.tuples(st.integers(8, len(WHOLE) - 1), st.integers(0, 255)), max_size=6))
def test_no_damage_raises_anything_but_a_parse_error(changes):
    """Whichever bytes of a binary list are changed: a value or a ParseError."""
    data = bytearray(WHOLE)
    for offset, byte in changes:
        data[offset] = byte
    found = attempt(bytes(data))
    assert not isinstance(found, ParseError) or str(found).startswith("cannot")


# --- hostile input ------------------------------------------------------------------------------


def nested(depth: int) -> bytes:
    return b"<array>" * depth + b"</array>" * depth


def test_depth_is_limited():
    """200 containers inside each other are read in either form, 201 are refused."""
    deep = plist.readPlistFromString(xml(nested(MAX_DEPTH)))
    assert plist.readPlistFromString(plist.writePlistToString(deep)) == deep
    assert refusal(xml(nested(MAX_DEPTH + 1))).kind == "too-deep"
    assert refusal(xml(nested(MAX_DEPTH + 1)).decode().encode("utf-16")).kind == "too-deep"
    assert refusal(xml(b"<array>" * 500_000)).kind == "too-deep"
    hidden = b"<array>" + b'<array a="/>">' * 250 + b"</array>" * 251
    assert refusal(xml(hidden)).kind == "too-deep"
    assert refusal(plist.writePlistToString([deep])).kind == "too-deep"
    chain = [b"\xa1" + struct.pack(">H", step + 1) for step in range(60_000)]
    assert refusal(binary(*chain, b"\x09")).kind == "too-deep"


def test_size_is_limited():
    """A byte or a value too many is too large."""
    assert refusal(b"<" * (MAX_BYTES + 1)).kind == "too-large"
    assert refusal(xml(b"<array>" + b"<true/>" * MAX_NODES + b"</array>")).kind == "too-large"
    many = binary(*[b"\x09"] * (MAX_NODES + 1))
    assert refusal(many).kind == "too-large"
    assert len(plist.readPlist(io.BytesIO(xml(b"<array>" + b"<true/>" * 9 + b"</array>")))) == 9


def test_a_container_that_holds_itself():
    """A list inside itself is refused as such; one that is merely shared is read."""
    assert "holds itself" in str(refusal(binary(array(0))))
    assert "holds itself" in str(refusal(binary(array(1), array(2, 0), b"\x09")))
    assert plist.readPlistFromString(binary(array(1, 1), array(2), b"\x09")) == [[True], [True]]


def test_a_shared_list_is_copied():
    """What the file shares is not shared in the value: changing one leaves the other."""
    first, second = plist.readPlistFromString(binary(array(1, 1), array()))
    assert first is not second


def test_few_bytes_that_unfold_without_end():
    """Sixty lists that each hold the next one twice are refused, not walked."""
    bomb = binary(*[array(step + 1, step + 1) for step in range(60)], b"\x09")
    assert len(bomb) < 1000
    assert refusal(bomb).kind == "too-large"


def test_one_long_text_in_many_places():
    """A text of a megabyte named from 60,000 places would never be written out again."""
    text = b"\x5f\x12" + struct.pack(">I", 1_000_000) + b"a" * 1_000_000
    assert refusal(binary(array(*[1] * 60_000), text)).kind == "too-large"


def test_objects_that_lie_over_each_other():
    """60,000 objects that are all the same megabyte would fill 60 gigabytes when read."""
    text = b"\x5f\x12" + struct.pack(">I", 1_000_000) + b"a" * 1_000_000
    body = b"bplist00" + text + array(*range(1, 60_001))
    table = struct.pack(">I", 8 + len(text)) + struct.pack(">I", 8) * 60_000
    trailer = struct.pack(">6xBBQQQ", 4, 2, 60_001, 0, len(body))
    assert "overlap" in str(refusal(body + table + trailer))


def test_integers_are_exact_up_to_the_limit():
    """4000 digits are kept exactly, in hexadecimal too; more are refused."""
    largest = 10**MAX_DIGITS - 1
    assert plist.readPlistFromString(xml(b"<integer>%#x</integer>" % largest)) == largest
    assert "digits" in str(refusal(xml(b"<integer>%#x</integer>" % (largest + 1))))


HOSTILE = {
    "comments": b"<!--" * 1_000_000,
    "sections": xml(b"<![CDATA[" * 400_000),
    "instructions": b"<?" * 2_000_000,
    "brackets": b"<" * 4_000_000,
    "attributes": xml(b"<dict " * 600_000),
    "document types": b"<!DOCTYPE " * 400_000,
    "openstep": b'{"' + b"a" * 4_000_000,
    "blanks": b" " * 4_000_000 + b"x",
    "hidden containers": xml(b'<array a="/>">' * 250_000),
    "keys": xml(b"<dict>" + b"<key>a</key>" * 300_000),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_input_is_refused(name):
    """Input made to be slow is refused; anything quadratic would keep this test for hours."""
    assert str(refusal(HOSTILE[name])).startswith("cannot")
