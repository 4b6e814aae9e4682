"""Taking a snapshot: every source once, every fact for what it is, and none spoils another."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mdeinspect.errors import NotThere, Unreadable
from mdeinspect.host.recorded import RecordedHost
from mdeinspect.inspect import MOST, Plan, look, take
from mdeinspect.model import Command, FileFacts, HostFacts, Output, Platform, Process, Reading
from mdeinspect.readers import NEWEST, SETTLE
from mdeinspect.sources import CommandSource, MentionSource, load
from mdeinspect.views.outcome import line
from mdeinspect.views.status import status
from support import (
    ATTACH,
    CORE_LOG,
    DAY,
    HOUR,
    LOCAL,
    MAC_ATTACH,
    MAC_LOCAL,
    MAC_MANAGED,
    MAC_STATE,
    MANAGED,
    NOW,
    ONBOARD,
    STATE,
    HostFolder,
    health_json,
)

SECOND = timedelta(seconds=1)
ROTATED = "/var/log/microsoft/mdatp/rotated"
REPORT = "/var/opt/microsoft/mdatp/security_management/current_report"
BUNDLE = "/var/opt/microsoft/mdatp/security_management/policy"
PREFERENCES = "/Library/Managed Preferences"
ANALYZER = "/mdatp_config.txt"
POLICY = b'{"antivirusEngine": {"enforcementLevel": "real_time"}}'
HEALTH = health_json()
HEALTH_TEXT = b'healthy : true\nlicensed : true\napp_version : "101.2.3"\n'
VERSIONLESS = health_json(without=["appVersion"])
MERGED = b"[1][2][2026-11-22 10:00:00.1 UTC][info]: Features merged with capabilities: "

Content = bytes | Unreadable


class FakeHost:
    """A machine made of mappings, with a clock that only waiting moves, and a diary."""

    def __init__(
        self,
        files: Mapping[str, Content] | None = None,
        commands: Mapping[str, Content | Output] | None = None,
        *,
        platform: Platform = "linux",
        ages: Mapping[str, timedelta] | None = None,
        recorded: bool = False,
        processes: Sequence[Process] | Unreadable = (),
        later: Mapping[str, bytes] | None = None,
    ) -> None:
        self.files = dict(files or {})
        self.commands = commands or {}
        self.ages = ages or {}
        self.later = later or {}
        self.clock = NOW
        self.running = processes
        self.told = HostFacts("web-07", platform, recorded=recorded)
        self.asked: list[str] = []
        self.read_paths: list[str] = []
        self.waits: list[float] = []

    def facts(self) -> HostFacts:
        return self.told

    def now(self) -> datetime:
        return self.clock

    def wait(self, seconds: float) -> bool:
        if self.told.recorded:
            return False
        self.waits.append(seconds)
        self.clock += timedelta(seconds=seconds)
        self.files.update(self.later)
        return True

    def read(self, path: str, limit: int = 0) -> tuple[bytes, FileFacts]:
        self.read_paths.append(path)
        return self._get(path), self.stat(path)

    def tail(self, path: str, limit: int) -> tuple[bytes, FileFacts]:
        data, facts = self.read(path)
        return data[-limit:], facts

    def stat(self, path: str) -> FileFacts:
        found = self._get(path)
        mtime = NOW - self.ages.get(path, DAY)
        return FileFacts(path, size=len(found), mtime=mtime, changed=mtime)

    def around(self, facts: FileFacts) -> FileFacts:
        return facts

    def link(self, path: str) -> str | None:
        return self._get(path).decode() or None

    def names(self, path: str) -> Sequence[str]:
        if isinstance(self.files.get(path), Unreadable) and self.files[path].kind != "not-regular":
            raise self.files[path]
        inside = {p[len(path) + 1 :].split("/")[0] for p in self.files if p.startswith(path + "/")}
        if not inside:
            raise NotThere(path)
        return sorted(inside)

    def run(self, command: Command) -> Output:
        self.asked.append(command.name)
        found = self.commands.get(command.name)
        if found is None:
            raise NotThere(command.name)
        if isinstance(found, Unreadable):
            raise found
        return found if isinstance(found, Output) else Output(found, b"", 0)

    def processes(self, names: Sequence[str]) -> Sequence[Process]:
        if isinstance(self.running, Unreadable):
            raise self.running
        return self.running

    def _get(self, path: str) -> bytes:
        found = self.files.get(path)
        if found is None and any(p.startswith(path + "/") for p in self.files):
            raise Unreadable(f"{path} is a folder", kind="not-regular", file=FileFacts(path))
        if found is None:
            raise NotThere(path)
        if isinstance(found, Unreadable):
            raise found
        return found


def broken(kind: str, path: str | None = None) -> Unreadable:
    """A refusal, with what the file system told."""
    return Unreadable(f"cannot: {kind}", kind=kind, file=FileFacts(path) if path else None)


def reading(host: FakeHost, source: str, plan: Plan | None = None) -> Reading[Any]:
    """What came of one source."""
    return take(host, plan or Plan())[source]


def states(host: FakeHost) -> dict[str, str]:
    """The state of every source that was tried."""
    return {name: found.state for name, found in take(host, Plan()).readings.items()}


# --- every source, once -------------------------------------------------------------------------


def _platforms(source: Any) -> Any:
    return source.platforms if isinstance(source, CommandSource) else getattr(source, "places", ())


@pytest.mark.parametrize("platform", ["linux", "darwin"])
def test_every_source_of_the_platform_is_tried(platform: Platform) -> None:
    """A source that was not found is missing, not absent; other platforms' are not tried.

    Nor are mentions of files that are not there.
    """
    host = FakeHost(platform=platform, recorded=True)
    expected = {
        source.name
        for source in load()
        if source.name == "processes"
        or (
            not isinstance(source, MentionSource)
            and not getattr(source, "each", False)
            and platform in _platforms(source)
        )
    }
    found = take(host, Plan())
    assert set(found.readings) == expected
    assert {r.state for n, r in found.readings.items() if n not in ("processes", "boot")} == {
        "missing"
    }
    assert found.taken_at == NOW
    assert found.host == host.told


def test_no_file_is_read_twice_and_no_command_asked_twice() -> None:
    """Gentle: what is there and good costs one look."""
    files = {MANAGED: POLICY, ATTACH: b"{}", LOCAL: b"{}", STATE: b"{}", ONBOARD: b"{}"}
    host = FakeHost(files, {"health-json": HEALTH})
    take(host, Plan())
    for path in files:
        assert host.read_paths.count(path) == 1
    assert host.asked == ["health-json"]


def test_health_is_read_after_the_files() -> None:
    """Only health that is newer than the policy can prove that it is not in force."""
    order: list[str] = []

    class Noting(FakeHost):
        def read(self, path: str, limit: int = 0) -> tuple[bytes, FileFacts]:
            order.append("file")
            return super().read(path, limit)

        def run(self, command: Command) -> Output:
            order.append("command")
            return super().run(command)

    take(Noting({MANAGED: POLICY, STATE: b"{}"}, {"health-json": HEALTH}), Plan(details=True))
    assert order == sorted(order, reverse=True)


# --- what a reading can be ----------------------------------------------------------------------


def test_a_present_file_has_value_and_facts() -> None:
    """And no reason to be anything else."""
    found = reading(FakeHost({MANAGED: POLICY}), "mdatp_managed")
    assert (found.state, found.kind, found.reason) == ("present", None, None)
    assert found.value.value["antivirusEngine"]["enforcementLevel"] == "real_time"
    assert found.file is not None
    assert (found.file.path, found.file.mtime) == (MANAGED, NOW - DAY)
    assert found.there is True


def test_a_missing_file_is_missing() -> None:
    """Not broken, not off."""
    found = reading(FakeHost(), "mdatp_managed")
    assert (found.state, found.value, found.kind, found.there) == ("missing", None, None, False)


@pytest.mark.parametrize(
    ("content", "kind", "there"),
    [
        (broken("denied", MANAGED), "denied", True),
        (broken("denied"), "denied", None),
        (broken("dangling-link"), "dangling-link", True),
        (broken("lost-folder"), "lost-folder", None),
        (broken("io"), "io", None),
        (broken("io", MANAGED), "io", True),
        (broken("too-large", MANAGED), "too-large", True),
        (broken("not-regular", MANAGED), "not-regular", True),
        (broken("changing", MANAGED), "changing", True),
        (b"{broken", "malformed", True),
        (b"", "empty", True),
        (b"[]", "malformed", True),
        (b'{"a":' * 300, "too-deep", True),
    ],
)
def test_each_way_of_being_broken_is_told_apart(
    content: Content, kind: str, there: bool | None
) -> None:
    """With its kind and a reason. What could not be followed to its end may or may not be there."""
    found = reading(FakeHost({MANAGED: content}), "mdatp_managed")
    assert (found.state, found.value, found.kind, found.there) == ("broken", None, kind, there)
    assert found.reason


def test_one_broken_source_spoils_no_other() -> None:
    """Everything else is read as if nothing had happened."""
    good = {MANAGED: POLICY, ATTACH: b"{}", LOCAL: b"{}", STATE: b"{}", ONBOARD: b"{}"}
    whole = states(FakeHost(good, {"health-json": HEALTH}))
    del whole["deployment"]  # only looked for in the light of two of them
    for path in good:
        for content in (broken("denied"), b"\xff{", broken("link-loop")):
            found = states(FakeHost({**good, path: content}, {"health-json": HEALTH}))
            changed = {name for name in whole if whole[name] != found[name]}
            assert len(changed) == 1
    found = states(FakeHost(good, {"health-json": broken("timeout")}))
    assert {name for name in whole if whole[name] != found.get(name)} == {"health"}


def test_a_fault_of_our_own_in_one_parser_spoils_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """Told as such, so that it is reported to us and not to the administrator."""

    def fail(_data: bytes) -> None:
        raise AttributeError("oops")

    faulty = [
        replace(source, parse=fail) if source.name == "wdavstate" else source for source in load()
    ]
    monkeypatch.setattr("mdeinspect.inspect.load", lambda: faulty)
    found = take(FakeHost({STATE: b"{}", MANAGED: POLICY}), Plan())
    assert (found["wdavstate"].state, found["wdavstate"].kind) == ("broken", "internal")
    assert found["mdatp_managed"].present


def test_readings_tell_how_long_they_took_on_a_live_host() -> None:
    """Seconds there, nothing on a record."""
    host = FakeHost({MANAGED: b"{"}, ages={MANAGED: SECOND})
    assert reading(host, "mdatp_managed").seconds == 1.0
    assert reading(FakeHost({MANAGED: POLICY}, recorded=True), "mdatp_managed").seconds is None


# --- a file that is just being written ----------------------------------------------------------


def test_a_young_malformed_file_is_read_again_after_the_settle_time() -> None:
    """Half-written is not malformed: once it is whole, nothing was ever wrong."""
    host = FakeHost({MANAGED: b'{"a'}, ages={MANAGED: SECOND / 2}, later={MANAGED: POLICY})
    found = reading(host, "mdatp_managed")
    assert found.present
    assert host.waits == [1.5]
    assert host.read_paths.count(MANAGED) == 2


def test_a_file_that_stays_malformed_is_broken_after_one_more_look() -> None:
    """We do not wait for ever."""
    host = FakeHost({MANAGED: b"{"}, ages={MANAGED: timedelta()})
    found = reading(host, "mdatp_managed")
    assert (found.state, found.kind) == ("broken", "malformed")
    assert host.waits == [SETTLE.total_seconds()]
    assert host.read_paths.count(MANAGED) == 2


@pytest.mark.parametrize("age", [SETTLE, DAY, -HOUR])
def test_a_file_that_is_not_young_is_broken_at_once(age: timedelta) -> None:
    """Old, or from the future: waiting would help nothing."""
    host = FakeHost({MANAGED: b"{"}, ages={MANAGED: age}, later={MANAGED: POLICY})
    assert reading(host, "mdatp_managed").state == "broken"
    assert host.waits == []


def test_a_file_that_vanishes_while_we_wait_is_missing() -> None:
    """It was removed, not broken."""
    host = FakeHost({MANAGED: b"{"}, ages={MANAGED: SECOND})
    host.wait = lambda _seconds: bool(host.files.pop(MANAGED))
    assert reading(host, "mdatp_managed").state == "missing"


def test_a_recorded_host_is_not_waited_for() -> None:
    """A record does not change by waiting."""
    host = FakeHost({MANAGED: b"{"}, ages={MANAGED: SECOND}, recorded=True)
    assert reading(host, "mdatp_managed").state == "broken"
    assert host.read_paths.count(MANAGED) == 1


def test_a_good_young_file_is_not_waited_for() -> None:
    """Only what cannot be read is worth a second look."""
    host = FakeHost({MANAGED: POLICY}, ages={MANAGED: timedelta()})
    assert reading(host, "mdatp_managed").present
    assert host.waits == []


# --- health -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "trouble",
    [
        Output(b"", b"unknown option --output", 64),
        Output(b"", b"", 0),
        b"not JSON at all",
        b'{"healthy": tr',
        broken("too-large"),
        broken("malformed"),
        None,
    ],
)
def test_where_json_health_cannot_be_had_text_is_asked(trouble: Any) -> None:
    """Older agents know no `--output json`."""
    commands = {"health-json": trouble, "health-text": HEALTH_TEXT}
    host = FakeHost(commands={name: out for name, out in commands.items() if out is not None})
    found = reading(host, "health")
    assert found.present
    assert found.value.form == "text"
    assert host.asked[:2] == ["health-json", "health-text"]


def test_a_hung_agent_is_not_asked_again() -> None:
    """Each call would hang as long: neither text, nor the version, nor any details."""
    host = FakeHost(commands={"health-json": broken("timeout"), "health-text": HEALTH_TEXT})
    found = reading(host, "health", Plan(details=True))
    assert (found.state, found.kind) == ("broken", "timeout")
    assert host.asked == ["health-json"]


def test_details_that_hang_end_the_asking() -> None:
    """One view that hangs is enough."""
    commands = {"health-json": VERSIONLESS, "health-details-antivirus": broken("timeout")}
    host = FakeHost(commands=commands)
    assert reading(host, "health-details-antivirus", Plan(details=True)).kind == "timeout"
    assert host.asked == ["health-json", "health-details-antivirus"]


def test_an_agent_that_hung_in_an_earlier_round_is_asked_again() -> None:
    """It may have recovered: readings of old do not end the asking for ever."""
    host = FakeHost(commands={"health-json": HEALTH})
    known = take(host, Plan()).readings
    name = "health-details-edr"
    hung = {**known, name: Reading(name, "broken", NOW, kind="timeout")}
    details = [s for s in load() if isinstance(s, CommandSource) and s.name in DETAILS]
    assert set(look(host, host.told, Plan(details=True), details, hung)) == DETAILS


def test_an_untrusted_program_is_told_so() -> None:
    """The reason of the door reaches the reading."""
    found = reading(
        FakeHost(commands={"health-json": broken("untrusted"), "health-text": broken("untrusted")}),
        "health",
    )
    assert (found.state, found.kind, found.there) == ("broken", "untrusted", True)


def test_a_good_answer_counts_whatever_the_exit_status() -> None:
    """An agent that is not healthy may say so in both ways."""
    host = FakeHost(commands={"health-json": Output(HEALTH, b"", 1)})
    assert reading(host, "health").present


@pytest.mark.parametrize(
    ("output", "kind"),
    [
        (Output(b"", b"Could not connect to the daemon", 1), "failed"),
        (Output(b"Permission denied", b"", 1), "denied"),
        (Output(b"", b"please run with sudo", 1), "denied"),
        (Output(b"", b"", 1), "failed"),
        (Output(b"rubbish", b"", 0), "malformed"),
        (Output(b"", b"", 0), "empty"),
    ],
)
def test_why_there_is_no_health_is_told_apart(output: Output, kind: str) -> None:
    """An agent that cannot be reached, one that refuses us, and one that talks nonsense."""
    commands = {"health-json": output, "health-text": output}
    found = reading(FakeHost(commands=commands), "health")
    assert (found.state, found.kind) == ("broken", kind)


def test_what_the_agent_said_is_quoted_in_one_short_line() -> None:
    """Whatever it printed."""
    output = Output(b"", b"a\nb\x1b[31m\xff" + b"x" * 5000, 1)
    commands = {"health-json": output, "health-text": output}
    reason = reading(FakeHost(commands=commands), "health").reason
    assert reason is not None
    assert "a b" in reason
    assert "\n" not in reason
    assert len(reason) < 400


def test_no_program_is_missing_health() -> None:
    """Missing, not broken."""
    assert reading(FakeHost(), "health").state == "missing"


# --- on demand ----------------------------------------------------------------------------------

DETAILS = {
    source.name
    for source in load()
    if isinstance(source, CommandSource) and source.detail and "linux" in source.platforms
} - {"version"}


def test_a_view_of_macs_is_asked_of_macs_alone() -> None:
    """Linux has no such view: no call is spent on it."""
    view = "health-details-system_extensions"
    asked: dict[Platform, list[str]] = {}
    for platform in ("linux", "darwin"):
        host = FakeHost(platform=platform, commands={"health-json": HEALTH})
        take(host, Plan(details=True))
        asked[platform] = host.asked
    assert view in asked["darwin"]
    assert view not in asked["linux"]


def test_details_are_asked_for_on_demand_only() -> None:
    """Each costs a call of the agent: none without `--details`, each once with it."""
    assert DETAILS
    host = FakeHost(commands={"health-json": HEALTH})
    take(host, Plan())
    assert host.asked == ["health-json"]
    host = FakeHost(commands={"health-json": HEALTH})
    take(host, Plan(details=True))
    assert sorted(host.asked) == sorted(["health-json", *DETAILS])


def test_details_are_not_asked_of_an_agent_without_health() -> None:
    """Who cannot say how it is will not say more."""
    host = FakeHost(commands={"health-json": Output(b"", b"no daemon", 1)})
    take(host, Plan(details=True))
    assert not DETAILS & set(host.asked)


def test_a_record_tells_its_details_unasked() -> None:
    """They are there and cost nothing."""
    host = FakeHost(commands={"health-details-antivirus": b"a_b : true\n"}, recorded=True)
    assert reading(host, "health-details-antivirus").present
    assert set(host.asked) >= DETAILS


def test_the_version_is_asked_for_only_where_health_lacks_it() -> None:
    """One call less on every host with a current agent."""
    host = FakeHost(commands={"health-json": HEALTH, "version": b"Product version: 9.9"})
    take(host, Plan(details=True))
    assert "version" not in host.asked
    host = FakeHost(commands={"health-json": VERSIONLESS, "version": b"Product version: 9.9"})
    assert reading(host, "version").value == "9.9"
    down = Output(b"", b"no daemon", 1)
    host = FakeHost(commands={"health-json": down, "version": b"Product version: 9.9"})
    assert reading(host, "version").value == "9.9"


# --- where things lie ---------------------------------------------------------------------------


def test_policy_for_single_users_of_a_mac_is_a_reading_each() -> None:
    """Named after the user; other folders beside them make no reading."""
    plist = b"<plist><dict><key>antivirusEngine</key><dict/></dict></plist>"
    files: dict[str, Content] = {
        f"{PREFERENCES}/alice/com.microsoft.wdav.plist": plist,
        f"{PREFERENCES}/bob/com.microsoft.wdav.plist": b"rubbish",
        f"{PREFERENCES}/bob/com.microsoft.wdav.ext.plist": plist,
        f"{PREFERENCES}/carol/com.apple.other.plist": plist,
        MAC_MANAGED: plist,
    }
    found = states(FakeHost(files, platform="darwin"))
    assert {name: state for name, state in found.items() if "managed_preferences" in name} == {
        "managed_preferences": "present",
        "managed_preferences_ext": "missing",
        "managed_preferences_user:alice": "present",
        "managed_preferences_user:bob": "broken",
        "managed_preferences_ext_user:bob": "present",
    }


def test_thousands_of_users_with_policy_are_too_many() -> None:
    """So many are read, always the same ones; that there are more is told, and costs nothing."""
    plist = b"<plist><dict/></plist>"
    users = [f"user{number:04}" for number in range(MOST + 50)]
    files: dict[str, Content] = {
        f"{PREFERENCES}/{user}/com.microsoft.wdav.plist": plist for user in users
    }
    readings = take(FakeHost(files, platform="darwin"), Plan()).readings
    assert sum(name.startswith("managed_preferences_user:") for name in readings) == MOST
    assert f"managed_preferences_user:{users[MOST - 1]}" in readings
    found = readings["managed_preferences_user"]
    assert (found.state, found.kind, found.there) == ("broken", "too-many", True)
    assert found.reason == (
        f"cannot read more than {MOST} files of {PREFERENCES}/*/com.microsoft.wdav.plist: "
        "remove those of no use"
    )


def test_a_link_to_nothing_beside_the_users_is_no_users_policy(mac: HostFolder) -> None:
    """Whatever its name; a user's own file that leads nowhere is broken all the same."""
    folder = mac.root / PREFERENCES.lstrip("/")
    (folder / "alice").mkdir(parents=True)
    for name in ("com.microsoft.wdav.plist", "stale", "alice/com.microsoft.wdav.plist"):
        (folder / name).symlink_to("/nowhere")
    (folder / "looped").symlink_to("looped")
    found = take(RecordedHost(str(mac.root)), Plan()).readings
    broken = {name for name in found if "managed_pref" in name and found[name].state == "broken"}
    assert broken == {"managed_preferences", "managed_preferences_user:alice"}


