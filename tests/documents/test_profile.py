"""Policy files of macOS: whichever form they come in, the settings come out."""

from __future__ import annotations

import hashlib
import json
import plistlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mdeinspect.documents import MAX_ODDITIES, Document, profile
from mdeinspect.errors import ParseError

SAMPLES = Path(__file__).parents[2] / ".." / "shared" / "samples" / "managed" / "macos"
needs_samples = pytest.mark.skipif(not SAMPLES.is_dir(), reason="the shared samples are not here")

SETTINGS = {
    "antivirusEngine": {"enforcementLevel": "real_time", "exclusions": [{"path": "/opt"}]},
    "cloudService": {"enabled": True},
}
HEADER = {"PayloadUUID": "00000000-0000-4000-8000-000000000000", "PayloadVersion": 1}
FORMS = [(plistlib.FMT_XML, "plist-xml"), (plistlib.FMT_BINARY, "plist-binary")]


def configuration(*payloads: object) -> dict[str, object]:
    return HEADER | {"PayloadType": "Configuration", "PayloadContent": list(payloads)}


def payload(settings: dict[str, object], domain: str = "com.microsoft.wdav") -> dict[str, object]:
    return HEADER | {"PayloadType": domain} | settings


def managed(settings: object, domain: str = "com.microsoft.wdav") -> dict[str, object]:
    forced = {"Forced": [{"mcx_preference_settings": settings}], "Set-Once": [{"x": {"y": 1}}]}
    content = {domain: forced, "com.apple.screensaver": {"Forced": "not looked at"}}
    return HEADER | {
        "PayloadType": "com.apple.ManagedClient.preferences",
        "PayloadContent": content,
    }


def parse(value: object) -> Document:
    return profile.parse(plistlib.dumps(value, sort_keys=False))


def refusal(data: bytes) -> ParseError:
    with pytest.raises(ParseError) as caught:
        profile.parse(data)
    assert str(caught.value).startswith("cannot")
    return caught.value


@pytest.mark.parametrize(("form", "name"), FORMS)
@pytest.mark.parametrize(
    "root",
    [
        SETTINGS,
        HEADER | SETTINGS,
        configuration(payload(SETTINGS)),
        configuration(payload(SETTINGS, "com.microsoft.wdav.ext")),
        configuration(payload({"a": 1}, "com.apple.wifi.managed"), payload(SETTINGS)),
        configuration(managed(SETTINGS)),
        configuration(managed(SETTINGS, "com.microsoft.wdav.ext")),
        managed(SETTINGS),
    ],
)
def test_every_form_yields_the_settings(root, form, name):
    """Bare, wrapped or forced, XML or binary: the settings and nothing of the packing."""
    data = plistlib.dumps(root, fmt=form)
    document = profile.parse(data)
    assert document.value == SETTINGS
    assert document.form == name
    assert document.oddities == ()
    assert document.position(("cloudService",)) is None
    assert document.digest == hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize(
    "root",
    [
        configuration(),
        configuration(payload({})),
        configuration(payload({"OrgId": "x"}, "com.microsoft.wdav.atp")),
        configuration(managed({})),
        configuration(managed(SETTINGS, "com.microsoft.wdav.atp")),
        HEADER | {"PayloadType": "Configuration"},
    ],
)
def test_a_profile_that_sets_nothing_says_so(root):
    """Empty settings from a profile are an oddity: somebody meant to set something."""
    document = parse(root)
    assert document.value == {}
    assert [oddity.kind for oddity in document.oddities] == ["empty-payload"]


def test_bare_settings_may_be_empty():
    """A preference list without any key is what the portal leaves; nothing is odd about it."""
    assert parse({}).oddities == ()


def test_two_payloads_are_merged_and_told():
    """Settings of two payloads make one policy; a key that both set is an oddity."""
    document = parse(configuration(payload({"a": 1, "b": 1}), payload({"b": 2, "c": 2})))
    assert document.value == {"a": 1, "b": 2, "c": 2}
    assert [(oddity.kind, oddity.path) for oddity in document.oddities] == [
        ("duplicate-key", ("b",))
    ]


