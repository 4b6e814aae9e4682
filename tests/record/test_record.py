"""A bundle is the host again: the same verdicts and findings, and no secret in it."""

from __future__ import annotations

import gzip
import json
import os
import plistlib
import stat
import subprocess
import sys
import tarfile
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from mdeinspect import catalogue
from mdeinspect.cli import cli
from mdeinspect.host import live
from mdeinspect.host.recorded import RecordedHost
from mdeinspect.inspect import Plan, take
from mdeinspect.model import Platform
from mdeinspect.record.disguise import Disguise
from mdeinspect.record.redaction import Redactor
from mdeinspect.rules._breadth import too_broad
from mdeinspect.simulator.host import DAY, HOUR, SimulatedHost
from mdeinspect.simulator.policies import hardened, lax
from mdeinspect.simulator.scenarios import SCENARIOS, names
from mdeinspect.store.writer import Store
from support import (
    ATTACH,
    CORE_LOG,
    LOCAL,
    MAC_MANAGED,
    MANAGED,
    NOW,
    ONBOARD,
    HostFolder,
    filetime,
)

BOTH: tuple[Platform, ...] = ("linux", "darwin")
PLAYED = [(name, platform) for platform in BOTH for name in names(platform)]

# Planted in every place where a host could hold them.
PASSWORD = "hunter2-S3cret"
BLOB = "b25ib2FyZGluZy1ibG9i"
FOLDER = "/srv/projekt-falke/daten"
TAG = "Vorstand-Geraete"
ORGANISATION = "c0ffee00-1111-2222-3333-444444444444"
MACHINE = "feedfacefeedfacefeedfacefeedfacefeedface"
PLANTED = (PASSWORD, BLOB, "projekt-falke", "daten", TAG, ORGANISATION, MACHINE)


def run(*words: str | Path, **kwargs: Any) -> Result:
    return CliRunner().invoke(cli, [str(word) for word in words], **kwargs)


def recorded(root: Path, out: Path, *args: str) -> Path:
    result = run("--root", root, "record", out, *args)
    assert result.exit_code == 0, result.output
    return out


def unpacked(bundle: Path, folder: Path) -> Path:
    folder.mkdir()
    with tarfile.open(bundle) as archive:
        archive.extractall(folder, filter="fully_trusted")
    return folder


def object_of(root: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run("--root", root, "status", "--json", "--details").stdout)
    return found


