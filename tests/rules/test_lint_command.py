"""`mdeinspect lint`: exit codes, forms of files, options, and what cannot be read."""

from __future__ import annotations

import json
import os
import plistlib
from pathlib import Path
from typing import Any

import pytest
from clean_policies import FILE_CODES
from hypothesis import given, settings
from hypothesis import strategies as st
from lint_support import run, written

from mdeinspect import catalogue, rules
from mdeinspect.config.model import Config
from mdeinspect.lint import Given, Judge, lint, platform_of
from support import NOW

GOOD = {"antivirusEngine": {"enforcementLevel": "real_time"}}
TYPO = {"cloudService": {"enabeld": True}}
OLD = {"antivirusEngine": {"passiveMode": False}}  # an info
WDAV = "com.microsoft.wdav"


def profile(settings_: Any) -> bytes:
    """A profile with one payload."""
    payload = {"PayloadType": WDAV, "PayloadVersion": 1, **settings_}
    return plistlib.dumps({"PayloadType": "Configuration", "PayloadContent": [payload]})


def wrapped(settings_: Any) -> bytes:
    """The same inside managed preferences."""
    forced = {WDAV: {"Forced": [{"mcx_preference_settings": settings_}]}}
    payload = {"PayloadType": "com.apple.ManagedClient.preferences", "PayloadContent": forced}
    return plistlib.dumps({"PayloadType": "Configuration", "PayloadContent": [payload]})


# --- exit codes ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "options", "code"),
    [
        (GOOD, (), 0),
        ({}, (), 0),
        (TYPO, (), 1),
        (TYPO, ("--fail-on", "high"), 0),
        (OLD, (), 0),
        (OLD, ("--fail-on", "info"), 1),
        ("{", (), 1),
        ("{", ("--fail-on", "high"), 3),  # not found so bad, but nothing in it was judged
        (GOOD, ("--for-version", "new"), 2),
        (GOOD, ("--json", "--format", "sarif"), 2),
        (GOOD, ("--no-such-option",), 2),
    ],
)
def test_exit_codes_are_those_of_status(
    tmp_path: Path, content: Any, options: tuple[str, ...], code: int
) -> None:
    """0 nothing, 1 something at or above --fail-on, 2 usage, 3 cannot tell."""
    assert run(written(tmp_path, content), *options).code == code


def test_without_a_file_there_is_nothing_to_do() -> None:
    """Usage."""
    assert run().code == 2


def test_what_is_found_goes_before_what_cannot_be_read(tmp_path: Path) -> None:
    """Both are told."""
    good, bad, gone = written(tmp_path, GOOD, "a"), written(tmp_path, TYPO, "b"), tmp_path / "c"
    assert run(good, gone).code == 3
    ran = run(good, bad, gone, "--json")
    assert ran.code == 1
    assert ran.json["cannot_tell"] == [str(gone)]
    assert [one["state"] for one in ran.json["files"]] == ["present", "present", "broken"]


def test_a_root_has_no_meaning_here(tmp_path: Path) -> None:
    """Files are named by themselves."""
    assert run(written(tmp_path, GOOD), before=("--root", str(tmp_path))).code == 2


# --- what cannot be read ------------------------------------------------------------------------


def _fifo(folder: Path) -> Path:
    os.mkfifo(folder / "fifo")
    return folder / "fifo"


def _link(folder: Path) -> Path:
    (folder / "link").symlink_to("nowhere")
    return folder / "link"


def _loop(folder: Path) -> Path:
    (folder / "loop").symlink_to("loop")
    return folder / "loop"


@pytest.mark.parametrize(
    ("make", "kind"),
    [
        (_fifo, "not-regular"),  # opened, it would hang
        (lambda folder: folder, "not-regular"),
        (lambda folder: Path("/dev/null"), "not-regular"),
        (_link, "dangling-link"),
        (_loop, "link-loop"),
        (lambda folder: folder / "gone", "missing"),
        (lambda folder: folder / ("x" * 300), "io"),
    ],
    ids=["fifo", "folder", "device", "dangling", "loop", "missing", "long"],
)
def test_what_is_no_file_is_cannot_tell(tmp_path: Path, make: Any, kind: str) -> None:
    """By the name that was given, with the reason, and never opened."""
    path = make(tmp_path)
    ran = run(path, "--json")
    assert ran.code == 3
    (file,) = ran.json["files"]
    assert (file["state"], file["kind"]) == ("broken", kind)
    assert file["reason"].startswith("cannot ")
    assert str(path) in file["reason"]
    assert "cannot " in run(path).out


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_cannot_tell(tmp_path: Path) -> None:
    """Denied is neither good nor bad."""
    path = written(tmp_path, TYPO)
    path.chmod(0)
    assert run(path).code == 3


