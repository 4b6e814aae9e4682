"""The keys of a launchd job that we use or may come to use, and what their values must be.

launchd itself says nothing about a key that it does not know, and there is no checker of keys but
on a Mac (`plutil -lint` knows only the format). Source: the manual page launchd.plist(5).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Check = Callable[[Any], str | None]


def faults(job: object) -> list[str]:
    """What is wrong with a job, one line each; empty for a good one."""
    if not isinstance(job, Mapping):
        return ["the job is not a dictionary"]
    found = [f"{key} is missing" for key in ("Label", "ProgramArguments") if key not in job]
    return found + _dictionary(job, KEYS) + _together(job)


def _dictionary(value: Mapping[str, Any], keys: Mapping[str, Check], under: str = "") -> list[str]:
    found = []
    for key, inner in value.items():
        check = keys.get(key)
        why = "there is no such key" if check is None else check(inner)
        if why:
            found.append(f"{under}{key}: {why}")
    return found


def _together(job: Mapping[str, Any]) -> list[str]:
    """What is right by itself and wrong for a daemon of ours."""
    found = []
    arguments = job.get("ProgramArguments")
    program = arguments[0] if isinstance(arguments, list) and arguments else None
    if isinstance(program, str) and program.rpartition("/")[2] in SHELLS:
        found.append(f"ProgramArguments: {program} is a shell; name the program itself")
    if job.get("KeepAlive") and job.get("StartInterval"):
        found.append("StartInterval: a job that is kept alive is not started by the clock")
    return found


def _truth(value: Any) -> str | None:
    return None if isinstance(value, bool) else "expected true or false"


def _text(value: Any) -> str | None:
    return None if isinstance(value, str) and value else "expected text"


def _path(value: Any) -> str | None:
    return None if isinstance(value, str) and value.startswith("/") else "expected an absolute path"


def _whole(least: int, most: int) -> Check:
    def check(value: Any) -> str | None:
        whole = isinstance(value, int) and not isinstance(value, bool)
        return None if whole and least <= value <= most else f"expected {least} to {most}"

    return check


def _one_of(*words: str) -> Check:
    return lambda value: None if value in words else f"expected one of {', '.join(words)}"


def _label(value: Any) -> str | None:
    fine = isinstance(value, str) and value.count(".") >= 2 and "/" not in value
    return None if fine else "expected a name such as com.example.daemon"


def _arguments(value: Any) -> str | None:
    if not isinstance(value, list) or not value or not all(isinstance(one, str) for one in value):
        return "expected a list of texts"
    return None if value[0].startswith("/") else "the program must be an absolute path"


def _texts(value: Any) -> str | None:
    fine = isinstance(value, Mapping) and all(isinstance(one, str) for one in value.values())
    return None if fine else "expected a dictionary of texts"


def _inside(keys: Mapping[str, Check]) -> Check:
    def check(value: Any) -> str | None:
        if not isinstance(value, Mapping):
            return "expected a dictionary"
        return "; ".join(_dictionary(value, keys)) or None

    return check


def _keep_alive(value: Any) -> str | None:
    if isinstance(value, bool):
        return None
    conditions = {"SuccessfulExit": _truth, "Crashed": _truth, "PathState": _path_state}
    return _inside(conditions)(value)


def _path_state(value: Any) -> str | None:
    fine = isinstance(value, Mapping) and all(isinstance(one, bool) for one in value.values())
    return None if fine else "expected a dictionary of true and false"


SHELLS = frozenset({"sh", "bash", "zsh", "dash", "ksh", "env"})
LIMITS: Mapping[str, Check] = dict.fromkeys(
    ("Core", "CPU", "Data", "FileSize", "MemoryLock", "NumberOfFiles", "NumberOfProcesses"),
    _whole(0, 2**63 - 1),
) | {"ResidentSetSize": _whole(0, 2**63 - 1), "Stack": _whole(0, 2**63 - 1)}
KEYS: Mapping[str, Check] = {
    "Label": _label,
    "ProgramArguments": _arguments,
    "RunAtLoad": _truth,
    "KeepAlive": _keep_alive,
    "ThrottleInterval": _whole(1, 3600),
    "StartInterval": _whole(1, 2**31 - 1),
    "ExitTimeOut": _whole(1, 600),
    "ProcessType": _one_of("Background", "Standard", "Adaptive", "Interactive"),
    "Nice": _whole(-20, 20),
    "LowPriorityIO": _truth,
    "LowPriorityBackgroundIO": _truth,
    "Umask": _whole(0, 0o777),
    "WorkingDirectory": _path,
    "UserName": _text,
    "GroupName": _text,
    "InitGroups": _truth,
    "AbandonProcessGroup": _truth,
    "EnvironmentVariables": _texts,
    "StandardInPath": _path,
    "StandardOutPath": _path,
    "StandardErrorPath": _path,
    "SoftResourceLimits": _inside(LIMITS),
    "HardResourceLimits": _inside(LIMITS),
    "SessionCreate": _truth,
}
