"""Each source's parser: good, broken, empty and unknown shapes, and nothing ever invented."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mdeinspect.documents.analyzer import TITLES
from mdeinspect.documents.filetime import CheckinTimes
from mdeinspect.errors import ParseError
from mdeinspect.model import Process
from mdeinspect.sources import (
    CommandSource,
    FileSource,
    LinkSource,
    MentionSource,
    load,
    policy_sources,
)
from mdeinspect.sources.boot import LAUNCHD, SYSTEMD, UNIT_FOLDERS, Boot
from mdeinspect.sources.client_analyzer import CLIENT_ANALYZER
from mdeinspect.sources.merged_configuration import MARK, MERGED_CONFIGURATION, Merged
from mdeinspect.sources.onboarding import ONBOARDING, Onboarding
from mdeinspect.sources.processes import PROCESSES
from mdeinspect.sources.product_state import PRODUCT_STATE
from mdeinspect.sources.security_management import SOURCES as DELIVERED
from mdeinspect.sources.security_management import Outcome
from mdeinspect.views.outcome import line
from mdeinspect.views.status import status
from support import NOW, ONBOARD, HostFolder, filetime

MOMENT = datetime(2026, 11, 22, 10, tzinfo=UTC)
TICKS = filetime(MOMENT)
ATTEMPT = "mLastCheckinAttemptInFileTime"
SUCCESS = "mLastcheckinSuccessfulInFileTime"
CURRENT_REPORT, SECURITY_POLICY = DELIVERED


def state(value: Any) -> CheckinTimes:
    """What wavdstate tells when it holds `value`."""
    found: CheckinTimes = PRODUCT_STATE.parse(json.dumps(value).encode())
    return found


# --- all of them --------------------------------------------------------------------------------


def test_every_source_has_a_name_of_its_own_on_each_platform() -> None:
    """A reading is known by the name of its source."""
    for platform in ("linux", "darwin"):
        names = [
            source.name
            for source in load()
            if not isinstance(source, FileSource | LinkSource | MentionSource)
            or platform in source.places
        ]
        assert len(names) == len(set(names))


def test_every_place_is_absolute_and_every_verb_only_reads() -> None:
    """Nothing relative, nothing along a path, and no verb of `mdatp` that changes anything."""
    reading_verbs = {
        ("health",),
        ("version",),
        ("exclusion", "list"),
        ("threat", "allowed", "list"),
    }
    for source in load():
        if isinstance(source, FileSource | LinkSource | MentionSource):
            assert all(path.startswith("/") for paths in source.places.values() for path in paths)
        elif isinstance(source, CommandSource):
            for command in source.commands:
                words = tuple(w for w in command.args if not w.startswith("--"))
                assert any(words[: len(verb)] == verb for verb in reading_verbs)


def test_only_files_with_policy_wake_the_service() -> None:
    """The agent's own writes never drive us."""
    waking = {source.name for source in load() if source.wake == "event"}
    assert waking == {source.name for source in policy_sources()}


FILE_PARSERS = [source for source in load() if isinstance(source, FileSource | CommandSource)]
# These take any text: a list of names has no shape of its own, and what is signed is opaque.
TAKES_ANYTHING = ("exclusion-list", "threat-allowed-list", "security_policy", "offboarding")
STRICT = [source for source in FILE_PARSERS if source.name not in TAKES_ANYTHING]


@pytest.mark.parametrize("source", FILE_PARSERS, ids=lambda source: source.name)
@settings(max_examples=60, deadline=None)
@given(data=st.binary(max_size=80))
def test_any_bytes_are_parsed_or_refused(source: FileSource | CommandSource, data: bytes) -> None:
    """A value, None, or `ParseError` of a known kind: nothing else comes out of a parser."""
    kind = "empty"
    try:
        source.parse(data)
    except ParseError as error:
        kind = error.kind
    assert kind in ("malformed", "empty", "too-deep", "too-large")


