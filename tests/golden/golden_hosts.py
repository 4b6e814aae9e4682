"""The hosts whose whole output is kept: one function each, named as its golden files are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from mdeinspect.simulator.host import SimulatedHost
from mdeinspect.simulator.scenarios import SCENARIOS
from support import (
    ATTACH,
    CORE_LOG,
    DAY,
    HOUR,
    MAC_ATTACH,
    MAC_MANAGED,
    MANAGED,
    MINUTE,
    NOW,
    ONBOARD,
    HostFolder,
)

Build = Callable[[Path], None]
HOSTS: dict[str, Build] = {}

HARDENED = {
    "antivirusEngine": {"enforcementLevel": "real_time", "behaviorMonitoring": "enabled"},
    "cloudService": {"enabled": True, "cloudBlockLevel": "high"},
    "networkProtection": {"enforcementLevel": "block"},
}
FLAGS = ("realTimeProtectionEnabled", "passiveModeEnabled", "cloudEnabled")
BLOCKING = {
    "networkProtectionEnforcementLevel": "block",
    "networkProtectionStatus": "started",
    "managed": FLAGS,
}
TEXT_2020 = """\
ATTENTION: No license found. Contact your administrator for help.
healthy                                     : false
licensed                                    : false
engine_version                              : "3.0"
app_version                                 : "101.02.55"
org_id                                      : unavailable
log_level                                   : "info"
release_ring                                : "InsiderFast"
product_expiration                          : unavailable
cloud_enabled                               : false
cloud_automatic_sample_submission_consent   : "safe"
cloud_diagnostic_enabled                    : false
real_time_protection_enabled                : false
real_time_protection_available              : true
real_time_protection_subsystem              : "fanotify"
definitions_updated                         : Jul 01, 2020 at 12:27:31 PM
definitions_updated_minutes_ago             : 12
"""


def golden(build: Build) -> Build:
    """Keep the output of the host that `build` makes."""
    HOSTS[build.__name__.replace("_", "-")] = build
    return build


def _play(name: str, platform: str) -> Build:
    def build(root: Path) -> None:
        simulated = SimulatedHost(root, platform)  # type: ignore[arg-type]
        SCENARIOS[name].begin(simulated)
        SCENARIOS[name].finish(simulated)

    return build


for _name, _scenario in SCENARIOS.items():
    for _platform in _scenario.platforms:
        HOSTS[f"{_platform}-{_name}"] = _play(_name, _platform)


@golden
def linux_empty(root: Path) -> None:
    """Nothing is recorded: the agent is not installed."""
    HostFolder(root)


@golden
def linux_old_and_unlicensed(root: Path) -> None:
    """An agent of 2020 in text form, not onboarded."""
    HostFolder(root).command("health-text", TEXT_2020).enabled_at_boot()


@golden
def linux_unreadable_health(root: Path) -> None:
    """The agent's answer is noise: neither healthy nor unhealthy."""
    host = HostFolder(root).file(MANAGED, HARDENED)
    host.command("health-json", "Segmentation fault\n").command("health-text", "\x00\xff noise")


@golden
def linux_malformed_policy(root: Path) -> None:
    """A template that nobody rendered."""
    text = '{\n  "antivirusEngine": {\n    "enforcementLevel": {{ level }}\n  }\n}\n'
    HostFolder(root).health().file(MANAGED, text).enabled_at_boot()


@golden
def linux_policy_of_a_moment_ago(root: Path) -> None:
    """Policy changed two minutes ago: what is not in force yet is pending."""
    HostFolder(root).health(managed=FLAGS).file(MANAGED, HARDENED, age=2 * MINUTE).enabled_at_boot()


@golden
def linux_attached_with_exceptions(root: Path) -> None:
    """MDE Attach governs; the proxy and global exclusions of the managed file still hold."""
    managed = {
        **HARDENED,
        "cloudService": {"proxy": "http://svc:s3cret@proxy.example:8080/", "enabled": True},
        "exclusionSettings": {
            "exclusions": [
                {"$type": "excludedPath", "path": "/srv/db", "isDirectory": True},
                {"$type": "excludedPath", "path": "/srv/web", "scopes": ["epp"]},
            ]
        },
    }
    host = HostFolder(root).health(managedBy="MDE", **BLOCKING).enabled_at_boot()
    host.file(ATTACH, HARDENED).file(MANAGED, managed).checkin(20 * MINUTE)
    line = (
        "[1][2][2026-11-22 10:00:00.000001 UTC][info]: Features merged with capabilities: "
        '{"cloudService":{"cloudBlockLevel":"high"}}\n'
    )
    host.file(CORE_LOG, line, age=HOUR)


@golden
def linux_hostile_texts(root: Path) -> None:
    """Escape sequences, hidden text and secrets in a policy reach no screen."""
    policy = {
        "antivirusEngine": {"enforcementLevel": "\x1b[2Jreal_time\u202e", "\x1b]0;x\x07": 1},
        "cloudService": {"proxy": "http://user:hunter2@proxy:1/\n\nfake line"},
        "edr": {"tags": [{"key": "GROUP", "value": "\ud800"}]},
    }
    HostFolder(root).health(healthIssues=["\x1b[31mred"]).file(MANAGED, policy).enabled_at_boot()


@golden
def linux_links_and_left_over(root: Path) -> None:
    """The managed file is a link, and a policy of MDE Attach is left over."""
    host = HostFolder(root).health(managedBy="MDM", **BLOCKING).enabled_at_boot()
    host.file("/srv/policy/current.json", HARDENED).link(
        "/etc/policy.json", "/srv/policy/current.json"
    )
    host.link(MANAGED, "/etc/policy.json").file(ATTACH, {})


@golden
def linux_new_and_never_checked_in(root: Path) -> None:
    """Attached an hour ago: not having checked in yet is no alarm."""
    host = HostFolder(root).health(managedBy="MDE").file(ATTACH, {}, age=HOUR)
    host.file(ONBOARD, {"orgId": "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"}, age=HOUR)
    host.checkin(None).enabled_at_boot()


@golden
def linux_awake_for_an_hour(root: Path) -> None:
    """A laptop after a weekend: three days by the clock, an hour of them awake."""
    host = HostFolder(root).health(managedBy="MDE", **BLOCKING).file(ATTACH, HARDENED, age=9 * DAY)
    host.checkin(3 * DAY).enabled_at_boot()
    host.about(boot_time=(NOW - HOUR).isoformat())


@golden
def mac_two_masters(root: Path) -> None:
    """Portal and profile on one Mac, and an agent that does not say who governs."""
    host = HostFolder(root, platform="darwin").health(without=("managedBy",))
    host.file(MAC_MANAGED, HARDENED).file(MAC_ATTACH, HARDENED)


@golden
def mac_wrapped_profile(root: Path) -> None:
    """A profile as exported, a user's preferences beside the machine's."""
    wrapped = {
        "PayloadType": "Configuration",
        "PayloadContent": [
            {"PayloadType": "com.microsoft.wdav", "PayloadVersion": 1, **HARDENED},
        ],
    }
    host = HostFolder(root, platform="darwin")
    host.health(
        managedBy="MEM",
        managed=FLAGS,
        behaviorMonitoring="disabled",
        networkProtectionEnforcementLevel="block",
        networkProtectionStatus="started",
    )
    host.file(MAC_MANAGED, wrapped)
    user = {"userInterface": {"hideStatusMenuIcon": True}}
    host.file("/Library/Managed Preferences/alice/com.microsoft.wdav.plist", user)
