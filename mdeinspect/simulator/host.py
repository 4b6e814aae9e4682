"""A simulated host: a folder in the recorded layout, and what may happen to the machine."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from mdeinspect.model import Platform
from mdeinspect.simulator import stand_in
from mdeinspect.simulator.agent import ORGANISATION
from mdeinspect.simulator.commands import RECORDED, UNKNOWN_COMMAND, Daemon
from mdeinspect.simulator.folder import Folder
from mdeinspect.simulator.machine import STATE, Machine
from mdeinspect.simulator.state import PATIENCE, State

START: Final = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
VERSION: Final = "101.25082.0003"
MINUTE: Final = timedelta(minutes=1)
HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)
UPTIME: Final = 30 * DAY
LIFETIME: Final = 270 * DAY  # a build expires about nine months after its release
_ONBOARDING: Final = ("orgId", "onboardingInfo")
_NEXT_LIFE: Final = 40  # how far apart the pids of two lives of the daemon are
SYSTEMS: Final[Mapping[Platform, str]] = {"linux": "Debian GNU/Linux 12", "darwin": "macOS 15.7"}


class SimulatedHost(Machine):
    """A host in `folder`: onboarded, up for 30 days, governed by nobody.

    With `now` None it lives on the real clock. Nothing that is done to it shows in the outputs of
    its commands before `record`; a stand-in made by `install` answers by the state of the moment.
    """

    def __init__(
        self,
        folder: str | Path,
        platform: Platform = "linux",
        version: str = VERSION,
        now: datetime | None = START,
        daemon: Daemon = "up",
    ) -> None:
        place = Folder(Path(folder))
        place.about(platform=platform, now=now.isoformat() if now else None)
        born = place.now() - UPTIME
        state = State(
            platform=platform,
            version=version,
            started=born + MINUTE,
            definitions_updated=place.now() - 3 * HOUR,
            product_expiration=place.now() + LIFETIME,
        )
        place.about(
            hostname="web-07" if platform == "linux" else "mac-07",
            os=SYSTEMS[platform],
            boot_time=born.isoformat(),
        )
        place.note(STATE, state.as_json())
        super().__init__(folder)
        self._install_agent(born)
        self.onboard()
        self.daemon(daemon)

    @classmethod
    def open(cls, folder: str | Path) -> SimulatedHost:
        """The host that was built in `folder` before; raises as `Machine` does."""
        host = cls.__new__(cls)
        Machine.__init__(host, folder)
        return host

    # --- the administrator ----------------------------------------------------------------------

    def managed(self, policy: Mapping[str, Any]) -> None:
        """Deliver the administrator's policy: the managed file, or the profile's preferences."""
        self.edit(self._places.managed, policy)

    def attach(self, policy: Mapping[str, Any]) -> None:
        """Have the portal deliver `policy` (MDE Attach), from now on with check-ins."""
        self.edit(self._places.attach, policy)
        results = [{"name": key, "value": "Success"} for key in sorted(policy)]
        report = {"policyInfo": [{"settings": results}] if results else []}
        self.edit(f"{self._places.security_management}/policy", b"signed, opaque")
        self.edit(f"{self._places.security_management}/current_report", report)
        self._state.attached = self._state.checks_in = True
        self._state.success = self._state.attempt = self.now
        self._save()

    def local(self, settings: Mapping[str, Any]) -> None:
        """Set things on the host itself, as `mdatp config` does."""
        self.edit(self._places.local, settings)

    def remove(self, channel: str) -> None:
        """Remove the file of `attach`, `managed` or `local`, by either of its names."""
        self._folder.remove(self._places.channel(channel))

    def edit(self, path: str, data: Any) -> None:
        """Write any file, now. Mappings become JSON, or a plist where the name ends so."""
        self._folder.write(path, data, self.now)

    def onboard(self, organisation: str = ORGANISATION) -> None:
        """Onboard the host to a tenant, its own unless another is named."""
        self.deploy_onboarding(organisation)
        self._folder.remove(self._places.offboarding)
        self._state.onboarded, self._state.organisation = True, organisation
        self._save()

    def deploy_onboarding(self, organisation: str) -> None:
        """Put the onboarding of a tenant on the host, and do no more."""
        names = ("OrgId", "OnboardingInfo") if self.platform == "darwin" else _ONBOARDING
        self.edit(self._places.onboarding, dict(zip(names, (organisation, "..."), strict=True)))

    def offboard(self, *, by_file: bool = False) -> None:
        """Take the host out of its tenant; `by_file` leaves what did it."""
        self._folder.remove(self._places.onboarding)
        if by_file:
            self.edit(self._places.offboarding, {"offboardingInfo": "..."})
        self._state.onboarded = False
        self._save()

    def portal_report(self, **results: str) -> None:
        """What the agent reports of each setting of the portal: Success, Error, another word."""
        settings = [{"name": name, "value": word} for name, word in results.items()]
        report = {"policyInfo": [{"settings": settings}]}
        self.edit(f"{self._places.security_management}/current_report", report)

    def upgrade(self, version: str) -> None:
        """Install another version of the agent, which restarts it."""
        self._state.version = version
        self._state.product_expiration = self.now + LIFETIME
        self._folder.write(self._places.program, f"# mdatp {version}\n", self.now, 0o755)
        self.restart()

    def restart(self) -> None:
        """Restart the daemon, so that it takes up what waits for that."""
        self._state.started = self.now
        self._state.diagnostic_level = None
        self.daemon(self._state.daemon)

    # --- the world ------------------------------------------------------------------------------

    def checkin(self, success_ago: timedelta | None, attempt_ago: timedelta | None = None) -> None:
        """Set the times of SenseCM's last success (None: never) and attempt; then it stops."""
        attempt_ago = success_ago if attempt_ago is None else attempt_ago
        self._state.success = None if success_ago is None else self.now - success_ago
        self._state.attempt = None if attempt_ago is None else self.now - attempt_ago
        self._state.attached, self._state.checks_in = True, False
        self._save()

    def daemon(self, state: Daemon, *, slow_seconds: float = PATIENCE) -> None:
        """Let the daemon run, stop, answer after `slow_seconds`, or talk nonsense."""
        self._state.daemon, self._state.slow_seconds = state, slow_seconds
        self._save()

    def crash(self) -> None:
        """Let the daemon end, and be begun anew at once by its supervisor: other processes."""
        self._state.lives += 1
        self.restart()

    def disable_at_boot(self) -> None:
        """Leave the agent running, and not to be started at the next boot."""
        if self.platform == "linux":
            self._folder.remove(self._places.boot)
        else:
            self.edit(self._places.boot, {"Label": "com.microsoft.fresno", "Disabled": True})

    def pass_time(self, length: timedelta) -> None:
        """Let time pass. Meanwhile a running agent updates its definitions and checks in.

        Raises ValueError on the real clock.
        """
        self._wait(length, awake=True)
        state = self._state
        if state.daemon == "up":
            state.definitions_updated = max(state.definitions_updated, self.now - 3 * HOUR)
            if state.checks_in:
                state.success = state.attempt = self.now - 20 * MINUTE
        self._save()

    def sleep(self, length: timedelta) -> None:
        """Let time pass in which nothing runs: a lid that is closed."""
        self._wait(length, awake=False)
        self._save()

    def switch_off(self, length: timedelta) -> None:
        """Switch the machine off, and on again after `length`."""
        self._wait(length, awake=False)
        self._folder.about(boot_time=self.now.isoformat(), awake_seconds=0)
        self.restart()

    def as_plain_user(self) -> None:
        """Have the host recorded by a user who may not read the agent's files (assumed: all)."""
        places = self._places
        hidden = [places.attach, places.local, places.state, places.onboarding]
        hidden += [f"{places.security_management}/{name}" for name in ("policy", "current_report")]
        if self.platform == "linux":  # on a Mac everyone may read managed preferences
            hidden.append(places.managed)
        self._folder.about(
            unreadable={
                path: {"kind": "denied", "reason": f"cannot read {path}: permission denied"}
                for path in hidden
                if self._folder.read(path) is not None
            }
        )

    def set_field(self, name: str, value: Any) -> None:
        """Make the agent insist on a value: of a preference (dotted key) or of a health field."""
        self._state.overrides[name] = value
        self._save()

    def hide_field(self, name: str) -> None:
        """Leave a field out of health from now on, as another build might."""
        self._state.hidden.append(name)
        self._save()

    def tamper_switch(self, *, on: bool) -> None:
        """Turn the portal's switch for tamper protection (macOS)."""
        self._state.tamper_switch = on
        self._save()

    # --- what comes of it -----------------------------------------------------------------------

    def record(self) -> Path:
        """Let the agent apply policy and record the outputs of all its commands; the folder.

        A slow daemon leaves none: nobody waited for them. Views that it has not are left out.
        """
        self._folder.forget_outputs()
        agent = self.agent()
        if self.platform == "linux" and self._state.diagnostic_level is None:
            self._state.diagnostic_level = agent.setting("cloudService.diagnosticLevel")
            self._save()
        for name, args in RECORDED.items() if self._state.daemon != "slow" else ():
            said = self.ask(args)
            if said.exit != UNKNOWN_COMMAND:
                self._folder.output(name, said.stdout, said.stderr, said.exit)
        return self.folder

    def install(self, path: str | Path) -> Path:
        """Write an executable stand-in for `mdatp` to `path`: it answers for this host, live."""
        return stand_in.install(Path(path), self.folder)

    # --- helpers --------------------------------------------------------------------------------

    def _install_agent(self, moment: datetime) -> None:
        places = self._places
        self._folder.write(places.program, f"# mdatp {self._state.version}\n", moment, 0o755)
        self._folder.link(places.program_link, places.program)
        if self.platform == "linux":
            self._folder.write(places.unit, "[Service]\nUser=root\n", moment)
            self._folder.link(places.boot, places.unit)
        else:
            self._folder.write(places.boot, {"Label": "com.microsoft.fresno"}, moment)

    def _wait(self, length: timedelta, *, awake: bool) -> None:
        """Move the clock, and the count of the seconds awake where there is one."""
        told = self._folder.told()
        if "now" not in told:
            raise ValueError("cannot let time pass: this host lives on the real clock")
        seconds = told.get("awake_seconds")
        if not awake and seconds is None:  # from here on it is less than the time since boot
            seconds = (self.now - datetime.fromisoformat(told["boot_time"])).total_seconds()
        if awake and seconds is not None:
            seconds += length.total_seconds()
        self._folder.about(now=(self.now + length).isoformat(), awake_seconds=seconds)

    def _save(self) -> None:
        """Write `simulator.json`, and what of it the host itself shows."""
        state = self._state
        self._folder.note(STATE, state.as_json())
        running = () if state.daemon == "down" else self._places.processes
        self._folder.about(
            processes=[
                {
                    "pid": pid + state.lives * _NEXT_LIFE,
                    "name": exe.rpartition("/")[2],
                    "exe": exe,
                    "cmdline": [exe, *arguments],
                    "started": state.started.isoformat(),
                }
                for pid, exe, arguments in running
            ]
        )
        told: dict[str, Any] = {"machineGuid": "11111111-2222-3333-4444-555555555555"}
        if state.attached:
            told["securityManagement"] = {
                "mLastCheckinAttemptInFileTime": _filetime(state.attempt),
                "mLastcheckinSuccessfulInFileTime": _filetime(state.success),
            }
        self.edit(self._places.state, told)


def _filetime(moment: datetime | None) -> int:
    """A moment as a Windows FILETIME (100 ns since 1601); 0 for never."""
    return 0 if moment is None else (int(moment.timestamp()) + 11_644_473_600) * 10_000_000