def test_what_was_denied_is_no_finding() -> None:
    """Also as root, who is never denied anything."""
    denied = Given("p.json", kind="denied", reason="cannot read p.json: permission denied")
    one = lint(denied, _judge())
    assert (one.findings, one.unknown, one.reading.state) == ((), (), "broken")


# --- forms --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "platform", "form"),
    [
        (json.dumps(TYPO).encode(), "linux", "json"),
        (b"\xef\xbb\xbf" + json.dumps(TYPO).encode(), "linux", "json"),
        (plistlib.dumps(TYPO), "darwin", "plist-xml"),
        (plistlib.dumps(TYPO, fmt=plistlib.FMT_BINARY), "darwin", "plist-binary"),
        (profile(TYPO), "darwin", "plist-xml"),
        (wrapped(TYPO), "darwin", "plist-xml"),
    ],
    ids=["json", "bom", "xml", "binary", "profile", "wrapped"],
)
def test_every_form_is_known_by_its_content(
    tmp_path: Path, content: bytes, platform: str, form: str
) -> None:
    """Whatever the file is called, and also from standard input."""
    path = written(tmp_path, content, "policy.txt")
    for ran in (run(path, "--json"), run("-", "--json", stdin=content)):
        (file,) = ran.json["files"]
        assert (file["platform"], file["form"]) == (platform, form)
        assert ("unknown-key", "cloudService.enabeld") in ran.found()


@pytest.mark.parametrize(
    ("name", "data", "platform"),
    [
        ("a.json", b"", "linux"),
        ("a.mobileconfig", b"", "darwin"),
        ("a.plist", b"{% if x %}<plist/>", "linux"),
        ("a.plist", b"<% x %>", "darwin"),
        ("a", b"-----BEGIN PKCS7-----", "darwin"),
        ("a", "<?xml version='1.0'?>".encode("utf-16"), "darwin"),
        ("a", b"// nothing", "linux"),
        ("a", None, "linux"),
    ],
)
def test_what_the_content_does_not_tell_the_name_does(
    name: str, data: bytes | None, platform: str
) -> None:
    """A guess, for which there is an option."""
    assert platform_of(Given(name, data)) == platform


def test_the_platform_that_is_named_counts(tmp_path: Path) -> None:
    """A JSON file is no profile, and a profile is no JSON file: neither could be used there."""
    both = (written(tmp_path, GOOD), written(tmp_path, profile(GOOD), "p.mobileconfig"))
    for path, platform in zip(both, ("darwin", "linux"), strict=True):
        for ran in (
            run(path, "--json", "--platform", platform),
            run(path, "--json", before=("--platform", platform)),
        ):
            assert ran.found() == {("policy-malformed", f"file:{path}")}


@pytest.mark.parametrize(
    ("name", "channel"),
    [
        ("mdatp_managed.json", "managed_file"),
        ("other.json", "managed_file"),
        ("mdeattach_managed.json", "mde_attach"),
        ("wdavcfg", "local"),
    ],
)
def test_a_file_by_the_name_of_one_of_the_agent_is_taken_as_that(
    tmp_path: Path, name: str, channel: str
) -> None:
    """What the portal or the agent wrote is graded as on a host."""
    ran = run(written(tmp_path, {"cloudService": {"enabled": "yes"}}, name), "--json")
    (finding,) = ran.json["findings"]
    assert (finding["facts"]["channel"], finding["facts"]["in_force"]) == (channel, True)


# --- what is told -------------------------------------------------------------------------------


def test_a_finding_has_the_shape_of_status_with_its_place(tmp_path: Path) -> None:
    """And the file it is in; where there are no lines, null."""
    path = written(tmp_path, '{\n "cloudService": {\n  "enabeld": true}}')
    (finding,) = run(path, "--json").json["findings"]
    assert set(finding) == {
        *("code", "severity", "subject", "title", "detail", "remedy", "since", "facts"),
        *("accepted", "file", "line", "column"),
    }
    assert (finding["file"], finding["line"], finding["column"]) == (str(path), 3, 3)
    plist = written(tmp_path, plistlib.dumps(TYPO), "a.plist")
    (finding,) = run(plist, "--json").json["findings"]
    assert (finding["line"], finding["column"]) == (None, None)


def test_the_text_has_one_line_a_finding_that_editors_understand(tmp_path: Path) -> None:
    """file:line:column: severity: title [code], then why and what to do."""
    path = written(tmp_path, '{\n "cloudService": {\n  "enabeld": true}}')
    lines = run(path).out.splitlines()
    assert lines[0].startswith(f"{path}:3:3: medium: cloudService.enabeld")
    assert lines[0].endswith("[unknown-key]")
    assert "cloudService.enabled" in lines[1]
    assert lines[-1] == "1 finding in 1 file (1 medium)"
    assert run(written(tmp_path, GOOD)).out.splitlines() == ["nothing found in 1 file"]