@pytest.mark.parametrize("source", STRICT, ids=lambda source: source.name)
@pytest.mark.parametrize("data", [b"", b"\n", b"\0" * 50, b"[" * 100_000, b'{"a":' * 5000, b"\xff"])
def test_what_is_no_document_is_never_a_wrong_value(
    source: FileSource | CommandSource, data: bytes
) -> None:
    """Empty, binary, endlessly nested: refused, or nothing of it in here."""
    try:
        value = source.parse(data)
    except ParseError:
        return
    assert not value or value == Onboarding(None)


# --- wdavstate ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value",
    [
        {SUCCESS: TICKS, ATTEMPT: TICKS},
        {"securityManagement": {SUCCESS: TICKS, ATTEMPT: TICKS}},
        {"a": [{"b": [{SUCCESS: TICKS}]}, 1, {"c": {ATTEMPT: TICKS}}]},
        {SUCCESS.upper(): TICKS, ATTEMPT.lower(): TICKS},
        {"mLastCheckinSuccessfulInFileTime": TICKS, "mLastcheckinAttemptInFiletime": TICKS},
        {SUCCESS: str(TICKS), ATTEMPT: f" {TICKS}\n"},
        {SUCCESS: TICKS, ATTEMPT: TICKS, "other": {"mLastSomethingInFileTime": 1}},
    ],
)
def test_check_in_times_are_found_wherever_and_however_they_stand(value: Any) -> None:
    """At any depth, in any letter case, as number or as text."""
    assert state(value) == CheckinTimes((MOMENT,), (MOMENT,))


def test_fractions_of_a_second_are_kept() -> None:
    """A FILETIME counts tenths of a microsecond; the last digit goes, and no more."""
    found = state({SUCCESS: TICKS + 1_234_567})
    assert found.successes == (MOMENT + timedelta(microseconds=123_456),)


def test_zero_says_never() -> None:
    """Exactly never, which is no time and no nonsense."""
    assert state({SUCCESS: 0, ATTEMPT: "0"}) == CheckinTimes((None,), (None,))


def test_several_values_are_all_kept_the_newest_last() -> None:
    """A state file may hold old blocks; `never` is older than any time."""
    value = [{SUCCESS: TICKS}, {SUCCESS: 0}, {SUCCESS: TICKS - 600_000_000}]
    assert state(value).successes == (None, MOMENT - timedelta(minutes=1), MOMENT)


@pytest.mark.parametrize(
    "value",
    [
        True, False, None, 1.0, float(TICKS), -1, -TICKS, 1, 2**63, 2**70, 10**30, "", "never",
        "-1", "1.5", "0x1D", "\u0661", str(2**80), [], [TICKS], {}, {"value": TICKS}, TICKS // 10,
        filetime(datetime(2014, 12, 31, tzinfo=UTC)), filetime(datetime(2200, 1, 1, tzinfo=UTC)),
    ],
)  # fmt: skip
def test_what_is_no_check_in_time_is_counted_and_not_used(value: Any) -> None:
    """Floats have lost their last digits, true is no number, and no time lies before SenseCM."""
    found = state({SUCCESS: value, ATTEMPT: TICKS})
    assert (found.successes, found.attempts, found.senseless) == ((), (MOMENT,), 1)


def test_not_a_number_is_no_time() -> None:
    """Python's JSON would let it pass."""
    for word in (b"NaN", b"Infinity", b"1e999"):
        found = PRODUCT_STATE.parse(b'{"%s": %s}' % (SUCCESS.encode(), word))
        assert (found.successes, found.senseless) == ((), 1)


@pytest.mark.parametrize("text", [b"{}", b"[]", b"null", b'"text"', b"0", b'{"other": 1}'])
def test_a_state_without_the_keys_tells_nothing(text: bytes) -> None:
    """Nothing found is nothing known, and no fault."""
    assert PRODUCT_STATE.parse(text) == CheckinTimes()