def test_managed_preferences_that_cannot_be_listed_are_broken_not_missing() -> None:
    """Whether a user has policy of their own is then not known."""
    files = {PREFERENCES: broken("denied")}
    found = take(FakeHost(files, platform="darwin"), Plan())["managed_preferences_user"]
    assert (found.state, found.kind, found.there) == ("broken", "denied", None)


@pytest.mark.parametrize(
    ("path", "source"), [(REPORT, "current_report"), (BUNDLE, "security_policy")]
)
def test_security_management_may_be_files_or_folders(path: str, source: str) -> None:
    """The newest file in the folder stands for it."""
    report = b'{"policyInfo": []}'
    assert reading(FakeHost({path: report}), source).present
    host = FakeHost({f"{path}/old": report, f"{path}/new": report}, ages={f"{path}/new": HOUR})
    found = reading(host, source)
    assert found.present
    assert found.file is not None
    assert found.file.path == f"{path}/new"
    assert reading(FakeHost({f"{path}/inner/x": report}), source).state in ("missing", "broken")
    assert reading(FakeHost({path: broken("denied", path)}), source).kind == "denied"


def test_an_empty_folder_of_security_management_holds_nothing(host: HostFolder) -> None:
    """Nothing delivered is missing, not broken."""
    (host.root / REPORT[1:]).mkdir(parents=True)
    assert host.report().sources["current_report"].state == "missing"


