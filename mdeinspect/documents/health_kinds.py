"""The fields of mdatp's health that are known: their names, and what a value of each must be."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

MAX_MINUTES: Final = 20 * 366 * 24 * 60  # the product is younger than 20 years

UNREADABLE: Final = object()  # stands for a value that is there and cannot be understood


def snake_case(name: str) -> str:
    """`appVersion` -> `app_version`; a snake_case name is left as it is."""
    return name if name.islower() else _HUMP.sub("_", name).lower()


def shows_a_table(name: str) -> bool:
    """Whether `name` is a field's for sure; `bash: mdatp: not found` has a key too, `bash`."""
    return "_" in name or name in KNOWN


def judge(name: str, value: Any) -> tuple[Any, bool]:
    """The value as the type of the field, and whether the agent knew it.

    A field of no known type keeps the value it has; one of the wrong type is UNREADABLE.
    """
    if value is None or (isinstance(value, str) and value.strip().lower() == "unavailable"):
        return None, False
    fit = KINDS.get(name)
    return (value if fit is None or value is UNREADABLE else fit(value)), True


_HUMP: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")

# --- types --------------------------------------------------------------------------------------

_SWITCH_WORDS: Final = {"enabled": True, "disabled": False}
_BOOLEAN_WORDS: Final = {"true": True, "1": True, "false": False, "0": False}
_DIGITS: Final = re.compile(r"[0-9]{1,18}")


def _boolean(value: Any) -> Any:
    """True and false in any case, 1 and 0 (legacy), quoted or not."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int | str):
        return _BOOLEAN_WORDS.get(str(value).strip().lower(), UNREADABLE)
    return UNREADABLE


def _minutes(value: Any) -> Any:
    """Whole minutes; a negative or an absurd age is no age."""
    number = number_in(value)
    return number if number is not None and 0 <= number <= MAX_MINUTES else UNREADABLE


def _text(value: Any) -> Any:
    """Text stays text, digits included: the legacy form prints versions as bare integers."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        return UNREADABLE
    return str(value)


def _setting(value: Any) -> Any:
    """A boolean of a name in `_enabled`: some builds print enabled and disabled."""
    word = value.strip().lower() if isinstance(value, str) else ""
    return _SWITCH_WORDS[word] if word in _SWITCH_WORDS else _boolean(value)


def _switch(value: Any) -> Any:
    """`enabled` and `disabled`; some builds print true and false."""
    if isinstance(value, bool):
        return "enabled" if value else "disabled"
    if isinstance(value, str) and value.strip().lower() in ("true", "false"):
        return _switch(value.strip().lower() == "true")
    return _text(value)


def _list(value: Any) -> Any:
    return value if isinstance(value, list) else UNREADABLE


def _texts(value: Any) -> Any:
    whole = isinstance(value, list) and all(isinstance(item, str) for item in value)
    return value if whole else UNREADABLE


def _time(value: Any) -> Any:
    """Epoch milliseconds as int, a printed date as text."""
    number = number_in(value)
    if number is not None:
        return number
    return value if isinstance(value, str) else UNREADABLE


def number_in(value: Any) -> int | None:
    """An int, also one that is quoted."""
    if isinstance(value, str):
        return int(value) if _DIGITS.fullmatch(value) else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None


# --- names --------------------------------------------------------------------------------------

BOOLEANS: Final = frozenset(
    """
    healthy licensed cloud_enabled cloud_diagnostic_enabled cloud_automatic_sample_submission
    passive_mode_enabled real_time_protection_enabled real_time_protection_available
    automatic_definition_update_enabled full_disk_access_enabled troubleshooting_mode
    """.split()  # noqa: SIM905 - read as a text
)
TEXTS: Final = frozenset(
    """
    engine_version engine_load_status app_version org_id log_level machine_guid release_ring
    cloud_automatic_sample_submission_consent behavior_monitoring real_time_protection_subsystem
    supplementary_events_subsystem network_events_subsystem device_control_enforcement_level
    tamper_protection definitions_version definitions_status edr_early_preview_enabled
    edr_group_ids edr_configuration_version edr_machine_id edr_client_version managed_by
    network_protection_status network_protection_enforcement_level data_loss_prevention_status
    antivirus_enforcement_level functionality_mode proxy telemetry_client
    """.split()  # noqa: SIM905 - read as a text
)
TIMES: Final = frozenset({"product_expiration", "definitions_updated"})
KINDS: Final[Mapping[str, Callable[[Any], Any]]] = {
    **{name: _setting if name.endswith("_enabled") else _boolean for name in BOOLEANS},
    **dict.fromkeys(TEXTS, _text),
    **dict.fromkeys(TIMES, _time),
    "behavior_monitoring": _switch,
    "edr_early_preview_enabled": _switch,
    "definitions_updated_minutes_ago": _minutes,
    "health_issues": _texts,
    "edr_device_tags": _list,  # the shape of an element was never seen: text or object
    "conflicting_applications": _list,
}
# Every name of the main view. The two added here were never seen in a shape to rely on.
KNOWN: Final = frozenset(KINDS) | {"cloud_pin_certificate_thumbs", "ecs_configuration_ids"}
