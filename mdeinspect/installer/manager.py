"""Speaking to systemd and launchd: their own programs, by absolute path, never through a shell."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from mdeinspect.installer import InstallError
from mdeinspect.model import Platform

PROGRAMS: dict[str, tuple[str, ...]] = {
    "systemctl": ("/usr/bin/systemctl", "/bin/systemctl"),
    "systemd-sysusers": ("/usr/bin/systemd-sysusers", "/bin/systemd-sysusers"),
    "systemd-tmpfiles": ("/usr/bin/systemd-tmpfiles", "/bin/systemd-tmpfiles"),
    "userdel": ("/usr/sbin/userdel", "/sbin/userdel"),
    "launchctl": ("/bin/launchctl",),
    "codesign": ("/usr/bin/codesign",),
}
ENVIRONMENT = {"LC_ALL": "C", "LANG": "C", "PATH": "/usr/bin:/bin:/usr/sbin:/sbin"}
SECONDS = 90.0
BOOTED = "/run/systemd/system"  # there when systemd is the first process, as sd_booted(3) says
PROPERTIES = (
    *("LoadState", "UnitFileState", "ActiveState", "SubState", "Result", "NRestarts", "MainPID"),
    *("StatusText", "User", "ProtectSystem", "ReadWritePaths", "PrivateNetwork", "PrivateTmp"),
    *("StateDirectory", "LogsDirectory", "CapabilityBoundingSet", "Group", "SupplementaryGroups"),
)
LABEL = "com.mdeinspect.daemon"
NOT_LOADED = 113  # of `launchctl print`: no such service


@dataclass(frozen=True, slots=True)
class Ran:
    """How a program of the system ended, and what it said."""

    code: int
    out: str
    err: str


Runner = Callable[[str, Sequence[str]], Ran]


@dataclass(frozen=True, slots=True)
class Unit:
    """How a unit or job is. `enabled` is None where nobody can say.

    `active` is `active`, `activating`, `reloading`, `inactive`, `failed`, ..., in systemd's words.
    """

    name: str
    installed: bool
    enabled: bool | None = None
    active: str = "inactive"
    detail: str = ""
    restarts: int | None = None
    settings: Mapping[str, str] = field(default_factory=dict)


def find(program: str) -> str:
    """The absolute path of a program of the system; raises `InstallError` without one."""
    places = PROGRAMS[program]
    for place in places:
        if os.access(place, os.X_OK):
            return place
    raise InstallError(f"cannot find {program} at {' or '.join(places)}: is it of this system?")


def run(program: str, args: Sequence[str]) -> Ran:
    """Run a program of the system to its end. Raises `InstallError` where it does not run."""
    path = find(program)
    try:
        done = subprocess.run(
            [path, *args],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env=ENVIRONMENT,
            cwd="/",
            timeout=SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise InstallError(f"cannot run {path} {' '.join(args)}: {error}") from error
    return Ran(
        done.returncode,
        done.stdout.decode("utf-8", "replace"),
        done.stderr.decode("utf-8", "replace"),
    )


def pause(seconds: float = 1.0) -> None:
    """Let another program come to its end."""
    time.sleep(seconds)


def state(platform: Platform, name: str, runner: Runner = run) -> Unit:
    """How the unit `name` (on macOS: the job) is. Works for everybody.

    Raises `InstallError` where there is no manager to ask.
    """
    return _launchd(runner) if platform == "darwin" else _systemd(name, runner)


def booted() -> bool:
    """Whether systemd manages this machine."""
    return os.path.isdir(BOOTED)


def mount_point(path: str) -> str:
    """Where the file system of `path` is mounted."""
    while not os.path.ismount(path):
        path = os.path.dirname(path)
    return path


def _systemd(name: str, runner: Runner) -> Unit:
    ran = runner("systemctl", ("show", name, f"--property={','.join(PROPERTIES)}"))
    told = dict(line.split("=", 1) for line in ran.out.splitlines() if "=" in line)
    if ran.code or "LoadState" not in told:
        why = " ".join(ran.err.split()) or f"systemctl ended with {ran.code}"
        raise InstallError(f"cannot ask systemd: {why}")
    words = told.get("UnitFileState", "")
    restarts = told.get("NRestarts", "")
    return Unit(
        name=name,
        installed=told["LoadState"] not in ("not-found", "masked"),
        enabled=words.startswith("enabled"),
        active=told.get("ActiveState", "unknown"),
        detail=_detail(told),
        restarts=int(restarts) if restarts.isdecimal() else None,
        settings=told,
    )


def _detail(told: Mapping[str, str]) -> str:
    if told["LoadState"] == "masked":
        return "masked"
    result = told.get("Result", "success")
    parts = [told.get("SubState", ""), "" if result == "success" else f"last result {result}"]
    if told.get("ActiveState") in ("active", "reloading"):  # else what it said before it ended
        parts.append(told.get("StatusText", ""))
    return ", ".join(part for part in parts if part)


def _launchd(runner: Runner) -> Unit:
    """`launchctl print` is for people and may change: what it does not say is not known."""
    ran = runner("launchctl", ("print", f"system/{LABEL}"))
    if ran.code == NOT_LOADED:
        return Unit(LABEL, installed=False)
    if ran.code:
        why = " ".join(ran.err.split()) or f"launchctl ended with {ran.code}"
        raise InstallError(f"cannot ask launchd: {why}")
    told: dict[str, str] = {}
    for line in ran.out.splitlines():
        key, equals, value = line.strip().partition(" = ")
        if equals:
            told.setdefault(key, value)  # the job's own come first, those of inner blocks later
    active = {"running": "active", "spawn scheduled": "activating", "waiting": "inactive"}
    word = told.get("state", "unknown")
    code = told.get("last exit code", "")
    detail = ", ".join(part for part in (word, code and f"last exit code {code}") if part)
    runs = told.get("runs", "")
    restarts = int(runs) - 1 if runs.isdecimal() and int(runs) else None
    # It is loaded, so launchd starts it at boot as well.
    return Unit(LABEL, True, True, active.get(word, word), detail, restarts, told)