@pytest.mark.parametrize("text", [b"", b"{", b'{"a": 1}}', b"\x00" * 100, b"bplist00"])
def test_a_state_that_is_no_json_is_refused(text: bytes) -> None:
    """Broken is not empty."""
    with pytest.raises(ParseError):
        PRODUCT_STATE.parse(text)


# --- mdatp_config.txt ---------------------------------------------------------------------------


def analyzer(blocks: Mapping[str, str], end: str = "\n") -> bytes:
    """A file as the Client Analyzer writes it."""
    text = "Microsoft Defender for Endpoint configurations\n\n"
    for title in TITLES:
        if title in blocks:
            body = blocks[title].replace("\n", "\n    ")
            text += f"Description of it\n{title}\n/etc/opt/microsoft/mdatp/some/path\n{body}\n\n"
    return text.replace("\n", end).encode()


def times(**values: Any) -> str:
    """A block of JSON with check-in times in it."""
    return json.dumps({"securityManagement": values, "a": {"b": "} {"}}, indent=4)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("title", TITLES)
def test_any_of_the_five_blocks_may_hold_the_times(title: str, end: str) -> None:
    """Whichever it is, and with either line end."""
    blocks = dict.fromkeys(TITLES, "{}") | {title: times(**{SUCCESS: TICKS, ATTEMPT: TICKS})}
    assert CLIENT_ANALYZER.parse(analyzer(blocks, end)) == CheckinTimes((MOMENT,), (MOMENT,))


@pytest.mark.parametrize(
    "bad",
    ["Error: file not found", "Error: {cannot", '{"torn": [1, 2', "", "{}{}", "} {", "[1]"],
)
def test_a_block_that_cannot_be_read_hides_no_other(bad: str) -> None:
    """Errors of the analyzer stand where the JSON would."""
    blocks = dict.fromkeys(TITLES, bad) | {TITLES[-1]: times(**{SUCCESS: TICKS})}
    assert CLIENT_ANALYZER.parse(analyzer(blocks)).successes == (MOMENT,)
    assert CLIENT_ANALYZER.parse(analyzer(dict.fromkeys(TITLES, bad))) == CheckinTimes()


def test_a_title_inside_a_block_is_not_a_title() -> None:
    """Only a line of its own is."""
    blocks = {TITLES[0]: times(**{SUCCESS: TICKS, "note": f"see {TITLES[4]}: here"})}
    assert CLIENT_ANALYZER.parse(analyzer(blocks)).successes == (MOMENT,)


@pytest.mark.parametrize("text", [b"", b"{}", b"some other file\n", TITLES[0].lower().encode()])
def test_a_file_without_titles_is_refused(text: bytes) -> None:
    """It is another file, not one without check-ins."""
    with pytest.raises(ParseError):
        CLIENT_ANALYZER.parse(text)


# --- the merged configuration in the log --------------------------------------------------------


def logged(values: Any, time: str = "2026-11-22 10:00:00.123456 UTC") -> bytes:
    """One line of the log."""
    body = values if isinstance(values, str) else json.dumps(values)
    return f"[12][34][{time}][info]: {MARK.decode()} {body}\n".encode()


def test_the_newest_of_several_lines_counts() -> None:
    """A log grows at its end; other lines stand in between."""
    text = logged({"a": 1}) + b"[info]: other\n" + logged({"a": 2}) + b"[info]: more\n"
    assert MERGED_CONFIGURATION.parse(text) == Merged({"a": 2}, MOMENT)


@pytest.mark.parametrize(
    "torn", ['{"a": 3, "b', "", "[1]", '"text"', "{} trailing", "null", "{'a': 1}"]
)
def test_a_torn_or_foreign_line_leaves_the_one_before(torn: str) -> None:
    """The last line of a log may be half-written."""
    text = logged({"a": 2}) + logged(torn)
    for data in (text, text.rstrip(b"\n")):
        assert MERGED_CONFIGURATION.parse(data) == Merged({"a": 2}, MOMENT)


