"""The vendor's program runs briefly, quietly, alone, and only when it can be trusted."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from mdeinspect.errors import Unreadable
from mdeinspect.host import commands
from mdeinspect.host.commands import distrust, privileged
from mdeinspect.model import Output

if TYPE_CHECKING:
    from pyfakefs.fake_filesystem import FakeFilesystem

PATIENCE = 20.0
LONG = 300  # seconds that a program would run if nobody ended it


def script(folder: Path, body: str, name: str = "mdatp") -> Path:
    """A program for `/bin/sh` that can be run."""
    place = folder / name
    place.write_text(f"#!/bin/sh\n{body}\n")
    place.chmod(0o755)
    return place


def run(program: Path, *args: str, timeout: float = PATIENCE, limit: int = 100_000) -> Output:
    """The program, as the door to the machine runs it."""
    return commands.run(str(program), args, timeout=timeout, limit=limit)


def refusal(program: Path, timeout: float = PATIENCE, limit: int = 100_000) -> Unreadable:
    """Why there is no output of the program."""
    with pytest.raises(Unreadable) as caught:
        run(program, timeout=timeout, limit=limit)
    return caught.value


def until(what: Callable[[], bool]) -> None:
    """Waits for something that happens by itself; fails when it does not."""
    deadline = time.monotonic() + PATIENCE
    while not what():
        assert time.monotonic() < deadline, "it does not happen"
        time.sleep(0.01)


def gone(pid: int) -> bool:
    """True when no such program runs any more; one that nobody has buried yet is gone too."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def pid_in(place: Path) -> int:
    """The process id that a program wrote down."""
    until(lambda: place.exists() and place.read_text().strip().isdigit())
    return int(place.read_text())


# --- what it gets -------------------------------------------------------------------------------


def test_output_and_exit_status_come_back_as_they_are(tmp_path: Path) -> None:
    """Both streams, byte for byte, the arguments as given, and the status."""
    program = script(tmp_path, r"printf '\377%s|%s' " + '"$1" "$2"; echo trouble >&2; exit 3')
    output = run(program, "health", "a b; $(c)")
    assert output.stdout == b"\xffhealth|a b; $(c)"
    assert output.stderr == b"trouble\n"
    assert output.exit == 3
    assert output.seconds is not None


def test_a_program_that_dies_by_a_signal_says_so(tmp_path: Path) -> None:
    """A crash is a negative status, never a good one."""
    assert run(script(tmp_path, "kill -SEGV $$")).exit == -11


def test_a_program_that_says_nothing_is_no_fault(tmp_path: Path) -> None:
    """Empty output is for the parser to judge."""
    output = run(script(tmp_path, "exit 0"))
    assert (output.stdout, output.stderr, output.exit) == (b"", b"", 0)


def test_it_sees_a_clean_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the caller's environment reaches it: no preload, no path, no locale."""
    monkeypatch.setenv("LD_LIBRARY_PATH", "/tmp/evil")
    monkeypatch.setenv("PATH", f"/tmp/evil:{os.environ['PATH']}")
    monkeypatch.setenv("HTTPS_PROXY", "http://user:secret@proxy")
    lines = run(script(tmp_path, "env")).stdout.decode().splitlines()
    seen = dict(line.split("=", 1) for line in lines)
    by_the_shell = {"PWD", "OLDPWD", "SHLVL", "_", "__CF_USER_TEXT_ENCODING"}
    assert {k: v for k, v in seen.items() if k not in by_the_shell} == {
        "LC_ALL": "C",
        "LANG": "C",
        "PATH": "/usr/bin:/bin:/usr/sbin:/sbin",
    }


def test_it_has_no_stdin_and_works_in_the_root_folder(tmp_path: Path) -> None:
    """Nothing to wait for, and no folder that it would keep busy."""
    program = script(tmp_path, "if read line; then echo got; else echo none; fi; pwd")
    assert run(program).stdout == b"none\n/\n"


def test_it_inherits_no_open_file(tmp_path: Path) -> None:
    """What the service has open stays its own."""
    with (tmp_path / "store").open("w") as store:
        os.set_inheritable(store.fileno(), True)
        program = script(tmp_path, f"if true >&{store.fileno()}; then echo open; fi 2>/dev/null")
        assert b"open" not in run(program).stdout


