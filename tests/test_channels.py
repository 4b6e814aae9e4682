"""Who governs: the table of signs and channels, row by row, on both platforms."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from mdeinspect.channels import Policy, attached, authority, delivering, policies
from mdeinspect.documents import Document
from mdeinspect.model import Authority, Channel, FileFacts, HostFacts, Platform, Reading, Snapshot

NOW = datetime(2026, 11, 22, 11, 4, tzinfo=UTC)
FILES = {
    "attach": "mdeattach_managed",
    "managed": "mdatp_managed",
    "profile": "managed_preferences",
    "extension": "managed_preferences_ext",
    "user": "managed_preferences_user:ada",
    "user-extension": "managed_preferences_ext_user:ada",
    "local": "wdavcfg",
}

# What came of a file: there and read, there and not (denied, malformed), not to be seen.
THERE, LOCKED, MALFORMED, UNSEEN = "there", "locked", "malformed", "unseen"


def reading(source: str, state: str, value: Any = None) -> Reading[Any]:
    """A reading of one policy file."""
    file = None if state == UNSEEN else FileFacts(f"/{source}", changed=NOW)
    if state == THERE:
        document = Document(value or {}, "json", (), {}, "")
        return Reading(source, "present", NOW, document, file=file)
    kind = "malformed" if state == MALFORMED else "denied"
    return Reading(source, "broken", NOW, kind=kind, reason="cannot read it", file=file)


def channels(platform: Platform, files: Mapping[str, str]) -> Mapping[Channel, Policy]:
    """The channels of a host with these files; every other one is missing."""
    readings = {FILES[name]: reading(FILES[name], state) for name, state in files.items()}
    return policies(Snapshot(HostFacts("h", platform), NOW, readings))


def governs(platform: Platform, managed_by: str | None, **files: str) -> Authority:
    """The authority over a host with these files."""
    named = {name.replace("_", "-"): state for name, state in files.items()}
    return authority(platform, managed_by, channels(platform, named))


NO_WORD = ["", None, " "]
ATTACHED_WORDS = ["MDE", "mde", " MDE "]


# --- managed_by MDE -----------------------------------------------------------------------------


@pytest.mark.parametrize("word", ATTACHED_WORDS)
@pytest.mark.parametrize("state", [THERE, LOCKED, MALFORMED])
@pytest.mark.parametrize(
    ("platform", "administrator", "channel"),
    [("linux", "managed", "managed_file"), ("darwin", "profile", "mdm")],
)
def test_mde_with_its_file_governs_and_shadows_the_administrator(
    platform: Platform, administrator: str, channel: str, state: str, word: str
) -> None:
    """Row 1: the file counts also where it cannot be read; letter case does not matter."""
    found = governs(platform, word, attach=state, local=THERE, **{administrator: THERE})
    assert (found.channel, found.shadowed, found.probable) == ("mde_attach", (channel,), False)
    assert found.managed_by == word
    assert governs(platform, word, attach=state, local=THERE).shadowed == ()


@pytest.mark.parametrize("word", ATTACHED_WORDS)
@pytest.mark.parametrize(
    ("platform", "administrator", "channel"),
    [("linux", "managed", "managed_file"), ("darwin", "profile", "mdm")],
)
def test_mde_without_its_file_delivers_through_the_administrators_file(
    platform: Platform, administrator: str, channel: str, word: str
) -> None:
    """Row 2: older agents; nothing is shadowed."""
    found = governs(platform, word, **{administrator: THERE})
    assert (found.channel, found.shadowed, found.probable) == ("mde_attach", (), False)
    there = channels(platform, {administrator: THERE})
    assert delivering(found, there, platform) == channel
    assert attached(found, there)


@pytest.mark.parametrize("platform", ["linux", "darwin"])
def test_mde_governs_without_any_file(platform: Platform) -> None:
    """The agent's word is enough."""
    assert governs(platform, "MDE").channel == "mde_attach"


@pytest.mark.parametrize("platform", ["linux", "darwin"])
def test_mde_with_a_file_that_cannot_be_seen(platform: Platform) -> None:
    """It governs; whether it shadows anything, or comes through another file, is not known."""
    administrator = "managed" if platform == "linux" else "profile"
    files = {"attach": UNSEEN, administrator: THERE}
    found = governs(platform, "MDE", **files)
    assert (found.channel, found.shadowed) == ("mde_attach", ())
    assert delivering(found, channels(platform, files), platform) == "mde_attach"


# --- an MDE Attach file and no word -------------------------------------------------------------


@pytest.mark.parametrize("word", NO_WORD)
def test_on_linux_the_file_alone_makes_mde_probable(word: str | None) -> None:
    """Row 3: builds of 2023 hide managed_by. The managed file is shadowed."""
    found = governs("linux", word, attach=THERE, managed=THERE)
    assert (found.channel, found.shadowed) == ("mde_attach", ("managed_file",))
    assert found.probable
    assert found.managed_by == word
    assert governs("linux", word, attach=LOCKED).channel == "mde_attach"