def test_a_first_line_that_the_tail_cut_off_is_no_fault() -> None:
    """Only the end of a log is read, and it starts anywhere."""
    text = logged({"a": 2})
    assert MERGED_CONFIGURATION.parse(text[8:]) == Merged({"a": 2}, MOMENT)
    assert MERGED_CONFIGURATION.parse(text[45:]) == Merged({"a": 2}, None)
    assert MERGED_CONFIGURATION.parse(text[-5:]) is None


@pytest.mark.parametrize("time", ["", "soon", "2026-13-45 10:00:00", "2026-11-22"])
def test_a_line_without_a_time_has_none(time: str) -> None:
    """Not known, rather than guessed."""
    assert MERGED_CONFIGURATION.parse(logged({"a": 1}, time)) == Merged({"a": 1}, None)


def test_the_mark_inside_a_value_does_not_mislead() -> None:
    """What a setting is called is no line of the log."""
    values = {"note": f"{MARK.decode()} {{}}"}
    assert MERGED_CONFIGURATION.parse(logged(values)) == Merged(values, MOMENT)


@pytest.mark.parametrize("text", [b"", b"\n\n", b"[info]: nothing of it\n", MARK, b"\xff\x00"])
def test_a_log_without_such_a_line_holds_nothing_of_it(text: bytes) -> None:
    """None, so that a rotated log is looked into."""
    assert MERGED_CONFIGURATION.parse(text) is None


def test_a_log_full_of_marks_is_given_up() -> None:
    """Not a moment of work for every mark, be they on one line or on a hundred thousand."""
    assert MERGED_CONFIGURATION.parse((MARK + b"{") * 60_000) is None
    assert MERGED_CONFIGURATION.parse((MARK + b"{\n") * 60_000) is None


# --- onboarding ---------------------------------------------------------------------------------

TENANT = "aaaaaaaa-1111-2222-3333-bbbbbbbbbbbb"


@pytest.mark.parametrize(
    "value",
    [
        {"orgId": TENANT},
        {"ORGID": TENANT},
        {"onboardingInfo": {"body": {"orgId": TENANT}}},
        {
            "onboardingInfo": json.dumps(
                {"body": json.dumps({"previousOrgIds": [], "orgId": TENANT})}
            )
        },
        [{"x": 1}, {"orgId": TENANT}],
    ],
)
def test_the_tenant_is_found_also_in_json_that_is_kept_as_text(value: Any) -> None:
    """The package of the portal wraps it twice."""
    assert ONBOARDING.parse(json.dumps(value).encode()) == Onboarding(TENANT)


@pytest.mark.parametrize(
    "value",
    [{}, {"orgId": 7}, {"orgId": None}, {"a": "{torn"}, {"a": "{" * 100_000}, "orgId", 1, None],
)
def test_an_onboarding_file_may_not_tell_its_tenant(value: Any) -> None:
    """Onboarded, and to whom is not known."""
    assert ONBOARDING.parse(json.dumps(value).encode()) == Onboarding(None)


def test_the_tenant_is_never_shown(host: HostFolder) -> None:
    """Neither by `repr`, nor in an error, nor in what `status --json` prints."""
    found = ONBOARDING.parse(json.dumps({"orgId": TENANT}).encode())
    assert TENANT not in repr(found)
    with pytest.raises(ParseError) as caught:
        ONBOARDING.parse(b'{"orgId": "%s"' % TENANT.encode())
    assert TENANT not in str(caught.value)
    host.health().file(ONBOARD, {"onboardingInfo": json.dumps({"orgId": TENANT})})
    report = host.report()
    assert report.sources["mdatp_onboard"].present
    assert TENANT not in line(status(report))
    assert TENANT not in repr(report)


# --- boot ---------------------------------------------------------------------------------------

UNIT = f"{UNIT_FOLDERS[1]}/mdatp.service"
OWN = f"{UNIT_FOLDERS[0]}/mdatp.service"
WANTS = f"{UNIT_FOLDERS[0]}/multi-user.target.wants/mdatp.service"
REQUIRES = f"{UNIT_FOLDERS[0]}/multi-user.target.requires/mdatp.service"