def test_repeated_keys_are_told_from_the_settings_on():
    """A key that its dictionary holds twice is told; its path starts at the settings."""
    data = plistlib.dumps(configuration(payload({"s": {"a": 1, "b": 2}})))
    (oddity,) = profile.parse(data.replace(b"<key>b</key>", b"<key>a</key>")).oddities
    assert (oddity.kind, oddity.path) == ("duplicate-key", ("s", "a"))
    assert (oddity.line, oddity.column) == (None, None)


def test_numbers_that_many_programs_lose_are_told():
    """Numbers that are none, and integers beyond 19 digits, are told with their path."""
    data = plistlib.dumps({"a": [1.0, float("nan")], "b": 10**19, "c": 10**19 - 1, "d": True})
    document = profile.parse(data)
    found = [(oddity.kind, oddity.path) for oddity in document.oddities]
    assert found == [("not-a-number", ("a", 1)), ("giant-integer", ("b",))]


def test_a_flood_of_oddities_is_cut():
    """However many there are, a bounded number is listed, and that there are more is told."""
    document = parse({"a": [float("inf")] * (MAX_ODDITIES + 9)})
    assert len(document.oddities) == MAX_ODDITIES + 1
    assert document.oddities[-1].kind == "more"


@pytest.mark.parametrize(
    ("root", "words"),
    [
        ([], "its root is not a dictionary"),
        ("text", "its root is not a dictionary"),
        (configuration("text"), "PayloadContent > 0 is not a dictionary"),
        (HEADER | {"PayloadContent": {}}, "PayloadContent is not a list"),
        (configuration(managed([])), "mcx_preference_settings is not a dictionary"),
        (HEADER | {"EncryptedPayloadContent": b""}, "encrypted"),
    ],
)
def test_a_wrong_shape_is_refused_with_its_place(root, words):
    """A profile whose packing is wrong sets nothing knowable: it is refused, never empty."""
    error = refusal(plistlib.dumps(root))
    assert error.kind == "malformed"
    assert words in str(error)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (json.dumps(SETTINGS).encode(), "JSON"),
        (b"\x30\x82\x0b\x16\x06\x09\x2a\x86\x48", "signed"),
        (b"\x30\x80\x06\x09", "signed"),
    ],
)
def test_other_formats_are_named(data, words):
    """JSON and signed profiles are refused for what they are."""
    error = refusal(data)
    assert error.kind == "malformed"
    assert words in str(error)


def test_nothing_at_all_is_empty():
    """A file of no bytes is empty."""
    assert refusal(b"").kind == "empty"


FORCED = ("com.microsoft.wdav", "Forced", "mcx_preference_settings")
names = st.sampled_from(["PayloadType", "PayloadContent", "a", *FORCED])
texts = st.sampled_from(["com.microsoft.wdav", "com.apple.ManagedClient.preferences", "x"])
trees = st.recursive(
    texts | st.integers(0, 3) | st.binary(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4),
)


@given(st.binary() | trees.map(plistlib.dumps))
def test_no_bytes_raise_anything_but_a_parse_error(data):
    """Whatever the bytes: a document whose value is a dictionary, or a ParseError."""
    try:
        document = profile.parse(data)
    except ParseError:
        return
    assert isinstance(document.value, dict)
    assert not any(str(key).startswith("Payload") for key in document.value)


# --- real files ---------------------------------------------------------------------------------

LEARN = "TRANSCRIBED-microsoft-learn"
DLP = "microsoft-mdatp-xplat-data_loss_prevention"

