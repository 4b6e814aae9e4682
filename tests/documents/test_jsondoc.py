"""The JSON reader: agrees with the standard library, and says what that one keeps to itself."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mdeinspect.documents import (
    MAX_BYTES,
    MAX_DEPTH,
    MAX_DIGITS,
    MAX_NODES,
    MAX_ODDITIES,
    Document,
    Oddity,
    jsondoc,
    policyjson,
)
from mdeinspect.errors import ParseError

SAMPLES = Path(__file__).parents[2] / ".." / "shared" / "samples" / "managed"
needs_samples = pytest.mark.skipif(not SAMPLES.is_dir(), reason="the shared samples are not here")


def refusal(data: str | bytes, parse=jsondoc.parse) -> ParseError:
    with pytest.raises(ParseError) as caught:
        parse(data.encode() if isinstance(data, str) else data)
    message = str(caught.value)
    assert message.startswith("cannot")
    assert len(message) < 300
    return caught.value


def kinds(document: Document) -> list[str]:
    return [oddity.kind for oddity in document.oddities]


# --- agreement with the standard library --------------------------------------------------------

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(10**18), 10**18)
    | st.floats(allow_nan=False)
    | st.text(st.characters())
)
values = st.recursive(
    scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters()), inner)
)
pieces = st.sampled_from(
    [
        *(
            "{",
            "}",
            "[",
            "]",
            ",",
            ":",
            '"',
            '"a"',
            '"\\u00e9"',
            '"\\ud800"',
            '"\\n"',
            '"\\$"',
            "\\",
        ),
        *("0", "-0", "-", "1", "01", "1.5", "1.", ".5", "1e5", "1E-2", "1e", "-1.0e+3", "1e999"),
        *("true", "false", "null", "NaN", "Infinity", "-Infinity", "nul", "True", "a"),
        *(" ", "\n", "\t", "\r", "\v", "\u00a0", "\u2028", "\x00", "é", "//", "/* */", "{{", "{%"),
    ]
)


def attempt(data: bytes, parse=jsondoc.parse) -> Document | ParseError:
    """What came of it: any other exception escapes, and fails the test."""
    try:
        return parse(data)
    except ParseError as error:
        return error


def same(left: object, right: object) -> bool:
    """Equal and of equal types and order all the way down, NaN included: repr shows it all."""
    return repr(left) == repr(right)


@given(values, st.sampled_from([None, 0, 1, "\t"]), st.booleans())
def test_reads_whatever_json_writes(value, indent, ascii_only):
    """What `json.dumps` wrote, in any layout, comes back as `json.loads` would return it."""
    data = json.dumps(value, indent=indent, ensure_ascii=ascii_only).encode(errors="replace")
    assert same(jsondoc.parse(data).value, json.loads(data))


@given(st.lists(pieces, max_size=14).map("".join))
@example('{"a":1,"b":2,"a":3}')
@example("[1e999,-1e999]")
@example("-")
@example('{"\\u0061":{},"a":[]}')
def test_accepts_and_refuses_what_json_does(text):
    """On any text, valid or not: the same value, or a refusal where `json.loads` refuses."""
    try:
        expected = json.loads(text)
    except ValueError:
        refusal(text)
    else:
        assert same(jsondoc.parse(text.encode()).value, expected)


@given(st.binary())
@example(b"\xef\xbb")
@example(b"\xff\xfe{\0}\0")
@example(b"\xed\xa0\x80")
def test_no_bytes_raise_anything_but_a_parse_error(data):
    """Whatever the bytes: a document or a ParseError, with line and column in step."""
    found = attempt(data)
    if isinstance(found, Document):
        assert found.digest == hashlib.sha256(data).hexdigest()
    else:
        assert found.kind in ("malformed", "empty", "too-deep", "too-large")
        assert (found.line is None) == (found.column is None)


# --- positions ----------------------------------------------------------------------------------


def test_positions_of_keys_and_elements():
    """Keys stand where their quote opens, elements where they start; lines and columns from 1."""
    document = jsondoc.parse(b'{\n  "a": {"b": [10,\n 20, {"c": 0}]},\n  "\xc3\xa9": 1, "d": 2\n}')
    assert dict(document.positions) == {
        (): (1, 1),
        ("a",): (2, 3),
        ("a", "b"): (2, 9),
        ("a", "b", 0): (2, 15),
        ("a", "b", 1): (3, 2),
        ("a", "b", 2): (3, 6),
        ("a", "b", 2, "c"): (3, 7),
        ("é",): (4, 3),
        ("d",): (4, 11),
    }
    assert len(document.positions) == 9


@pytest.mark.parametrize("path", [("b",), (0,), ("a", 1), ("a", -1), ("a", "b"), ("a", 0, 0)])
def test_no_position_for_what_is_not_there(path):
    """A path that leads nowhere has no position, and asking is no error."""
    assert jsondoc.parse(b'{"a": [1]}').position(path) is None


def test_positions_count_from_after_the_byte_order_mark():
    """An editor does not show the mark, so that it takes no column."""
    assert jsondoc.parse(b'\xef\xbb\xbf{"a": 1}').position(("a",)) == (1, 2)


@given(values)
def test_every_value_has_a_position(value):
    """Each key and each element of any document can be found, in the order of the file."""
    text = json.dumps(value, indent=1)
    lines = text.split("\n")
    positions = jsondoc.parse(text.encode()).positions
    assert list(positions.values()) == sorted(positions.values())
    for path, (line, column) in positions.items():
        if path and isinstance(path[-1], str):
            assert lines[line - 1][column - 1 :].startswith(json.dumps(path[-1]))


# --- oddities -----------------------------------------------------------------------------------


def test_each_repeated_key_is_told_with_its_first_place():
    """The last value counts and has the position; every repeat names the very first one."""
    document = jsondoc.parse(b'{"a": 1,\n "a": 2,\n "\\u0061": 3}')
    assert document.value == {"a": 3}
    assert document.position(("a",)) == (3, 2)
    detail = "first at line 1 column 2; the last one counts"
    assert document.oddities == (
        Oddity("duplicate-key", ("a",), 2, 2, detail),
        Oddity("duplicate-key", ("a",), 3, 2, detail),
    )


def test_repeated_keys_know_their_path():
    """The path leads through lists and objects to the key; equal keys elsewhere are no repeat."""
    document = jsondoc.parse(b'{"x": [{"k": 0}, {"k": [1, {"p": 1, "p": 2}], "k": {"q": 1}}]}')
    found = [oddity.path for oddity in document.oddities]
    assert found == [("x", 1, "k", 1, "p"), ("x", 1, "k")]
    assert document.position(("x", 1, "k", "q")) is not None
    assert document.position(("x", 1, "k", 1)) is None


@pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_what_is_not_a_number_is_told(word):
    """Literals that JSON does not have, and numbers beyond any double, are read and told."""
    (oddity,) = jsondoc.parse(f'{{"a": [0, {word}]}}'.encode()).oddities
    assert (oddity.kind, oddity.path) == ("not-a-number", ("a", 1))
    assert (oddity.line, oddity.column) == (1, 11)


def test_giant_integers_are_exact_and_told():
    """Up to 19 digits nothing is said, up to 4000 the value is exact, beyond it is refused."""
    assert kinds(jsondoc.parse(b"-" + b"9" * 19)) == []
    document = jsondoc.parse(b'{"a": ' + b"9" * MAX_DIGITS + b"}")
    assert document.value == {"a": 10**MAX_DIGITS - 1}
    assert [(o.kind, o.path) for o in document.oddities] == [("giant-integer", ("a",))]
    assert refusal("9" * (MAX_DIGITS + 1)).kind == "malformed"


def test_the_byte_order_mark_is_told():
    """A UTF-8 byte order mark is accepted once, and is an oddity of the root."""
    document = jsondoc.parse(b"\xef\xbb\xbf{}")
    assert [(o.kind, o.path, o.line, o.column) for o in document.oddities] == [("bom", (), 1, 1)]
    assert refusal(b"\xef\xbb\xbf\xef\xbb\xbf{}").kind == "malformed"


def test_a_flood_of_oddities_is_cut():
    """However many there are, a bounded number is listed, and that there are more is told."""
    document = jsondoc.parse(b"{" + b'"a":1,' * (MAX_ODDITIES + 5) + b'"a":2}')
    assert len(document.oddities) == MAX_ODDITIES + 1
    assert kinds(document)[-1] == "more"
    exactly = jsondoc.parse(b"{" + b'"a":1,' * MAX_ODDITIES + b'"a":2}')
    assert kinds(exactly) == ["duplicate-key"] * MAX_ODDITIES


def test_lone_surrogates_are_kept():
    """An escape that is half a character is kept as Python keeps it."""
    assert jsondoc.parse(b'["\\ud800"]').value == ["\ud800"]


# --- refusals -----------------------------------------------------------------------------------

CAUSES = [
    ('{"a": 1,}', 1, 9, "trailing comma"),
    ("[1,\n]", 2, 1, "trailing comma"),
    ('{"a": 1\n "b": 2}', 2, 2, "comma is missing"),
    ("[1 2]", 1, 4, "comma is missing"),
    ('{"a" 1}', 1, 6, "colon is missing"),
    ('{"a": }', 1, 7, "value is missing"),
    ('{"a": ,}', 1, 7, "value is missing"),
    ("[1,,2]", 1, 4, "comma with nothing before it"),
    ("{'a': 1}", 1, 2, "single quotes"),
    ("{\u201ca\u201d: 1}", 1, 2, "typographic quotes"),
    ('{"a": {{ x }}}', 1, 7, "template marker left unrendered"),
    ('{"a": "{{ f("x") }}"}', 1, 8, "template marker left unrendered"),
    ("[\n{% for x in y %}\n]", 2, 1, "template marker left unrendered"),
    ('{"a": ${X}}', 1, 7, "template marker left unrendered"),
    ('{"a": 1} // why', 1, 10, "comment"),
    ('{"a": 1, /* why */ "b": 2}', 1, 10, "comment"),
    ("# why\n{}", 1, 1, "comment"),
    ('{"a": True}', 1, 7, "True is Python"),
    ('{"a": yes}', 1, 7, "word without quotes"),
    ("{a: 1}", 1, 2, "word without quotes"),
    ("[01]", 1, 3, "number or word"),
    ("[.5]", 1, 2, "number"),
    ("[-]", 1, 2, "number"),
    ('{"\\$type": 1}', 1, 3, "backslash escape"),
    ('{\\"a": 1}', 1, 2, "backslash outside a string"),
    ('["a\nb"]', 1, 4, "line break inside a string"),
    ('["\t"]', 1, 3, "control character U+0009"),
    ('["a', 1, 2, "without its closing quote"),
    ('{"a": [1, 2', 1, 12, "inside the list opened at line 1 column 7"),
    ('\n{"a": 1', 2, 8, "inside the object opened at line 2 column 1"),
    ('{"a": 1]', 1, 8, "does not match"),
    ("{}}", 1, 3, "follows the end"),
    ("{} {}", 1, 4, "follows the end"),
    ("[\u00a01]", 1, 2, "U+00A0"),
    ("\0\0\0\0", 1, 1, "NUL byte"),
    ("<?xml version='1.0'?>", 1, 1, "XML"),
    ("bplist00\0", 1, 1, "binary property list"),
]


@pytest.mark.parametrize(("text", "line", "column", "cause"), CAUSES)
def test_a_refusal_names_place_and_cause(text, line, column, cause):
    """The message says where, what it is in words that a person knows, and what to do."""
    error = refusal(text)
    assert (error.kind, error.line, error.column) == ("malformed", line, column)
    assert cause in str(error)
    assert f"line {line} column {column}" in str(error)
    assert ";" in str(error)


@pytest.mark.parametrize("data", [b"", b" \r\n\t", b"\xef\xbb\xbf", b"\xef\xbb\xbf\n"])
def test_nothing_at_all_is_empty(data):
    """A file with nothing in it is empty, which is not malformed and not `{}`."""
    assert refusal(data).kind == "empty"


@pytest.mark.parametrize("text", ["// later", "\n# a\n# b\n", "/* x */\n", "<!-- x -->", "/* x"])
def test_only_a_comment_is_empty_and_says_so(text):
    """A placeholder that holds only comments is empty, and the message says why."""
    error = refusal(text)
    assert error.kind == "empty"
    assert "only a comment" in str(error)


@pytest.mark.parametrize("codec", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf_16_is_named(codec):
    """UTF-16, with or without its mark, is refused by its name."""
    error = refusal('{"a": 1}'.encode(codec))
    assert error.kind == "malformed"
    assert "UTF-16" in str(error)


def test_latin_1_is_refused_where_it_stands():
    """Bytes that are not UTF-8 are refused with the place of the first."""
    error = refusal(b'{"a": "x",\n"\xc3\xa9\xe9": 1}')
    assert (error.kind, error.line, error.column) == ("malformed", 2, 3)
    assert "UTF-8" in str(error)


def test_messages_never_quote_values():
    """A policy may hold secrets: what is wrong is described, not repeated."""
    for text in ['{"proxy": s3cret}', '{"proxy": "s3cret', '{"proxy": "s3cret" x}']:
        assert "s3cret" not in str(refusal(text))


# --- hostile input ------------------------------------------------------------------------------


def test_depth_is_limited_where_it_is_exceeded():
    """200 containers inside each other are read; the bracket of the 201st is refused."""
    assert jsondoc.parse(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH).value
    error = refusal("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1))
    assert (error.kind, error.column) == ("too-deep", MAX_DEPTH + 1)
    assert refusal('{"a":' * (MAX_DEPTH + 1)).kind == "too-deep"


def test_size_is_limited():
    """A byte or a value too many is too large, whatever it says."""
    assert refusal(b" " * (MAX_BYTES + 1)).kind == "too-large"
    assert refusal(b"[" + b"0," * MAX_NODES + b"0]").kind == "too-large"
    assert len(jsondoc.parse(b"[" + b"0," * (MAX_NODES - 2) + b"0]").value) == MAX_NODES - 1


HOSTILE = {
    "open brackets": b"[" * 1_000_000,
    "open objects": b'{"a":' * 800_000,
    "commas": b"," * 1_000_000,
    "commas in a list": b"[" + b"," * 1_000_000,
    "unterminated string": b'"' + b"a" * 4_000_000,
    "unterminated escapes": b'"' + b"\\n" * 2_000_000,
    "digits": b"1" * 4_000_000,
    "decimals": b"1." + b"1" * 4_000_000,
    "quotes": b'"' * 4_000_000,
    "open comments": b"/*" * 2_000_000,
    "open markup": b"<!--" * 1_000_000,
    "comment lines": b"#\n" * 1_000_000,
    "blanks": b" " * 4_000_000 + b"x",
    "template markers": b'["' + b"{{" * 2_000_000 + b'" 1]',
    "repeats deep down": b'{"a":' * 199 + b"{" + b'"a":1,' * 200_000 + b"x",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_input_is_refused(name):
    """Input made to be slow is refused; anything quadratic would keep this test for hours."""
    refusal(HOSTILE[name])


# --- policies -----------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["[]", '"x"', "null", "0", "true", "1.5"])
def test_a_policy_is_an_object(text):
    """Valid JSON that is no object is no policy, and is refused with its place."""
    error = refusal("\n " + text, policyjson.parse)
    assert (error.kind, error.line, error.column) == ("malformed", 2, 2)
    assert "not an object" in str(error)


def test_an_empty_policy_is_a_policy():
    """`{}`, which the portal writes when nothing is assigned, is read as it is."""
    document = policyjson.parse(b"{}\n")
    assert (document.value, document.form, document.oddities) == ({}, "json", ())


@given(st.binary() | st.lists(pieces, max_size=10).map(lambda found: "".join(found).encode()))
def test_no_bytes_make_a_policy_of_another_shape(data):
    """Whatever the bytes: a dictionary or a ParseError."""
    found = attempt(data, policyjson.parse)
    assert isinstance(found, ParseError) or isinstance(found.value, dict)


# --- real files ---------------------------------------------------------------------------------

LEARN = "linux/TRANSCRIBED-microsoft-learn"

# name, number of repeated keys, some settings
READABLE = [
    (
        "linux/bushmeats-gsidevops.mdatp_managed.json",
        0,
        {
            ("antivirusEngine", "scanResultsRetentionDays"): "90",
            ("antivirusEngine", "exclusions", 2, "path"): "/sys/",
            ("edr", "tags", 0, "value"): "MDE-Management",
        },
    ),
    (
        "linux/jimmymuzza-ansible.mdatp_managed.json",
        0,
        {
            ("antivirusEngine", "scanArchives"): False,
            ("antivirusEngine", "threatTypeSettings", 0, "value"): "audit",
        },
    ),
    (
        "linux/thiagofborn-ff-mdatp.mdatp_managed.json",
        0,
        {
            ("antivirusEngine", "allowedThreats", 0): "EICAR-Test-File (not a virus)",
            ("antivirusEngine", "exclusions", 5, "name"): "cat",
        },
    ),
    (
        "linux/gdiddy74-testdownload.mdatp_managed.json",
        0,
        {
            ("antivirusEngine", "passiveMode"): False,
            ("antivirusEngine", "exclusions", 1, "path"): "/home",
        },
    ),
    (
        "linux/ogulcanozugenc-itg.mdatp_managed.json",
        0,
        {
            ("antivirusEngine", "enforcementLevel"): "real_time",
            ("antivirusEngine", "enableRealTimeProtection"): True,
            ("antivirusEngine", "exclusions", 13, "name"): "cat",
        },
    ),
    (
        "linux/dgibbs64-ansible-role-mdatp.mdatp_managed.json.j2.example",
        0,
        {("antivirusEngine", "passiveMode"): True, ("cloudService", "enabled"): True},
    ),
    (
        "linux/microsoft-mdatp-xplat-configs.mdatp_managed.json",
        43,
        {
            ("antivirusEngine", "unmonitoredFilesystems", 0): "Fuse",
            ("exclusionSettings", "exclusions", 0, "scopes", 1): "global",
            ("networkProtection", "disableIcmpInspection"): True,
        },
    ),
    (
        f"{LEARN}-linux-preferences-2026-07-02-full.mdatp_managed.json",
        0,
        {
            ("antivirusEngine", "unmonitoredFilesystems"): ["nfs,fuse"],
            ("exclusionSettings", "mergePolicy"): "admin_only",
        },
    ),
    (
        f"{LEARN}-schedule-antivirus-scans-linux-2026-09-10.mdatp_managed.json",
        0,
        {("scheduledScan", "weeklyConfiguration", "dayOfWeek"): 7},
    ),
    (
        "linux/TRANSCRIBED-rhel9-install-script-heredoc.mdatp_managed.json",
        0,
        {("cloudService",): "prod", ("behaviorMonitoring",): "enabled"},
    ),
    (
        "macos/TRANSCRIBED-meerkat-doc-snippet-wrong-type.json",
        0,
        {("antivirusEngine", "exclusions", 0, "$type"): "folder"},
    ),
    (
        "macos/skiptotheendpoint-openintunebaseline.intune-settings-catalog.json",
        0,
        {("platforms",): "macOS", ("settingCount",): 19},
    ),
]

# name, kind, line, words of the message
UNREADABLE = [
    ("linux/ravindras93-placeholder.mdatp_managed.json", "empty", 1, "only a comment"),
    ("linux/juju4-ansible-mde.mdatp_managed.json.j2", "malformed", 53, "template marker"),
    ("linux/libre-devops-mde-linux-rhel.mdatp_managed.json.j2", "malformed", 10, "template marker"),
    ("linux/v3rtho-quick-configuration-heredoc.sh.txt", "malformed", 1, "word without quotes"),
]


def at(value, path):
    for step in path:
        value = value[step]
    return value


@needs_samples
@pytest.mark.parametrize(("name", "repeats", "settings"), READABLE)
def test_real_policies(name, repeats, settings):
    """Files of real owners, and of the vendor, yield what a person reads in them."""
    data = (SAMPLES / name).read_bytes()
    document = policyjson.parse(data)
    assert document.form == "json"
    assert kinds(document).count("duplicate-key") == repeats
    assert ("bom" in kinds(document)) == data.startswith(b"\xef\xbb\xbf")
    for path, expected in settings.items():
        assert at(document.value, path) == expected
        assert document.position(path) is not None


@needs_samples
@pytest.mark.parametrize(("name", "kind", "line", "words"), UNREADABLE)
def test_real_files_that_are_no_policy(name, kind, line, words):
    """Placeholders, templates and scripts found in real repositories are named as such."""
    error = refusal((SAMPLES / name).read_bytes(), policyjson.parse)
    assert (error.kind, error.line) == (kind, line)
    assert words in str(error)


@needs_samples
def test_a_real_here_document():
    r"""The JSON inside a script, with the `\$type` that the shell would have undone."""
    script = (SAMPLES / "linux/v3rtho-quick-configuration-heredoc.sh.txt").read_text()
    inside = script[script.index("{") : script.rindex("}") + 1]
    assert "backslash escape" in str(refusal(inside, policyjson.parse))
    undone = policyjson.parse(inside.replace("\\$", "$").encode())
    assert undone.value["cloudService"]["automaticSampleSubmissionConsent"] == "all"


@needs_samples
def test_every_real_file_is_in_the_tables():
    """A sample that nobody looked at proves nothing."""
    known = {name for name, *_ in READABLE} | {name for name, *_ in UNREADABLE}
    suffixes = (".plist", ".mobileconfig")
    there = {str(path.relative_to(SAMPLES)) for path in SAMPLES.glob("*/*")}
    assert {name for name in there if not name.endswith(suffixes)} == known