def log(level: str) -> bytes:
    """A line of the core log with a merged configuration."""
    return MERGED + json.dumps({"antivirusEngine": {"enforcementLevel": level}}).encode() + b"\n"


def test_the_current_log_is_looked_into_first() -> None:
    """Rotated ones only matter where it has nothing to say."""
    files = {CORE_LOG: log("current"), f"{ROTATED}/microsoft_defender_core.1.log": log("old")}
    found = reading(FakeHost(files), "merged_configuration")
    assert found.value.values["antivirusEngine"]["enforcementLevel"] == "current"


def test_after_a_rotation_the_newest_rotated_log_that_tells_is_taken() -> None:
    """By its age, whatever its name; logs of other parts are not looked into."""
    names = {"core.9.log": 3, "core.1.log": 2, "core.5.log": 1}
    files: dict[str, Content] = {CORE_LOG: b"[info]: started\n"}
    ages = {}
    for name, hours in names.items():
        path = f"{ROTATED}/microsoft_defender_{name}"
        files[path] = log(name)
        ages[path] = hours * HOUR
    files[f"{ROTATED}/microsoft_defender_core.5.log"] = b"nothing of it\n"
    files[f"{ROTATED}/microsoft_defender.log"] = log("foreign")
    host = FakeHost(files, ages=ages)
    found = reading(host, "merged_configuration")
    assert found.value.values["antivirusEngine"]["enforcementLevel"] == "core.1.log"
    assert found.file is not None
    assert found.file.path.endswith("core.1.log")


