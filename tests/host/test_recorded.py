"""A recorded host tells what was recorded, and nothing in it ever runs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mdeinspect import cli
from mdeinspect.errors import NotThere, Unreadable, UsageError
from mdeinspect.host import MAX_OUTPUT
from mdeinspect.host.recorded import RecordedHost
from mdeinspect.inspect import Plan, take
from mdeinspect.model import Command, Output, Process
from support import DAY, MANAGED, NOW, HostFolder

HEALTH = Command("health-json", ("health", "--output", "json"))
ZONED = "2026-11-22T13:04:00+02:00"


def opened(host: HostFolder) -> RecordedHost:
    """The folder as a machine."""
    return RecordedHost(str(host.root))


def write(host: HostFolder, text: str | bytes) -> None:
    """host.json, letter by letter."""
    data = text.encode() if isinstance(text, str) else text
    (host.root / "host.json").write_bytes(data)


def program(*args: str) -> subprocess.CompletedProcess[str]:
    """The whole program, from outside."""
    command = [sys.executable, "-m", "mdeinspect", *args]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


# --- host.json, field by field ------------------------------------------------------------------


def test_every_field_tells_its_fact(host: HostFolder) -> None:
    """The contract, field by field; any time zone will do."""
    host.about(
        platform="darwin",
        now=ZONED,
        hostname="mac-07",
        os="macOS 15.2",
        boot_time="2026-11-20T00:00:00Z",
        awake_seconds=3600.5,
        processes=[
            {
                "pid": 42,
                "name": "wdavdaemon",
                "exe": "/opt/wdavdaemon",
                "cmdline": ["wdavdaemon", "edr"],
                "started": "2026-11-20T00:01:00Z",
            },
            {"pid": 7, "name": "SenseCM", "exe": None, "started": None},
        ],
    )
    machine = opened(host)
    facts = machine.facts()
    assert (facts.name, facts.platform, facts.os) == ("mac-07", "darwin", "macOS 15.2")
    assert facts.boot_time == datetime(2026, 11, 20, tzinfo=UTC)
    assert facts.awake_seconds == 3600.5
    assert facts.recorded is True
    assert machine.now() == NOW
    assert machine.processes(["wdavdaemon", "sensecm"]) == [
        Process(7, "SenseCM"),
        Process(
            42,
            "wdavdaemon",
            "/opt/wdavdaemon",
            ("wdavdaemon", "edr"),
            datetime(2026, 11, 20, 0, 1, tzinfo=UTC),
        ),
    ]
    assert machine.processes(["sensecm"]) == [Process(7, "SenseCM")]


def test_without_host_json_nothing_is_made_up(tmp_path: Path) -> None:
    """Not told is not known; only the clock is this machine's."""
    before = datetime.now(UTC)
    machine = RecordedHost(str(tmp_path))
    assert before <= machine.now() <= datetime.now(UTC)
    facts = machine.facts()
    assert (facts.name, facts.os, facts.boot_time, facts.awake_seconds) == (None,) * 4
    assert facts.program is None
    with pytest.raises(NotThere):
        machine.processes(["wdavdaemon"])


def test_fields_that_are_not_known_are_left_alone(host: HostFolder) -> None:
    """A newer recorder may tell more."""
    host.about(recorder="1.2", hostname="web-07")
    assert opened(host).facts().name == "web-07"


def test_a_recorded_list_without_processes_is_an_empty_list(host: HostFolder) -> None:
    """Nothing ran is a fact; nothing recorded is none."""
    host.about(processes=[])
    assert opened(host).processes(["wdavdaemon"]) == []


def test_the_live_clock_can_be_asked_for(host: HostFolder) -> None:
    """A service that watches a record lives in the present."""
    before = datetime.now(UTC)
    machine = RecordedHost(str(host.root), live_clock=True)
    assert before <= machine.now() <= datetime.now(UTC)


