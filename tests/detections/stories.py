"""What must make each detection fire, and what is close by and must not: plays on a `Watched`."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from watched import Watched, attached, managed

from mdeinspect.model import Platform
from mdeinspect.simulator.host import DAY, HOUR, MINUTE
from mdeinspect.simulator.policies import hardened, lax

Play = Callable[[Watched], None]
BOTH: tuple[Platform, ...] = ("linux", "darwin")
LINUX: tuple[Platform, ...] = ("linux",)
NETWORK = "networkProtection.enforcementLevel"


@dataclass(frozen=True)
class Story:
    """`bad` makes the detection `rule` fire, and `also` others; `near` leaves it silent.

    `rule` is the name of a file in packaging/sigma/rules, without `mdeinspect_` and its ending.
    """

    rule: str
    bad: Play
    near: Play
    also: frozenset[str] = frozenset()
    also_darwin: frozenset[str] | None = None  # where it differs from Linux
    start: Callable[..., None] = managed
    platforms: tuple[Platform, ...] = BOTH

    def expected(self, platform: Platform) -> frozenset[str]:
        """All that fires on the bad host."""
        differs = platform == "darwin" and self.also_darwin is not None
        return (self.also_darwin or frozenset() if differs else self.also) | {self.rule}


# --- the agent ----------------------------------------------------------------------------------


def switched_off(watched: Watched) -> None:
    watched.host.set_field("antivirusEngine.enforcementLevel", "passive")
    watched.quiet(1)


def _passive_by_policy(watched: Watched) -> None:
    policy = hardened(watched.host.platform)
    policy["antivirusEngine"]["enforcementLevel"] = "passive"
    watched.host.managed(policy)
    watched.quiet(1)


def _uninstall(watched: Watched) -> None:
    """Every trace of the agent goes."""
    root = watched.host.folder
    for name in ("opt", "etc", "usr", "var", "Library", "Applications", "private", "commands"):
        shutil.rmtree(root / name, ignore_errors=True)
    told = json.loads((root / "host.json").read_text())
    (root / "host.json").write_text(json.dumps({**told, "processes": []}))


def _uninstalled(watched: Watched) -> None:
    for _ in range(3):
        watched.host.pass_time(10 * MINUTE)
        _uninstall(watched)
        watched.look(record=False)


def _replaced(watched: Watched) -> None:
    """An upgrade: gone for five minutes, and back."""
    kept = watched.host.folder.with_name("kept")
    shutil.copytree(watched.host.folder, kept, symlinks=True)
    _uninstall(watched)
    watched.look(record=False)
    shutil.rmtree(watched.host.folder)
    kept.rename(watched.host.folder)
    watched.host.pass_time(5 * MINUTE)
    watched.quiet(1)


def _down(watched: Watched) -> None:
    watched.host.daemon("down")
    watched.quiet(1)


def _restarted(watched: Watched) -> None:
    watched.host.daemon("down")
    watched.look()
    watched.host.pass_time(5 * MINUTE)
    watched.host.daemon("up")
    watched.quiet(1)


def _unhealthy(watched: Watched) -> None:
    watched.host.set_field("healthy", False)
    watched.host.set_field("health_issues", ["engine load failure"])
    watched.quiet(1)


def _unhealthy_for_a_while(watched: Watched) -> None:
    watched.host.set_field("healthy", False)
    watched.look()
    watched.host.pass_time(5 * MINUTE)
    watched.host.set_field("healthy", True)
    watched.quiet(1)


def _image(watched: Watched) -> None:
    """A host that was never onboarded: nothing is remembered of a better time."""
    watched.host.offboard()
    watched.ledger.store.close()
    shutil.rmtree(watched.state)
    watched.reopen()
    watched.quiet(1)


def _offboarded(watched: Watched) -> None:
    watched.host.offboard()
    watched.quiet(1)


def _moved(watched: Watched) -> None:
    """Onboarded anew, with the package of somebody else."""
    watched.host.onboard("bbbbbbbb-cccc-dddd-eeee-ffffffffffff")
    watched.quiet(1)


def _onboarded_again(watched: Watched) -> None:
    watched.host.onboard()
    watched.quiet(1)


def _engine(status: str) -> Play:
    def play(watched: Watched) -> None:
        watched.host.set_field("engine_load_status", status)
        watched.quiet(1)

    return play


def _crashes(count: int) -> Play:
    def play(watched: Watched) -> None:
        for _ in range(count):
            watched.host.crash()
            watched.quiet(1)

    return play


def _expired(watched: Watched) -> None:
    watched.host.pass_time(280 * DAY)
    watched.quiet(1)


def _expiring(watched: Watched) -> None:
    watched.host.pass_time(250 * DAY)
    watched.quiet(1)


# --- settings and policy ------------------------------------------------------------------------


def _overridden(watched: Watched) -> None:
    watched.host.set_field(NETWORK, "disabled")
    watched.quiet(1)


def _stricter(watched: Watched) -> None:
    """Not as policy says, and not weak."""
    policy = hardened(watched.host.platform)
    policy["cloudService"]["automaticSampleSubmissionConsent"] = "all"
    watched.host.managed(policy)
    watched.host.set_field("cloudService.automaticSampleSubmissionConsent", "safe")
    watched.quiet(1)
    assert watched.report is not None
    assert "not-enforced" in {one.code for one in watched.report.findings}


def _everything_excluded(watched: Watched) -> None:
    policy = lax(watched.host.platform)
    del policy["antivirusEngine"]["allowedThreats"]
    watched.host.managed(policy)
    watched.quiet(1)


def _narrowly_excluded(watched: Watched) -> None:
    """A folder that is written as a file: medium."""
    policy = hardened(watched.host.platform)
    entry = {"$type": "excludedPath", "path": "/tmp", "isDirectory": False}
    policy["antivirusEngine"]["exclusions"].append(entry)
    watched.host.managed(policy)
    watched.quiet(1)
    assert watched.report is not None
    assert "broad-exclusion" in {one.code for one in watched.report.findings}


def _removed(watched: Watched) -> None:
    watched.host.remove("managed")
    watched.quiet(1)


def _taken_over_and_removed(watched: Watched) -> None:
    attached(watched.host)
    watched.quiet(1)
    watched.host.remove("managed")
    watched.quiet(1)


def _taken_over(watched: Watched) -> None:
    attached(watched.host)
    watched.quiet(1)


def _edited(watched: Watched) -> None:
    policy = hardened(watched.host.platform)
    policy["cloudService"]["cloudBlockLevel"] = "high_plus"
    watched.host.managed(policy)
    watched.quiet(1)


def _mode(of: str, mode: int) -> Play:
    """The managed file, or the folder that it lies in, with these rights."""

    def play(watched: Watched) -> None:
        names = ("mdatp_managed.json", "com.microsoft.wdav.plist")
        (file,) = (one for name in names for one in watched.host.folder.rglob(name))
        (file if of == "file" else file.parent).chmod(mode)
        watched.quiet(1)

    return play


# --- check-in -----------------------------------------------------------------------------------


def _silent_for(days: int) -> Play:
    def play(watched: Watched) -> None:
        watched.host.checkin(timedelta(0))
        for _ in range(days):
            watched.host.pass_time(DAY)
            watched.look()

    return play


def _failing_for(days: int) -> Play:
    def play(watched: Watched) -> None:
        for day in range(days + 1):
            watched.host.checkin(day * DAY, HOUR / 3)
            watched.look()
            watched.host.pass_time(DAY)

    return play


# --- the daemon itself --------------------------------------------------------------------------


def _stopped(watched: Watched) -> None:
    watched.quiet(1)
    watched.end()


def _running(watched: Watched) -> None:
    watched.quiet(3)


def store_damaged(watched: Watched) -> None:
    watched.deliver()
    watched.ledger.store.close()
    for file in watched.state.glob("store.db*"):
        file.write_bytes(b"no database" * 1000)
    watched.reopen()
    watched.look()


def _killed(watched: Watched) -> None:
    watched.reopen()
    watched.look()


def outage(watched: Watched) -> None:
    """Nothing was handed over for longer than is kept."""
    watched.deliver()
    watched.quiet(6)
    watched.retain(2 * HOUR)
    watched.quiet(1)


def _in_time(watched: Watched) -> None:
    watched.quiet(6)
    watched.deliver()
    watched.retain(2 * HOUR)
    watched.quiet(1)


_LEFT = "authority_no_management_channel"
_GONE = "policy_governing_file_removed"
_MOVED = "authority_management_channel_changed"
STORIES = (
    Story("finding_protection_off", switched_off, _passive_by_policy),
    Story(
        "finding_agent_missing",
        _uninstalled,
        _replaced,
        frozenset({_LEFT, _GONE}),
        frozenset({_GONE}),
    ),
    Story("finding_agent_unreachable", _down, _restarted),
    Story("finding_agent_unhealthy", _unhealthy, _unhealthy_for_a_while),
    Story("finding_agent_not_onboarded", _image, _expired),
    Story("finding_agent_offboarded", _offboarded, _image),
    Story("finding_agent_crash_looping", _crashes(5), _crashes(2)),
    Story("finding_tenant_changed", _moved, _onboarded_again),
    Story("finding_engine_not_loaded", _engine("Engine not loaded"), _engine("Engine loaded")),
    Story("finding_policy_file_writable", _mode("file", 0o666), _mode("file", 0o644)),
    Story("finding_policy_folder_writable", _mode("folder", 0o777), _mode("folder", 0o1777)),
    Story("finding_product_expired", _expired, _expiring),
    Story("finding_not_enforced", _overridden, _stricter),
    Story("finding_broad_exclusion", _everything_excluded, _narrowly_excluded),
    Story("finding_checkin_stale", _silent_for(8), _silent_for(4), start=attached),
    Story("finding_checkin_failing", _failing_for(9), _failing_for(4), start=attached),
    Story(_GONE, _removed, _taken_over_and_removed, frozenset({_LEFT})),
    Story(_LEFT, _removed, _taken_over, frozenset({_GONE})),
    Story(_MOVED, _taken_over, _edited),
    Story("daemon_stopped", _stopped, _running, platforms=LINUX),
    Story("daemon_store_set_aside", store_damaged, _killed, platforms=LINUX),
    Story("events_dropped", outage, _in_time, platforms=LINUX),
)