def test_only_a_few_rotated_logs_are_looked_into() -> None:
    """Each is some megabytes."""
    files = {f"{ROTATED}/microsoft_defender_core.{n}.log": b"nothing\n" for n in range(50)}
    host = FakeHost(files)
    assert reading(host, "merged_configuration").state == "missing"
    assert len([path for path in host.read_paths if path.startswith(ROTATED)]) == NEWEST


def test_logs_that_cannot_be_seen_are_broken_not_missing() -> None:
    """A denied current log is not replaced by an old one, a denied folder is not empty."""
    files: dict[str, Content] = {f"{ROTATED}/microsoft_defender_core.1.log": log("old")}
    denied = {**files, CORE_LOG: broken("denied", CORE_LOG)}
    assert reading(FakeHost(denied), "merged_configuration").kind == "denied"
    closed: dict[str, Content] = {ROTATED: broken("denied")}
    assert reading(FakeHost(closed), "merged_configuration").kind == "denied"


def test_the_client_analyzers_file_is_read_where_it_is_configured() -> None:
    """On a live host nowhere else; in a record beside host.json."""
    text = b"MDE HEALTH\n{}\n"
    assert "client_analyzer" not in take(FakeHost({ANALYZER: text}), Plan()).readings
    plan = Plan(client_analyzer="/srv/out/mdatp_config.txt")
    assert reading(FakeHost({ANALYZER: text}), "client_analyzer", plan).state == "missing"
    host = FakeHost({"/srv/out/mdatp_config.txt": text})
    assert reading(host, "client_analyzer", plan).present
    assert reading(FakeHost({ANALYZER: text}, recorded=True), "client_analyzer").present