@pytest.mark.parametrize(
    ("links", "enabled", "signs"),
    [
        ({UNIT: None, WANTS: UNIT}, True, (WANTS,)),
        ({UNIT: None, REQUIRES: UNIT}, True, (REQUIRES,)),
        ({WANTS: UNIT}, True, (WANTS,)),
        ({UNIT: None}, False, (UNIT,)),
        ({OWN: None}, False, (OWN,)),
        ({OWN: "/dev/null", UNIT: None}, False, (OWN,)),
        ({OWN: "/dev/null", WANTS: UNIT}, False, (OWN,)),
        ({OWN: "/opt/microsoft/mdatp/conf/mdatp.service", WANTS: OWN}, True, (WANTS,)),
    ],
)
def test_systemd_starts_what_is_wanted_and_not_masked(
    links: dict[str, str | None], enabled: bool, signs: tuple[str, ...]
) -> None:
    """Enabled is a link from a target; masked is a link to /dev/null, which outweighs it."""
    assert SYSTEMD.parse(links) == Boot(enabled, signs)


def test_without_systemd_or_unit_nothing_is_said() -> None:
    """Not known, rather than disabled."""
    assert SYSTEMD.parse({}) is None


@pytest.mark.parametrize("enabled", [True, False])
def test_the_links_of_a_host_say_whether_it_starts(host: HostFolder, enabled: bool) -> None:
    """From real links, by name alone."""
    host.health()
    host.enabled_at_boot() if enabled else host.file(UNIT, "[Unit]\n")
    assert host.report().sources["boot"].value.enabled is enabled


def job(content: str) -> bytes:
    """A job file of launchd."""
    return f"<plist><dict><key>Label</key><string>x</string>{content}</dict></plist>".encode()


def test_launchd_starts_what_is_not_disabled() -> None:
    """`Disabled` true and nothing else."""
    assert LAUNCHD.parse(job("")) == Boot(True)
    assert LAUNCHD.parse(job("<key>Disabled</key><false/>")) == Boot(True)
    assert LAUNCHD.parse(job("<key>Disabled</key><true/>")) == Boot(False)
    assert LAUNCHD.parse(job("<key>Disabled</key><string>true</string>")) == Boot(True)


@pytest.mark.parametrize("text", [b"", b"rubbish", b"<plist><array/></plist>", b"{}"])
def test_a_job_file_that_is_none_is_refused(text: bytes) -> None:
    """Neither enabled nor disabled."""
    with pytest.raises(ParseError):
        LAUNCHD.parse(text)


# --- what the portal delivered ------------------------------------------------------------------


def test_a_policy_report_tells_the_outcome_of_each_setting() -> None:
    """In its own words, in order, over all policies."""
    value = {
        "policyInfo": [
            {"settings": [{"name": "a", "value": "Success"}, {"name": "b", "value": "Failed: 5"}]},
            {"settings": [{"name": "c"}]},
        ]
    }
    found = CURRENT_REPORT.parse(json.dumps(value).encode())
    assert found == (Outcome("a", "Success"), Outcome("b", "Failed: 5"), Outcome("c", ""))
    assert [outcome.good for outcome in found] == [True, False, True]


@pytest.mark.parametrize(
    "info",
    [
        None, 1, "text", [], {}, {"settings": None}, {"settings": {}}, {"settings": [1, "x", None]},
        {"settings": [{}]}, {"settings": [{"value": "Failed"}]},
    ],
)  # fmt: skip
def test_an_entry_of_unknown_shape_tells_nothing(info: Any) -> None:
    """And hides none of the others."""
    value = {"policyInfo": [info, {"settings": [{"name": "a", "value": "applied "}]}]}
    found = CURRENT_REPORT.parse(json.dumps(value).encode())
    assert found == (Outcome("a", "applied "),)
    assert found[0].good


