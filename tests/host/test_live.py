"""The machine this runs on: where its program is, whether it is trusted, and its clocks."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from mdeinspect.errors import NotThere, Unreadable, UsageError
from mdeinspect.host import live as live_module
from mdeinspect.host.commands import distrust
from mdeinspect.host.live import LiveHost, this_platform
from mdeinspect.host.system import OS_RELEASE, PROGRAMS, SYSTEM_VERSION, os_name
from mdeinspect.inspect import Plan, take
from mdeinspect.model import Command, FileFacts, Platform

if TYPE_CHECKING:
    from pyfakefs.fake_filesystem import FakeFilesystem

PlainUser = Callable[[Callable[[], Any]], Any]
VERSION = Command("version", ("version",))
DAEMON = "/opt/microsoft/mdatp/sbin/wdavdaemonclient"
only_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root has to trust a program")


@pytest.fixture
def on(monkeypatch: pytest.MonkeyPatch) -> Callable[[Platform], None]:
    """Makes this machine one of another platform."""

    def be(platform: Platform) -> None:
        monkeypatch.setattr(sys, "platform", platform)

    return be


def mdatp(folder: Path, body: str = "echo Product version: 1.2", name: str = "mdatp") -> Path:
    """A program in a folder that others cannot write."""
    place = folder / name
    place.write_text(f"#!/bin/sh\n{body}\n")
    place.chmod(0o755)
    return place


def refusal(program: Path | str) -> Unreadable:
    """Why the program is not run."""
    with pytest.raises(Unreadable) as caught:
        LiveHost(cli=str(program)).run(VERSION)
    return caught.value


# --- where the program is -----------------------------------------------------------------------


@pytest.mark.parametrize("platform", ["linux", "darwin"])
def test_the_program_is_found_at_every_known_place(
    fs: FakeFilesystem, on: Callable[[Platform], None], platform: Platform
) -> None:
    """The first of the known places that has one."""
    on(platform)
    assert LiveHost().facts().program is None
    for place in reversed(PROGRAMS[platform]):
        fs.create_file(place)
        assert LiveHost().facts().program == place


def test_the_program_is_never_looked_for_along_the_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program of the right name in the way is not run."""
    marker = tmp_path / "ran"
    mdatp(tmp_path, f"touch {marker}")
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(live_module, "PROGRAMS", {this_platform(): ("/nowhere/mdatp",)})
    with pytest.raises(NotThere):
        LiveHost().run(VERSION)
    assert not marker.exists()


@pytest.mark.parametrize("named", ["mdatp", "./mdatp", "bin/mdatp", "/bin/\0"])
def test_a_program_is_named_by_its_absolute_path_or_not_at_all(named: str) -> None:
    """A relative name would mean another program in every folder."""
    with pytest.raises(UsageError):
        LiveHost(cli=named)


def test_a_named_program_takes_the_place_of_the_known_ones(
    fs: FakeFilesystem, on: Callable[[Platform], None]
) -> None:
    """Who names a program means that one and no other."""
    on("linux")
    fs.create_file("/usr/bin/mdatp")
    assert LiveHost(cli="/srv/mdatp").facts().program is None
    fs.create_file("/srv/mdatp")
    assert LiveHost(cli="/srv/mdatp").facts().program == "/srv/mdatp"


def test_a_link_that_an_uninstalled_agent_left_is_no_program(
    fs: FakeFilesystem, on: Callable[[Platform], None]
) -> None:
    """`/usr/bin/mdatp` that points to nothing: the agent is not there, and nothing crashes."""
    on("linux")
    fs.create_symlink("/usr/bin/mdatp", DAEMON)
    host = LiveHost()
    assert host.facts().program is None
    with pytest.raises(NotThere):
        host.run(VERSION)
    fs.create_file(DAEMON)
    assert host.facts().program == "/usr/bin/mdatp"