def test_one_odd_folder_of_links_hides_no_other() -> None:
    """A dangling `*.wants` has nothing in it; the link in the next one counts."""
    folder = "/etc/systemd/system"
    files: dict[str, Content] = {
        f"{folder}/gone.wants/mdatp.service": broken("dangling-link"),
        f"{folder}/multi-user.target.wants/mdatp.service": b"/lib/systemd/system/mdatp.service",
        "/lib/systemd/system/mdatp.service": b"",
    }
    found = reading(FakeHost(files), "boot")
    assert found.present
    assert found.value.enabled is True
    files["/etc/systemd/system/closed.wants/mdatp.service"] = broken("denied")
    assert reading(FakeHost(files), "boot").kind == "denied"


def test_processes_that_cannot_be_listed_are_broken() -> None:
    """None that runs is a fact, none that is seen is not."""
    assert reading(FakeHost(), "processes").value == ()
    assert reading(FakeHost(processes=broken("io")), "processes").state == "broken"


# --- whatever lies there ------------------------------------------------------------------------

LINUX_FILES = [
    MANAGED,
    ATTACH,
    LOCAL,
    STATE,
    ONBOARD,
    REPORT,
    BUNDLE,
    f"{REPORT}/x",
    CORE_LOG,
    f"{ROTATED}/microsoft_defender_core.1.log",
    "/etc/os-release",
    "/etc/hostname",
    ANALYZER,
    "/usr/lib/systemd/system/mdatp.service",
    "/etc/systemd/system/multi-user.target.wants/mdatp.service",
]
MAC_FILES = [
    MAC_MANAGED,
    MAC_ATTACH,
    MAC_STATE,
    MAC_LOCAL,
    f"{PREFERENCES}/com.microsoft.wdav.ext.plist",
    f"{PREFERENCES}/alice/com.microsoft.wdav.plist",
    "/Library/LaunchDaemons/com.microsoft.fresno.plist",
    "/System/Library/CoreServices/SystemVersion.plist",
    "/Library/Logs/Microsoft/mdatp/microsoft_defender_core.log",
    ANALYZER,
]
COMMANDS = [c.name for s in load() if isinstance(s, CommandSource) for c in s.commands]