@pytest.mark.parametrize("told", [True, 7, None, ["x"], {"y": 1}])
def test_an_outcome_of_unknown_type_is_kept_as_text(told: Any) -> None:
    """Nothing is thrown away, and nothing that is not text passes for a failure word."""
    value = {"policyInfo": [{"settings": [{"name": "a", "value": told}]}]}
    (found,) = CURRENT_REPORT.parse(json.dumps(value).encode())
    assert isinstance(found.value, str)


@pytest.mark.parametrize(
    "text", [b"[]", b"{}", b'{"policyInfo": {}}', b'{"policyInfo": null}', b"1"]
)
def test_another_kind_of_report_is_refused(text: bytes) -> None:
    """Unknown shapes read as neither good nor bad."""
    with pytest.raises(ParseError):
        CURRENT_REPORT.parse(text)


def test_of_the_signed_bundle_only_the_size_is_known() -> None:
    """It is opaque; that it is there, and since when, is what matters."""
    assert SECURITY_POLICY.parse(b"\x30\x82" + b"x" * 10) == 12


# --- processes ----------------------------------------------------------------------------------

APP = "/Applications/Microsoft Defender.app/Contents/MacOS"
SYSTEM = "/opt/microsoft/mdatp/sbin"


def roles(*processes: Process) -> list[str]:
    """The role of each."""
    return [one.role for one in PROCESSES.parse(processes)]


def test_roles_on_linux_stand_in_the_first_argument() -> None:
    """One program in three roles, and SenseCM while it runs."""
    daemon = f"{SYSTEM}/wdavdaemon"
    assert roles(
        Process(1, "wdavdaemon", daemon, (daemon,)),
        Process(2, "wdavdaemon", daemon, (daemon, "edr", "16", "15", "--log_level", "info")),
        Process(3, "wdavdaemon", daemon, (daemon, "unprivileged", "13", "14")),
        Process(4, "wdavdaemon", daemon, ()),
        Process(5, "wdavdaemon", daemon, (daemon, "--log_level", "edr")),
        Process(6, "SenseCM", f"{SYSTEM}/sensecm", (f"{SYSTEM}/sensecm",)),
    ) == ["main", "edr", "unprivileged", "main", "main", "sensecm"]


def test_roles_on_a_mac_stand_in_the_name() -> None:
    """As `ps` shows them there: one program a role, in applications of their own."""
    unprivileged = f"{APP}/wdavdaemon_unprivileged.app/Contents/MacOS/wdavdaemon_unprivileged"
    enterprise = f"{APP}/wdavdaemon_enterprise.app/Contents/MacOS/wdavdaemon_enterprise"
    assert roles(
        Process(557, "wdavdaemon", f"{APP}/wdavdaemon", (f"{APP}/wdavdaemon", "privileged")),
        Process(682, "wdavdaemon_enterprise", enterprise, (enterprise,)),
        Process(1869, "wdavdaemon_unprivileged", unprivileged, (unprivileged,)),
    ) == ["main", "enterprise", "unprivileged"]


def test_a_call_of_mdatp_is_no_part_of_the_agent() -> None:
    """The command-line client runs whether the daemon does or not."""
    assert roles(Process(9, "wdavdaemonclient", f"{SYSTEM}/wdavdaemonclient", ("mdatp",))) == []


def test_no_process_is_an_empty_list() -> None:
    """Which is a fact: nothing of the agent runs."""
    assert PROCESSES.parse(()) == ()


def test_the_processes_of_a_record_are_shown_with_their_roles(host: HostFolder) -> None:
    """From host.json to the report."""
    daemon = f"{SYSTEM}/wdavdaemon"
    host.health().about(
        processes=[
            {"pid": 5, "name": "wdavdaemon", "cmdline": [daemon, "edr"]},
            {"pid": 3, "name": "wdavdaemon", "started": (NOW).isoformat()},
            {"pid": 4, "name": "sshd"},
        ]
    )
    shown = status(host.report())["processes"]
    assert [(one["pid"], one["role"]) for one in shown] == [(3, "main"), (5, "edr")]
