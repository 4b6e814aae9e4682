"""Can the agent and its files be read, by this user?"""

from __future__ import annotations

from collections.abc import Iterator

from mdeinspect.doctor import Outcome, checkup, could_not_run, failing, passing, warning
from mdeinspect.doctor.scene import Scene
from mdeinspect.errors import NotThere, Unreadable
from mdeinspect.sources import FileSource, load
from mdeinspect.sources.health import HEALTH

SUDO = "run it with sudo"
CONTENT = frozenset({"malformed", "empty", "too-deep"})  # it was read: `status` tells the rest
ACCESS = "/Library/Application Support/com.apple.TCC/TCC.db"
REMEDIES = {
    "timeout": "look whether the agent hangs (`systemctl status mdatp`), or raise agent.timeout",
    "untrusted": "correct owner and mode of the program and of the folders above it",
    "denied": "run the service as root with the drop-in root.conf (docs/install.md)",
}


@checkup("rights", "This process may look at everything")
def rights(scene: Scene) -> Iterator[Outcome]:
    """Whether what follows speaks for the service, or only for a plain user."""
    who = scene.machine.myself()
    if scene.plain:
        yield warning(f"runs as {who.name}, a plain user: some checks cannot be run", SUDO)
    else:
        yield passing(f"runs as {who.name}" + ("" if who.all_powerful else " with capabilities"))


@checkup("policy-files", "Policy and settings files can be read", recorded=True)
def policy_files(scene: Scene) -> Iterator[Outcome]:
    """Every file that may carry policy; what is not there is nothing to complain of."""
    yield from _files(scene, policy=True)


@checkup("state-files", "The agent's state files and logs can be read", recorded=True)
def state_files(scene: Scene) -> Iterator[Outcome]:
    """The evidence of check-ins and of what the agent applied."""
    yield from _files(scene, policy=False)


@checkup("agent-cli", "`mdatp` is there and can be trusted")
def agent_cli(scene: Scene) -> Iterator[Outcome]:
    """The program, at a known place, and nobody but root can change it."""
    program = scene.facts.program
    if program is None:
        yield failing(
            "mdatp is at none of the known places",
            "install the agent, or set agent.cli in the configuration",
        )
        return
    try:
        why = scene.machine.distrust(program, scene.platform)
    except OSError as error:
        why = f"{program} cannot be looked at: {error.strerror or error}"
    if why is None:
        yield passing(program)
    elif scene.plain and scene.daemon is None:
        yield warning(f"{why}: a privileged service would not run it", REMEDIES["untrusted"])
    else:
        yield failing(f"{why}: a privileged process does not run it", REMEDIES["untrusted"])


@checkup("agent-health", "The agent tells its health", recorded=True)
def agent_health(scene: Scene) -> Iterator[Outcome]:
    """`mdatp health` answers this user, and the answer can be read."""
    reading = scene.readings((HEALTH,))["health"]
    if reading.present:
        told = f"{reading.seconds:.1f} s" if reading.seconds is not None else "recorded"
        yield passing(f"`mdatp health` can be read ({told})")
    elif reading.state == "missing":
        if scene.recorded:
            yield could_not_run("no health is recorded", "record `mdatp health` as well")
        else:
            yield could_not_run("there is no mdatp to ask", "see agent-cli")
    elif reading.kind == "denied" and scene.plain:
        yield could_not_run(str(reading.reason), SUDO)
    else:
        remedy = REMEDIES.get(str(reading.kind), "run `mdatp health` by hand, and compare")
        yield failing(str(reading.reason), remedy)


@checkup("full-disk-access", "macOS lets this process read protected files")
def full_disk_access(scene: Scene) -> Iterator[Outcome]:
    """A file that macOS shows only to who has Full Disk Access, root or not."""
    if scene.platform != "darwin" or scene.plain:
        return
    try:
        scene.host.tail(ACCESS, 16)
    except NotThere:
        yield could_not_run("macOS has not the file by which this is told", "see docs/macos.md")
    except Unreadable as error:
        if error.kind != "denied":
            raise
        yield warning(
            "no Full Disk Access: files of the agent may be hidden from the service",
            "grant it by a profile of the MDM, see docs/macos.md",
        )
    else:
        yield passing("Full Disk Access is granted")


def _files(scene: Scene, *, policy: bool) -> Iterator[Outcome]:
    sources = [one for one in load() if isinstance(one, FileSource)]
    wanted = tuple(one for one in sources if bool(one.channel) == policy)
    readings = scene.readings(wanted).values()
    there = [one for one in readings if one.state != "missing"]
    refused = [one for one in there if one.state == "broken" and one.kind not in CONTENT]
    if not refused:
        yield passing(f"{len(there)} there, all can be read" if there else "none is there")
    for one in refused:
        reason = str(one.reason)
        if one.kind == "denied" and scene.plain:
            yield could_not_run(reason, SUDO, one.source)
        elif one.kind == "denied" and scene.platform == "darwin":
            yield failing(reason, "grant Full Disk Access, see docs/macos.md", one.source)
        else:
            yield failing(reason, "correct what is there, or its mode", one.source)