TOKENS = st.lists(
    st.sampled_from(
        [
            b"{", b"}", b"[", b"]", b":", b",", b'"', b"true", b"null", b"-1", b"9e999", b"1" * 40,
            b'"antivirusEngine"', b'"exclusions"', b'"$type"', b'"path"', b'"enforcementLevel"',
            b'"tags"', b'"edr"', b'"healthy"', b'"value"', b'"isManaged"', b'"appVersion"',
            b'"policyInfo"', b'"settings"', b'"name"', b'"orgId"', b"\xff", b"\x00", b"\n",
            b"\xef\xbb\xbf", b"healthy : true", b" [managed]", b"ATTENTION: ", b"bplist00",
            b"<plist>", b"<dict>", b"<key>", b"</key>", b"</dict>", b"</plist>", b"<array>",
            MERGED, b"MDE HEALTH\n", b"0.5", b"\\ud800",
        ]
    ),
    max_size=30,
).map(b"".join)  # fmt: skip
WORDS = """
antivirusEngine cloudService edr exclusions exclusionSettings enforcementLevel enabled tags
allowedThreats policyInfo settings name value orgId healthy licensed managedBy appVersion
isManaged displayValue mLastCheckinAttemptInFileTime mLastcheckinSuccessfulInFileTime
networkProtection tamperProtection exclusionsMergePolicy threatTypeSettings $type path key
scopes passiveModeEnabled definitionsUpdated productExpiration healthIssues
"""
KEYS = st.sampled_from(WORDS.split())
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["real_time", "passive", "MDE", "block", "admin_only", "excludedPath", "/"])
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=12,
)
DOCUMENTS = st.dictionaries(KEYS, VALUES, max_size=6).map(lambda value: json.dumps(value).encode())
BYTES = st.one_of(st.binary(max_size=60), TOKENS, DOCUMENTS, DOCUMENTS)