def verdicts(found: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    return [
        (row["key"], row["verdict"], row["channel"], row["managed"]) for row in found["settings"]
    ]


def judged(found: Mapping[str, Any]) -> dict[str, Any]:
    """All that is decided about a host; no private value is in it."""
    return {
        "verdicts": verdicts(found),
        "findings": [(one["code"], one["severity"], one["since"]) for one in found["findings"]],
        "unknown": [one["code"] for one in found["unknown"]],
        "cannot_tell": found["cannot_tell"],
        "checkin": found["checkin"],
        "protection": found["protection"],
        "authority": found["authority"],
        "agent": found["agent"],
        "host": found["host"],
        "taken_at": found["taken_at"],
        "sources": {name: (one["state"], one["kind"]) for name, one in found["sources"].items()},
    }


# --- the same host ------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "platform"), PLAYED)
def test_every_scenario_is_judged_the_same(tmp_path: Path, name: str, platform: Platform) -> None:
    """Live, from the archive and unpacked, redacted or not."""
    host = SimulatedHost(tmp_path / "host", platform)
    SCENARIOS[name].begin(host)
    SCENARIOS[name].finish(host)
    whole = object_of(host.folder)
    for number, args in enumerate(([], ["--no-redact"])):
        bundle = recorded(host.folder, tmp_path / f"{number}.tar.gz", *args)
        assert judged(object_of(bundle)) == judged(whole)
        assert judged(object_of(unpacked(bundle, tmp_path / f"{number}"))) == judged(whole)
    plain = object_of(bundle)
    for found in (whole, plain):
        found["sources"] = found["processes"] = None
    assert plain == whole


def odd_hosts() -> dict[str, Any]:
    """Hosts on which something cannot be read, each as a function that builds it."""

    def denied(host: HostFolder) -> None:
        host.health().file(MANAGED, hardened("linux")).about(
            unreadable={MANAGED: {"kind": "denied", "reason": f"cannot read {MANAGED}: denied"}}
        )

    def fifo(host: HostFolder) -> None:
        host.health().file(LOCAL, {})
        place = host.root / MANAGED.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        os.mkfifo(place)

    def linked(host: HostFolder) -> None:
        host.health().file("/srv/policy.json", hardened("linux")).link(MANAGED, "/srv/policy.json")

    def dangling(host: HostFolder) -> None:
        host.health().link("/etc/opt/microsoft/mdatp/managed/mdatp_managed.json", "/nowhere")

    def malformed(host: HostFolder) -> None:
        host.health().file(MANAGED, '{\n "cloudService": {{ broken }}\n}')

    def repeated(host: HostFolder) -> None:
        host.health().file(MANAGED, '{"cloudService": {"enabled": true, "enabled": false}}')

    def nothing(host: HostFolder) -> None:
        del host

    def noise(host: HostFolder) -> None:
        host.command("health-json", b"\xff\xfe noise", exit=1, stderr="permission denied")

    return {
        one.__name__: one
        for one in (denied, fifo, linked, dangling, malformed, repeated, nothing, noise)
    }


@pytest.mark.parametrize("name", odd_hosts())
def test_odd_hosts_are_judged_the_same(host: HostFolder, tmp_path: Path, name: str) -> None:
    """What could not be read there cannot be read here, for the same reason."""
    odd_hosts()[name](host)
    bundle = recorded(host.root, tmp_path / "out.tar.gz")
    for root in (bundle, unpacked(bundle, tmp_path / "unpacked")):
        assert judged(object_of(root)) == judged(object_of(host.root))


def test_a_live_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The stand-in for `mdatp` on this machine: recorded as it answers."""
    simulated = SimulatedHost(tmp_path / "host", now=None)
    simulated.managed(hardened("linux"))
    stand_in = simulated.install(tmp_path / "mdatp")
    monkeypatch.setattr(live.commands, "privileged", lambda: False)
    words = ["--mdatp", str(stand_in)]
    shown = json.loads(run(*words, "status", "--json", "--details").stdout)
    out = tmp_path / "out.tar.gz"
    assert run(*words, "record", out).exit_code == 0
    again = object_of(out)
    assert verdicts(again) == verdicts(shown)
    assert again["agent"] == shown["agent"]
    assert [one["code"] for one in again["findings"]] == [one["code"] for one in shown["findings"]]


@pytest.mark.parametrize(("age", "state"), [(HOUR, "fresh"), (2 * DAY, "unknown")])
def test_an_analyzers_file_of_a_live_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, age: timedelta, state: str
) -> None:
    """Where the configuration says it lies; once it is old it proves nothing, there nor here."""
    simulated = SimulatedHost(tmp_path / "host", now=None)
    simulated.attach({})
    moment = datetime.now(UTC) - age
    times = {"mLastcheckinSuccessfulInFileTime": filetime(moment), "other": BLOB}
    analyzed = tmp_path / "mdatp_config.txt"
    analyzed.write_text(f"x\nWDAVSTATE CONFIGURATIONS\ny\n\n{json.dumps(times)}\n")
    os.utime(analyzed, (moment.timestamp(), moment.timestamp()))
    config = tmp_path / "config.toml"
    config.write_text(f'[paths]\nclient_analyzer = "{analyzed}"\n')
    monkeypatch.setattr(live.commands, "privileged", lambda: False)
    words = ["--mdatp", simulated.install(tmp_path / "mdatp"), "--config", config]
    shown = json.loads(run(*words, "status", "--json").stdout)
    out = tmp_path / "out.tar.gz"
    assert run(*words, "record", out).exit_code == 0
    assert shown["checkin"]["state"] == object_of(out)["checkin"]["state"] == state
    assert BLOB.encode() not in contents(out)


def test_a_bundle_of_a_bundle(tmp_path: Path) -> None:
    """Nothing is lost on the way, however often it goes."""
    host = SimulatedHost(tmp_path / "host")
    host.managed(lax("linux"))
    host.record()
    first = recorded(host.folder, tmp_path / "1.tar.gz")
    second = recorded(first, tmp_path / "2.tar.gz")
    assert judged(object_of(second)) == judged(object_of(host.folder))


# --- secrets ------------------------------------------------------------------------------------


def policy() -> dict[str, Any]:
    """A policy with a secret wherever one can be."""
    entry = {"$type": "excludedPath", "path": FOLDER, "isDirectory": True}
    return {
        "antivirusEngine": {"enforcementLevel": "real_time", "exclusions": [entry]},
        "cloudService": {"proxy": f"http://svc:{PASSWORD}@proxy.example:8080/"},
        "edr": {"tags": [{"key": "GROUP", "value": TAG}]},
        "x-note": f"password: {PASSWORD} in {FOLDER}",
        "password": f'one "more" {PASSWORD}',
        "x-api-key": PASSWORD,
    }


def planted(host: HostFolder) -> HostFolder:
    """A host with all of them, in every kind of file."""
    tags = [{"key": "GROUP", "value": TAG}]
    proxy = f"http://svc:{PASSWORD}@proxy.example:8080/"
    host.health(orgId=ORGANISATION, edrMachineId=MACHINE, edrDeviceTags=tags, proxy=proxy)
    text = f'edr_device_tags    : ["GROUP/{TAG}"]\norg_id    : "{ORGANISATION}"\nhealthy : true\n'
    host.command("health-text", text).command("health-details-edr", text)
    host.command("exclusion-list", f'Excluded folder\nPath: "{FOLDER}/inner"\n', stderr=FOLDER)
    host.file(MANAGED, policy()).file(ATTACH, policy()).file(LOCAL, json.dumps(policy()))
    host.file(ONBOARD, {"orgId": ORGANISATION, "onboardingInfo": json.dumps({"blob": BLOB})})
    state = {"edr": {"identity": BLOB}, "securityManagement": {"mSecret": BLOB}}
    host.file("/var/opt/microsoft/mdatp/wdavstate", state)
    mark = "Features merged with capabilities: "
    log = f"[1][2][x][info]: {PASSWORD} {FOLDER}\n[3][info]: {mark}{json.dumps(policy())}\n"
    host.file(CORE_LOG, log)
    host.file("/var/opt/microsoft/mdatp/security_management/policy", BLOB)
    cmdline = ["/opt/x", f"--password={PASSWORD}", FOLDER, f"--proxy=http://a:{PASSWORD}@h:1"]
    started = NOW.isoformat()
    process = {"pid": 1, "name": "wdavdaemon", "exe": "/opt/x", "cmdline": cmdline}
    return host.about(processes=[process | {"started": started}])


def contents(bundle: Path) -> bytes:
    return gzip.decompress(bundle.read_bytes())


def test_no_secret_travels(host: HostFolder, tmp_path: Path) -> None:
    """None of them is in the archive, neither in a file nor in a name."""
    planted(host)
    whole = b"".join(one.read_bytes() for one in host.root.rglob("*") if one.is_file())
    assert not [one for one in PLANTED if one.encode() not in whole], "planted at all"
    bundle = recorded(host.root, tmp_path / "out.tar.gz")
    found = contents(bundle)
    assert [one for one in PLANTED if one.encode() in found] == []
    assert verdicts(object_of(bundle)) == verdicts(object_of(host.root))


def test_what_is_included_travels_and_passwords_never(host: HostFolder, tmp_path: Path) -> None:
    """`--include` is for one category; nothing includes passwords and onboarding data."""
    planted(host)
    tags = contents(recorded(host.root, tmp_path / "tags.tar.gz", "--include", "tags"))
    assert (TAG.encode() in tags, FOLDER.encode() in tags) == (True, False)
    every = contents(recorded(host.root, tmp_path / "all.tar.gz", "--no-redact"))
    for value in (TAG, FOLDER, ORGANISATION, MACHINE):
        assert value.encode() in every
    assert PASSWORD.encode() not in every
    assert BLOB.encode() not in every


def test_property_lists_in_either_form(mac: HostFolder, tmp_path: Path) -> None:
    """XML and binary."""
    for fmt in (plistlib.FMT_XML, plistlib.FMT_BINARY):
        mac.health(managedBy="MDM").file(MAC_MANAGED, plistlib.dumps(policy(), fmt=fmt))
        bundle = recorded(mac.root, tmp_path / f"{fmt}.tar.gz")
        found = contents(bundle)
        assert [one for one in PLANTED if one.encode() in found] == []
        with tarfile.open(bundle) as archive:
            inside = plistlib.load(archive.extractfile(MAC_MANAGED[1:]))  # type: ignore[arg-type]
        assert "projekt" not in json.dumps(inside)
        assert verdicts(object_of(bundle)) == verdicts(object_of(mac.root))


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ('{"Proxy_Pwd" :\n "a b", "on": 1}', '{"Proxy_Pwd" :\n "***", "on": 1}'),
        ('{"secret": 12.5e3, "bypass": true}', '{"secret": "***", "bypass": true}'),
        ('{"token": "cut off', '{"token": "***'),
        (
            "<dict><key>password</key>\n<string><![CDATA[a<b]]></string><key>on</key><true/></dict>",
            "<dict><key>password</key>\n<string>***</string><key>on</key><true/></dict>",
        ),
        ("<key>pwd</key><data>aGk=</data>", "<key>pwd</key><string>***</string>"),
        ("<key>token</key><true/>", "<key>token</key><true/>"),
    ],
)
def test_a_password_is_known_by_the_name_of_its_key(host: HostFolder, text: str, kept: str) -> None:
    """Name and value are tokens of their own in JSON and property lists; switches stay."""
    snapshot = take(RecordedHost(str(host.health().root)), Plan())
    assert Redactor(snapshot, catalogue.load(), b"salt", ()).text(text) == kept


def test_a_broken_binary_list_is_withheld(mac: HostFolder, tmp_path: Path) -> None:
    """What cannot be redacted does not travel, and the reader is told."""
    data = plistlib.dumps(policy(), fmt=plistlib.FMT_BINARY)
    mac.health(managedBy="MDM").file(MAC_MANAGED, data[:-9])
    result = run("--root", mac.root, "record", tmp_path / "out.tar.gz")
    assert "(withheld)" in result.stdout
    found = object_of(tmp_path / "out.tar.gz")
    assert "withheld" in found["sources"]["managed_preferences"]["reason"]


def test_a_name_spoils_no_setting_and_no_field(host: HostFolder, tmp_path: Path) -> None:
    """A group or tag may be part of a known name: the name stays, the value does not travel."""
    tags = [{"key": "GROUP", "value": "read"}]
    host.command("health-details-antivirus", "maximum_on_demand_scan_threads : 2\n")
    host.health(edrGroupIds="Policy", edrDeviceTags=tags, healthIssues=["new"], healthy=False)
    settings = {"enforcementLevel": "real_time", "exclusionsMergePolicy": "admin_only"}
    host.file(MANAGED, {"antivirusEngine": settings, "edr": {"tags": tags}, "x-note": "to Policy"})
    bundle = recorded(host.root, tmp_path / "out.tar.gz")
    assert judged(object_of(bundle)) == judged(object_of(host.root))
    for private in (b'"Policy"', b'"read"'):
        assert private not in contents(bundle)
    assert b"to Policy" not in contents(bundle)


def test_a_file_with_a_time_before_all_time(host: HostFolder, tmp_path: Path) -> None:
    """Clocks and archives lie; the record can be read all the same."""
    place = host.health().file(MANAGED, policy()).root / MANAGED[1:]
    os.utime(place, (-(2**33), -(2**33)))
    bundle = recorded(host.root, tmp_path / "out.tar.gz")
    assert object_of(bundle)["sources"]["mdatp_managed"]["state"] == "present"


def test_the_same_value_has_the_same_stand_in(host: HostFolder, tmp_path: Path) -> None:
    """In all files of one bundle, and another one in the next."""
    planted(host)
    seen = []
    for name in ("1.tar.gz", "2.tar.gz"):
        with tarfile.open(recorded(host.root, tmp_path / name)) as archive:
            texts = [
                json.loads(archive.extractfile(one[1:]).read())  # type: ignore[union-attr]
                for one in (MANAGED, ATTACH, LOCAL)
            ]
        paths = {one["antivirusEngine"]["exclusions"][0]["path"] for one in texts}
        assert len(paths) == 1
        seen.append(paths.pop())
    assert seen[0] != seen[1]
    assert all(one.startswith("/srv/r-") for one in seen)


def test_an_id_has_one_stand_in_in_every_form(host: HostFolder) -> None:
    """In JSON, in a property list, in a table and in prose: rules compare them."""
    planted(host)
    snapshot = take(RecordedHost(str(host.root)), Plan())
    redactor = Redactor(snapshot, catalogue.load(), b"salt", ())
    for value in (ORGANISATION, MACHINE):
        alone = redactor.value(value)
        assert alone != value
        for form in ('{"x":"%s"}', "<string>%s</string>", "org_id : %s\n", 'x : "%s" [managed]'):
            assert redactor.text(form % value) == form % alone
    listed = plistlib.loads(redactor.data(plistlib.dumps({"OrgId": ORGANISATION})))
    assert listed == {"OrgId": redactor.value(ORGANISATION)}


NAMES = st.text("abcd-._", min_size=1, max_size=8).filter(lambda one: one.strip("."))
PATHS = st.lists(NAMES | st.sampled_from(["var", "home", "tmp", "*", "usr", "bin"]), min_size=1)


@given(parts=PATHS)
def test_stand_ins_are_as_broad_as_the_path(parts: list[str]) -> None:
    """Neither a finding more nor one less."""
    path = "/" + "/".join(parts)
    entry = {"$type": "excludedPath", "path": path, "isDirectory": True}
    shown = Disguise(b"salt").excluded("excludedPath", path, "linux")
    assert too_broad({**entry, "path": shown}, "linux") == too_broad(entry, "linux")
    assert shown.count("/") == path.count("/")


# --- the file -----------------------------------------------------------------------------------


def test_private_and_never_replaced(host: HostFolder, tmp_path: Path) -> None:
    """Mode 0600; an older file stays unless `--force`; a link is not followed."""
    host.health()
    out = recorded(host.root, tmp_path / "out.tar.gz")
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    before = out.read_bytes()
    result = run("--root", host.root, "record", out)
    assert (result.exit_code, out.read_bytes()) == (2, before)
    assert "is there already" in result.stderr
    other = tmp_path / "other"
    other.write_text("mine")
    link = tmp_path / "link.tar.gz"
    link.symlink_to(other)
    recorded(host.root, link, "--force")
    assert (other.read_text(), link.is_symlink()) == ("mine", False)
    assert sorted(one.name for one in tmp_path.iterdir() if one.name[0] == ".") == []


def test_the_list_comes_first(host: HostFolder, tmp_path: Path) -> None:
    """Every member is named before anything is written, and on a terminal the answer counts."""
    planted(host)
    out = tmp_path / "out.tar.gz"
    shown = run("--root", host.root, "record", out).stdout
    with tarfile.open(out) as archive:
        files = [one.name for one in archive if not one.isdir()]
    assert not [name for name in files if f"  {name}" not in shown]
    assert "mdeinspect/about.json" in files
    assert "mdeinspect/config.toml" in files


@pytest.mark.parametrize(("answer", "written"), [("y\n", True), ("n\n", False)])
def test_a_person_is_asked(host: HostFolder, tmp_path: Path, answer: str, written: bool) -> None:
    """On a real terminal; no is no."""
    host.health()
    out = tmp_path / "out.tar.gz"
    master, slave = os.openpty()
    words = [sys.executable, "-m", "mdeinspect", "--root", str(host.root), "record", str(out)]
    with os.fdopen(master, "wb") as keys:
        keys.write(answer.encode())
        keys.flush()
        ended = subprocess.run(words, stdin=slave, capture_output=True, timeout=60, check=False)
    os.close(slave)
    assert (out.exists(), ended.returncode) == (written, 0 if written else 3)


def test_the_newest_events_are_in_it(host: HostFolder, tmp_path: Path) -> None:
    """And an empty store, or none, costs nothing but them."""
    host.health()
    state = tmp_path / "state"
    with Store.open(state):
        pass
    out = tmp_path / "out.tar.gz"
    assert run("--root", host.root, "--state", state, "record", out).exit_code == 0
    with tarfile.open(out) as archive:
        assert "mdeinspect/events.ndjson" in archive.getnames()
    recorded(host.root, tmp_path / "none.tar.gz")
    with tarfile.open(tmp_path / "none.tar.gz") as archive:
        said = archive.extractfile("mdeinspect/events.txt").read()  # type: ignore[union-attr]
    assert said.startswith(b"cannot tell where the state")


@pytest.mark.parametrize("name", ["out.zip", "no/out.tar.gz"])
def test_what_cannot_be_written_is_told_before(host: HostFolder, tmp_path: Path, name: str) -> None:
    """With exit code 2."""
    result = run("--root", host.health().root, "record", tmp_path / name)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("mdeinspect: cannot write")


def test_it_stays_small(host: HostFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The largest files stay out, and are told to be withheld: not known, not missing."""
    monkeypatch.setattr("mdeinspect.record.bundle.MAX_BUNDLE", 20_000)
    big = hardened("linux") | {"x": "y" * 30_000}
    host.health().file(MANAGED, big)
    found = object_of(recorded(host.root, tmp_path / "out.tar.gz"))
    assert found["sources"]["mdatp_managed"]["kind"] == "denied"
    assert found["sources"]["health"]["state"] == "present"
    assert found["cannot_tell"] == ["mdatp_managed"]


def test_time_of_check_in_survives(tmp_path: Path) -> None:
    """Of the agent's state only that is kept."""
    host = SimulatedHost(tmp_path / "host")
    host.attach({})
    host.checkin(2 * DAY, HOUR)
    host.record()
    bundle = recorded(host.folder, tmp_path / "out.tar.gz")
    assert object_of(bundle)["checkin"]["state"] == "failing"
    assert b"machineGuid" not in contents(bundle).split(b"wdavstate")[-1]