def test_time_never_passes_on_a_recorded_host(host: HostFolder) -> None:
    """There is nothing to wait for."""
    assert opened(host).wait(3600) is False


def test_the_name_and_the_system_are_in_the_recorded_files_too(host: HostFolder) -> None:
    """As on the machine itself: /etc/hostname and os-release; host.json knows better."""
    host.file("/etc/hostname", "web-08\n").file("/etc/os-release", 'PRETTY_NAME="Debian 12"\n')
    assert (opened(host).facts().name, opened(host).facts().os) == ("web-08", "Debian 12")
    host.about(hostname="web-07", os="Debian 13")
    assert (opened(host).facts().name, opened(host).facts().os) == ("web-07", "Debian 13")


@pytest.mark.parametrize(
    ("files", "platform"),
    [
        (["/Library/Preferences/x"], "darwin"),
        (["/Library/Preferences/x", "/etc/opt/microsoft/x"], "linux"),
        (["/etc/opt/microsoft/x"], "linux"),
        ([], "linux"),
    ],
)
def test_the_platform_shows_in_the_files(host: HostFolder, files: list[str], platform: str) -> None:
    """Where nobody tells: a Mac has a /Library."""
    host.about(platform=None)
    for path in files:
        host.file(path, "")
    assert opened(host).facts().platform == platform


def test_the_platform_that_is_asked_for_counts_most(host: HostFolder) -> None:
    """`--platform` over host.json over the files."""
    assert RecordedHost(str(host.root), platform="darwin").facts().platform == "darwin"
    result = program("--root", str(host.root), "--platform", "darwin", "status", "--json")
    assert json.loads(result.stdout)["host"]["platform"] == "darwin"


MALFORMED = {
    "nothing at all": "",
    "cut short": '{"platform": "linux"',
    "a list": "[]",
    "a text": '"linux"',
    "null": "null",
    "bytes": b"\xff\xfe\xff",
    "too deep": "[" * 100_000,
    "an endless number": '{"awake_seconds": ' + "9" * 5000 + "}",
    "platform unknown": '{"platform": "windows"}',
    "platform a list": '{"platform": ["linux"]}',
    "now no time": '{"now": "yesterday"}',
    "now without zone": '{"now": "2026-11-22T11:04:00"}',
    "now a number": '{"now": 1795345440}',
    "now before time": '{"now": "0001-01-01T00:00:00Z"}',
    "now after time": '{"now": "9999-12-31T23:59:59Z"}',
    "now beyond time": '{"now": "9999-12-31T23:59:59-23:00"}',
    "hostname a number": '{"hostname": 7}',
    "os a list": '{"os": []}',
    "boot_time no time": '{"boot_time": "30 days"}',
    "awake_seconds a text": '{"awake_seconds": "10"}',
    "awake_seconds true": '{"awake_seconds": true}',
    "awake_seconds negative": '{"awake_seconds": -1}',
    "awake_seconds NaN": '{"awake_seconds": NaN}',
    "awake_seconds infinite": '{"awake_seconds": Infinity}',
    "processes an object": '{"processes": {}}',
    "processes a text": '{"processes": ""}',
    "processes of numbers": '{"processes": [1]}',
    "process without name": '{"processes": [{"pid": 1}]}',
    "process with odd pid": '{"processes": [{"pid": "1", "name": "x"}]}',
    "process with negative pid": '{"processes": [{"pid": -1, "name": "x"}]}',
    "process with pid true": '{"processes": [{"pid": true, "name": "x"}]}',
    "cmdline a text": '{"processes": [{"pid": 1, "name": "x", "cmdline": "wdavdaemon edr"}]}',
    "cmdline of numbers": '{"processes": [{"pid": 1, "name": "x", "cmdline": [1]}]}',
    "exe a number": '{"processes": [{"pid": 1, "name": "x", "exe": 1}]}',
    "started no time": '{"processes": [{"pid": 1, "name": "x", "started": "now"}]}',
    "files a list": '{"files": []}',
    "file a mode": '{"files": {"/x": "0644"}}',
    "uid a text": '{"files": {"/x": {"uid": "root"}}}',
    "uid negative": '{"files": {"/x": {"uid": -1}}}',
    "gid half": '{"files": {"/x": {"gid": 0.5}}}',
    "mode a number": '{"files": {"/x": {"mode": 644}}}',
    "mode not octal": '{"files": {"/x": {"mode": "0888"}}}',
    "mode negative": '{"files": {"/x": {"mode": "-644"}}}',
    "mode in words": '{"files": {"/x": {"mode": "rw-r--r--"}}}',
    "mtime a number": '{"files": {"/x": {"mtime": 1}}}',
}