@pytest.mark.parametrize("word", NO_WORD)
def test_on_a_mac_the_file_alone_makes_mde_probable(word: str | None) -> None:
    """Row 4, first half: without any managed preferences."""
    found = governs("darwin", word, attach=THERE, local=THERE)
    assert (found.channel, found.shadowed, found.probable) == ("mde_attach", (), True)


@pytest.mark.parametrize("word", NO_WORD)
@pytest.mark.parametrize("profile", ["profile", "extension", "user", "user-extension"])
@pytest.mark.parametrize("state", [THERE, LOCKED, MALFORMED, UNSEEN])
def test_on_a_mac_both_files_and_no_word_are_undecided(
    word: str | None, profile: str, state: str
) -> None:
    """Row 4, second half: any managed preferences will do, also those not to be seen."""
    found = governs("darwin", word, attach=THERE, **{profile: state})
    assert (found.channel, found.shadowed, found.probable) == ("unknown", (), False)


# --- an MDE Attach file and another word --------------------------------------------------------


@pytest.mark.parametrize("word", ["MEM", "MDM", "mem", "Puppet", "SomethingNew"])
@pytest.mark.parametrize("attach", [THERE, LOCKED, UNSEEN])
def test_on_linux_any_other_word_means_the_managed_file(word: str, attach: str) -> None:
    """Row 5: that channel if its file is there, else nobody knows. Nothing is shadowed."""
    found = governs("linux", word, attach=attach, managed=THERE)
    assert (found.channel, found.shadowed, found.managed_by) == ("managed_file", (), word)
    for files in ({}, {"managed": UNSEEN}, {"local": THERE}):
        assert governs("linux", word, attach=attach, **files).channel == "unknown"


@pytest.mark.parametrize("word", ["MEM", "MDM", "mem", "Mdm"])
def test_on_a_mac_mem_and_mdm_mean_the_profile(word: str) -> None:
    """Row 5: that channel if its file is there, else nobody knows."""
    assert governs("darwin", word, attach=THERE, profile=THERE).channel == "mdm"
    assert governs("darwin", word, attach=THERE, extension=THERE).channel == "mdm"
    for files in ({}, {"profile": UNSEEN}, {"local": THERE}):
        assert governs("darwin", word, attach=THERE, **files).channel == "unknown"


@pytest.mark.parametrize("word", ["Puppet", "SomethingNew", "MDE Attach"])
def test_on_a_mac_a_word_not_known_names_no_channel(word: str) -> None:
    """Row 5: with an attach file beside it nobody knows, whatever else is there."""
    assert governs("darwin", word, attach=THERE, profile=THERE).channel == "unknown"
    assert governs("darwin", word, attach=THERE).channel == "unknown"


# --- no MDE Attach ------------------------------------------------------------------------------


@pytest.mark.parametrize("word", ["", None, "MEM", "MDM", "SomethingNew"])
@pytest.mark.parametrize("profile", ["profile", "extension", "user", "user-extension"])
def test_a_profile_governs_a_mac(word: str | None, profile: str) -> None:
    """Row 6: managed preferences and no MDE Attach file, whatever the word."""
    found = governs("darwin", word, local=THERE, **{profile: THERE})
    assert (found.channel, found.shadowed, found.probable) == ("mdm", (), False)


@pytest.mark.parametrize("word", ["", None, "MEM", "SomethingNew"])
@pytest.mark.parametrize("state", [THERE, LOCKED, MALFORMED])
def test_a_managed_file_governs_a_linux_host(word: str | None, state: str) -> None:
    """Row 7: the managed file without a sign of MDE Attach, readable or not."""
    found = governs("linux", word, managed=state, local=THERE)
    assert (found.channel, found.shadowed, found.probable) == ("managed_file", (), False)
    assert not attached(found, channels("linux", {"managed": state}))


@pytest.mark.parametrize("platform", ["linux", "darwin"])
@pytest.mark.parametrize("word", ["", None, "MEM"])
def test_local_settings_govern_alone(platform: Platform, word: str | None) -> None:
    """Row 8: only wdavcfg. On a Mac MEM also means "only local configuration"."""
    assert governs(platform, word, local=THERE).channel == "local"


@pytest.mark.parametrize("platform", ["linux", "darwin"])
def test_nothing_governs(platform: Platform) -> None:
    """Row 9: no file at all."""
    assert governs(platform, "").channel == "none"


@pytest.mark.parametrize(
    ("platform", "files"),
    [
        ("linux", {"attach": UNSEEN}),
        ("linux", {"attach": UNSEEN, "managed": THERE}),
        ("linux", {"managed": UNSEEN}),
        ("linux", {"managed": UNSEEN, "local": THERE}),
        ("linux", {"local": UNSEEN}),
        ("darwin", {"attach": UNSEEN, "profile": THERE}),
        ("darwin", {"user": UNSEEN, "local": THERE}),
        ("darwin", {"local": UNSEEN}),
    ],
)
@pytest.mark.parametrize("word", NO_WORD)
def test_what_cannot_be_seen_may_govern(
    platform: Platform, files: dict[str, str], word: str | None
) -> None:
    """A file that may or may not be there leaves the governor unknown, never "none"."""
    assert governs(platform, word, **files).channel == "unknown"


