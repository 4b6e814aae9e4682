"""Who decides about this host, and whose words fall on deaf ears?"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from mdeinspect import catalogue, rules
from mdeinspect.config.model import Config, Expect, Privacy
from mdeinspect.host.recorded import RecordedHost
from mdeinspect.inspect import Plan, take
from mdeinspect.model import Report, Severity
from mdeinspect.report import report
from support import (
    ATTACH,
    LOCAL,
    MAC_ATTACH,
    MAC_MANAGED,
    MANAGED,
    NOW,
    HostFolder,
    codes,
    found,
    unknown,
)

CLOUD = {"cloudService": {"enabled": True}}
EPP = {"$type": "excludedPath", "path": "/a", "isDirectory": True, "scopes": ["epp"]}
GLOBAL = {"$type": "excludedPath", "path": "/b", "isDirectory": True, "scopes": ["global"]}
BARE = {"$type": "excludedPath", "path": "/c", "isDirectory": True}


def excluding(*items: dict[str, Any]) -> dict[str, Any]:
    """A policy with these entries in the newer list of exclusions."""
    return {"exclusionSettings": {"exclusions": list(items)}}


# --- policy-shadowed ----------------------------------------------------------------------------


def test_a_shadowed_file_with_keys_lost_is_one_finding(host: HostFolder) -> None:
    """Medium, on the channel, naming the file, every key that is lost, and who governs."""
    host.health(managedBy="MDE").file(ATTACH, {})
    host.file(MANAGED, {**CLOUD, "networkProtection": {"enforcementLevel": "block"}})
    (finding,) = found(host.report(), "policy-shadowed")
    assert (finding.severity, finding.subject) == (Severity.MEDIUM, "channel:managed_file")
    assert finding.facts == {
        "keys": ["cloudService.enabled", "networkProtection.enforcementLevel"],
        "path": MANAGED,
        "governor": "mde_attach",
    }


def test_a_shadowed_profile_is_a_finding_too(mac: HostFolder) -> None:
    """MDE Attach excludes MDM wholly: the proxy is lost as well."""
    mac.health(managedBy="MDE").file(MAC_ATTACH, {})
    mac.file(MAC_MANAGED, {"cloudService": {"enabled": True, "proxy": "http://proxy:3128"}})
    (finding,) = found(mac.report(), "policy-shadowed")
    assert finding.subject == "channel:mdm"
    assert finding.facts["keys"] == ["cloudService.enabled", "cloudService.proxy"]


@pytest.mark.parametrize(
    ("attach", "managed", "keys"),
    [
        ({}, {"cloudService": {"proxy": "http://proxy:3128"}}, []),
        ({}, {"antivirusEngine": {"offlineDefinitionUpdate": "enabled"}}, []),
        ({}, {"features": {"offlineDefinitionUpdateVerifySig": "enabled"}}, []),
        (CLOUD, CLOUD, []),
        (CLOUD, {"cloudService": {"enabled": False}}, ["cloudService.enabled"]),
        (
            {"cloudService": {"proxy": "http://one:1"}},
            {"cloudService": {"proxy": "http://two:2"}},
            ["cloudService.proxy"],
        ),
        ({}, excluding(GLOBAL, BARE), []),
        (excluding(EPP), excluding(GLOBAL), []),
        ({}, excluding(EPP), ["exclusionSettings.exclusions"]),
        ({}, excluding(GLOBAL, EPP), ["exclusionSettings.exclusions"]),
        (excluding(EPP, GLOBAL), excluding(EPP), []),
        (
            {},
            {"antivirusEngine": {"exclusions": [BARE]}},
            ["antivirusEngine.exclusions"],
        ),
        ({}, {}, []),
    ],
)
def test_only_what_is_lost_is_named(
    host: HostFolder, attach: dict[str, Any], managed: dict[str, Any], keys: list[str]
) -> None:
    """Same values, the merged exceptions and global exclusions are not lost; parts of lists are."""
    host.health(managedBy="MDE").file(ATTACH, attach).file(MANAGED, managed)
    assert [f.facts["keys"] for f in found(host.report(), "policy-shadowed")] == (
        [keys] if keys else []
    )


def test_a_shadowed_value_that_is_in_force_is_not_lost(host: HostFolder) -> None:
    """Health shows it with [managed]: evidence from the host outranks the documents."""
    host.health(managedBy="MDE", managed=["cloudEnabled"]).file(ATTACH, {}).file(MANAGED, CLOUD)
    assert found(host.report(), "policy-shadowed") == []


def test_nothing_is_shadowed_by_local_settings_or_by_an_older_agent(host: HostFolder) -> None:
    """Without a file of MDE Attach its policy comes through the managed file."""
    told = host.health(managedBy="MDE").file(MANAGED, CLOUD).file(LOCAL, {}).report()
    assert found(told, "policy-shadowed") == []


def test_an_unknown_governor_shadows_nobody(mac: HostFolder) -> None:
    """Two channels and no word: nobody is known to be ignored."""
    told = mac.health().file(MAC_ATTACH, {}).file(MAC_MANAGED, CLOUD).report()
    assert told.authority.channel == "unknown"
    assert found(told, "policy-shadowed") == []


# --- left-over-attach-file ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("platform", "word", "channel"),
    [
        ("linux", "MEM", "unknown"),
        ("linux", "Puppet", "unknown"),
        ("darwin", "MDM", "unknown"),
        ("darwin", "SomethingNew", "unknown"),
    ],
)
def test_an_attach_file_that_does_not_govern_is_medium(
    host: HostFolder, mac: HostFolder, platform: str, word: str, channel: str
) -> None:
    """The agent names another channel: the finding has the file and the word, verbatim."""
    one, path = (host, ATTACH) if platform == "linux" else (mac, MAC_ATTACH)
    told = one.health(managedBy=word).file(path, {}).report()
    assert told.authority.channel == channel
    (finding,) = found(told, "left-over-attach-file")
    assert (finding.severity, finding.subject) == (Severity.MEDIUM, "channel:mde_attach")
    assert finding.facts == {"path": path, "managed_by": word}


@pytest.mark.parametrize("word", ["MDE", "mde", "", None])
def test_an_attach_file_of_an_attached_host_is_not_left_over(
    host: HostFolder, word: str | None
) -> None:
    """MDE, or no word at all."""
    told = host.health(managedBy=word).file(ATTACH, {}).report()
    assert found(told, "left-over-attach-file") == []


def test_another_channel_without_an_attach_file_leaves_nothing_over(mac: HostFolder) -> None:
    """A Mac under MDM."""
    told = mac.health(managedBy="MDM").file(MAC_MANAGED, {}).report()
    assert found(told, "left-over-attach-file") == []


def test_without_health_nobody_knows_what_is_left_over(host: HostFolder) -> None:
    """The word of the agent is needed."""
    told = host.command("health-json", "nonsense").file(ATTACH, {}).report()
    assert found(told, "left-over-attach-file") == []
    assert "left-over-attach-file" in unknown(told)


def test_what_is_lost_to_a_policy_that_cannot_be_read_is_unknown(host: HostFolder) -> None:
    """The governing file may well set the same keys."""
    host.file(ATTACH, b"{").file(MANAGED, {"cloudService": {"enabled": True}})
    told = host.health(managedBy="MDE").report()
    assert found(told, "policy-shadowed") == []
    assert "policy-shadowed" in unknown(told)
    (row,) = [row for row in told.settings if row.key == "cloudService.enabled"]
    assert row.verdict == "unknown"


# --- expectation-unmet --------------------------------------------------------------------------


def expecting(host: HostFolder, **expect: Any) -> Report:
    """The report of a host of which something is expected."""
    return host.report(Config(expect=Expect(**expect)))


def test_an_unmet_channel_is_medium(host: HostFolder) -> None:
    """The facts hold what was expected and what was found."""
    (finding,) = found(
        expecting(host.health().file(MANAGED, {}), channel="mde_attach"), "expectation-unmet"
    )
    assert finding.severity is Severity.MEDIUM
    assert finding.facts == {
        "expectation": "channel",
        "wanted": "mde_attach",
        "shown": "managed_file",
    }


@pytest.mark.parametrize(("local", "channel"), [(False, "none"), (True, "local")])
def test_some_policy_is_expected(host: HostFolder, local: bool, channel: str) -> None:
    """`policy = true`: a channel other than the local settings must govern."""
    if local:
        host.file(LOCAL, {})
    (finding,) = found(expecting(host.health(), policy=True), "expectation-unmet")
    assert (finding.severity, finding.subject) == (Severity.MEDIUM, "host")
    assert finding.facts["shown"] == channel


@pytest.mark.parametrize(
    "expect",
    [
        {},
        {"policy": True},
        {"policy": False},
        {"channel": "managed_file"},
        {"tag": "prod"},
        {"tag": "GROUP/prod"},
    ],
)
def test_what_is_met_is_no_finding(host: HostFolder, expect: dict[str, Any]) -> None:
    """Any channel, this channel, this tag with or without its group."""
    host.health(edrDeviceTags=["GROUP/prod"]).file(MANAGED, {})
    assert codes(expecting(host, **expect)) == []


@pytest.mark.parametrize("tags", [[{"key": "GROUP", "value": "prod"}], ["prod"], ["a", "prod"]])
def test_a_tag_is_found_in_any_shape(host: HostFolder, tags: list[Any]) -> None:
    """Text or object: the shape of an element was never seen."""
    assert codes(expecting(host.health(edrDeviceTags=tags), tag="prod")) == []


@pytest.mark.parametrize("tags", [[], ["GROUP/production"], ["GROUP/nonprod"], ["GROUP"]])
def test_another_tag_is_not_the_tag(host: HostFolder, tags: list[str]) -> None:
    """A part of a longer word is another word."""
    (finding,) = found(expecting(host.health(edrDeviceTags=tags), tag="prod"), "expectation-unmet")
    assert (finding.severity, finding.subject) == (Severity.MEDIUM, "key:edr.tags")
    assert finding.facts == {"expectation": "tag", "wanted": "prod", "shown": tags}


@pytest.mark.parametrize("tags", [["GROUP/blue"], [{"key": "GROUP", "value": "blue"}]])
def test_redacted_tags_are_neither_told_as_wanted_nor_as_shown(
    host: HostFolder, tags: list[Any]
) -> None:
    """The finding stays and says that it is about a tag; both tags are digests."""
    config = Config(expect=Expect(tag="green"), privacy=Privacy(redact=("tags",)))
    (finding,) = found(host.health(edrDeviceTags=tags).report(config), "expectation-unmet")
    assert finding.facts["expectation"] == "tag"
    assert not {"blue", "green"} & set(re.findall("[a-z]+", repr(finding)))


def test_a_tag_that_is_not_shown_is_unknown(host: HostFolder) -> None:
    """Unavailable is not "no tag"."""
    told = expecting(host.health(edrDeviceTags=None), tag="prod")
    assert codes(told) == []
    assert unknown(told) == ["expectation-unmet"]


@pytest.mark.parametrize("expect", [{"policy": True}, {"channel": "mdm"}])
def test_an_unknown_governor_meets_and_fails_nothing(
    mac: HostFolder, expect: dict[str, Any]
) -> None:
    """Neither met nor unmet."""
    told = expecting(mac.health().file(MAC_ATTACH, {}).file(MAC_MANAGED, {}), **expect)
    assert codes(told) == []
    assert "expectation-unmet" in unknown(told)


def test_a_policy_that_cannot_be_seen_is_not_a_policy_that_is_not_there(host: HostFolder) -> None:
    """A plain user who may not even look into the folder cannot say that nothing governs."""
    seen = take(RecordedHost(str(host.health().root)), Plan())
    hidden = {
        name: replace(seen[name], state="broken", kind="denied", reason="cannot read it")
        for name in ("mdatp_managed", "mdeattach_managed")
    }
    told = report(
        replace(seen, readings={**seen.readings, **hidden}),
        Config(expect=Expect(policy=True)),
        catalogue.load(),
        tuple(rules.load().values()),
        NOW,
    )
    assert found(told, "expectation-unmet") == []
    assert "expectation-unmet" in unknown(told)