@pytest.mark.parametrize("text", MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_host_json_is_refused(host: HostFolder, text: str | bytes) -> None:
    """Whatever is wrong with it: one line that names the file, and no host."""
    write(host, text)
    with pytest.raises(UsageError) as caught:
        opened(host)
    assert "host.json" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300


def test_a_host_json_that_cannot_be_read_is_refused(host: HostFolder) -> None:
    """A folder, a FIFO, a link to nowhere or an oversized one is not the same as none."""
    place = host.root / "host.json"
    place.unlink()
    for make in (
        place.mkdir,
        lambda: os.mkfifo(place),
        lambda: place.symlink_to("gone"),
        lambda: place.write_bytes(b" " * (5 * 1024 * 1024)),
    ):
        make()
        with pytest.raises(UsageError):
            opened(host)
        place.rmdir() if place.is_dir() else place.unlink()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)
FIELDS = ["platform", "now", "hostname", "os", "boot_time", "awake_seconds", "processes", "files"]
TIMES = st.datetimes(timezones=st.just(UTC)).map(lambda moment: moment.isoformat())


@settings(max_examples=150, deadline=None)
@given(
    raw=st.one_of(
        JSON,
        st.dictionaries(st.sampled_from(FIELDS), JSON),
        st.fixed_dictionaries({}, optional={"now": TIMES, "boot_time": TIMES}),
    )
)
def test_any_host_json_is_used_or_refused(
    tmp_path_factory: pytest.TempPathFactory, raw: Any
) -> None:
    """Nothing else ever comes of it, and what is used can be inspected."""
    root = tmp_path_factory.mktemp("any")
    (root / "host.json").write_text(json.dumps(raw))
    try:
        machine = RecordedHost(str(root))
    except UsageError:
        return
    assert take(machine, Plan()).readings


# --- files --------------------------------------------------------------------------------------


def test_modes_and_times_count_as_they_lie_there_and_owners_do_not(host: HostFolder) -> None:
    """A record is unpacked by someone else: whose the files were is not to be seen."""
    host.file(MANAGED, "{}", mode=0o640)
    facts = opened(host).stat(MANAGED)
    assert (facts.uid, facts.gid, facts.mode) == (None, None, 0o640)
    assert facts.mtime == facts.changed == NOW - DAY


@pytest.mark.parametrize(
    ("told", "mode"),
    [("0600", 0o600), ("644", 0o644), ("0o644", 0o644), ("100644", 0o644), ("4755", 0o4755)],
)
def test_host_json_overrides_what_lies_there(host: HostFolder, told: str, mode: int) -> None:
    """Owner, group, mode (octal) and time of change, each on its own."""
    host.file(MANAGED, "{}", mode=0o640).file("/etc/other", "")
    host.about(files={MANAGED: {"uid": 1000, "gid": 0, "mode": told, "mtime": ZONED}})
    facts = opened(host).stat(MANAGED)
    assert (facts.uid, facts.gid, facts.mode) == (1000, 0, mode)
    assert facts.mtime == facts.changed == NOW
    assert opened(host).stat("/etc/other").uid is None
    host.about(files={MANAGED: {"uid": 0}})
    facts = opened(host).stat(MANAGED)
    assert (facts.uid, facts.gid, facts.mode, facts.mtime) == (0, None, 0o640, NOW - DAY)


