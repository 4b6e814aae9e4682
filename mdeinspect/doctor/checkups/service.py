"""Does the service run, does it live, and is its store sound?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path

from mdeinspect.doctor import Outcome, checkup, could_not_run, failing, passing, warning
from mdeinspect.doctor.scene import Scene
from mdeinspect.installer import vitals
from mdeinspect.installer.macos import LOGS
from mdeinspect.model import Platform
from mdeinspect.store.database import NAME, open_to_look
from mdeinspect.store.errors import StoreError

Make = Callable[[str, str], Outcome]
SUDO = "run it with sudo, or join the group mdeinspect"
LOOK: Mapping[Platform, str] = {
    "linux": "`journalctl -u mdeinspect -n 50` tells why",
    "darwin": f"`tail {LOGS}/daemon.log` tells why",
}
START: Mapping[Platform, str] = {
    "linux": "systemctl start {}",
    "darwin": "launchctl kickstart system/{}",
}
MANY = 3  # restarts
SELDOM = timedelta(hours=2)  # an agent that does not answer is asked once an hour


@checkup("service", "The service is installed, enabled and running")
def service(scene: Scene) -> Iterator[Outcome]:
    """The daemon, or the timer of those who want none."""
    platform = scene.platform
    if scene.units_trouble is not None:
        yield could_not_run(scene.units_trouble, "start `mdeinspect run` by other means")
    elif not scene.units:
        yield warning(
            "not installed: nobody watches this host",
            "`mdeinspect service install`, or install a package",
        )
    for one in scene.units:
        told = f"{one.active} ({one.detail})" if one.detail else one.active
        if one.active not in ("active", "reloading"):
            yield failing(told, f"{START[platform].format(one.name)}; {LOOK[platform]}", one.name)
        elif one.enabled is False:
            yield failing("not started at boot", f"systemctl enable {one.name}", one.name)
        elif (one.restarts or 0) > MANY:
            yield warning(f"restarted {one.restarts} times", LOOK[platform], one.name)
        else:
            yield passing(told, one.name)


@checkup("heartbeat", "The service gives signs of life")
def heartbeat(scene: Scene) -> Iterator[Outcome]:
    """Its last heartbeat is not older than two of them."""
    sign = scene.heartbeat()
    if not _expected(scene, sign):
        return
    limit = vitals.silence(scene.config)
    make = failing if scene.daemon or scene.units_trouble else warning
    yield _fresh(scene, sign, limit, make, "heartbeat")


@checkup("last-report", "The service's last report is recent")
def last_report(scene: Scene) -> Iterator[Outcome]:
    """It looks at the agent every `schedule.health`, and less often where that does not answer."""
    sign = scene.last_report()
    if not _expected(scene, sign):
        return
    limit = max(2 * scene.config.schedule.health, SELDOM) + vitals.MARGIN
    yield _fresh(scene, sign, limit, warning, "report")


@checkup("store", "The store is sound and private")
def store(scene: Scene) -> Iterator[Outcome]:
    """As the service checks it at its start; and nobody else may look in."""
    folder = scene.folder
    if folder is None:
        return
    try:
        open_to_look(folder).close()
    except StoreError as error:
        yield from _unsound(scene, error)
        return
    if folder.stat().st_mode & 0o007:
        yield failing(f"everyone may look into {folder}", f"chmod o-rwx {folder}")
        return
    aside = sorted(folder.glob(f"{NAME}.corrupt-*"))
    if aside:
        yield warning(
            f"a broken store was set aside: {aside[-1].name}",
            "look at the disk; then remove it",
        )
        return
    yield passing(f"sound, {_size(folder) // 1024:,} KiB")


def _unsound(scene: Scene, error: StoreError) -> Iterator[Outcome]:
    if error.kind == "missing":
        if scene.daemon is not None:
            yield failing(str(error), f"restart the service; {LOOK[scene.platform]}")
    elif error.kind == "denied":
        yield could_not_run(str(error), SUDO)
    elif error.kind == "corrupt":
        yield failing(str(error), "restart the service: it sets the store aside and begins anew")
    else:
        yield failing(str(error), LOOK[scene.platform])


def _expected(scene: Scene, sign: vitals.Sign) -> bool:
    """Whether a service is to be heard of: not where only the timer is, or none ever ran."""
    return scene.daemon is not None or (not scene.units and sign.kind != "missing")


def _fresh(scene: Scene, sign: vitals.Sign, limit: timedelta, make: Make, what: str) -> Outcome:
    if sign.age is None:
        told = str(sign.trouble)
        return (
            could_not_run(told, SUDO) if sign.kind == "denied" else make(told, LOOK[scene.platform])
        )
    if sign.age > limit:
        hours = sign.age.total_seconds() / 3600
        gone = "" if scene.daemon else " (and no unit is installed)"
        return make(
            f"the last {what} is {hours:.1f} h old{gone}",
            f"restart the service; {LOOK[scene.platform]}",
        )
    return passing(f"the last {what} is {max(0, int(sign.age.total_seconds())) // 60} min old")


def _size(folder: Path) -> int:
    return sum(one.stat().st_size for one in folder.glob(f"{NAME}*"))
