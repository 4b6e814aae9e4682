"""Running the vendor's program: only a trusted one, never for long, never with much output."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import stat
import subprocess
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from mdeinspect.errors import Unreadable
from mdeinspect.model import Output, Platform

ENVIRONMENT = {"LC_ALL": "C", "LANG": "C", "PATH": "/usr/bin:/bin:/usr/sbin:/sbin"}
NICENESS = 10
REAP = 5.0  # seconds that a killed program has to be gone
MACOS_ADMIN = 80  # group `admin` may write /Applications on every Mac


def privileged() -> bool:
    """True when this process may do what its user may not: root, or any capability it can use."""
    if os.geteuid() == 0:
        return True
    try:
        status = Path("/proc/self/status").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    held = [line for line in status.splitlines() if line.startswith(("CapPrm:", "CapEff:"))]
    return any(int(line.split()[1], 16) for line in held)


def distrust(program: str, platform: Platform) -> str | None:
    """Why a privileged process must not run `program` (a resolved path); None when it may.

    The program must belong to root and, with every folder above it, be writable by root alone.
    Raises `OSError` where one of them cannot be looked at.
    """
    here = Path(program)
    for place in (here, *here.parents):
        found = place.stat()
        writers = stat.S_IWGRP | stat.S_IWOTH
        if platform == "darwin" and found.st_gid == MACOS_ADMIN and place != here:
            writers = stat.S_IWOTH
        if found.st_mode & writers:
            return f"{place} can be written by others than root"
        if found.st_uid != 0:
            return f"{place} does not belong to root"
    return None


def run(
    program: str,
    args: Sequence[str],
    *,
    timeout: float,
    limit: int,
    stop: threading.Event | None = None,
) -> Output:
    """Run `program` to its end.

    No stdin, a clean environment, low priority, its own process group, which is killed whole at
    the end whatever happened. `timeout` is in seconds, `limit` in bytes for each stream; `stop`
    ends the wait early. Raises `Unreadable` of kind `timeout`, `too-large`, `denied` or `io`.
    """
    name = " ".join(["mdatp", *args])
    started = time.monotonic()
    try:
        child = subprocess.Popen(
            ["mdatp", *args],  # noqa: S607 -- only its name: `executable` says what runs
            executable=program,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=ENVIRONMENT,
            cwd="/",
            start_new_session=True,
        )
    except OSError as error:
        why = error.strerror or str(error)
        kind = "denied" if isinstance(error, PermissionError) else "io"
        raise Unreadable(f"cannot run {program}: {why}", kind=kind) from error
    with contextlib.suppress(OSError):
        niceness = max(NICENESS, os.getpriority(os.PRIO_PROCESS, 0))
        os.setpriority(os.PRIO_PGRP, child.pid, niceness)
    try:
        stdout, stderr = _drain(child, name, started + timeout, limit, stop)
        code = _finish(child, name, started + timeout)
    finally:
        _kill(child)
    return Output(stdout, stderr, code, time.monotonic() - started)


def _drain(
    child: subprocess.Popen[bytes],
    name: str,
    deadline: float,
    limit: int,
    stop: threading.Event | None,
) -> tuple[bytes, bytes]:
    """Both streams, until they close or the program has ended and left nothing to read."""
    streams = {child.stdout: bytearray(), child.stderr: bytearray()}
    with selectors.DefaultSelector() as selector:
        for stream in streams:
            if stream is not None:
                selector.register(stream, selectors.EVENT_READ)
        while selector.get_map():
            ready = selector.select(min(0.1, max(0.0, deadline - time.monotonic())))
            for key, _ in ready:
                chunk = os.read(key.fd, 65536)
                if not chunk:
                    selector.unregister(key.fileobj)
                kept = streams[key.fileobj]  # type: ignore[index]
                kept += chunk
                if len(kept) > limit:
                    message = f"cannot read `{name}`: it printed more than {limit:,} bytes"
                    raise Unreadable(message, kind="too-large")
            if not ready and child.poll() is not None:
                break  # a grandchild may hold the pipes open for ever
            if time.monotonic() >= deadline or (stop and stop.is_set()):
                raise _timeout(name)
    return bytes(streams[child.stdout]), bytes(streams[child.stderr])


def _finish(child: subprocess.Popen[bytes], name: str, deadline: float) -> int:
    try:
        return child.wait(max(0.0, deadline - time.monotonic()))
    except subprocess.TimeoutExpired as error:
        raise _timeout(name) from error


def _kill(child: subprocess.Popen[bytes]) -> None:
    """End the whole process group, and reap the child.

    One that hangs in the kernel does not even die of that: it is left to be reaped later.
    """
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.wait(REAP)
    for stream in (child.stdout, child.stderr):
        if stream is not None:
            stream.close()


def _timeout(name: str) -> Unreadable:
    message = (
        f"cannot read `{name}`: no answer in time; the agent may be busy or hung, "
        "try again or raise agent.timeout"
    )
    return Unreadable(message, kind="timeout")
