"""An agent without a machine: what it does, and what health says, under given policy files. Pure.

Values that no document and no capture tells are assumed, and marked so where they stand.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any, Final

from mdeinspect.catalogue import Catalogue, at_least, load
from mdeinspect.model import Platform
from mdeinspect.simulator.merging import Configuration, PolicyFiles, governor, merged

UNAVAILABLE: Final = "unavailable"  # as a value of a field: not known to the agent itself
ORGANISATION: Final = "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"
MACHINE: Final = "11111111-2222-3333-4444-555555555555"
MACHINE_ID: Final = "0123456789abcdef0123456789abcdef01234567"
SENSE_GUID: Final = "99999999-8888-7777-6666-555555555555"

LEVEL: Final = "antivirusEngine.enforcementLevel"
# Which preferences decide about a field whose [managed] flag is documented or was seen.
_DECIDING: Final[Mapping[str, tuple[str, ...]]] = {
    "cloud_enabled": ("cloudService.enabled",),
    "cloud_automatic_sample_submission_consent": ("cloudService.automaticSampleSubmissionConsent",),
    "cloud_diagnostic_enabled": ("cloudService.diagnosticLevel",),
    "passive_mode_enabled": (LEVEL,),
    "real_time_protection_enabled": (LEVEL,),
    "behavior_monitoring": ("antivirusEngine.behaviorMonitoring", "features.behaviorMonitoring"),
    "tamper_protection": ("tamperProtection.enforcementLevel",),
    "automatic_definition_update_enabled": ("cloudService.automaticDefinitionUpdateEnabled",),
    "edr_early_preview_enabled": ("edr.earlyPreview",),
    "edr_device_tags": ("edr.tags",),
    "edr_group_ids": ("edr.groupIds",),
    "network_protection_enforcement_level": ("networkProtection.enforcementLevel",),
}
# On Linux only these five carry it.
_FLAGGED_ON_LINUX: Final = frozenset(
    {
        "cloud_enabled",
        "cloud_automatic_sample_submission_consent",
        "passive_mode_enabled",
        "real_time_protection_enabled",
        "automatic_definition_update_enabled",
    }
)
_ADMINISTRATORS: Final = frozenset({"managed_file", "mdm"})
_CONFIGURATION_VERSIONS: Final = {"linux": "30.199999", "darwin": "20.199999"}
NEVER: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class SimulatedAgent:
    """One agent of `version` with its policy files and the state that no policy decides.

    `overrides` are values that it insists on, whatever policy says: of a preference by its dotted
    key, of a field of health by its name. `diagnostic_level` is the level it was started with
    (Linux applies a change only at a restart); None: the configured one. `tamper_switch` is the
    portal's switch for tamper protection (macOS). `organisation` is the tenant that it works for;
    `hidden` are fields of health that it does not print. Equal arguments give equal answers.
    """

    platform: Platform
    version: str
    files: PolicyFiles = field(default_factory=PolicyFiles)
    onboarded: bool = True
    definitions_updated: datetime = NEVER
    product_expiration: datetime | None = None
    diagnostic_level: str | None = None
    tamper_switch: bool = False
    organisation: str = ORGANISATION
    hidden: tuple[str, ...] = ()
    overrides: Mapping[str, Any] = field(default_factory=dict)
    catalogue: Catalogue = field(default_factory=load, repr=False)

    @cached_property
    def configuration(self) -> Configuration:
        """The merged configuration, before anything that this agent insists on."""
        return merged(self.platform, self.version, self.files, self.catalogue)

    def setting(self, key: str, fallback: Any = None) -> Any:
        """The value of a preference that this agent works with, by its primary key."""
        if key in self.overrides:
            return self.overrides[key]
        found = self.configuration.get(key)
        return fallback if found is None else found.value

    def by_administrator(self, key: str) -> bool:
        """Whether the value comes from the managed file, or from a profile."""
        found = self.configuration.get(key)
        return found is not None and found.source in _ADMINISTRATORS

    def licensed(self, now: datetime) -> bool:
        """Whether it works for a tenant at `now`: onboarded, and the product not expired."""
        expired = self.product_expiration is not None and self.product_expiration <= now
        return self.onboarded and not expired

    @property
    def managed_by(self) -> str:
        """MDE when attached, MDM under a profile on macOS, else nothing."""
        return {"mde_attach": "MDE", "mdm": "MDM"}.get(governor(self.platform, self.files), "")

    def flagged(self, name: str) -> bool:
        """Whether health shows the field `name` with [managed]; never where MDE Attach governs."""
        if governor(self.platform, self.files) not in _ADMINISTRATORS:
            return False
        if self.platform == "linux" and name not in _FLAGGED_ON_LINUX:
            return False
        return any(self.by_administrator(key) for key in _DECIDING.get(name, ()))

    def fields(self, now: datetime) -> Mapping[str, Any]:
        """Every field of main-view health at `now`, by its name in the text form.

        Times are `datetime`, what is not known UNAVAILABLE. Which of them this version prints,
        and how, is told by `mdeinspect.simulator.health`.
        """
        shown = {**self._identity(now), **self._protection(now), **self._cloud(now)}
        fields = {name: value for name, value in self.overrides.items() if "." not in name}
        return {**shown, **fields}

    # --- groups of fields ---------------------------------------------------------------------

    def _identity(self, now: datetime) -> dict[str, Any]:
        licensed = self.licensed(now)
        return {
            "healthy": licensed,
            "health_issues": [] if licensed else ["missing license"],
            "licensed": licensed,
            "engine_version": "1.1.25090.3000",
            "engine_load_status": "Engine load succeeded",
            "app_version": self.version,
            "org_id": self.organisation if self.onboarded else UNAVAILABLE,
            "log_level": "info",
            "machine_guid": MACHINE,
            "release_ring": "Production",
            "product_expiration": self.product_expiration or UNAVAILABLE,
            "managed_by": self.managed_by,
            "conflicting_applications": [],
            "troubleshooting_mode": False,
            "functionality_mode": "default",
            "proxy": self.setting("cloudService.proxy", "None"),
            "telemetry_client": "OneDs",
            **self._edr(),
        }

    def _edr(self) -> dict[str, Any]:
        preview = self.platform == "darwin" and self.setting("edr.earlyPreview", False)
        return {
            "edr_early_preview_enabled": "enabled" if preview else "disabled",
            "edr_device_tags": self.setting("edr.tags", []),  # the shape of an entry is assumed
            "edr_group_ids": self.setting("edr.groupIds", ""),
            "edr_configuration_version": f"{_CONFIGURATION_VERSIONS[self.platform]}.main",
            "edr_machine_id": MACHINE_ID,
        }

    def _protection(self, now: datetime) -> dict[str, Any]:
        level = self.setting(LEVEL)
        behaviour = "antivirusEngine" if self.platform == "linux" else "features"
        watching = self.setting(f"{behaviour}.behaviorMonitoring", "disabled")
        network = self.setting("networkProtection.enforcementLevel", "disabled")
        linux = self.platform == "linux"
        return {
            "passive_mode_enabled": level == "passive",
            "behavior_monitoring": watching if level == "real_time" else "disabled",
            "real_time_protection_enabled": level == "real_time",
            "real_time_protection_available": True,
            "real_time_protection_subsystem": "fanotify"
            if linux
            else "endpoint_security_extension",
            "antivirus_enforcement_level": level,
            "supplementary_events_subsystem": self._supplementary(),
            "network_events_subsystem": "network_filter_extension",
            "device_control_enforcement_level": "audit",
            "tamper_protection": self._tamper(self.licensed(now)),
            "network_protection_status": "stopped" if network == "disabled" else "started",
            "network_protection_enforcement_level": network,
            "data_loss_prevention_status": self._loss_prevention(),
            "full_disk_access_enabled": True,
        }

    def _cloud(self, now: datetime) -> dict[str, Any]:
        diagnostic = self.diagnostic_level or self.setting("cloudService.diagnosticLevel")
        return {
            "cloud_enabled": self.setting("cloudService.enabled"),
            "cloud_automatic_sample_submission_consent": self.setting(
                "cloudService.automaticSampleSubmissionConsent"
            ),
            "cloud_diagnostic_enabled": diagnostic == "optional",
            "automatic_definition_update_enabled": self.setting(
                "cloudService.automaticDefinitionUpdateEnabled"
            ),
            "definitions_updated": self.definitions_updated,
            "definitions_updated_minutes_ago": max(
                0, (now - self.definitions_updated) // timedelta(minutes=1)
            ),
            "definitions_version": "1.441.100.0",
            "definitions_status": "up_to_date",
        }

    def _supplementary(self) -> str:
        """eBPF from its first version on, auditd until it was dropped, then netlink (assumed)."""
        found = self.configuration.get("features.ebpfSupplementaryEventProvider")
        asked = found is not None and found.value == "enabled" and found.source != "default"
        usual = found is None or (found.value == "enabled" and found.source == "default")
        if asked or (usual and at_least(self.version, "101.23082.0006")):
            return "ebpf"
        return "netlink" if at_least(self.version, "101.24082.0004") else "auditd"

    def _tamper(self, licensed: bool) -> str:
        """The profile, then the local setting, then the portal's switch (macOS)."""
        key = "tamperProtection.enforcementLevel"
        told = self.configuration.get(key)
        if self.platform == "linux":
            return "disabled"
        if key in self.overrides or (told and told.source != "default"):
            return str(self.setting(key))
        if self.tamper_switch:
            return "block"
        return "audit" if licensed else "disabled"

    def _loss_prevention(self) -> str:
        enabled = self.setting("features.dataLossPrevention", "disabled") == "enabled"
        return "ready" if enabled else "disabled"