def test_it_runs_in_a_session_of_its_own_with_low_priority(tmp_path: Path) -> None:
    """No terminal to talk to, no signal of the caller's shell, and no hurry."""
    note, leave = tmp_path / "pid", tmp_path / "leave"
    program = script(tmp_path, f"echo $$ >{note}; while [ ! -e {leave} ]; do sleep 0.02; done")
    worker = threading.Thread(target=run, args=(program,), daemon=True)
    worker.start()
    try:
        pid = pid_in(note)
        assert os.getsid(pid) == pid != os.getsid(0)
        expected = max(commands.NICENESS, os.getpriority(os.PRIO_PROCESS, 0))
        until(lambda: os.getpriority(os.PRIO_PROCESS, pid) == expected)
    finally:
        leave.touch()
        worker.join(PATIENCE)
    assert not worker.is_alive()


# --- how it ends --------------------------------------------------------------------------------


def test_a_program_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    """Timed out is a kind of its own, and nothing goes on running."""
    note = tmp_path / "pid"
    program = script(tmp_path, f"trap '' TERM INT HUP; echo $$ >{note}; while :; do sleep 1; done")
    assert refusal(program, timeout=2).kind == "timeout"
    until(lambda: gone(pid_in(note)))


def test_the_whole_group_is_ended_with_it(tmp_path: Path) -> None:
    """Grandchildren that hold the pipes neither delay the answer nor survive it."""
    note = tmp_path / "pid"
    program = script(tmp_path, f"sleep {LONG} & echo $! >{note}; sleep {LONG}")
    assert refusal(program, timeout=2).kind == "timeout"
    until(lambda: gone(pid_in(note)))


def test_a_program_that_closes_its_pipes_and_stays_is_ended(tmp_path: Path) -> None:
    """Having said everything is not having ended."""
    note = tmp_path / "pid"
    program = script(tmp_path, f"echo $$ >{note}; exec >&- 2>&-; sleep {LONG}")
    assert refusal(program, timeout=2).kind == "timeout"
    until(lambda: gone(pid_in(note)))


def test_what_it_leaves_behind_is_ended_too(tmp_path: Path) -> None:
    """The answer counts once the program has ended, and what it started ends with it."""
    note = tmp_path / "pid"
    program = script(tmp_path, f"sleep {LONG} & echo $! >{note}; echo answer; exit 4")
    output = run(program)
    assert (output.stdout, output.exit) == (b"answer\n", 4)
    until(lambda: gone(pid_in(note)))


@pytest.mark.parametrize("stream", ["1", "2"])
def test_output_beyond_the_cap_ends_it(tmp_path: Path, stream: str) -> None:
    """Neither stream can fill our memory."""
    note = tmp_path / "pid"
    program = script(tmp_path, f"echo $$ >{note}; while :; do echo 0123456789; done >&{stream}")
    assert refusal(program, limit=10_000).kind == "too-large"
    until(lambda: gone(pid_in(note)))


def test_output_of_just_the_cap_is_taken(tmp_path: Path) -> None:
    """The cap is the largest output that is allowed."""
    program = script(tmp_path, "printf 0123456789")
    assert run(program, limit=10).stdout == b"0123456789"
    assert refusal(program, limit=9).kind == "too-large"


def test_no_file_stays_open(tmp_path: Path) -> None:
    """Whatever happens, the pipes are closed: a service runs for months."""
    programs = [
        script(tmp_path, "exit 0", "good"),
        script(tmp_path, f"sleep {LONG}", "slow"),
        script(tmp_path, "while :; do echo 0123456789; done", "loud"),
    ]
    me = psutil.Process()
    run(programs[0])
    before = me.num_fds()
    run(programs[0])
    assert refusal(programs[1], timeout=0.2).kind == "timeout"
    assert refusal(programs[2], limit=100).kind == "too-large"
    assert refusal(tmp_path / "none").kind == "io"
    assert me.num_fds() == before


# --- what cannot be run -------------------------------------------------------------------------


def test_a_program_without_permission_to_run_is_denied(tmp_path: Path) -> None:
    """A file that nobody may execute, and a folder."""
    program = script(tmp_path, "exit 0")
    program.chmod(0o644)
    assert refusal(program).kind == "denied"
    assert refusal(tmp_path).kind == "denied"