def test_one_file_that_is_seen_outweighs_one_that_is_not() -> None:
    """A Mac whose machine profile is there has a profile, whatever its users have."""
    assert governs("darwin", "", profile=THERE, user=UNSEEN).channel == "mdm"


# --- signs, deliveries, documents ---------------------------------------------------------------


@pytest.mark.parametrize(("word", "sign"), [(None, "not shown"), ("", "empty"), ("MDE", "MDE")])
def test_signs_are_always_told(word: str | None, sign: str) -> None:
    """The agent's word, each file there, and each that cannot be seen."""
    signs = governs("linux", word, attach=THERE, managed=LOCKED, local=UNSEEN).signs
    assert signs == (
        f"managed_by {sign}",
        "/mdatp_managed",
        "/mdeattach_managed",
        "wdavcfg: not to be seen",
    )


@pytest.mark.parametrize(
    ("managed_by", "files", "delivers"),
    [
        ("MDE", {"attach": THERE, "managed": THERE}, "mde_attach"),
        ("", {"attach": THERE}, "mde_attach"),
        ("", {"managed": THERE}, "managed_file"),
        ("MEM", {"attach": THERE, "managed": THERE}, "managed_file"),
        ("", {"local": THERE}, "local"),
        ("", {}, "none"),
        ("MEM", {"attach": THERE}, "unknown"),
    ],
)
def test_the_governor_delivers_through_its_own_files(
    managed_by: str, files: dict[str, str], delivers: str
) -> None:
    """Only an older attached agent uses another channel's file."""
    there = channels("linux", files)
    assert delivering(authority("linux", managed_by, there), there, "linux") == delivers


@pytest.mark.parametrize(
    ("managed_by", "files", "sign"),
    [
        ("MDE", {}, True),
        ("MEM", {"attach": LOCKED, "managed": THERE}, True),
        ("MEM", {"managed": THERE}, False),
        ("", {"attach": UNSEEN}, False),
    ],
)
def test_any_sign_of_mde_attach_counts_as_attached(
    managed_by: str, files: dict[str, str], sign: bool
) -> None:
    """The agent's word, or the file, left over or not."""
    there = channels("linux", files)
    assert attached(authority("linux", managed_by, there), there) is sign


def policy(*stated: tuple[str, Any]) -> Policy:
    """A channel whose files, the strongest first, say this."""
    readings = tuple(
        reading(name, THERE, value) if value is not UNSEEN else reading(name, LOCKED)
        for name, value in stated
    )
    return Policy("mdm", readings)


KEYS = ("features.behaviorMonitoring", "antivirusEngine.behaviorMonitoring")


@pytest.mark.parametrize(
    ("files", "value", "key", "conflict"),
    [
        ([{"features": {"behaviorMonitoring": "enabled"}}], "enabled", KEYS[0], False),
        ([{"antivirusEngine": {"behaviorMonitoring": "enabled"}}], "enabled", KEYS[1], False),
        (
            [
                {
                    "features": {"behaviorMonitoring": "enabled"},
                    "antivirusEngine": {"behaviorMonitoring": "enabled"},
                }
            ],
            "enabled",
            KEYS[0],
            False,
        ),
        (
            [
                {
                    "features": {"behaviorMonitoring": "enabled"},
                    "antivirusEngine": {"behaviorMonitoring": "disabled"},
                }
            ],
            "enabled",
            KEYS[0],
            True,
        ),
        (
            [
                {"features": {"behaviorMonitoring": "enabled"}},
                {"features": {"behaviorMonitoring": "disabled"}},
            ],
            "enabled",
            KEYS[0],
            False,
        ),
        (
            [UNSEEN, {"features": {"behaviorMonitoring": "disabled"}}],
            "disabled",
            KEYS[0],
            False,
        ),
    ],
)
def test_a_channel_says_one_thing_in_any_spelling(
    files: list[Any], value: str, key: str, conflict: bool
) -> None:
    """The stronger file wins; two spellings in one file conflict only where they differ."""
    stated = policy(*((f"f{i}", file) for i, file in enumerate(files))).state(KEYS)
    assert stated is not None
    assert (stated.value, stated.key, stated.conflict) == (value, key, conflict)
    assert stated.changed == NOW


@pytest.mark.parametrize(
    "value", [{}, {"features": {}}, {"features": "behaviorMonitoring"}, {"features": None}]
)
def test_a_channel_without_the_key_says_nothing(value: dict[str, Any]) -> None:
    """Also where a section is something else than a section."""
    assert policy(("f", value)).state(KEYS) is None


@pytest.mark.parametrize("value", [None, False, 0, "", []])
def test_an_empty_value_is_a_value(value: Any) -> None:
    """Only an absent key says nothing."""
    stated = policy(("f", {"features": {"behaviorMonitoring": value}})).state(KEYS)
    assert stated is not None
    assert stated.value == value