# name, settings, kinds of oddities; an empty path stands for the whole
READABLE = [
    (
        "TRANSCRIBED-microsoft-docs-behavior-monitoring-demo-2024-jamf.com.microsoft.wdav.plist",
        {
            ("antivirusEngine", "behaviorMonitoring"): "enabled",
            ("features", "behaviorMonitoringConfigurations", "notifyForks"): "enabled",
        },
        [],
    ),
    (
        f"{LEARN}-mac-schedule-scan-2026-09-19-jamf-example1.com.microsoft.wdav.plist",
        {
            ("scheduledScan", "weeklyConfiguration", "dayOfWeek"): 4,
            ("scheduledScan", "dailyConfiguration", "timeOfDay"): 885,
            ("scheduledScan", "ignoreExclusions"): True,
        },
        [],
    ),
    (
        "leggatron-terraform-jamf-platform-endpointsettings.mobileconfig",
        {(): {}},
        ["empty-payload"],
    ),
    (
        "microsoft-mdatp-devicecontrol-demo.mobileconfig",
        {("dlp", "features", 0): {"name": "DC_in_dlp", "state": "enabled"}},
        [],
    ),
    (
        "microsoft-mdatp-devicecontrol-v1-deny_all_mount.mobileconfig",
        {
            ("deviceControl", "removableMediaPolicy"): {
                "enforcementLevel": "block",
                "permission": ["none"],
            }
        },
        [],
    ),
    (
        "microsoft-mdatp-devicecontrol-v1-mount_allowlist.mobileconfig",
        {
            ("deviceControl", "removableMediaPolicy", "vendors", "0951", "permission"): ["none"],
            ("deviceControl", "removableMediaPolicy", "enforcementLevel"): "block",
        },
        [],
    ),
    (
        f"{DLP}-process_exclusions.com.microsoft.wdav.mobileconfig",
        {(): {"dlp": {"exclusions": [{"signingId": "com.azul.zulu.java", "flag": 1}]}}},
        [],
    ),
    (
        f"{DLP}-process_exclusions.com.microsoft.wdav.plist",
        {(): {"dlp": {"exclusions": [{"signingId": "com.azul.zulu.java", "flag": 1}]}}},
        [],
    ),
    (
        f"{DLP}.com.microsoft.wdav.mobileconfig",
        {
            (): {
                "antivirusEngine": {"passiveMode": True},
                "cloudService": {"diagnosticLevel": "optional"},
                "features": {"dataLossPrevention": "enabled"},
            }
        },
        [],
    ),
    (
        f"{DLP}.com.microsoft.wdav.plist",
        {
            ("antivirusEngine", "passiveMode"): True,
            ("features", "dataLossPrevention"): "enabled",
        },
        [],
    ),
    (
        "microsoft-mdatp-xplat-device_control.com.microsoft.wdav.mobileconfig",
        {
            ("antivirusEngine", "passiveMode"): True,
            ("cloudService", "diagnosticLevel"): "optional",
        },
        [],
    ),
]


@needs_samples
@pytest.mark.parametrize(("name", "settings", "oddities"), READABLE)
def test_real_profiles(name, settings, oddities):
    """The vendor's own files, and a deployed one, yield what a person reads in them."""
    document = profile.parse((SAMPLES / name).read_bytes())
    assert document.form == "plist-xml"
    assert [oddity.kind for oddity in document.oddities] == oddities
    for path, expected in settings.items():
        value = document.value
        for step in path:
            value = value[step]
        assert value == expected


@needs_samples
@pytest.mark.parametrize(
    "name",
    [
        "skiptotheendpoint-openintunebaseline.intune-settings-catalog.json",
        "TRANSCRIBED-meerkat-doc-snippet-wrong-type.json",
    ],
)
def test_real_json_beside_them(name):
    """JSON found where macOS policies are kept is refused as JSON."""
    error = refusal((SAMPLES / name).read_bytes())
    assert error.kind == "malformed"
    assert "JSON" in str(error)


@needs_samples
def test_every_real_profile_is_in_the_table():
    """A sample that nobody looked at proves nothing."""
    there = {path.name for path in SAMPLES.iterdir() if path.suffix in (".plist", ".mobileconfig")}
    assert there == {name for name, _, _ in READABLE}
