"""The hosts of the rules about careless policies: leftovers, addresses, versions, lists."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from about_files import only
from cases import Build, Case, linux
from cases_policy import EPP, GLOBAL, HIDDEN, deployed, excluded

from mdeinspect import catalogue, rules
from mdeinspect.config.model import Config
from mdeinspect.host.recorded import RecordedHost
from mdeinspect.inspect import Plan, take
from mdeinspect.model import Reading, Report
from mdeinspect.report import report
from mdeinspect.sources.exclusion_targets import EXCLUSION_TARGETS
from support import MANAGED, HostFolder

LEVEL = "antivirusEngine.enforcementLevel"
SCHEDULE = "antivirusEngine.scheduledScan"  # on Linux since 101.26032.0000
VERIFY = "features.offlineDefinitionUpdateVerifySig"  # on Linux until 101.26062.0005
GROUPS = "edr.groupIds"
PROXY = "cloudService.proxy"
TAGS = "edr.tags"
TAG = {"key": "GROUP", "value": "servers"}


def aged(key: str, version: str) -> Build:
    """An agent of that version, and a policy that enables `key`."""
    policy = only(key, "enabled")
    return linux(lambda host: host.health(appVersion=version).file(MANAGED, policy))


def ageless(key: str) -> Build:
    """The same, where health cannot tell the version."""
    policy = only(key, "enabled")
    return linux(lambda host: host.command("health-json", "nonsense").file(MANAGED, policy))


def looking(there: Mapping[str, bool | None]) -> Build:
    """A host whose policy excludes these folders, and what a look for them showed.

    A recorded host does not hold what is excluded, so the look itself is given.
    """

    def build(folder: Path) -> Report:
        policy = only(EPP, [excluded(path) for path in there])
        host = HostFolder(folder / "host").health().file(MANAGED, policy)
        recorded = RecordedHost(str(host.root))
        seen = take(recorded, Plan())
        looked = Reading(EXCLUSION_TARGETS.name, "present", recorded.now(), there)
        seen = replace(seen, readings={**seen.readings, looked.source: looked})
        every = tuple(rules.load().values())
        return report(seen, Config(), catalogue.load(), every, recorded.now())

    return build


CASES = {
    "unrendered-template": Case(
        deployed(only(LEVEL, "{{ level }}")), deployed(only(GROUPS, "{level}")), HIDDEN
    ),
    "example-left-over": Case(
        deployed(only(GROUPS, "GroupIdExample")),
        deployed(only(GROUPS, "Example Inc. servers")),
        HIDDEN,
    ),
    "empty-setting": Case(deployed(only(PROXY, "")), deployed(only(GROUPS, "")), HIDDEN),
    "key-too-new": Case(
        aged(SCHEDULE, "101.25082.0003"), aged(SCHEDULE, "101.26032.0000"), ageless(SCHEDULE)
    ),
    "key-without-effect": Case(
        aged(VERIFY, "101.26062.0005"), aged(VERIFY, "101.26062.0004"), ageless(VERIFY)
    ),
    "unusable-proxy": Case(
        deployed(only(PROXY, "proxy.example.net:3128")),
        deployed(only(PROXY, "http://proxy.example.net:3128")),
        HIDDEN,
    ),
    "password-in-policy": Case(
        deployed(only(PROXY, "http://bob:hunter2@proxy.example.net:3128")),
        deployed(only(PROXY, "http://bob@proxy.example.net:3128")),
        HIDDEN,
    ),
    "unusable-tag": Case(deployed(only(TAGS, [TAG, TAG])), deployed(only(TAGS, [TAG])), HIDDEN),
    "weak-setting": Case(
        deployed(only("cloudService.enabled", False)),
        deployed(only("antivirusEngine.behaviorMonitoring", "disabled")),  # as by default
        HIDDEN,
    ),
    "redundant-exclusion": Case(
        deployed(only(EPP, [excluded("/srv/app"), excluded("/srv/app/cache")])),
        deployed(only(EPP, [excluded("/srv/app"), excluded("/srv/app-cache")])),
        HIDDEN,
    ),
    "impossible-global-exclusion": Case(
        deployed(only(GLOBAL, [excluded("/srv/*/cache", scopes=["global"])])),
        deployed(only(GLOBAL, [excluded("/srv/*/cache", scopes=["epp"])])),
        HIDDEN,
    ),
    "missing-exclusion": Case(
        looking({"/srv/app": False}), looking({"/srv/app": True}), looking({"/srv/app": None})
    ),
}
