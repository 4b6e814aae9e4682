"""launchd: the job as it ships, with the path of this installation in it. Not proven on a Mac."""

from __future__ import annotations

import plistlib
from xml.sax.saxutils import escape

from mdeinspect.installer import InstallError, full_disk_access, launchd_keys, material
from mdeinspect.installer.plan import Choice, File, Plan, Run, Traces, marked

LABEL = "com.mdeinspect.daemon"
JOB = f"/Library/LaunchDaemons/{LABEL}.plist"
NEWSYSLOG = "/etc/newsyslog.d/mdeinspect.conf"
CONFIG = "/etc/mdeinspect/config.toml"
STATE = "/Library/Application Support/mdeinspect"
PROFILE = f"{STATE}/full-disk-access.mobileconfig"
LOGS = "/Library/Logs/mdeinspect"
SHIPPED = "/usr/local/bin/mdeinspect"  # what stands in the job as it ships
SINK = """\
# [sinks.siem]
# type = "file"
# path = "/var/log/mdeinspect/events.ndjson"
"""


def plan(choice: Choice, found: full_disk_access.Grant) -> Plan:
    """What `choice` comes to. Raises `InstallError` for what launchd has no equal of."""
    for name in ("timer", "strict", "as_root"):
        if getattr(choice, name):
            option = name.replace("_", "-")
            raise InstallError(f"cannot use --{option} with launchd: it is for systemd only")
    text = job(choice.command)
    faults = launchd_keys.faults(plistlib.loads(text.encode()))
    if faults:
        raise InstallError(f"cannot use the launchd job: {'; '.join(faults)}")
    files = [
        File(JOB, marked(text, xml=True)),
        File(NEWSYSLOG, marked(material.text("launchd/mdeinspect.newsyslog.conf"))),
        File(CONFIG, configuration(), keep=True),
    ]
    if found.requirement is not None:
        files.append(File(PROFILE, marked(full_disk_access.profile(found), xml=True)))
    return Plan(
        files=files,
        folders=((STATE, 0o750), (LOGS, 0o750)),
        stop=(),
        start=(
            # A job that is loaded cannot be loaded again, changed or not.
            Run("launchctl", ("bootout", f"system/{LABEL}"), may_fail=True),
            Run("launchctl", ("enable", f"system/{LABEL}")),
            # `bootout` returns before the old one is gone; until then this fails.
            Run("launchctl", ("bootstrap", "system", JOB), tries=25),
        ),
        notes=(full_disk_access.note(found),),
    )


def traces() -> Traces:
    """Everything that may have been installed."""
    return Traces(
        files=(JOB, NEWSYSLOG, PROFILE),
        folders=(STATE, LOGS, "/etc/mdeinspect"),
        stop=(Run("launchctl", ("bootout", f"system/{LABEL}"), may_fail=True),),
        after=(),
    )


def job(command: tuple[str, ...]) -> str:
    """The job as it ships, with `command` in place of the program that it names."""
    if not all(word.isprintable() for word in command):
        raise InstallError(f"cannot name {command[0]!r} in a launchd job: use a plainer path")
    words = "\n\t\t".join(f"<string>{escape(word)}</string>" for word in command)
    shipped = f"<string>{SHIPPED}</string>"
    return material.text(f"launchd/{LABEL}.plist").replace(shipped, words, 1)


def configuration() -> str:
    """The example, with a file sink: what launchd does with standard output never rotates."""
    sink = SINK.replace("# ", "").replace("/var/log/mdeinspect", LOGS)
    return material.text("config.example.toml").replace(SINK, sink)