def test_a_program_that_vanishes_before_it_runs_is_an_answer(
    fs: FakeFilesystem, on: Callable[[Platform], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An upgrade may take it away at any moment."""
    on("linux")
    monkeypatch.setattr(LiveHost, "_program", lambda _self: "/usr/bin/mdatp")
    with pytest.raises(Unreadable):
        LiveHost().run(VERSION)


def test_a_program_that_is_hidden_from_us_is_there(
    open_folder: Path, plain_user: PlainUser
) -> None:
    """Denied is not missing: the agent may well be installed."""
    closed = open_folder / "closed"
    closed.mkdir()
    program = mdatp(closed)
    closed.chmod(0o700 if os.geteuid() == 0 else 0)

    def look() -> tuple[str | None, str]:
        return LiveHost(cli=str(program)).facts().program, refusal(program).kind

    try:
        assert plain_user(look) == (str(program), "denied")
    finally:
        closed.chmod(0o755)


# --- trust --------------------------------------------------------------------------------------


def test_a_trusted_program_is_run(trusted: Path) -> None:
    """Also through a link: what counts is where it leads."""
    program = mdatp(trusted)
    assert LiveHost(cli=str(program)).run(VERSION).stdout == b"Product version: 1.2\n"
    (trusted / "link").symlink_to(program)
    assert LiveHost(cli=str(trusted / "link")).run(VERSION).exit == 0


@only_root
@pytest.mark.parametrize("mode", [0o775, 0o757, 0o777])
def test_root_never_runs_a_program_that_others_can_write(trusted: Path, mode: int) -> None:
    """Neither the program nor its folder may be open to group or world."""
    marker = trusted / "ran"
    program = mdatp(trusted, f"touch {marker}")
    program.chmod(mode)
    assert refusal(program).kind == "untrusted"
    program.chmod(0o755)
    trusted.chmod(mode)
    assert refusal(program).kind == "untrusted"
    assert not marker.exists()


@only_root
def test_root_never_runs_a_program_of_another_user(trusted: Path) -> None:
    """Neither the program nor its folder may belong to anyone else."""
    marker = trusted / "ran"
    program = mdatp(trusted, f"touch {marker}")
    os.chown(program, 65534, -1)
    assert refusal(program).kind == "untrusted"
    os.chown(program, 0, -1)
    os.chown(trusted, 65534, -1)
    assert refusal(program).kind == "untrusted"
    os.chown(trusted, 0, -1)
    assert not marker.exists()


@only_root
def test_root_never_follows_a_link_to_a_program_that_is_not_trusted(
    trusted: Path, tmp_path: Path
) -> None:
    """A link of root's own in a trusted folder makes nothing better of what it leads to."""
    inside = trusted / "open"
    inside.mkdir()
    inside.chmod(0o777)
    marker = trusted / "ran"
    targets = [mdatp(inside, f"touch {marker}"), mdatp(tmp_path, f"touch {marker}")]
    for number, target in enumerate(targets):
        link = trusted / f"link{number}"
        link.symlink_to(target)
        if distrust(str(target), this_platform()):  # pytest may be told to use a trusted folder
            error = refusal(link)
            assert error.kind == "untrusted"
            assert str(link) in str(error)
    assert not marker.exists()


@only_root
def test_what_is_not_trusted_is_a_broken_source_with_its_reason(trusted: Path) -> None:
    """The inspection goes on, and says why it did not ask the agent."""
    program = mdatp(trusted)
    program.chmod(0o777)
    reading = take(LiveHost(cli=str(program)), Plan())["health"]
    assert (reading.state, reading.kind) == ("broken", "untrusted")
    assert reading.reason is not None
    assert "can be written by others" in reading.reason


def test_a_plain_user_runs_what_a_plain_user_may(open_folder: Path, plain_user: PlainUser) -> None:
    """Without privileges there is nothing to be gained from us, so trust is not asked for."""
    program = mdatp(open_folder)
    open_folder.chmod(0o777)
    program.chmod(0o777)
    assert plain_user(lambda: LiveHost(cli=str(program)).run(VERSION).exit) == 0


def test_the_timeout_is_the_callers(trusted: Path) -> None:
    """Seconds, as configured."""
    program = mdatp(trusted, "sleep 300")
    with pytest.raises(Unreadable) as caught:
        LiveHost(cli=str(program), timeout=0.3).run(VERSION)
    assert caught.value.kind == "timeout"


# --- the machine --------------------------------------------------------------------------------


class Shelf(LiveHost):
    """A machine whose files are a mapping."""

    def __init__(self, files: dict[str, str]) -> None:
        self.files = files

    def read(self, path: str, limit: int = 0) -> tuple[bytes, FileFacts]:
        if path not in self.files:
            raise NotThere(path)
        return self.files[path].encode(), FileFacts(path)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ('PRETTY_NAME="Debian GNU/Linux 12"\nNAME="Debian"\n', "Debian GNU/Linux 12"),
        ("NAME='Alpine Linux'\nID=alpine\n", "Alpine Linux"),
        ("PRETTY_NAME=Arch\r\n", "Arch"),
        ("ID=unknown\n", None),
        ("", None),
    ],
)
def test_linux_tells_its_name_in_os_release(content: str, expected: str | None) -> None:
    """The pretty name, else the name, else nothing; the vendor's copy where /etc has none."""
    for place in OS_RELEASE:
        assert os_name(Shelf({place: content}), "linux") == expected
    assert os_name(Shelf({}), "linux") is None
    assert (
        os_name(Shelf(dict(zip(OS_RELEASE, ("NAME=own", "NAME=other"), strict=True))), "linux")
        == "own"
    )