def test_a_program_that_cannot_start_is_an_answer(tmp_path: Path) -> None:
    """A missing interpreter, a foreign format, nothing at all: told, with the name."""
    orphan = tmp_path / "orphan"
    orphan.write_text("#!/nowhere/interpreter\n")
    garbage = tmp_path / "garbage"
    garbage.write_bytes(b"\x00\x01\x02 no program")
    for program in (orphan, garbage):
        program.chmod(0o755)
    for program in (orphan, garbage, tmp_path / "nothing"):
        error = refusal(program)
        assert error.kind == "io"
        assert str(program) in str(error)


# --- whom we trust ------------------------------------------------------------------------------

PROGRAM = "/opt/microsoft/mdatp/sbin/wdavdaemonclient"
PARENTS = ["/", "/opt", "/opt/microsoft", "/opt/microsoft/mdatp", "/opt/microsoft/mdatp/sbin"]


@pytest.fixture
def installed(fs: FakeFilesystem) -> FakeFilesystem:
    """A file system with a program as its package installs it."""
    fs.create_file(PROGRAM, st_mode=0o100755)
    for place in (PROGRAM, *PARENTS):
        os.chown(place, 0, 0)
        os.chmod(place, 0o755)
    return fs


def test_a_program_of_root_below_folders_of_root_is_trusted(installed: FakeFilesystem) -> None:
    """As packages install it, with a set of permissions that is not even the usual one."""
    os.chmod(PROGRAM, 0o550)
    assert distrust(PROGRAM, "linux") is None


@pytest.mark.parametrize("place", [PROGRAM, *PARENTS])
@pytest.mark.parametrize("mode", [0o775, 0o757, 0o1777])
def test_what_others_can_write_is_not_trusted(
    installed: FakeFilesystem, place: str, mode: int
) -> None:
    """Group or world on the program or on any folder above it; a sticky bit is no excuse."""
    os.chmod(place, mode)
    why = distrust(PROGRAM, "linux")
    assert why is not None
    assert place in why


@pytest.mark.parametrize("place", [PROGRAM, *PARENTS])
def test_what_belongs_to_another_user_is_not_trusted(installed: FakeFilesystem, place: str) -> None:
    """An owner can always give themselves the right to write."""
    os.chown(place, 1000, 0)
    why = distrust(PROGRAM, "linux")
    assert why is not None
    assert place in why


def test_on_a_mac_the_group_admin_may_write_folders_and_nothing_more(
    installed: FakeFilesystem,
) -> None:
    """`/Applications` belongs to root:admin, writable: trusted there, and only there."""
    os.chown("/opt/microsoft", 0, commands.MACOS_ADMIN)
    os.chmod("/opt/microsoft", 0o775)
    assert distrust(PROGRAM, "darwin") is None
    assert distrust(PROGRAM, "linux") is not None
    os.chmod("/opt/microsoft", 0o777)
    assert distrust(PROGRAM, "darwin") is not None
    os.chmod("/opt/microsoft", 0o775)
    os.chown("/opt/microsoft", 0, 20)
    assert distrust(PROGRAM, "darwin") is not None
    os.chown("/opt/microsoft", 0, 0)
    os.chmod("/opt/microsoft", 0o755)
    os.chown(PROGRAM, 0, commands.MACOS_ADMIN)
    os.chmod(PROGRAM, 0o775)
    assert distrust(PROGRAM, "darwin") is not None


def test_what_is_not_there_is_not_trusted(installed: FakeFilesystem) -> None:
    """A program that vanished meanwhile gets no word of trust."""
    os.remove(PROGRAM)
    with pytest.raises(OSError, match="No such file"):
        distrust(PROGRAM, "linux")


# --- whom it matters to -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("CapPrm:\t0000000000000000\nCapEff:\t0000000000000000\n", False),
        ("CapPrm:\t0000000000000004\nCapEff:\t0000000000000004\n", True),
        ("CapPrm:\t0000000000000004\nCapEff:\t0000000000000000\n", True),
        ("CapInh:\t0000000000000004\nCapBnd:\t000001ffffffffff\n", False),
        ("Name:\tpython\n", False),
        (None, False),
    ],
)
def test_any_usable_capability_is_a_privilege(
    fs: FakeFilesystem, monkeypatch: pytest.MonkeyPatch, status: str | None, expected: bool
) -> None:
    """Rights that are held, in use or not; not what the machine would at most allow."""
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    if status is not None:
        fs.create_file("/proc/self/status", contents=status)
    assert privileged() is expected


def test_root_is_privileged(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the kernel says of capabilities."""
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert privileged()