def test_an_override_makes_no_file(host: HostFolder) -> None:
    """What does not lie there is missing, whatever is told of it."""
    host.about(files={MANAGED: {"uid": 0}})
    with pytest.raises(NotThere):
        opened(host).stat(MANAGED)


def test_reports_never_show_where_the_record_lies(host: HostFolder) -> None:
    """Paths are the host's own, in values and in reasons."""
    host.file(MANAGED, "{broken").link("/etc/opt/microsoft/mdatp/wdavcfg", "/nowhere")
    host.command("health-json", "rubbish", exit=1).file("/var/opt/microsoft/mdatp/wdavstate", b"")
    result = program("--root", str(host.root), "status", "--json")
    assert json.loads(result.stdout)["sources"]["mdatp_managed"]["path"] == MANAGED
    assert str(host.root) not in result.stdout
    assert host.root.name not in result.stderr


def test_the_program_is_where_it_is_recorded_even_as_a_link(host: HostFolder) -> None:
    """`/usr/bin/mdatp` is a link to a program that few will record."""
    assert opened(host).facts().program is None
    host.link("/usr/bin/mdatp", "/opt/microsoft/mdatp/sbin/wdavdaemonclient")
    assert opened(host).facts().program == "/usr/bin/mdatp"


# --- commands -----------------------------------------------------------------------------------


def test_an_output_comes_back_as_recorded(host: HostFolder) -> None:
    """Both streams and the status; nothing was timed."""
    host.command("health-json", b"\xff{}", exit=3, stderr="trouble")
    assert opened(host).run(HEALTH) == Output(b"\xff{}", b"trouble", 3, None)


def test_a_status_that_was_not_recorded_counts_as_good(host: HostFolder) -> None:
    """Most records hold the standard output alone."""
    host.command("health-json", "{}")
    assert opened(host).run(HEALTH) == Output(b"{}", b"", 0)


def test_nothing_recorded_of_a_command_is_nothing_there(host: HostFolder) -> None:
    """Not recorded is not failed."""
    host.command("version", "Product version: 1")
    with pytest.raises(NotThere):
        opened(host).run(HEALTH)


@pytest.mark.parametrize("end", ["stderr", "exit"])
def test_any_part_of_an_output_makes_it_recorded(host: HostFolder, end: str) -> None:
    """A call that printed nothing and failed is a call all the same."""
    host.command("version", "")
    (host.root / "commands" / f"health-json.{end}").write_text("1")
    output = opened(host).run(HEALTH)
    assert output.stdout == b""
    assert output.exit == (1 if end == "exit" else 0)


@pytest.mark.parametrize(("text", "code"), [("1\n", 1), (" 127 ", 127), ("-9", -9), ("0", 0)])
def test_a_status_may_be_written_as_shells_do(host: HostFolder, text: str, code: int) -> None:
    """With or without a line end."""
    host.command("health-json", "{}")
    (host.root / "commands" / "health-json.exit").write_text(text)
    assert opened(host).run(HEALTH).exit == code


@pytest.mark.parametrize("text", ["", "\n", "failed", "1 2", "--5", "-", "1.0", "9" * 50, "\u0661"])
def test_a_malformed_status_is_a_broken_output(host: HostFolder, text: str) -> None:
    """It is not known how the call ended: neither good nor bad."""
    host.command("health-json", "{}")
    (host.root / "commands" / "health-json.exit").write_text(text)
    with pytest.raises(Unreadable) as caught:
        opened(host).run(HEALTH)
    assert caught.value.kind == "malformed"


