"""Baselines: what may stand in one, and what the command makes of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from mdeinspect import catalogue
from mdeinspect.baseline import parse
from mdeinspect.cli import Target, cli
from mdeinspect.cli.wanted import pinned_at
from mdeinspect.config import baseline_file
from mdeinspect.config.baseline_chosen import with_baseline
from mdeinspect.config.model import Config
from mdeinspect.errors import ConfigError
from mdeinspect.store import place
from support import ATTACH, MAC_MANAGED, MANAGED, HostFolder

CATALOGUE = catalogue.load()
LEVEL = "antivirusEngine.enforcementLevel"
NETWORK = "networkProtection.enforcementLevel"
POLICY = {
    "antivirusEngine": {"enforcementLevel": "real_time"},
    "networkProtection": {"enforcementLevel": "audit"},
}


@pytest.fixture
def audited(host: HostFolder) -> HostFolder:
    """A host whose policy asks for real-time protection, and for audit of the network."""
    host.health(networkProtectionEnforcementLevel="audit", edrDeviceTags=["web"])
    return host.file(MANAGED, POLICY)


def run(host: HostFolder, *args: str, config: Path | None = None) -> Result:
    """The program on this recorded host."""
    before = ["--config", str(config)] if config else []
    return CliRunner().invoke(cli, ["--root", str(host.root), *before, *args])


def toml(tmp_path: Path, text: str) -> str:
    path = tmp_path / "wanted.toml"
    path.write_text(text, encoding="utf-8")
    return str(path)


# --- what may stand in one ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "data",
    [
        {NETWORK: "block"},
        {"networkProtection": {"enforcementLevel": "block"}},
        {"linux": {NETWORK: "block"}},
        {"linux": {"networkProtection": {"enforcementLevel": "block"}}},
    ],
)
def test_keys_are_dotted_or_nested_and_may_be_for_one_platform(data: dict[str, Any]) -> None:
    """So that a policy file is a baseline as it is."""
    assert parse(data, CATALOGUE, "x").on("linux") == {NETWORK: "block"}


def test_a_setting_of_one_platform_may_stand_among_those_of_both() -> None:
    """It is wanted where there is such a setting."""
    found = parse({"tamperProtection.enforcementLevel": "block"}, CATALOGUE, "x")
    assert found.on("darwin") == {"tamperProtection.enforcementLevel": "block"}
    assert found.on("linux") == {}


def test_any_spelling_counts_as_the_primary_one() -> None:
    """macOS has two places for behaviour monitoring."""
    found = parse({"antivirusEngine.behaviorMonitoring": "enabled"}, CATALOGUE, "x")
    assert found.on("darwin") == {"features.behaviorMonitoring": "enabled"}
    assert found.on("linux") == {"antivirusEngine.behaviorMonitoring": "enabled"}


@pytest.mark.parametrize(
    ("data", "part"),
    [
        ({"networkProtection": {"enforcmentLevel": "block"}}, f"did you mean {NETWORK}"),
        ({"networkProtection": "block"}, "no setting 'networkProtection'"),
        ({"nonsense": True}, "mdeinspect settings"),
        ({NETWORK: "blok"}, "disabled, audit, block"),
        ({NETWORK: True}, "of type string"),
        ({"cloudService.enabled": "true"}, "of type boolean"),
        ({"antivirusEngine.maximumOnDemandScanThreads": 0}, "1 to 64"),
        ({"antivirusEngine.maximumOnDemandScanThreads": True}, "of type integer"),
        ({"antivirusEngine.disallowedThreatActions": ["allow", "permit"]}, "'permit'"),
        ({"linux": {"tamperProtection.enforcementLevel": "block"}}, "no setting"),
        ({"cloudService.retryCount": 3}, "cannot be managed"),
        ({"linux": ["x"]}, "linux is a table"),
    ],
)
def test_what_is_no_setting_or_no_value_of_it_is_an_error(data: dict[str, Any], part: str) -> None:
    """One line that names the baseline, the key, and what would be right."""
    with pytest.raises(ConfigError) as caught:
        parse(data, CATALOGUE, "/etc/wanted.toml")
    assert str(caught.value).startswith("cannot use /etc/wanted.toml: ")
    assert part in str(caught.value)


def test_the_recommended_baseline_is_for_both_platforms() -> None:
    """It asks for protection in real time, and can be used as it ships."""
    found = parse(baseline_file.load(baseline_file.RECOMMENDED), CATALOGUE, "recommended")
    for platform in catalogue.PLATFORMS:
        assert found.on(platform)[LEVEL] == "real_time"
    assert found.on("darwin")["tamperProtection.enforcementLevel"] == "block"
    assert "tamperProtection.enforcementLevel" not in found.on("linux")


@pytest.mark.parametrize(
    ("name", "content", "part"),
    [
        ("a.toml", b"a = = 1", "line 1"),
        ("a.json", b"{", "line 1"),
        ("a.json", b"[]", "no table"),
        ("a.json", b'{"a": 1, "a": 2}', "twice"),
        ("a.json", b"[" * 100_000, "cannot use"),
        ("a.toml", b"\xff\xfe", "cannot use"),
    ],
)
def test_a_file_that_is_none_is_an_error(
    tmp_path: Path, name: str, content: bytes, part: str
) -> None:
    """Malformed, of another shape, with a key twice, hostile, of another encoding."""
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=part):
        baseline_file.load(str(path))


def test_a_file_that_is_not_there_or_no_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot read"):
        baseline_file.load(str(tmp_path / "none.toml"))
    with pytest.raises(ConfigError, match="not a regular file"):
        baseline_file.load(str(tmp_path))


def test_every_order_is_of_values_that_the_setting_can_have() -> None:
    """A word that nothing can be would order nothing."""
    for one in CATALOGUE.preferences:
        allowed = {str(value) for platform in one.platforms for value in one.allowed(platform)}
        allowed |= {str(value) for value in one.item.get("value", {}).get("allowed", ())}
        assert set(map(str, one.strength)) <= allowed


# --- strength -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "value", "against", "holds"),
    [
        (LEVEL, "real_time", "on_demand", True),
        (LEVEL, "passive", "on_demand", False),
        (LEVEL, "audit", "real_time", None),
        (NETWORK, "block", "audit", True),
        ("cloudService.cloudBlockLevel", "zero_tolerance", "high", True),
        ("cloudService.cloudBlockLevel", "normal", "high", False),
        ("cloudService.enabled", True, False, True),
        ("cloudService.enabled", False, True, False),
        ("antivirusEngine.passiveMode", False, True, True),
        ("antivirusEngine.exclusionsMergePolicy", "admin_only", "merge", True),
        ("cloudService.automaticSampleSubmissionConsent", "all", "safe", None),
        ("antivirusEngine.scanResultsRetentionDays", 90, 30, None),
    ],
)
def test_which_of_two_values_is_the_stronger(
    key: str, value: Any, against: Any, holds: bool | None
) -> None:
    """Where the catalogue has an order; None where which is better is a matter of taste."""
    preference = CATALOGUE.find(key, "linux")
    assert preference is not None
    assert preference.holds_up(value, against) is holds


# --- diff ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wanted", "state", "code"),
    [
        (f'"{NETWORK}" = "block"', "drift", 1),
        (f'"{NETWORK}" = "audit"', "meets", 0),
        (f'"{NETWORK}" = "disabled"', "meets", 0),
        (f'"{LEVEL}" = "on_demand"', "meets", 0),
        ('"cloudService.enabled" = true', "meets", 0),
        ('"cloudService.enabled" = false', "meets", 0),
        ('"cloudService.diagnosticLevel" = "optional"', "effective-drift", 1),
        ('"cloudService.cloudBlockLevel" = "high"', "unknown", 0),
    ],
)
def test_diff_says_which_of_policy_and_agent_drifts(
    audited: HostFolder, tmp_path: Path, wanted: str, state: str, code: int
) -> None:
    """Stronger is no drift; what nothing shows is not known, and neither good nor bad."""
    done = run(audited, "baseline", "diff", "--json", "--file", toml(tmp_path, wanted))
    (row,) = json.loads(done.stdout)["settings"]
    assert (row["state"], done.exit_code) == (state, code)


def test_diff_for_a_person_has_what_differs_and_a_count(
    audited: HostFolder, tmp_path: Path
) -> None:
    """Three lines for a setting: baseline, policy, agent."""
    name = toml(tmp_path, f'"{NETWORK}" = "block"\n"cloudService.enabled" = true')
    done = run(audited, "baseline", "diff", "--file", name)
    assert done.stdout.splitlines()[:4] == [
        f"{NETWORK}  [policy and agent drift]",
        "  = block  (baseline)",
        "  - audit  (managed file)",
        "  + audit  (health.network_protection_enforcement_level)",
    ]
    assert "cloudService.enabled" not in done.stdout
    assert "2 settings" in done.stdout


def test_diff_cannot_tell_without_health(host: HostFolder, tmp_path: Path) -> None:
    """Nothing drifts as far as can be seen, and that is not far: 3."""
    host.file(MANAGED, POLICY).command("health-json", "nonsense")
    done = run(host, "baseline", "diff", "--file", toml(tmp_path, f'"{LEVEL}" = "real_time"'))
    assert done.exit_code == 3


def test_without_a_baseline_there_is_nothing_to_compare(audited: HostFolder) -> None:
    """A usage error that says what to do."""
    done = run(audited, "baseline", "diff")
    assert done.exit_code == 2
    assert "--file recommended" in done.stderr


def test_the_configuration_names_a_baseline_beside_it(audited: HostFolder, tmp_path: Path) -> None:
    """A relative path counts from the folder of the configuration; `--file` goes before it."""
    toml(tmp_path, f'"{NETWORK}" = "block"')
    config = tmp_path / "config.toml"
    config.write_text('[baseline]\nfile = "wanted.toml"\n', encoding="utf-8")
    assert run(audited, "baseline", "diff", config=config).exit_code == 1
    done = run(audited, "baseline", "diff", "--file", "recommended", config=config)
    assert done.exit_code == 0


def test_a_baseline_may_stand_in_the_configuration(audited: HostFolder, tmp_path: Path) -> None:
    """`settings` beside, or instead of, a file; a wrong key there is an error of every command."""
    config = tmp_path / "config.toml"
    config.write_text(f'[baseline]\nsettings."{NETWORK}" = "block"\n', encoding="utf-8")
    assert run(audited, "baseline", "diff", config=config).exit_code == 1
    config.write_text('[baseline]\nsettings.nonsense = "block"\n', encoding="utf-8")
    for args in (["status"], ["config", "check"], ["baseline", "show"]):
        assert run(audited, *args, config=config).exit_code == 2


def test_what_is_private_does_not_show(host: HostFolder, tmp_path: Path) -> None:
    """Exclusions are compared as they are, and shown as digests."""
    one = [{"$type": "excludedPath", "path": "/srv/secret", "isDirectory": True}]
    host.health().file(MANAGED, {"antivirusEngine": {"exclusions": one}})
    config = tmp_path / "config.toml"
    config.write_text('[privacy]\nredact = ["exclusions"]\n', encoding="utf-8")
    pinned = tmp_path / "pinned.json"
    assert run(host, "baseline", "pin", "--file", str(pinned), config=config).exit_code == 0
    assert "/srv/secret" in pinned.read_text()  # a digest would be nobody's exclusion
    args = ("baseline", "diff", "--all", "--file", str(pinned))
    done = run(host, *args, config=config)
    assert done.exit_code == 0
    assert "/srv/secret" not in done.stdout
    host.file(MANAGED, {"antivirusEngine": {"exclusions": []}})
    assert run(host, *args, config=config).exit_code == 1


@pytest.mark.parametrize("platform", ["linux", "darwin"])
def test_a_host_with_the_recommended_policy_drifts_nowhere(
    host: HostFolder, mac: HostFolder, platform: str
) -> None:
    """Written as policy and in force, it is met; `status` has nothing to say of it."""
    one, path, word = (host, MANAGED, "") if platform == "linux" else (mac, MAC_MANAGED, "MDM")
    policy: dict[str, Any] = {}
    for key, value in parse(baseline_file.load("recommended"), CATALOGUE, "x").on(platform).items():  # type: ignore[arg-type]
        section, _, name = key.partition(".")
        policy.setdefault(section, {})[name] = value
    flags = ["cloudEnabled", "realTimeProtectionEnabled", "passiveModeEnabled", "tamperProtection"]
    flags += ["automaticDefinitionUpdateEnabled", "cloudAutomaticSampleSubmissionConsent"]
    one.health(managedBy=word, managed=flags).file(path, policy)
    done = run(one, "baseline", "diff", "--json", "--file", "recommended")
    assert {row["state"] for row in json.loads(done.stdout)["settings"]} == {"meets"}
    assert done.exit_code == 0


# --- pin, show, clear ---------------------------------------------------------------------------


def test_a_pinned_host_is_its_own_baseline(audited: HostFolder, tmp_path: Path) -> None:
    """What policy says, else what health shows; tags belong to one host and are left out."""
    path = tmp_path / "pinned.json"
    assert run(audited, "baseline", "pin", "--file", str(path)).exit_code == 0
    assert path.stat().st_mode & 0o777 == 0o640
    pinned = json.loads(path.read_text())["linux"]
    assert pinned[NETWORK] == "audit"
    assert pinned["cloudService.enabled"] is True
    assert "edr.tags" not in pinned
    assert run(audited, "baseline", "diff", "--file", str(path)).exit_code == 0
    audited.health(networkProtectionEnforcementLevel="disabled")
    assert run(audited, "baseline", "diff", "--file", str(path)).exit_code == 1


def test_a_value_with_a_password_or_that_is_none_is_not_pinned(
    host: HostFolder, tmp_path: Path
) -> None:
    """No secret leaves a policy, and no mistake becomes a baseline."""
    cloud = {"proxy": "http://ada:hunter2@proxy:3128", "diagnosticLevel": "lots", "enabled": True}
    host.health().file(MANAGED, {"cloudService": cloud})
    path = tmp_path / "pinned.json"
    assert run(host, "baseline", "pin", "--file", str(path)).exit_code == 0
    assert "hunter2" not in path.read_text()
    assert "lots" not in path.read_text()
    assert run(host, "baseline", "diff", "--file", str(path)).exit_code == 0


def test_the_pin_in_a_state_folder_applies_to_every_command(
    audited: HostFolder, tmp_path: Path
) -> None:
    """Pinned, found by `status`, not replaced unasked, cleared."""
    state = ("--state", str(tmp_path / "state"))
    assert run(audited, *state, "baseline", "pin").exit_code == 0
    audited.health(networkProtectionEnforcementLevel="audit", cloudEnabled=False)
    found = json.loads(run(audited, *state, "status", "--json").stdout)["findings"]
    assert [one["subject"] for one in found if one["code"] == "baseline-effective-drift"] == [
        "key:cloudService.enabled"
    ]
    again = run(audited, *state, "baseline", "pin")
    assert (again.exit_code, "--force" in again.stderr) == (2, True)
    assert run(audited, *state, "baseline", "pin", "--force").exit_code == 0
    assert run(audited, *state, "baseline", "diff").exit_code == 0
    assert run(audited, *state, "baseline", "clear").exit_code == 0
    assert run(audited, *state, "baseline", "diff").exit_code == 2
    assert run(audited, *state, "baseline", "clear").exit_code == 0


def test_a_pin_makes_no_folders_but_the_state_folder(audited: HostFolder, tmp_path: Path) -> None:
    """A name that was mistyped is an error, and not a new folder."""
    path = tmp_path / "missing" / "pinned.json"
    done = run(audited, "baseline", "pin", "--file", str(path))
    assert (done.exit_code, done.stderr.startswith("mdeinspect: cannot write")) == (3, True)
    assert not path.parent.exists()


def test_a_pin_of_a_user_goes_before_that_of_the_service(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On this machine, without any option: first the own folder, then that of the service."""
    own, service = tmp_path / "own", tmp_path / "service"
    monkeypatch.setattr(place, "default", lambda _: own)
    monkeypatch.setattr(place, "to_read", lambda _: service)
    assert pinned_at(Target()) is None
    baseline_file.write(service / "baseline.json", {}, make_folder=True)
    assert pinned_at(Target()) == service / "baseline.json"
    baseline_file.write(own / "baseline.json", {}, make_folder=True)
    assert pinned_at(Target()) == own / "baseline.json"
    assert pinned_at(Target(root=str(tmp_path))) is None


