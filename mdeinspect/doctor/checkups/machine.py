"""Is the machine fit: program, watches, clock, space?"""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import timedelta

from mdeinspect.doctor import Outcome, checkup, could_not_run, failing, passing, warning
from mdeinspect.doctor.scene import Scene
from mdeinspect.doctor.writing import nearest
from mdeinspect.errors import NotThere, Unreadable
from mdeinspect.sinks import needs
from mdeinspect.sources import policy_sources
from mdeinspect.store import size

MIB = 1024 * 1024
LEAST = 16 * MIB
COMFORT = 256 * MIB
LEAST_FILES = 100
SKEW = timedelta(minutes=5)
DAY = timedelta(days=1)
LIMITS = ("max_user_instances", "max_user_watches")


@checkup("program", "Only root can change this program")
def program(scene: Scene) -> Iterator[Outcome]:
    """Interpreter and code: who can write them commands a privileged service."""
    if scene.plain and scene.daemon is None:
        return
    objections = scene.machine.objections(scene.platform)
    if objections:
        yield failing("; ".join(objections), "install it where only root can write")
    else:
        yield passing("interpreter and code belong to root")


@checkup("file-events", "The kernel tells when a policy file changes")
def file_events(scene: Scene) -> Iterator[Outcome]:
    """Watches as the service has them; without, it polls every 5 seconds."""
    places = [place for one in policy_sources() for place in one.places.get(scene.platform, ())]
    folders = sorted({os.path.dirname(place.partition("*")[0]) for place in places})
    mode, why = scene.machine.watch(folders)
    told = _limits(scene)
    if mode == "events":
        yield passing(f"events can be had{told}")
    elif scene.plain and "permission denied" in str(why):
        yield could_not_run(str(why), "run it with sudo")
    else:
        yield warning(
            f"it would poll every 5 s: {why or 'no events'}{told}",
            "see docs/watching.md; limits of inotify are raised by sysctl (fs.inotify.*)",
        )


@checkup("clock", "The clock can be right")
def clock(scene: Scene) -> Iterator[Outcome]:
    """Against what was written before: neither this program nor an event is of the future."""
    now = scene.now
    made = scene.machine.installed_at()
    signs = [(made - DAY, "this program was installed")]
    for sign, what in ((scene.heartbeat(), "last event"), (scene.last_report(), "last report")):
        if sign.at is not None:
            signs.append((sign.at - SKEW, f"the service wrote its {what}"))
    behind = [what for moment, what in signs if now < moment]
    if behind:
        yield failing(f"the clock is before the time when {behind[0]}", "set the clock")
    else:
        yield passing(f"{now:%Y-%m-%d %H:%M} UTC, after everything that was written")


@checkup("clock-synchronised", "The clock is kept right")
def clock_synchronised(scene: Scene) -> Iterator[Outcome]:
    """As the kernel sees it. macOS does not tell."""
    found = scene.machine.synchronised()
    if found:
        yield passing("the kernel takes its clock for synchronised")
    elif found is not None:
        yield warning(
            "the clock is not synchronised: ages of check-ins and times of events may be wrong",
            "run systemd-timesyncd, chrony or another NTP client",
        )


@checkup("disk-space", "There is room for state, events and metrics")
def disk_space(scene: Scene) -> Iterator[Outcome]:
    """Of every folder that the service writes to, where it lies now."""
    need = {str(scene.folder): size.parse(scene.config.store.max_size)} if scene.folder else {}
    if scene.config_fault is None:
        for name, options in scene.config.sinks.items():
            wanted = needs(name, options)
            if wanted is not None and wanted.writes is not None:
                need.setdefault(os.path.dirname(wanted.writes), 0)
        if scene.config.metrics.textfile:
            need.setdefault(os.path.dirname(scene.config.metrics.textfile), 0)
    for folder, wanted_bytes in need.items():
        yield _space(scene, folder, wanted_bytes)


def _space(scene: Scene, folder: str, wanted: int) -> Outcome:
    here = nearest(folder)
    try:
        found = scene.machine.space(here)
    except OSError as error:
        why = f"{here} cannot be looked at: {error.strerror or error}"
        return could_not_run(why, "run it with sudo", folder)
    told = f"{found.free // MIB:,} MiB free"
    if found.read_only:
        return failing("the file system is read-only", "mount it for writing", folder)
    if found.free < LEAST:
        return failing(told, "free some space: events cannot be kept", folder)
    if found.files is not None and found.files < LEAST_FILES:
        return failing(f"room for {found.files} more files only", "remove some files", folder)
    if found.free < max(COMFORT, 2 * wanted):
        return warning(told, "free some space, or lower store.max_size", folder)
    return passing(told, folder)


def _limits(scene: Scene) -> str:
    """The limits of inotify, where there are any."""
    found = []
    for name in LIMITS:
        try:
            data, _ = scene.host.read(f"/proc/sys/fs/inotify/{name}", 4096)
        except (NotThere, Unreadable):
            continue
        found.append(f"{name} {data.decode('ascii', 'replace').strip()}")
    return f" ({', '.join(found)})" if found else ""