@settings(max_examples=120, deadline=None)
@given(
    platform=st.sampled_from(["linux", "darwin"]),
    data=st.data(),
    shift=st.sampled_from([0, 1, 3600, -3600, 86400 * 400, 2**33]),
)
def test_whatever_a_record_holds_there_is_a_report(
    platform: Platform, data: st.DataObject, shift: int
) -> None:
    """Any bytes in any file and any output: every source is told, and the report can be shown."""
    paths = LINUX_FILES if platform == "linux" else MAC_FILES
    files = data.draw(st.dictionaries(st.sampled_from(paths), BYTES))
    outputs = data.draw(st.dictionaries(st.sampled_from(COMMANDS), BYTES))
    with tempfile.TemporaryDirectory() as top:
        host = HostFolder(Path(top) / "host", platform)
        for path, content in sorted(files.items(), reverse=True):
            place = host.root / path[1:]
            if not place.exists() and not place.parent.is_file():
                host.file(path, content, age=timedelta(seconds=shift))
        for name, content in outputs.items():
            host.command(name, content, exit=data.draw(st.sampled_from([None, 0, 1])))
        report = host.report()
    assert [name for name, found in report.sources.items() if found.kind == "internal"] == []
    assert [one for one in report.unknown if "a fault of mdeinspect" in one.because] == []
    shown = json.loads(line(status(report)))
    assert set(shown["sources"]) == set(report.sources)


@settings(max_examples=60, deadline=None)
@given(mtime=st.integers(-(2**31), 2**35), content=DOCUMENTS)
def test_whenever_a_file_was_written_there_is_a_report(mtime: int, content: bytes) -> None:
    """Times before the epoch, in the far future, or beyond any calendar."""
    with tempfile.TemporaryDirectory() as top:
        host = HostFolder(Path(top) / "host").health(managedBy="MDE")
        for path in (MANAGED, ATTACH, LOCAL, STATE, ONBOARD, REPORT):
            host.file(path, content)
            with contextlib.suppress(OSError):  # not every file system holds every time
                os.utime(host.root / path[1:], (mtime, mtime))
        assert host.report().sources