def test_an_output_beyond_the_cap_is_refused(host: HostFolder) -> None:
    """As on a live host."""
    host.command("health-json", "")
    os.truncate(host.root / "commands" / "health-json.stdout", MAX_OUTPUT + 1)
    with pytest.raises(Unreadable) as caught:
        opened(host).run(HEALTH)
    assert caught.value.kind == "too-large"


def test_an_output_that_is_no_file_is_refused(host: HostFolder) -> None:
    """A FIFO would block for ever; a link out of the record leads nowhere."""
    host.command("version", "")
    os.mkfifo(host.root / "commands" / "health-json.stdout")
    with pytest.raises(Unreadable) as caught:
        opened(host).run(HEALTH)
    assert caught.value.kind == "not-regular"
    (host.root / "commands" / "health-text.stdout").symlink_to("/etc/passwd")
    with pytest.raises(Unreadable) as caught:
        opened(host).run(Command("health-text", ("health",)))
    assert caught.value.kind == "dangling-link"


# --- nothing runs -------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["status", "check", "diff"])
def test_nothing_in_a_record_is_ever_executed(host: HostFolder, command: str) -> None:
    """Programs at every place where one could be expected, and none of them leaves its mark."""
    marker = host.root / "ran"
    body = f"#!/bin/sh\ntouch '{marker}'\necho '{{\"healthy\": true}}'\n"
    for path in (
        "/usr/bin/mdatp",
        "/bin/mdatp",
        "/opt/microsoft/mdatp/sbin/wdavdaemonclient",
        "/usr/local/bin/mdatp",
        "/bin/sh",
        "/usr/bin/env",
        "/usr/bin/systemctl",
        "/usr/bin/ps",
        "/commands/health-json",
        "/commands/health-json.stdout",
        "/commands/health-text",
        "/commands/version",
        "/mdatp",
    ):
        host.file(path, body, mode=0o755)
    for place in ("bin", "usr/bin"):
        assert os.access(host.root / place / "mdatp", os.X_OK)
    result = program("--root", str(host.root), "--mdatp", str(host.root / "usr/bin/mdatp"), command)
    assert "Traceback" not in result.stderr
    assert not marker.exists()


# --- through the command line -------------------------------------------------------------------


@pytest.mark.parametrize("text", ["[]", '{"now": "2026-11-22T11:04:00"}', "[" * 100_000])
def test_a_malformed_host_json_is_exit_2(host: HostFolder, text: str) -> None:
    """One line on stderr, nothing on stdout, no traceback."""
    write(host, text)
    result = program("--root", str(host.root), "status", "--json")
    assert (result.returncode, result.stdout) == (cli.CANNOT, "")
    assert result.stderr.startswith("mdeinspect: cannot")
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize("kind", ["missing", "file", "empty name", "dangling"])
def test_a_missing_record_is_exit_2(tmp_path: Path, kind: str) -> None:
    """A folder that is not there, or is none, is a mistake in the command line."""
    place = tmp_path / "host"
    if kind == "file":
        place.write_text("")
    if kind == "dangling":
        place.symlink_to("gone")
    result = program("--root", "" if kind == "empty name" else str(place), "check")
    assert (result.returncode, result.stdout) == (cli.CANNOT, "")
    assert result.stderr.startswith("mdeinspect: cannot")
    assert result.stderr.count("\n") == 1


def test_boot_and_awake_time_reach_the_check_in(host: HostFolder) -> None:
    """The awake age of a moment is the smaller of its wall age and the time awake since boot."""
    host.health(managedBy="MDE").checkin(timedelta(hours=10))
    host.about(awake_seconds=3600)
    found = host.report().checkin
    assert (found.age_seconds, found.awake_age_seconds) == (36_000, 3600)
    host.about(awake_seconds=None, boot_time=(NOW - timedelta(hours=2)).isoformat())
    assert host.report().checkin.awake_age_seconds == 7200
    host.about(boot_time=None)
    assert host.report().checkin.age_seconds == 36_000