def test_the_last_line_says_what_could_not_be_read(tmp_path: Path) -> None:
    """Nothing found in a file that nobody read is not the same as nothing found."""
    done = run(written(tmp_path, GOOD), tmp_path / "missing.json")
    assert done.out.splitlines()[-1] == "nothing found in 2 files; 1 file could not be read"
    assert done.code == 3


def test_several_files_are_told_together_and_each_once(tmp_path: Path) -> None:
    """A file that is named twice is one."""
    one, two = written(tmp_path, TYPO, "a"), written(tmp_path, TYPO, "b")
    found = run(one, two, one, "--json").json
    assert [file["path"] for file in found["files"]] == [str(one), str(two)]
    assert [finding["file"] for finding in found["findings"]] == [str(one), str(two)]


def test_the_version_decides_what_is_too_new(tmp_path: Path) -> None:
    """Without it, it is unknown, which is told and does not count."""
    path = written(tmp_path, {"antivirusEngine": {"scheduledScan": "enabled"}})
    ran = run(path, "--json")
    assert (ran.code, ran.found()) == (0, set())
    assert [one["code"] for one in ran.json["unknown"]] == ["key-too-new"]
    assert ran.json["unknown"][0]["file"] == str(path)
    old = run(path, "--json", "--for-version", "101.25082.0003")
    assert old.found() == {("key-too-new", "antivirusEngine.scheduledScan")}
    new = run(path, "--json", "--for-version", "101.26082.0001")
    assert (new.found(), new.json["unknown"]) == (set(), [])


def test_an_engine_that_does_not_protect_is_told_of_a_file_alone(tmp_path: Path) -> None:
    """On a host other rules tell it, with what the agent does."""
    ran = run(written(tmp_path, {"antivirusEngine": {"enforcementLevel": "passive"}}), "--json")
    assert [one["severity"] for one in ran.json["findings"]] == ["info"]
    assert ran.found() == {("weak-setting", "antivirusEngine.enforcementLevel")}


@pytest.mark.parametrize(("value", "fine"), [("{{serialnumber}}", True), ("{{ serial }}", False)])
def test_what_the_mdm_fills_in_is_no_template_in_a_profile(
    tmp_path: Path, value: str, fine: bool
) -> None:
    """It is replaced on the way to the Mac."""
    path = written(tmp_path, profile({"edr": {"groupIds": value}}), "p.mobileconfig")
    assert (run(path, "--json").found() == set()) == fine


def test_secrets_are_never_printed(tmp_path: Path) -> None:
    """In none of the forms."""
    policy = {"cloudService": {"proxy": "http://bob:hunter2@proxy:1", "token": "hunter2"}}
    path = written(tmp_path, policy)
    for form in ("text", "json", "sarif"):
        ran = run(path, "--format", form)
        assert ran.code == 1
        assert "hunter2" not in ran.out


def test_texts_of_a_file_cannot_play_tricks_on_a_terminal(tmp_path: Path) -> None:
    """They come as escapes."""
    ran = run(written(tmp_path, {"edr": {"\x1b[2Jx\u202e": 1}}))
    assert "\x1b" not in ran.out
    assert "\u202e" not in ran.out


# --- the configuration --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("toml", "code", "severity"),
    [
        ("[rules.unknown-key]\nenabled = false", 0, None),
        ('[rules.unknown-key]\nseverity = "low"', 0, "low"),
        ('[[accept]]\ncode = "unknown-key"\nsubject = "key:cloud*"\nreason = "so"', 0, "medium"),
        ('[[accept]]\ncode = "unknown-key"\nuntil = 2020-01-01', 1, "medium"),
        ("[rules.no-such-rule]\nenabled = false", 2, None),
        ("[rules\n", 2, None),
    ],
)
def test_the_configuration_that_is_named_counts(
    tmp_path: Path, toml: str, code: int, severity: str | None
) -> None:
    """Rules off, graded otherwise, findings accepted until their day."""
    config = tmp_path / "config.toml"
    config.write_text(toml)
    ran = run(written(tmp_path, TYPO), "--json", before=("--config", str(config)))
    assert ran.code == code
    if code != 2:
        assert [one["severity"] for one in ran.json["findings"]] == ([severity] if severity else [])


def test_nothing_is_written_and_no_state_is_needed(tmp_path: Path) -> None:
    """Not even where a state folder is named."""
    path, state = written(tmp_path, TYPO), tmp_path / "state"
    assert run(path, before=("--state", str(state))).code == 1
    assert sorted(tmp_path.iterdir()) == [path]