def test_clear_removes_nothing_but_a_baseline(audited: HostFolder, tmp_path: Path) -> None:
    path = tmp_path / "other.json"
    path.write_text('{"important": true}')
    assert run(audited, "baseline", "clear", "--file", str(path)).exit_code == 2
    assert path.exists()


def test_a_pin_that_is_no_file_is_refused_and_not_overlooked(
    audited: HostFolder, tmp_path: Path
) -> None:
    """Without a word there would be no baseline any more, and nothing left to drift from."""
    (tmp_path / "state" / "baseline.json").mkdir(parents=True)
    with pytest.raises(ConfigError, match="not a regular file"):
        with_baseline(Config(), pinned_at(Target(state=tmp_path / "state")), None)
    done = run(audited, "--state", str(tmp_path / "state"), "status")
    assert (done.exit_code, "not a regular file" in done.stderr) == (2, True)


def test_a_recorded_host_has_no_pin_of_this_machine(audited: HostFolder) -> None:
    """Where to pin it must be said."""
    done = run(audited, "baseline", "pin")
    assert (done.exit_code, "--file" in done.stderr) == (2, True)


def test_show_prints_what_applies(audited: HostFolder) -> None:
    """As TOML for people, or as JSON."""
    done = run(audited, "baseline", "show", "--file", "recommended")
    assert f'"{LEVEL}" = "real_time"' in done.stdout
    shown = json.loads(run(audited, "baseline", "show", "--json", "--file", "recommended").stdout)
    assert shown["darwin"]["tamperProtection.enforcementLevel"] == "block"


def test_a_host_that_nobody_manages_can_be_pinned_from_what_health_shows(
    host: HostFolder, tmp_path: Path
) -> None:
    path = tmp_path / "pinned.json"
    assert (
        run(host.health().file(ATTACH, {}), "baseline", "pin", "--file", str(path)).exit_code == 0
    )
    assert json.loads(path.read_text())["linux"][LEVEL] == "real_time"


def test_nothing_is_pinned_of_a_host_that_shows_nothing(host: HostFolder, tmp_path: Path) -> None:
    path = tmp_path / "pinned.json"
    assert run(host, "baseline", "pin", "--file", str(path)).exit_code == 2
    assert not path.exists()
