"""Do events and metrics get where they should? Nothing is sent or written."""

from __future__ import annotations

import os
from collections.abc import Iterator

from mdeinspect.doctor import Outcome, checkup, could_not_run, failing, passing, warning
from mdeinspect.doctor.scene import Scene
from mdeinspect.doctor.writing import DROP_IN, EDIT, refusal, walled_off, writer
from mdeinspect.sinks import DEFAULT, Needs, SinkError, needs

FILE_SINK = "configure a file sink, as in docs/macos.md"
FIX = "correct the configuration: `mdeinspect config check`"


@checkup("sinks", "Every sink can be reached")
def sinks(scene: Scene) -> Iterator[Outcome]:
    """Connects, resolves names and looks at modes; no event goes out."""
    if scene.config_fault is not None:
        yield could_not_run("the configuration cannot be used", FIX)
        return
    for name, options in (scene.config.sinks or DEFAULT).items():
        if options["type"] == "stdout" and scene.platform == "darwin" and scene.daemon:
            yield warning("launchd drops standard output: no event is kept", FILE_SINK, name)
            continue
        wanted = needs(name, options)
        if wanted is None:
            yield could_not_run("this kind cannot be tried without sending", "send an event", name)
        else:
            yield _sink(scene, name, wanted)


@checkup("metrics", "The textfile for metrics can be written")
def metrics(scene: Scene) -> Iterator[Outcome]:
    """The folder is node_exporter's; the service replaces one file in it."""
    path = scene.config.metrics.textfile
    if path is not None:
        folder = os.path.dirname(path) or "/"
        yield _place(scene, folder, None) or passing(f"{folder} can be written")


def _sink(scene: Scene, name: str, wanted: Needs) -> Outcome:
    settings = scene.daemon.settings if scene.daemon else {}
    if wanted.network and settings.get("PrivateNetwork") == "yes":
        return failing(
            "the unit has no network (strict.conf), and this sink needs one",
            "remove that drop-in, or send to the local syslog",
            name,
        )
    if wanted.writes is not None:
        refused = _group(scene, name, wanted.group) if wanted.group else None
        return refused or _file(scene, name, wanted.writes)
    if wanted.connect is not None:
        try:
            wanted.connect()
        except SinkError as error:
            return failing(str(error), "look at the server, the name and the firewall", name)
    return passing(wanted.what, name)


def _group(scene: Scene, name: str, group: str) -> Outcome | None:
    """What keeps the service from giving a file to a group: only its members can."""
    who, gid = writer(scene), scene.machine.group(group)
    if gid is None:
        return failing(f"there is no group {group}", "correct the option, or make the group", name)
    if gid in who.gids or who.all_powerful:
        return None
    why = f"{who.name} cannot give files to the group {group}, which it is not in"
    return failing(why, f"{EDIT} SupplementaryGroups={group}", name)


def _file(scene: Scene, name: str, path: str) -> Outcome:
    """The file if it is there, and the folder that it is made and rotated in.

    That folder may be missing, but no more than that one.
    """
    folder = os.path.dirname(path)
    targets = [folder if os.path.isdir(folder) else os.path.dirname(folder)]
    if os.path.lexists(path):
        if os.path.islink(path) or not os.path.isfile(path):
            return failing(f"{path} is not a regular file", "name another path", name)
        targets.insert(0, path)
    found = [_place(scene, target, name) for target in targets]
    return next(filter(None, found), None) or passing(f"{path} can be written", name)


def _place(scene: Scene, path: str, subject: str | None) -> Outcome | None:
    """What keeps the service from writing at `path`, a folder or a file; None: nothing does."""
    who = writer(scene)
    try:
        why = refusal(who, path)
    except FileNotFoundError:
        return failing(f"{path} is not there", "make it, or correct the path", subject)
    except OSError as error:
        why = error.strerror or str(error)
        return could_not_run(f"{path} cannot be looked at: {why}", "run it with sudo", subject)
    if why:
        if scene.plain and scene.daemon is not None:
            return could_not_run(f"{why}; the service may", "run it with sudo", subject)
        return failing(why, f"give {who.name} the right to write there", subject)
    if walled_off(scene, path):
        reason = f"{path} is read-only to the service by its unit (ProtectSystem=strict)"
        return failing(reason, DROP_IN.format(path), subject)
    return None