def test_a_mac_tells_its_name_in_system_version() -> None:
    """Product and version; what is no such property list tells nothing."""
    body = "<key>ProductName</key><string>macOS</string>"
    body += "<key>ProductVersion</key><string>15.2</string>"
    shelf = Shelf({SYSTEM_VERSION: f"<plist><dict>{body}</dict></plist>"})
    assert os_name(shelf, "darwin") == "macOS 15.2"
    for broken in ("<plist><array/></plist>", "<plist><dict/></plist>", "rubbish", ""):
        assert os_name(Shelf({SYSTEM_VERSION: broken}), "darwin") is None
    assert os_name(Shelf({}), "darwin") is None


def test_any_other_system_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only Linux and macOS are known."""
    monkeypatch.setattr(sys, "platform", "win32")
    with pytest.raises(UsageError):
        LiveHost()


def test_the_clocks_agree() -> None:
    """UTC, with a zone; the machine started before now and was awake no longer than since."""
    host = LiveHost()
    before, now, after = datetime.now(UTC), host.now(), datetime.now(UTC)
    assert before <= now <= after
    facts = host.facts()
    assert facts.boot_time is not None
    assert facts.awake_seconds is not None
    assert facts.boot_time < now
    assert 0 < facts.awake_seconds <= (host.now() - facts.boot_time).total_seconds() + 1
    assert facts.recorded is False


def test_a_live_host_can_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time passes there, other than on a recorded one."""
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    assert LiveHost().wait(1.5) is True
    assert slept == [1.5]


# --- processes ----------------------------------------------------------------------------------


def test_running_programs_are_found_by_the_start_of_their_name() -> None:
    """With all that is told of them; letter case does not matter."""
    me = psutil.Process()
    found = {p.pid: p for p in LiveHost().processes([me.name().lower()[:4]])}
    assert found[me.pid].name == me.name()
    assert found[me.pid].cmdline == tuple(me.cmdline())
    started = found[me.pid].started
    assert started is not None
    assert abs(started - datetime.fromtimestamp(me.create_time(), UTC)) < timedelta(seconds=1)
    assert (found[me.pid].rss_bytes or 0) > 0
    assert found[me.pid].cpu_seconds is not None
    assert list(found) == sorted(found)
    assert LiveHost().processes(["no program is called this"]) == []


class Shown(SimpleNamespace):
    """A running program as psutil shows it."""

    def as_dict(self, names: list[str]) -> dict[str, Any]:
        if self.ended:
            raise psutil.NoSuchProcess(self.pid)
        return dict.fromkeys(names)


def test_a_program_that_ends_while_we_look_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """SenseCM runs for seconds: its end is no reason to lose all the others."""
    shown = [
        Shown(pid=9, info={"name": "wdavdaemon"}, ended=False),
        Shown(pid=7, info={"name": "SenseCM"}, ended=True),
        Shown(pid=3, info={"name": "wdavdaemon"}, ended=False),
        Shown(pid=2, info={"name": None}, ended=False),
    ]
    monkeypatch.setattr(psutil, "process_iter", lambda _names: iter(shown))
    found = LiveHost().processes(["wdavdaemon", "sensecm"])
    assert [process.pid for process in found] == [3, 9]
    assert (found[0].exe, found[0].cmdline, found[0].started) == (None, (), None)


def test_a_list_that_cannot_be_had_is_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sandbox may hide every process."""

    def refuse(_names: object) -> Any:
        raise psutil.AccessDenied

    monkeypatch.setattr(psutil, "process_iter", refuse)
    with pytest.raises(Unreadable):
        LiveHost().processes(["wdavdaemon"])


def test_what_lies_around_a_file_is_told(tmp_path: Path) -> None:
    """Every folder up to the top with its rights, through a link those of both ends; the disk."""
    real = tmp_path / "real"
    real.mkdir(mode=0o700)
    (real / "policy").write_text("{}")
    (tmp_path / "link").symlink_to(real)
    host = LiveHost()
    found = host.around(host.stat(str(tmp_path / "link" / "policy")))
    assert found.real == os.path.realpath(real / "policy")
    folders = {one.path: one for one in found.folders}
    here = os.path.realpath(tmp_path)
    assert {"/", here, f"{here}/real"} <= folders.keys()
    assert f"{here}/link" not in folders
    inside = folders[f"{here}/real"]
    assert (inside.mode, inside.uid) == (0o700, os.getuid())
    assert found.filesystem


def test_around_a_file_that_is_gone_nothing_is_told(tmp_path: Path) -> None:
    """It may go between two looks, and that is no fault."""
    path = tmp_path / "policy"
    path.write_text("{}")
    host = LiveHost()
    facts = host.stat(str(path))
    path.unlink()
    assert host.around(facts) == facts
