"""The machine this runs on."""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from mdeinspect.errors import NotThere, Unreadable, UsageError
from mdeinspect.host import MAX_FILE, MAX_OUTPUT, commands
from mdeinspect.host.files import Files
from mdeinspect.host.system import PROGRAMS, os_name
from mdeinspect.model import Command, FileFacts, HostFacts, Output, Platform, Process

DETAILS = ["exe", "cmdline", "create_time", "cpu_times", "memory_info"]


class LiveHost:
    """This machine. `cli` names the `mdatp` to run; `stop` ends the wait for one that runs."""

    def __init__(
        self,
        *,
        cli: str | None = None,
        timeout: float = 30.0,
        stop: threading.Event | None = None,
    ) -> None:
        self._stop = stop
        if cli and (not cli.startswith("/") or "\0" in cli):
            raise UsageError(f"cannot run {cli!r} as mdatp: name it by its absolute path")
        self._platform = this_platform()
        self._files = Files()
        self._programs = (cli,) if cli else PROGRAMS[self._platform]
        self._timeout = timeout

    def facts(self) -> HostFacts:
        """See `Host.facts`."""
        boot, awake = _uptime(self.now())
        return HostFacts(
            name=socket.gethostname(),
            platform=self._platform,
            os=os_name(self, self._platform),
            boot_time=boot,
            awake_seconds=awake,
            program=self._program(),
        )

    def now(self) -> datetime:
        """See `Host.now`."""
        return datetime.now(UTC)

    def wait(self, seconds: float) -> bool:
        """See `Host.wait`."""
        time.sleep(seconds)
        return True

    def read(self, path: str, limit: int = MAX_FILE) -> tuple[bytes, FileFacts]:
        """See `Host.read`."""
        return self._files.read(path, limit)

    def tail(self, path: str, limit: int) -> tuple[bytes, FileFacts]:
        """See `Host.tail`."""
        return self._files.tail(path, limit)

    def stat(self, path: str) -> FileFacts:
        """See `Host.stat`."""
        return self._files.stat(path)

    def around(self, facts: FileFacts) -> FileFacts:
        """See `Host.around`."""
        facts = self._files.around(facts)
        return replace(facts, filesystem=_filesystem(facts.real)) if facts.real else facts

    def link(self, path: str) -> str | None:
        """See `Host.link`."""
        return self._files.link(path)

    def names(self, path: str) -> Sequence[str]:
        """See `Host.names`."""
        return self._files.names(path)

    def run(self, command: Command) -> Output:
        """See `Host.run`."""
        program = self._program()
        if program is None:
            raise NotThere(f"mdatp is at none of {', '.join(self._programs)}")
        resolved = os.path.realpath(program)
        if commands.privileged():
            try:
                why = commands.distrust(resolved, self._platform)
            except OSError as error:
                message = f"cannot run {program}: {error.strerror or error} ({resolved})"
                raise Unreadable(message, kind="io") from error
            if why:
                message = f"cannot trust {program}: {why}; correct that, or name another program"
                raise Unreadable(message, kind="untrusted")
        return commands.run(
            resolved, command.args, timeout=self._timeout, limit=MAX_OUTPUT, stop=self._stop
        )

    def processes(self, names: Sequence[str]) -> Sequence[Process]:
        """See `Host.processes`."""
        import psutil  # only where processes are really looked for: it costs 20 ms

        found = []
        try:
            for process in psutil.process_iter(["name"]):
                name = process.info["name"] or ""
                if name.lower().startswith(tuple(names)):
                    with contextlib.suppress(psutil.NoSuchProcess):  # it may end as we look
                        found.append(_process(process.pid, name, process.as_dict(DETAILS)))
        except (psutil.Error, OSError) as error:
            raise Unreadable(f"cannot list the processes: {error}", kind="io") from error
        return sorted(found, key=lambda process: process.pid)

    def _program(self) -> str | None:
        for path in self._programs:
            try:
                self._files.stat(path)
            except NotThere:
                continue
            except Unreadable as error:
                if error.kind in ("dangling-link", "lost-folder"):
                    continue  # what an agent that was removed may leave behind
            return path
        return None


def this_platform() -> Platform:
    """`linux` or `darwin`; raises `UsageError` anywhere else."""
    if sys.platform in ("linux", "darwin"):
        return sys.platform  # type: ignore[return-value]
    raise UsageError(f"cannot inspect {sys.platform}: only Linux and macOS are known; use --root")


def _filesystem(path: str) -> str | None:
    """The type of the file system that a path without links lies on, in lower case."""
    import psutil

    try:
        mounts = psutil.disk_partitions(all=True)
    except (psutil.Error, OSError):
        return None
    best, kind = "", None
    for mount in mounts:  # of several on one place the last one counts
        inside = path == mount.mountpoint or path.startswith(mount.mountpoint.rstrip("/") + "/")
        if inside and len(mount.mountpoint) >= len(best):
            best, kind = mount.mountpoint, mount.fstype.lower()
    return kind or None


def _process(pid: int, name: str, details: dict[str, object]) -> Process:
    started, cpu, memory = (details.get(key) for key in ("create_time", "cpu_times", "memory_info"))
    cmdline = details.get("cmdline")
    return Process(
        pid=pid,
        name=name,
        exe=str(details["exe"]) if details.get("exe") else None,
        cmdline=tuple(cmdline) if isinstance(cmdline, list) else (),
        started=datetime.fromtimestamp(started, UTC) if isinstance(started, float) else None,
        cpu_seconds=sum(cpu[:2]) if isinstance(cpu, tuple) else None,
        rss_bytes=memory[0] if isinstance(memory, tuple) else None,
    )


def _uptime(now: datetime) -> tuple[datetime, float]:
    """When the machine started, and for how many seconds it has been awake since."""
    # Linux: CLOCK_MONOTONIC stands still in sleep, CLOCK_BOOTTIME does not. macOS has the same
    # pair under the names CLOCK_UPTIME_RAW and CLOCK_MONOTONIC.
    linux = sys.platform == "linux"
    whole = time.CLOCK_MONOTONIC if not linux else getattr(time, "CLOCK_BOOTTIME", 1)
    awake = time.CLOCK_MONOTONIC if linux else getattr(time, "CLOCK_UPTIME_RAW", 1)
    return now - timedelta(seconds=time.clock_gettime(whole)), time.clock_gettime(awake)
