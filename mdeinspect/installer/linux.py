"""systemd: the units as they ship, with the path of this installation in them."""

from __future__ import annotations

import re
from dataclasses import replace

from mdeinspect.installer import InstallError, material
from mdeinspect.installer.plan import Choice, File, Plan, Run, Traces, marked

UNIT = "mdeinspect.service"
CHECK = "mdeinspect-check.service"
TIMER = "mdeinspect-check.timer"
UNITS = "/etc/systemd/system"
DROP_INS = f"{UNITS}/{UNIT}.d"
SYSUSERS = "/etc/sysusers.d/mdeinspect.conf"
TMPFILES = "/etc/tmpfiles.d/mdeinspect.conf"
LOGROTATE = "/etc/logrotate.d/mdeinspect"
CONFIG = "/etc/mdeinspect/config.toml"
SHIPPED = "/usr/bin/mdeinspect"  # what stands in the units that packages install


def plan(choice: Choice) -> Plan:
    """What `choice` comes to. Raises `InstallError` for a path that a unit cannot name."""
    files = [
        _file(SYSUSERS, "systemd/mdeinspect.sysusers"),
        _file(TMPFILES, "systemd/mdeinspect.tmpfiles"),
        replace(_file(LOGROTATE, "systemd/mdeinspect.logrotate"), guest=True),
        File(CONFIG, material.text("config.example.toml"), keep=True),
    ]
    for name in (CHECK, TIMER) if choice.timer else (UNIT,):
        files.append(File(f"{UNITS}/{name}", marked(unit(name, choice.command))))
    if choice.strict:
        files.append(_file(f"{DROP_INS}/strict.conf", "systemd/strict.conf"))
    if choice.as_root:
        files.append(_file(f"{DROP_INS}/root.conf", "systemd/root.conf"))
    wanted, other = (TIMER, UNIT) if choice.timer else (UNIT, TIMER)
    return Plan(
        files=files,
        folders=(),  # systemd makes them, and hands them to the user of the service
        stop=(Run("systemctl", ("disable", "--now", other), may_fail=True),),
        start=(
            Run("systemd-sysusers", (SYSUSERS,)),
            Run("systemd-tmpfiles", ("--create", TMPFILES)),
            Run("systemctl", ("daemon-reload",)),
            Run("systemctl", ("enable", wanted)),
            Run("systemctl", ("restart", wanted)),
        ),
    )


def traces() -> Traces:
    """Everything that may have been installed."""
    units = [f"{UNITS}/{name}" for name in (UNIT, CHECK, TIMER)]
    drop_ins = [f"{DROP_INS}/{name}.conf" for name in ("strict", "root")]
    return Traces(
        files=(*units, *drop_ins, SYSUSERS, TMPFILES, LOGROTATE),
        folders=("/var/lib/mdeinspect", "/var/log/mdeinspect", "/etc/mdeinspect"),
        stop=(Run("systemctl", ("disable", "--now", UNIT, TIMER), may_fail=True),),
        after=(
            Run("systemctl", ("daemon-reload",)),
            Run("systemctl", ("reset-failed", UNIT, CHECK), may_fail=True),
        ),
        purge=(Run("userdel", ("mdeinspect",), may_fail=True),),
        packaged=(f"/usr/lib/systemd/system/{UNIT}", f"/lib/systemd/system/{UNIT}"),
    )


def unit(name: str, command: tuple[str, ...]) -> str:
    """A unit as it ships, with `command` in place of the program that packages install."""
    words = " ".join(quoted(word) for word in command)
    pattern = re.compile(rf"^(Exec[A-Za-z]+=){re.escape(SHIPPED)}(?=\s)", re.MULTILINE)
    return pattern.sub(lambda match: match[1] + words, material.text(f"systemd/{name}"))


def quoted(word: str) -> str:
    """A word of a command line as systemd reads it. Raises `InstallError` for odd characters."""
    if not re.fullmatch(r"[\w./@+%:,= -]+", word):
        raise InstallError(
            f"cannot name {word!r} in a unit: install mdeinspect at a path of plain characters"
        )
    plain = word.replace("%", "%%")
    return f'"{plain}"' if " " in plain else plain


def _file(path: str, name: str) -> File:
    return File(path, marked(material.text(name)))