# --- which rules --------------------------------------------------------------------------------


def test_every_rule_about_the_content_of_files_judges_a_file_alone() -> None:
    """And none that needs a host."""
    alone = {code for code, one in rules.load().items() if one.lint}
    assert alone == (FILE_CODES - {"policy-unreadable", "missing-exclusion"}) | {"odd-policy-file"}
    assert [code for code in alone if rules.load()[code].needs] == []


# --- hostile files ------------------------------------------------------------------------------


def _judge(**more: Any) -> Judge:
    return Judge(Config(), catalogue.load(), tuple(rules.load().values()), NOW, **more)


def _sound(data: bytes, name: str = "p.json", **more: Any) -> None:
    """Asserts that an answer comes, and that no rule failed on the way."""
    one = lint(Given(name, data), _judge(**more))
    assert [doubt for doubt in one.unknown if "fault of mdeinspect" in doubt.because] == []
    assert one.reading.present or one.reading.reason
    if not one.reading.present:
        assert [finding.code for finding in one.findings] == ["policy-malformed"]


HOSTILE = {
    "deep list": b"[" * 100_000,
    "deep policy": b'{"edr":' * 5000,
    "huge": b'{"a":"' + b"x" * 5_000_000 + b'"}',
    "nan": b'{"edr": {"groupIds": NaN}, "scheduledScan": {"randomizeScanStartTime": Infinity}}',
    "giant integer": b'{"scheduledScan": {"randomizeScanStartTime": ' + b"9" * 5000 + b"}}",
    "nul": b"\0" * 64,
    "binary junk": bytes(range(256)) * 16,
    "cut off plist": b"bplist00" + b"\xd1" * 40,
    "entities": b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]><plist/>',
    "signed": b"0\x82\x01\x00" + b"\x06" * 300,
    "surrogates": b'{"edr": {"groupIds": "\\ud800", "\\udfff": 1}}',
    "long path": b'{"antivirusEngine": {"exclusions": [{"$type": "excludedPath", "path": "'
    + b"/a" * 2_000_000
    + b'"}]}}',
    "deep and wide": b'{"edr":' * 190 + b"[" + b'"a",' * 40_000 + b"1]" + b"}" * 190,
    "shell keys": b'{"edr": {' + b'"\\\\$type": 1, "": 2,' * 1000 + b'"a": 1}}',
    "wide": b'{"edr": {"tags": [' + b"{}," * 10_000 + b"{}]}}",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_no_hostile_file_ends_in_a_traceback(tmp_path: Path, name: str) -> None:
    """An answer in every form, and an exit code that says something."""
    path = written(tmp_path, HOSTILE[name])
    for form in ("text", "json", "sarif"):
        assert run(path, "--format", form).code in (0, 1, 3)
    _sound(HOSTILE[name])


@settings(max_examples=200, deadline=None)
@given(data=st.binary(max_size=300), name=st.sampled_from(["a.json", "a.plist", "wdavcfg"]))
def test_any_bytes_get_an_answer(data: bytes, name: str) -> None:
    """Whatever they are."""
    _sound(data, name)


KEYS = sorted({part for key in catalogue.load().keys("linux") for part in key.split(".")})
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
WORDS = st.sampled_from(
    ["{{ x }}", "excludedPath", "excludedFileName", "epp", "global", "/", "/srv", "*", "real_time"]
)
NAMES = st.sampled_from(["$type", "path", "name", "extension", "scopes", "key", "value", ""])
VALUES = st.recursive(
    SCALARS | WORDS,
    lambda inside: (
        st.lists(inside, max_size=3)
        | st.dictionaries(NAMES | st.sampled_from(KEYS) | st.text(max_size=4), inside, max_size=4)
    ),
    max_leaves=12,
)


@settings(max_examples=200, deadline=None)
@given(policy=st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=4))
def test_any_json_gets_an_answer_from_every_rule(policy: Any) -> None:
    """Known keys with any value whatsoever."""
    data = json.dumps(policy).encode()
    _sound(data)
    _sound(data, version="101.23112.0001")


@settings(max_examples=100, deadline=None)
@given(key=st.sampled_from(sorted(catalogue.load().keys("darwin"))), value=VALUES)
def test_any_property_list_gets_an_answer_from_every_rule(key: str, value: Any) -> None:
    """Any value of any setting, as far as a property list can hold it."""
    policy: Any = value
    for part in reversed(key.split(".")):
        policy = {part: policy}
    try:
        data = plistlib.dumps(policy, fmt=plistlib.FMT_BINARY)
    except (TypeError, OverflowError, UnicodeEncodeError):
        return
    _sound(data, "a.plist", version="101.25082.0003")
