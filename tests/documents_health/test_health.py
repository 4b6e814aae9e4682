"""The parsers of mdatp's own words: own fixtures in the shapes seen, every trap, and properties."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from mdeinspect.documents import health as parsers
from mdeinspect.documents.health_kinds import KINDS, KNOWN
from mdeinspect.errors import ParseError

PARSERS = (
    parsers.parse_health,
    parsers.parse_details,
    parsers.parse_field,
    parsers.parse_version,
    parsers.parse_strings,
)
LICENCE = "ATTENTION: No license found. Contact your administrator for help."

TABLE = """\
healthy                                     : true
health_issues                               : []
licensed                                    : true
engine_version                              : "1.1.24010.2001"
app_version                                 : "101.24012.0007"
org_id                                      : "0f0f0f0f-1111-2222-3333-444444444444"
product_expiration                          : Oct 20, 2024 at 12:05:09 AM
cloud_enabled                               : true [managed]
passive_mode_enabled                        : false[managed]
real_time_protection_enabled                : true
real_time_protection_subsystem              : "fanotify"
tamper_protection                           : "block" [managed]
definitions_updated_minutes_ago             : 41
definitions_status                          : "up_to_date"
edr_device_tags                             : []
edr_group_ids                               : ""
"""

JSON = {
    "$type": "getHealthAllResult",
    "appVersion": "101.24012.0007",
    "cloudEnabled": {"displayValue": True, "isManaged": True, "value": True},
    "definitionsStatus": {"$type": "upToDate"},
    "definitionsUpdatedMinutesAgo": 41,
    "edrDeviceTags": {"displayValue": True, "isManaged": False, "value": []},
    "edrGroupIds": {"displayValue": True, "isManaged": False, "value": ""},
    "engineVersion": "1.1.24010.2001",
    "healthIssues": [],
    "healthy": True,
    "licensed": True,
    "orgId": "0f0f0f0f-1111-2222-3333-444444444444",
    "passiveModeEnabled": {"displayValue": True, "isManaged": True, "value": False},
    "productExpiration": "1729382709000",
    "realTimeProtectionEnabled": {"displayValue": True, "isManaged": False, "value": True},
    "realTimeProtectionSubsystem": "fanotify",
    "tamperProtection": {"displayValue": True, "isManaged": True, "value": "block"},
}


def compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


def read(*lines: str) -> parsers.Health:
    """A table of two plain fields and these lines."""
    return parsers.parse_health("\n".join(("healthy : true", "licensed : true", *lines)).encode())


def read_json(**members: Any) -> parsers.Health:
    """A JSON of two plain fields and these members."""
    return parsers.parse_health(compact({"healthy": True, "licensed": True, **members}).encode())


def told(health: parsers.Health) -> dict[str, tuple[Any, bool, bool]]:
    """What JSON and text must agree on."""
    return {name: (f.value, f.managed, f.available) for name, f in health.fields.items()}


# --- the main view ------------------------------------------------------------------------------


def test_table_by_hand():
    """A table reads field by field, `[managed]` with and without a blank included."""
    health = parsers.parse_health(TABLE.encode())
    assert health.form == "text"
    assert health.attention == ()
    assert health.retyped == ()
    assert health.value("healthy") is True
    assert health.value("health_issues") == []
    assert health.value("app_version") == "101.24012.0007"
    assert health.value("passive_mode_enabled") is False
    assert health.value("definitions_updated_minutes_ago") == 41
    assert health.value("edr_group_ids") == ""
    assert health.get("tamper_protection") == parsers.Field("block", True, True, '"block"')
    managed = {name for name, f in health.fields.items() if f.managed}
    assert managed == {"cloud_enabled", "passive_mode_enabled", "tamper_protection"}
    assert len(health.fields) == 16


def test_json_and_text_agree():
    """JSON and text of one host give the same value, flag and availability, times excepted."""
    text = told(parsers.parse_health(TABLE.encode()))
    parsed = parsers.parse_health(compact(JSON).encode())
    assert parsed.form == "json"
    table = told(parsed)
    assert table.pop("product_expiration")[0] == 1729382709000
    assert text.pop("product_expiration")[0] == "Oct 20, 2024 at 12:05:09 AM"
    assert table == text


def test_moment_says_whether_it_is_exact():
    """JSON milliseconds are exact; a printed date is UTC by assumption only; both are read."""
    when = datetime(2024, 10, 20, 0, 5, 9, tzinfo=UTC)
    text = parsers.parse_health(TABLE.encode()).get("product_expiration")
    exact = parsers.parse_health(compact(JSON).encode()).get("product_expiration")
    assert parsers.moment(text) == (when, False)
    assert parsers.moment(exact) == (when, True)


@pytest.mark.parametrize(
    ("printed", "expected"),
    [
        ('"1583323429305"', (datetime(2020, 3, 4, 12, 3, 49, 305000, tzinfo=UTC), True)),
        ("Mar 04, 2020 at 12:00:00 PM", (datetime(2020, 3, 4, 12, tzinfo=UTC), False)),
        ("Mar 04, 2020 at 12:00:00 AM", (datetime(2020, 3, 4, 0, tzinfo=UTC), False)),
        ("Mar 04, 2020 at 11:59:59 PM", (datetime(2020, 3, 4, 23, 59, 59, tzinfo=UTC), False)),
        ("Jul 01, 2020 at 12:27:", (None, False)),
        ("Feb 30, 2020 at 01:00:00 PM", (None, False)),
        ("Abc 01, 2020 at 01:00:00 PM", (None, False)),
        ("Feb 01, 2020 at 13:00:00 PM", (None, False)),
        ("Feb 01, 2020 at 00:00:00 PM", (None, False)),
        ("unavailable", (None, False)),
        ("true", (None, False)),
        ("999999999999999999", (None, False)),
        ("-5", (None, False)),
    ],
)
def test_moment_by_hand(printed, expected):
    """A time that cannot be read is no time, never a guess."""
    assert parsers.moment(read(f"definitions_updated : {printed}").get("definitions_updated")) == (
        expected
    )


def test_moment_of_nothing():
    """A field that is not there has no time."""
    assert parsers.moment(None) == (None, False)


def test_legacy_form():
    """camelCase text is the legacy form, where `versionEngine` is the version of the product."""
    health = parsers.parse_health(
        b'definitionsUpdated                      : "1583323429305"\n'
        b"definitionsVersion                      : 79932\n"
        b"edrDeviceTags                           : []\n"
        b"healthy                                 : 1\n"
        b"licensed                                : 0\n"
        b"...\n"
        b'versionEngine                           : "100.87.66"\n'
    )
    assert health.form == "legacy"
    assert health.value("definitions_updated") == 1583323429305
    assert health.value("definitions_version") == "79932"
    assert health.value("healthy") is True
    assert health.value("licensed") is False
    assert health.value("app_version") == "100.87.66"
    assert health.get("engine_version") is None


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_line_ends_and_byte_order_mark(end, mark):
    """CRLF and a byte order mark change nothing."""
    plain = parsers.parse_health(TABLE.encode())
    assert parsers.parse_health((mark + TABLE.replace("\n", end)).encode()) == plain


def test_layout_does_not_matter():
    """Tabs, indentation, no blanks at all: the first colon is what counts."""
    health = parsers.parse_health(
        b'\thealthy\t\t: true\n   licensed:false\nlog_level: "a: b:c"\n\xa0\nproxy :http://p:80/\n'
    )
    assert health.value("healthy") is True
    assert health.value("licensed") is False
    assert health.value("log_level") == "a: b:c"
    assert health.value("proxy") == "http://p:80/"


def test_typographic_quotes():
    """Quotes of a word processor count as quotes, in lists too."""
    health = read("log_level : “info” [managed]", "health_issues : [“a”, “b”]")
    assert health.get("log_level") == parsers.Field("info", True, True, "“info”")
    assert health.value("health_issues") == ["a", "b"]


def test_text_between_quotes_is_verbatim():
    """What looks like syntax inside quotes is text, as it is in JSON."""
    for value in ("a [managed]", "a <--- b", "“x”", 'a"b', "true", "12", " "):
        assert read(f'log_level : "{value}"').get("log_level") == parsers.Field(
            value, False, True, f'"{value}"'
        )


@pytest.mark.parametrize(
    ("printed", "value", "managed"),
    [
        ("true             <--- ENABLED", True, False),
        ("true [managed]   <--- ENABLED", True, True),
        ("TRUE", True, False),
        ("False", False, False),
        ("1", True, False),
        ("0", False, False),
        ('"true"', True, False),
        ("true[managed]", True, True),
        ("true [MANAGED]", True, True),
    ],
)
def test_booleans(printed, value, managed):
    """A known boolean is read in every spelling seen, with a pasted note or a suffix after it."""
    found = read(f"cloud_enabled : {printed}").get("cloud_enabled")
    assert found is not None
    assert (found.value, found.managed, found.available) == (value, managed, True)


@pytest.mark.parametrize(
    ("name", "printed"),
    [
        ("cloud_enabled", "yes"),
        ("cloud_enabled", "2"),
        ("cloud_enabled", "[]"),
        ("cloud_enabled", "true  (as of yesterday)"),
        ("cloud_enabled", "tru"),
        ("cloud_enabled", ""),
        ("cloud_enabled", "[managed]"),
        ("definitions_updated_minutes_ago", "-1"),
        ("definitions_updated_minutes_ago", "99999999999"),
        ("definitions_updated_minutes_ago", "9" * 6000),
        ("definitions_updated_minutes_ago", "true"),
        ("definitions_updated_minutes_ago", "soon"),
        ("health_issues", '["cut off'),
        ("health_issues", '"none"'),
        ("health_issues", "[1]"),
        ("edr_device_tags", "{}"),
        ("edr_device_tags", "[" * 5000),
        ("tamper_protection", "true"),
        ("tamper_protection", '["block"]'),
        ("tamper_protection", '"blo'),
        ("tamper_protection", '"block" perhaps'),
        ("tamper_protection", '"'),
        ("org_id", ""),
        ("product_expiration", "[]"),
        ("product_expiration", "false"),
    ],
)
def test_a_changed_type_is_unknown(name, printed):
    """A known field of the wrong type or cut off is None, named in `retyped`, and kept raw."""
    health = read(f"{name} : {printed}", "log_level : info")
    found = health.get(name)
    assert found is not None
    assert (found.value, found.available) == (None, True)
    assert health.retyped == (name,)
    assert found.raw == printed.removesuffix("[managed]")


@pytest.mark.parametrize(
    ("name", "member", "value"),
    [
        ("healthy", "healthy", {"status": True}),
        ("healthy", "healthy", "enabled"),
        ("healthy", "healthy", 1.0),
        ("tamper_protection", "tamperProtection", True),
        ("tamper_protection", "tamperProtection", {"level": "block"}),
        ("edr_device_tags", "edrDeviceTags", {"value": "GROUP"}),
        ("definitions_updated_minutes_ago", "definitionsUpdatedMinutesAgo", -3),
        ("product_expiration", "productExpiration", {}),
    ],
)
def test_a_changed_type_in_json_is_unknown(name, member, value):
    """The same holds in JSON: an object where a boolean was is no answer."""
    health = read_json(**{member: value})
    assert health.value(name) is None
    assert health.retyped == (name,)


@pytest.mark.parametrize("word", ["unavailable", "Unavailable", '"unavailable"', "null"])
@pytest.mark.parametrize("name", sorted(KINDS))
def test_unavailable_in_text(name, word):
    """Any field may be `unavailable`, quoted or not: unknown, which is not false."""
    found = read(f"{name} : {word} [managed]").get(name)
    assert found == parsers.Field(None, True, False, word)


@pytest.mark.parametrize("value", ["unavailable", "UNAVAILABLE", None])
@pytest.mark.parametrize("wrapped", [False, True])
def test_unavailable_in_json(value, wrapped):
    """So it is in JSON, bare or wrapped, and null counts the same."""
    health = read_json(orgId={"isManaged": False, "value": value} if wrapped else value)
    found = health.get("org_id")
    assert found is not None
    assert (found.value, found.available, health.retyped) == (None, False, ())


def test_wrapped_and_bare_settings():
    """A setting is unwrapped where it is wrapped, and read where it is not."""
    health = read_json(
        cloudEnabled=False,
        behaviorMonitoring={"value": "enabled"},
        tamperProtection={"isManaged": True, "value": "block", "displayValue": False},
        definitionsStatus={"value": {"$type": "upToDate"}, "isManaged": True},
    )
    assert told(health) | {} == {
        "healthy": (True, False, True),
        "licensed": (True, False, True),
        "cloud_enabled": (False, False, True),
        "behavior_monitoring": ("enabled", False, True),
        "tamper_protection": ("block", True, True),
        "definitions_status": ("up_to_date", True, True),
    }


def test_unknown_fields_are_kept():
    """A field nobody knows yet keeps its value and its type, in both forms."""
    text = read(
        "isolated : true",
        "seats_used : 12",
        "new_ratio : 0.5",
        "new_list : [1, {}]",
        "engine_load_status : Engine load succeeded",
        'new_object : {"dayOfWeek": 3, "$type": "x"}',
        "padded : 007",
        "old_number : " + "9" * 5000,
    )
    parsed = read_json(
        isolated=True,
        seatsUsed=12,
        newRatio=0.5,
        newList=[1, {}],
        engineLoadStatus="Engine load succeeded",
        newObject={"dayOfWeek": 3, "$type": "x"},
        padded="007",
    )
    assert text.value("isolated") is True
    assert text.value("seats_used") == 12
    assert text.value("new_ratio") == "0.5"
    assert text.value("new_list") == [1, {}]
    assert text.value("new_object.day_of_week") == 3
    assert text.value("old_number") == "9" * 5000
    assert {**told(parsed), "old_number": ("9" * 5000, False, True)} == told(text)


def test_raw_is_what_was_printed():
    """`raw` is the value without suffix; from JSON a text is itself, the rest compact JSON."""
    assert read('log_level : "info"[managed]').fields["log_level"].raw == '"info"'
    health = read_json(logLevel={"value": "info"}, edrDeviceTags={"value": ["a", {"k": 1}]})
    assert health.fields["log_level"].raw == "info"
    assert health.fields["edr_device_tags"].raw == '["a",{"k":1}]'


def test_texts_of_digits_stay_text():
    """A version that is a bare number is a text all the same, without quotes too."""
    health = read("app_version : 101.26032.0016", "engine_version : 3.0", "org_id : 17")
    assert health.value("app_version") == "101.26032.0016"
    assert health.value("engine_version") == "3.0"
    assert health.value("org_id") == "17"
    assert read_json(definitionsVersion=79932).value("definitions_version") == "79932"
    assert read_json(engineVersion=3.10).value("engine_version") == "3.1"


def test_wrapped_lines():
    """A line wrapped by a terminal goes on where its quote is open, and is ignored elsewhere."""
    health = read(
        'edr_configuration_version : "30.1-54CD',
        '34" [managed]',
        "log_level : info",
        "and so forth",
        'org_id : "one',
        'machine_guid : "two"',
        'three"',
    )
    assert health.get("edr_configuration_version") == parsers.Field(
        "30.1-54CD34", True, True, '"30.1-54CD34"'
    )
    assert health.value("log_level") == "info"
    assert health.value("machine_guid") == "two"
    assert health.retyped == ("org_id",)


def test_a_field_said_twice_counts_as_last_said():
    """The last line of a name counts, in text as in JSON."""
    assert read("licensed : false").value("licensed") is False
    assert read("licensed : maybe", "licensed : false").retyped == ()
    twice = b'{"healthy":true,"licensed":true,"licensed":false}'
    assert parsers.parse_health(twice).value("licensed") is False


# --- around the table ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "output",
    [
        f"{LICENCE}\nhealthy : false\nlicensed : false\n",
        f"  {LICENCE}  \r\n\r\nhealthy : false\r\nlicensed : false",
        f"{LICENCE} healthy : false\nlicensed : false\n",
        f"healthy : false\n{LICENCE}\nlicensed : false\n",
        f'{LICENCE}\n{{"healthy":false,"licensed":false}}',
        f'{LICENCE} {{"healthy":false,"licensed":false}}\n',
        f'{{"healthy":false,"licensed":false}}\n{LICENCE}',
    ],
)
def test_attention_is_set_apart(output):
    """An ATTENTION line, alone or before something, is told verbatim and hides no field."""
    health = parsers.parse_health(output.encode())
    assert health.attention == (LICENCE,)
    assert told(health) == {"healthy": (False, False, True), "licensed": (False, False, True)}


def test_chatter_is_ignored():
    """Lines before the table that are no fields of it are no fields at all."""
    health = parsers.parse_health(
        b"sudo: unable to resolve host web-07\nwarning: slow\nWait...\n" + TABLE.encode()
    )
    assert health == parsers.parse_health(TABLE.encode())


def test_a_brace_in_a_value_is_no_json():
    """A list of objects inside a table does not turn the table into JSON."""
    tag = '[{"key": "GROUP", "value": "prod", "healthy": true, "licensed": true}]'
    health = parsers.parse_health(
        f"healthy : false\nlicensed : true\nedr_device_tags : {tag}\n".encode()
    )
    assert health.form == "text"
    assert health.value("healthy") is False
    assert health.value("edr_device_tags") == json.loads(tag)


def test_json_below_a_table_is_not_read():
    """Where a table stands first, JSON further down does not speak for the host."""
    health = parsers.parse_health(b'healthy : false\nlog_level : "info"\n' + compact(JSON).encode())
    assert health.form == "text"
    assert health.value("healthy") is False


def test_a_flag_reaches_what_is_wrapped_twice():
    """What is managed stays managed, however often it is wrapped."""
    health = read_json(tamperProtection={"isManaged": True, "value": {"value": "block"}})
    assert told(health)["tamper_protection"] == ("block", True, True)


REFUSED = {
    "failed to connect": "Failed to connect\n",
    "no daemon": "Could not connect to the daemon\n",
    "shell": "bash: mdatp: command not found\n",
    "dash": "sh: 1: mdatp: not found\n",
    "one field in prose": "healthy: true\n",
    "one field thrice": "healthy: true\n" * 3,
    "attention only": LICENCE,
    "version": "Product version: 101.23052.0009\n",
    "html": "<!DOCTYPE html>\n<pre>\nhealthy : true\nlicensed : true\n</pre>",
    "other json": '{"error":{"code":3},"healthy":true}',
    "text in json": '{"message":"healthy : true, licensed : true"}',
    "json list": "[1,2,3]",
    "two hosts": '{"healthy":true,"licensed":true}\n{"healthy":false,"licensed":true}',
    "empty result": '{"$type":"getHealthAllResult"}',
    "cut json": compact(JSON)[:-1],
    "cut pretty json": json.dumps(JSON, indent=1)[:-1],
    "json with quoted keys as lines": '"healthy": true,\n"licensed": true,',
    "service status": "Loaded: loaded\nActive: active (running)\nTasks: 105\n",
    "commented": "# healthy : true\n# licensed : true\n",
    "utf-16": TABLE.encode("utf-16").decode("latin-1"),
    "nul in keys": "heal\0thy : true\nlic\0ensed : true\n",
    "old mac line ends": "some text\rhealthy : true\rlicensed : true",
}


@pytest.mark.parametrize("output", REFUSED.values(), ids=REFUSED.keys())
def test_what_is_no_health_is_refused(output):
    """Errors, prose, other formats and cut JSON are refused, never read as healthy."""
    with pytest.raises(ParseError, match=r"^cannot") as refused:
        parsers.parse_health(output.encode("latin-1"))
    assert refused.value.kind == "malformed"


@pytest.mark.parametrize("parse", PARSERS[:4])
@pytest.mark.parametrize("data", [b"", b"\n \r\n\t", b"\xef\xbb\xbf\n"])
def test_nothing_is_empty(parse, data):
    """Nothing at all is `empty`, which is not `malformed`."""
    with pytest.raises(ParseError, match=r"^cannot") as refused:
        parse(data)
    assert refused.value.kind == "empty"


@pytest.mark.parametrize("parse", PARSERS)
def test_too_large(parse):
    """Output of more than 1 MiB is refused before it is read."""
    with pytest.raises(ParseError, match=r"^cannot") as refused:
        parse(b"healthy : true\nlicensed : true\n" * 40_000)
    assert refused.value.kind == "too-large"


@pytest.mark.parametrize("parse", [parsers.parse_health, parsers.parse_details])
@pytest.mark.parametrize("depth", [199, 200, 900, 60_000])
def test_too_deep(parse, depth):
    """JSON deeper than 200 levels is `too-deep`, at any depth the interpreter could not bear."""
    data = b'{"healthy":true,"licensed":true,"x":' + b"[" * depth + b"]" * depth + b"}"
    if depth < 200:
        assert parse(data).value("healthy") is True
        return
    with pytest.raises(ParseError, match=r"^cannot") as refused:
        parse(data)
    assert refused.value.kind == "too-deep"


def test_giant_numbers():
    """A number longer than Python would convert is text, not a crash."""
    data = b'{"healthy":true,"licensed":true,"x":' + b"9" * 9000 + b',"y":1e999999,"z":NaN}'
    health = parsers.parse_health(data)
    assert health.value("x") == "9" * 9000
    assert (health.value("y"), health.value("z")) == ("1e999999", "NaN")


def test_too_many_fields():
    """A flood of fields is refused rather than kept."""
    with pytest.raises(ParseError, match=r"^cannot") as refused:
        parsers.parse_health("".join(f"a_{n}:1\n" for n in range(20_000)).encode())
    assert refused.value.kind == "too-large"


def test_values_can_be_written():
    """NUL and lone surrogates, which escapes can bring in, are replaced."""
    data = rb'{"healthy":true,"licensed":true,"orgId":"a\u0000b\ud800c\ud83d\ude00"}'
    assert parsers.parse_health(data).value("org_id") == "a\ufffdb\ufffdc\U0001f600"


# --- prefixes -----------------------------------------------------------------------------------


@pytest.mark.parametrize("indent", [None, 1])
def test_no_prefix_of_json_is_health(indent):
    """JSON cut short anywhere is refused."""
    data = json.dumps(JSON, indent=indent).encode()
    for cut in range(len(data)):
        with pytest.raises(ParseError):
            parsers.parse_health(data[:cut])


@pytest.mark.parametrize("healthy", ["true", "false", "unavailable"])
def test_prefixes_of_a_table(healthy):
    """A table cut short never says more than its whole lines; the cut one may be unknown."""
    text = TABLE.replace(": true", f": {healthy}", 1)
    whole = parsers.parse_health(text.encode())
    for cut in range(len(text)):
        try:
            part = parsers.parse_health(text[:cut].encode())
        except ParseError:
            continue
        ended = text[:cut].count("\n")
        for name in list(part.fields)[:ended]:
            assert part.get(name) == whole.get(name)
        assert part.value("healthy") is whole.value("healthy")
        said = {name for name, f in part.fields.items() if f.value is True}
        assert said <= {name for name, f in whole.fields.items() if f.value is True}


# --- details ------------------------------------------------------------------------------------


def test_details_of_any_shape():
    """A view of details keeps every key it prints, known or not."""
    health = parsers.parse_details(
        b"scan_archives                               : true\n"
        b"scan_results_retention_days                 : 90\n"
        b'enforcement_level                           : "on_demand" [managed]\n'
        b'definitions_update_source_uri               : "https://x.example/?a=1"\n'
        b"offline_definition_update_fallback_to_cloud : false[managed]\n"
    )
    assert health.form == "text"
    assert health.value("scan_archives") is True
    assert health.value("scan_results_retention_days") == 90
    assert health.get("enforcement_level") == parsers.Field("on_demand", True, True, '"on_demand"')
    assert health.value("definitions_update_source_uri") == "https://x.example/?a=1"
    fallback = health.get("offline_definition_update_fallback_to_cloud")
    assert fallback == parsers.Field(False, True, True, "false")


def test_sections_flatten_with_dots():
    """Sections, inline objects and JSON give one name: `section.key`."""
    expected = {
        "daily_scan_configuration.time_of_day": (720, False, True),
        "weekly_scan_configuration.day_of_week": ("monday", True, True),
        "weekly_scan_configuration.time_of_day": (60, False, True),
        "low_priority": (False, False, True),
    }
    indented = (
        "daily_scan_configuration :\n"
        "    time_of_day : 720\n"
        "weekly_scan_configuration :\n"
        '\tday_of_week : "monday" [managed]\n'
        "\ttime_of_day : 60\n"
        "low_priority : false\n"
    )
    parsed = {
        "dailyScanConfiguration": {"timeOfDay": 720},
        "weeklyScanConfiguration": {
            "$type": "weekly",
            "dayOfWeek": {"isManaged": True, "value": "monday"},
            "timeOfDay": 60,
        },
        "lowPriority": False,
    }
    assert told(parsers.parse_details(indented.encode())) == expected
    assert told(parsers.parse_details(compact(parsed).encode())) == expected
    inline = parsers.parse_details(
        b'weekly_scan_configuration : {"day_of_week":"monday","time_of_day":60} [managed]\n'
    )
    assert told(inline) == {
        "weekly_scan_configuration.day_of_week": ("monday", True, True),
        "weekly_scan_configuration.time_of_day": (60, True, True),
    }


def test_an_empty_heading_is_unreadable():
    """A key without value and without rows below it is kept, as not readable."""
    health = parsers.parse_details(b"daily_scan_configuration :\nlow_priority : true\n")
    assert health.retyped == ("daily_scan_configuration",)
    assert health.value("low_priority") is True


@pytest.mark.parametrize(
    "output",
    [
        "bash: mdatp: command not found",
        "sudo: mdatp: command not found",
        "Failed to connect",
        LICENCE,
        "Loaded: loaded\nActive: active",
        "<html><style>\nfont_size: 3\n</style>",
        '{"error":"x"}',
        "{}",
        "https://x.example/",
    ],
)
def test_what_is_no_details_is_refused(output):
    """A view of details needs at least one key that is surely a field."""
    with pytest.raises(ParseError, match=r"^cannot"):
        parsers.parse_details(output.encode())


# --- single values ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("output", "value", "managed"),
    [
        ("true\n", True, False),
        ("false [managed]\n", False, True),
        ("false[managed]", False, True),
        ('"101.24012.0007"\r\n', "101.24012.0007", False),
        ("101.24012.0007", "101.24012.0007", False),
        ('"block" [managed]', "block", True),
        ('""', "", False),
        ("[]", [], False),
        ("159", 159, False),
        ("Jul 29, 2025 at 11:51:57 AM", "Jul 29, 2025 at 11:51:57 AM", False),
        (f'{LICENCE}\n["missing license"]\n', ["missing license"], False),
        (f'{LICENCE} ["missing license"]\n', ["missing license"], False),
        (f"{LICENCE}\n\nfalse\n", False, False),
        (f"{LICENCE} false [managed]", False, True),
        (f'{LICENCE} ""', "", False),
        ('"30.1-54CD\n34"\n', "30.1-54CD34", False),
        ("A warning in words.\ntrue\n", True, False),
        ('{"displayValue":true,"isManaged":true,"value":"safe"}', "safe", True),
    ],
)
def test_single_values(output, value, managed):
    """`--field` gives one value, whatever stands before it."""
    found = parsers.parse_field(output.encode())
    assert (found.value, found.managed, found.available) == (value, managed, True)


@pytest.mark.parametrize("output", ["unavailable", '"Unavailable"', f"{LICENCE}\nunavailable\n"])
def test_single_unavailable(output):
    """`unavailable` is a value that is not known."""
    found = parsers.parse_field(output.encode())
    assert (found.value, found.available) == (None, False)


@pytest.mark.parametrize(
    "output",
    [
        "Failed to connect",
        LICENCE,
        f'{LICENCE}\nfalse\nfalse\n""\n',
        "bash: mdatp: command not found",
        '"cut off',
        '["cut off',
        "true\nbut not really",
        '{"a":{"b":1}}',
        "<html>",
    ],
)
def test_what_is_no_single_value_is_refused(output):
    """Prose, cut values and more than one value are refused."""
    with pytest.raises(ParseError, match=r"^cannot"):
        parsers.parse_field(output.encode())


@pytest.mark.parametrize(
    "output",
    [
        "Product version: 101.23052.0009\n",
        "Product version: 101.23052.0009",
        "WARNING: this version has expired.\r\nProduct version: 101.23052.0009\r\n",
        f"{LICENCE}\nProduct version : 101.23052.0009 \n",
        f'{LICENCE} Product version: "101.23052.0009"\n',
    ],
)
def test_version(output):
    """The product version, behind any warning."""
    assert parsers.parse_version(output.encode()) == "101.23052.0009"


@pytest.mark.parametrize("output", ["101.23052.0009", "Product version:", "Product version: none"])
def test_no_version(output):
    """Without the line that says it there is no version."""
    with pytest.raises(ParseError, match=r"^cannot"):
        parsers.parse_version(output.encode())


# --- lists of unknown shape ---------------------------------------------------------------------


def test_strings_of_text():
    """Whole lines, what follows the first colon, and what is quoted, all unquoted."""
    found = parsers.parse_strings(
        f"{LICENCE}\n=====\nExcluded folder\r\n"
        'Path: "/srv/a: b/" [managed]\n'
        "Process name: cat\n/opt/plain\n"
        'Scopes: ["epp", "global"]\n'.encode()
    )
    assert {"Excluded folder", "/srv/a: b/", "cat", "/opt/plain", "epp", "global"} <= found
    assert LICENCE not in found


def test_strings_of_json():
    """Every string at any depth, but no key."""
    data = LICENCE + '\n[{"$type":"excludedPath","path":"/srv"},{"list":["EICAR",[1,"b"]]}]\n'
    assert parsers.parse_strings(data.encode()) == {"excludedPath", "/srv", "EICAR", "b"}


def test_strings_of_nothing():
    """Blank output names nothing, and that is no error."""
    assert parsers.parse_strings(b" \r\n") == frozenset()


def test_strings_are_bounded():
    """Too many entries are refused, and one of absurd length is left out."""
    many = json.dumps([str(number) for number in range(30_000)]).encode()
    with pytest.raises(ParseError, match=r"^cannot"):
        parsers.parse_strings(many)
    assert parsers.parse_strings(json.dumps(["a", "b" * 5000]).encode()) == {"a"}
    with pytest.raises(ParseError) as refused:
        parsers.parse_strings(b"[" * 500 + b"]" * 500)
    assert refused.value.kind == "too-deep"


# --- properties ---------------------------------------------------------------------------------

FRAGMENTS = [
    *("healthy", "licensed", "app_version", "edrDeviceTags", "new_key", "$type"),
    *(" : ", ":", '"', "“", "\n", "\r\n", "\t", " ", "[managed]", "...", "<---", "\\", "\\u0000"),
    *("true", "false", "1", "unavailable", "[", "]", "{", "}", ",", "{" * 300, "9" * 5000),
    *('{"healthy":true,"licensed":', '"value":', '"isManaged":true', "getHealthAllResult"),
    *(LICENCE, "ATTENTION:", "Product version: ", "\0", "\ufeff", "NaN", "1e400", "-"),
]
noise = st.one_of(
    st.binary(max_size=200),
    st.lists(st.sampled_from(FRAGMENTS), max_size=40).map("".join).map(str.encode),
)


@given(noise)
def test_nothing_but_parse_errors(data):
    """No bytes whatever make a parser raise anything else, and every value can be written."""
    for parse in PARSERS:
        try:
            found = parse(data)
        except ParseError as error:
            found = str(error)
            assert found.startswith("cannot")
        repr(found).encode()
        if isinstance(found, parsers.Health):
            assert all(found.value(name) is None for name in found.retyped)
            assert all(f.available or f.value is None for f in found.fields.values())


@given(noise)
def test_never_healthy_out_of_nothing(data):
    """`healthy` is True only where the bytes hold that word and, after it, true or 1."""
    for parse in (parsers.parse_health, parsers.parse_details):
        try:
            found = parse(data)
        except ParseError:
            continue
        if found.value("healthy") is True:
            after = data.partition(b"healthy")[2].lower()
            assert b"true" in after or b"1" in after


@given(st.lists(st.sampled_from([word for word in FRAGMENTS if "true" not in word]), max_size=40))
def test_never_healthy_without_a_yes(words):
    """Where no word says yes, nothing is healthy."""
    data = "".join(words).replace("1", "0").encode()
    try:
        found = parsers.parse_health(data)
    except ParseError:
        return
    assert found.value("healthy") is not True


plain = st.text(st.characters(codec="utf-8", exclude_characters="\n\0"), max_size=30)
items = st.lists(st.one_of(plain, st.integers(-99, 99), st.booleans()), max_size=4)
VALUES = {
    "boolean": st.booleans(),
    "text": plain,
    "minutes": st.integers(0, 10**7),
    "issues": st.lists(plain, max_size=4),
    "list": items,
    "unknown": st.one_of(st.booleans(), st.integers(-(10**17), 10**17), plain, items),
}
KIND = {
    "definitions_updated_minutes_ago": "minutes",
    "health_issues": "issues",
    "edr_device_tags": "list",
    "conflicting_applications": "list",
    "cloud_pin_certificate_thumbs": "unknown",
    "ecs_configuration_ids": "unknown",
    "zz_new": "unknown",
}
NAMES = sorted((KNOWN | {"zz_new"}) - {"product_expiration", "definitions_updated"})


@st.composite
def hosts(draw) -> list[tuple[str, Any, bool]]:
    """Fields of one host: name, value (None: unavailable), managed."""
    names = draw(st.lists(st.sampled_from(NAMES), min_size=3, max_size=40, unique=True))
    fields = []
    for name in names:
        kind = KIND.get(name, "boolean" if name in parsers.BOOLEANS else "text")
        fields.append((name, draw(st.none() | VALUES[kind]), draw(st.booleans())))
    told = [value for name, value, _ in fields if name in KNOWN and value is not None]
    assume(any(str(value).strip().lower() != "unavailable" for value in told))
    return fields


def as_text(fields: list[tuple[str, Any, bool]]) -> bytes:
    rows = []
    for name, value, managed in fields:
        printed = f'"{value}"' if isinstance(value, str) else json.dumps(value)
        printed = "unavailable" if value is None else printed
        rows.append(f"{name:<44}: {printed}{' [managed]' * managed}\n")
    return "".join(rows).encode()


def as_json(fields: list[tuple[str, Any, bool]], *, ascii_only: bool) -> bytes:
    members: dict[str, Any] = {"$type": "getHealthAllResult"}
    for name, value, managed in fields:
        head, *rest = name.split("_")
        key = head + "".join(word.capitalize() for word in rest)
        wrapped = {"displayValue": True, "isManaged": managed, "value": value}
        members[key] = wrapped if managed or len(name) % 2 else value
    return json.dumps(members, ensure_ascii=ascii_only).encode()


@given(hosts(), st.booleans(), st.booleans())
def test_renderings_of_one_host_agree(fields, ascii_only, attention):
    """Whatever a host has to say, JSON and text of it read the same."""
    notice = f"{LICENCE}\n".encode() * attention
    text = parsers.parse_health(notice + as_text(fields))
    parsed = parsers.parse_health(notice + as_json(fields, ascii_only=ascii_only))
    assert told(text) == told(parsed)
    assert text.attention == parsed.attention == (LICENCE,) * attention
    assert text.retyped == parsed.retyped == ()
    for name, value, managed in fields:
        found = text.fields[name]
        known = not isinstance(value, str) or value.strip().lower() != "unavailable"
        assert found.value == (value if known else None)
        assert found.managed is managed


@pytest.mark.parametrize(
    ("member", "value", "name", "expected"),
    [
        ("cloudEnabled", "enabled", "cloud_enabled", True),
        ("realTimeProtectionEnabled", {"value": "Disabled"}, "real_time_protection_enabled", False),
        ("behaviorMonitoring", True, "behavior_monitoring", "enabled"),
        ("edrEarlyPreviewEnabled", {"value": False}, "edr_early_preview_enabled", "disabled"),
    ],
)
def test_a_switch_may_be_a_word_or_a_boolean(
    member: str, value: object, name: str, expected: object
) -> None:
    """Public readers of real hosts accept both spellings of a switch, and so does this one."""
    assert read_json(**{member: value}).value(name) == expected


@pytest.mark.parametrize(
    "data",
    [
        b'{"healthy": null, "realTimeProtectionEnabled": {"value": null}, "orgId": "unavailable"}',
        b'{"healthy": {"is": [1]}, "licensed": [true], "definitionsStatus": {"state": 1}}',
        b"healthy  : unavailable\nlicensed : unavailable\norg_id   : unavailable\n",
    ],
)
def test_fields_that_tell_nothing_are_no_health(data: bytes) -> None:
    """Else a host of which nothing is known would read as one on which nothing is found."""
    with pytest.raises(ParseError, match=r"cannot find health.*none of its fields"):
        parsers.parse_health(data)
