"""Where the simulated agent's files lie, by platform."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from mdeinspect.model import Platform

ProcessFacts = tuple[int, str, tuple[str, ...]]  # pid, executable, arguments


@dataclass(frozen=True, slots=True)
class Places:
    """Absolute paths on the host. `boot` is the link or job file that starts the agent."""

    attach: str
    managed: str
    local: str
    state: str
    onboarding: str
    offboarding: str
    security_management: str
    program: str
    program_link: str
    unit: str
    boot: str
    processes: tuple[ProcessFacts, ...]

    def channel(self, name: str) -> str:
        """The file of `attach` (or `mde_attach`), `managed` (`managed_file`, `mdm`) or `local`.

        Raises ValueError for any other name.
        """
        known = {
            "attach": self.attach,
            "mde_attach": self.attach,
            "managed": self.managed,
            "managed_file": self.managed,
            "mdm": self.managed,
            "local": self.local,
        }
        if name not in known:
            raise ValueError(f"cannot find the channel {name}: it is one of {', '.join(known)}")
        return known[name]


_ETC = "/etc/opt/microsoft/mdatp"
_SBIN = "/opt/microsoft/mdatp/sbin"
_VAR = "/var/opt/microsoft/mdatp"
_APP = "/Applications/Microsoft Defender.app/Contents/MacOS"
_SUPPORT = "/Library/Application Support/Microsoft/Defender"
_JOB = "/Library/LaunchDaemons/com.microsoft.fresno.plist"

PLACES: Final[Mapping[Platform, Places]] = {
    "linux": Places(
        attach=f"{_ETC}/managed/mdeattach_managed.json",
        managed=f"{_ETC}/managed/mdatp_managed.json",
        local=f"{_ETC}/wdavcfg",
        state=f"{_VAR}/wdavstate",
        onboarding=f"{_ETC}/mdatp_onboard.json",
        offboarding=f"{_ETC}/mdatp_offboard.json",
        security_management=f"{_VAR}/security_management",
        program=f"{_SBIN}/wdavdaemonclient",
        program_link="/usr/bin/mdatp",
        unit="/usr/lib/systemd/system/mdatp.service",
        boot="/etc/systemd/system/multi-user.target.wants/mdatp.service",
        processes=(
            (801, f"{_SBIN}/wdavdaemon", ()),
            (815, f"{_SBIN}/wdavdaemon", ("edr", "14", "15", "--log_level", "info")),
            (829, f"{_SBIN}/wdavdaemon", ("unprivileged", "17", "18", "--log_level", "info")),
        ),
    ),
    "darwin": Places(
        attach="/Library/Preferences/com.microsoft.mdeattach.plist",
        managed="/Library/Managed Preferences/com.microsoft.wdav.plist",
        local=f"{_SUPPORT}/wdavcfg",
        state=f"{_SUPPORT}/wdavstate",
        onboarding="/Library/Managed Preferences/com.microsoft.wdav.atp.plist",
        offboarding="/Library/Managed Preferences/com.microsoft.wdav.atp.offboarding.plist",
        security_management=f"{_SUPPORT}/security_management",
        program=f"{_APP}/wdavdaemonclient",
        program_link="/usr/local/bin/mdatp",
        unit=_JOB,
        boot=_JOB,
        processes=(
            (557, f"{_APP}/wdavdaemon", ()),
            (
                682,
                f"{_APP}/wdavdaemon_enterprise.app/Contents/MacOS/wdavdaemon_enterprise",
                (),
            ),
            (
                1869,
                f"{_APP}/wdavdaemon_unprivileged.app/Contents/MacOS/wdavdaemon_unprivileged",
                (),
            ),
        ),
    ),
}
