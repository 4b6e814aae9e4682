"""A Client Analyzer bundle as a host: what it holds counts, what it does not hold is not known."""

from __future__ import annotations

import json
import random
import stat
import struct
import zipfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from bundles import Bundle, bundle_of, packed, written
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st

from mdeinspect import catalogue, rules
from mdeinspect.cli import cli
from mdeinspect.config.model import Config
from mdeinspect.documents import analyzer as texts
from mdeinspect.errors import Unreadable, UsageError
from mdeinspect.host import archive, entry, zips
from mdeinspect.host.opening import open_recorded
from mdeinspect.host.recorded import RecordedHost
from mdeinspect.inspect import Plan, take
from mdeinspect.model import Platform, Report, Severity
from mdeinspect.report import report
from mdeinspect.simulator.host import DAY, HOUR, MINUTE, SimulatedHost
from mdeinspect.simulator.policies import hardened
from mdeinspect.simulator.scenarios import SCENARIOS, names

BOTH: tuple[Platform, ...] = ("linux", "darwin")
PLAYED = [
    (name, platform)
    for platform in BOTH
    for name in names(platform)
    if name != "well-run-plain-user"  # the analyzer runs as root
]
NOT_KNOWN = {"unknown", "unobservable"}
ATTACH = "etc/opt/microsoft/mdatp/managed/mdeattach_managed.json"
LEVEL = "antivirusEngine.enforcementLevel"


def status(root: Path, *args: str) -> Result:
    """`status --json` on what lies there."""
    return CliRunner().invoke(cli, ["--root", str(root), *args, "status", "--json"])


def inspected(host: RecordedHost) -> Report:
    every = tuple(rules.load().values())
    return report(take(host, Plan()), Config(), catalogue.load(), every, host.now())


def bundled(files: Bundle, root: Path) -> Report:
    return inspected(open_recorded(str(written(files, root))))


def played(name: str, platform: Platform, folder: Path) -> SimulatedHost:
    host = SimulatedHost(folder, platform)
    SCENARIOS[name].begin(host)
    SCENARIOS[name].finish(host)
    return host


def attached(folder: Path) -> SimulatedHost:
    """A Linux host that the portal has governed for days."""
    host = SimulatedHost(folder)
    host.attach(hardened("linux"))
    host.restart()
    host.pass_time(3 * DAY)
    host.record()
    return host


# --- what it tells ------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "platform"), PLAYED)
def test_a_bundle_never_says_otherwise_than_its_host(
    tmp_path: Path, name: str, platform: Platform
) -> None:
    """Each verdict is the host's own, or not known; no finding that the host has not."""
    host = played(name, platform, tmp_path / "host")
    whole = inspected(RecordedHost(str(host.folder)))
    part = bundled(bundle_of(host), tmp_path / "bundle")
    assert part.host.platform == platform
    own = {row.key: row.verdict for row in whole.settings}
    wrong = {
        row.key: (row.verdict, own.get(row.key))
        for row in part.settings
        if row.verdict not in {own.get(row.key), *NOT_KNOWN}
    }
    assert not wrong
    alarming = {one.code for one in part.findings if one.severity >= Severity.MEDIUM}
    assert alarming <= {one.code for one in whole.findings}


@pytest.mark.parametrize("name", ["mde-attach-shadows", "protection-off", "agent-down"])
def test_a_bundle_of_linux_finds_what_its_host_shows(tmp_path: Path, name: str) -> None:
    """With a whole bundle nothing of the story is lost, but for what happened within the day."""
    host = played(name, "linux", tmp_path / "host")
    host.pass_time(3 * DAY)
    host.record()
    whole = inspected(RecordedHost(str(host.folder)))
    part = bundled(bundle_of(host), tmp_path / "bundle")
    codes = {one.code for one in whole.findings if one.severity >= Severity.MEDIUM}
    assert codes
    if name == "agent-down":  # the outputs are all there is of it, and they are empty
        assert part.agent.state == "unknown"
    else:
        assert {one.code for one in part.findings} >= codes


def test_zip_and_folder_are_the_same(tmp_path: Path) -> None:
    """One reader: the same object, with the files at the root or one folder down."""
    files = bundle_of(attached(tmp_path / "host"))
    shown = status(written(files, tmp_path / "folder"))
    assert shown.exit_code == 0, shown.output
    zipped = tmp_path / "08_07_2026_07_08_21_output.zip"
    zipped.write_bytes(packed(files))
    assert status(zipped).output == shown.output
    zipped.write_bytes(packed({f"output/{name}": data for name, data in files.items()}))
    assert status(zipped).output == shown.output


def test_every_part_is_used(tmp_path: Path) -> None:
    """Name, clock, authority, check-in, boot, processes and details come from their files."""
    host = attached(tmp_path / "host")
    found = bundled(bundle_of(host), tmp_path / "bundle")
    assert (found.host.name, found.host.platform) == ("web-07", "linux")
    assert abs(found.taken_at - host.now) <= MINUTE
    assert found.authority.channel == "mde_attach"
    assert (found.checkin.state, found.checkin.last_success) == ("fresh", host.now - 20 * MINUTE)
    assert found.sources["boot"].value.enabled is True
    assert {one.role for one in found.sources["processes"].value} == {
        "main",
        "edr",
        "unprivileged",
    }
    assert found.sources["current_report"].present
    assert found.sources["health-details-definitions"].present
    attach = found.sources["mdeattach_managed"]
    assert attach.file is not None
    assert (attach.file.mode, attach.file.mtime is not None) == (0o644, True)
    assert not found.blind


def test_text_health_alone_is_enough(tmp_path: Path) -> None:
    """A bundle without `mdatp_config.txt`, as Live Response leaves it."""
    files = bundle_of(attached(tmp_path / "host"))
    del files["mdatp_config.txt"]
    found = bundled(files, tmp_path / "bundle")
    assert (found.agent.state, found.agent.version) == ("running", "101.25082.0003")


# --- what it does not hold ----------------------------------------------------------------------


def test_what_was_not_collected_is_not_known(tmp_path: Path) -> None:
    """Neither there nor missing: who governs is unknown, and the exit code says so."""
    host = SimulatedHost(tmp_path / "host")
    host.managed(hardened("linux"))
    host.pass_time(3 * DAY)
    host.record()
    files = bundle_of(host)
    del files["mde_directories.txt"], files["mde_diagnostic.zip"]
    root = written(files, tmp_path / "bundle")
    shown = status(root)
    found = json.loads(shown.output)
    assert found["authority"]["channel"] == "unknown"
    assert "mdeattach_managed" in found["cannot_tell"]
    assert found["sources"]["mdeattach_managed"]["reason"].startswith("cannot see /etc/opt/")
    assert shown.exit_code == 3


def test_a_listing_tells_what_is_missing(tmp_path: Path) -> None:
    """With the listing alone it is known that there is no such file, or that there is one."""
    host = SimulatedHost(tmp_path / "host")
    host.managed(hardened("linux"))
    host.pass_time(3 * DAY)
    host.record()
    files = bundle_of(host)
    del files["mde_diagnostic.zip"]
    found = bundled(files, tmp_path / "without")
    assert (found.authority.channel, found.blind) == ("managed_file", ())
    host.attach({})
    host.record()
    files = bundle_of(host)
    del files["mde_diagnostic.zip"]
    found = bundled(files, tmp_path / "with")
    assert found.sources["mdeattach_managed"].there is True
    assert found.blind == ("mdeattach_managed",)


def test_a_damaged_collection_costs_only_what_was_in_it(tmp_path: Path) -> None:
    """Cut off, as when the disk was full."""
    files = bundle_of(attached(tmp_path / "host"))
    files["mde_diagnostic.zip"] = files["mde_diagnostic.zip"][:-30]
    found = bundled(files, tmp_path / "bundle")
    assert found.agent.state == "running"
    assert found.blind == ("mdeattach_managed",)
    assert "is damaged" in (found.sources["mdeattach_managed"].reason or "")


def test_an_error_block_is_no_policy(tmp_path: Path) -> None:
    """What the analyzer could not load is there by the listing, and says nothing."""
    host = SimulatedHost(tmp_path / "host")
    host.managed(hardened("linux"))
    host.edit("/etc/opt/microsoft/mdatp/managed/mdatp_managed.json", b"{ never rendered }}")
    host.pass_time(3 * DAY)
    host.record()
    found = bundled(bundle_of(host), tmp_path / "bundle")
    assert found.sources["mdatp_managed"].state == "broken"
    assert found.blind == ("mdatp_managed",)


def test_the_portals_plist_of_a_mac_is_never_collected(tmp_path: Path) -> None:
    """Its folder is not listed either: that it is missing cannot be said."""
    found = bundled(bundle_of(played("well-run-mdm", "darwin", tmp_path / "h")), tmp_path / "b")
    assert found.sources["mdeattach_managed"].there is None
    assert found.authority.channel == "mdm"


def test_a_recorded_host_stays_one(tmp_path: Path) -> None:
    """`mdatp_config.txt` beside files of the host is the file of a recorded host."""
    host = attached(tmp_path / "host")
    (host.folder / "mdatp_config.txt").write_bytes(bundle_of(host)["mdatp_config.txt"])
    assert open_recorded(str(host.folder)).facts().boot_time is not None


# --- texts --------------------------------------------------------------------------------------

NOW = SimulatedHost.__init__.__defaults__[2]  # type: ignore[index] -- the simulator's own start
LINES = [
    ("-rw-r--r-- 1 root root 12 Nov 20 11:04 a b", "a b", 0o644, True, True),
    ("-rw-rw---- 1 mdatp mdatp 12 Nov 22 07:59 fresh", "fresh", 0o660, False, False),
    ("-rwsr-xr-t. 1 root root 12 Dec 24  2024 old", "old", 0o5755, True, True),
    ("-rw-r--r-- 1 0 0 12 2026-11-22 07:59:01.123 +0100 exact", "exact", 0o644, True, True),
    ("-rw-r--r-- 1 root root 12 2026-11-22 07:59 iso", "iso", 0o644, True, False),
    ("lrwxrwxrwx 1 root root 12 Nov 20 11:04 link -> /etc/x", "link", 0o777, True, True),
]


@pytest.mark.parametrize(("line", "name", "mode", "root", "dated"), LINES)
def test_listing_lines(line: str, name: str, mode: int, root: bool, dated: bool) -> None:
    """A time without a zone counts only where hours do not matter."""
    found = texts.listing(f"/etc/x:\ntotal 4\n{line}\nnoise\n".encode(), NOW)
    listed = found.find(f"/etc/x/{name}")
    assert listed is not None
    assert (listed.mode, listed.root, listed.modified is not None) == (mode, root, dated)
    assert found.covers("/etc/x")
    assert found.covers("/etc/x/y"), "it would be listed in the folder above"
    assert not found.covers("/var/x")


def test_service_texts() -> None:
    """As systemd prints it; cut lines and other texts tell nothing of processes."""
    head = "Loaded: loaded (/lib/systemd/system/mdatp.service; disabled; vendor preset: enabled)\n"
    told = texts.service((head + "  \u2514\u25005504 /opt/sbin/wdavdaemon edr 1\n").encode())
    assert (told.enabled, told.processes) == (False, ((5504, "/opt/sbin/wdavdaemon edr 1"),))
    assert texts.service((head + "  \u2514\u25005 /opt/sb\u2026\n").encode()).processes is None
    assert texts.service(b"Loaded: masked (Reason: Unit mdatp.service is masked.)\n").masked
    assert texts.service(b"mdatp is running\n") == texts.Service()


UPTIMES = [
    (" 11:04:00 up 31 days,  2:04,  1 user,  load average: 0.0", timedelta(days=31, minutes=124)),
    (" 11:04:00 up 20 min,  2 users,  load average: 0.0", timedelta(minutes=20)),
    ("11:04  up  2:04, 3 users, load averages: 1.8", timedelta(minutes=124)),
    ("11:04  up 5 days, 20 mins, 3 users, load averages: 1.8", timedelta(days=5, minutes=20)),
    ("11:04  up 1 day, 3 hrs, 3 users, load averages: 1.8", timedelta(hours=27)),
    ("it is up, and well", None),
    ("", None),
]


@pytest.mark.parametrize(("text", "length"), UPTIMES)
def test_uptimes(text: str, length: timedelta | None) -> None:
    """As `uptime` prints it on both systems; nothing is guessed."""
    assert texts.uptime(text.encode()) == length


@given(st.binary(max_size=400))
def test_no_text_breaks_the_readers(data: bytes) -> None:
    """Whatever stands in a bundle's files."""
    texts.service(data)
    texts.uname(data)
    texts.uptime(b"up " + data)
    texts.listing(b"/etc:\n-rw-r--r-- 1 root root 1 Nov 22 " + data, NOW)


# --- hostile archives ---------------------------------------------------------------------------

ENOUGH: Bundle = {"health.txt": b"healthy : true\nlicensed : true\n"}
LINK = {"health.txt": stat.S_IFLNK | 0o777}
DEVICE = {"x": stat.S_IFCHR | 0o666}


def encrypted(data: bytes) -> bytes:
    """The same zip with the flag of encryption in both headers."""
    changed = bytearray(data)
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        start = changed.find(mark)
        while start >= 0:
            changed[start + at] |= 1
            start = changed.find(mark, start + 4)
    return bytes(changed)


def twice() -> bytes:
    """A name that stands in it two times, with two contents."""
    return packed({"health.txt": b"a", "health.tx_": b"b"}).replace(b"health.tx_", b"health.txt")


def long_directory() -> bytes:
    """A zip whose list of members says to be huge."""
    data = bytearray(packed(ENOUGH))
    at = data.rfind(b"PK\x05\x06")
    data[at + 12 : at + 16] = struct.pack("<L", 1 << 30)
    return bytes(data)


HOSTILE: list[tuple[str, Any]] = [
    ("leads out", lambda: packed({**ENOUGH, "../../etc/passwd": b"x"})),
    ("leads out", lambda: packed({**ENOUGH, "/etc/passwd": b"x"})),
    ("leads out", lambda: packed({**ENOUGH, "a\\..\\b": b"x"})),
    ("leads out", lambda: packed({**ENOUGH, "C:/x": b"x"})),
    ("neither a file nor a folder", lambda: packed(ENOUGH, attributes=LINK)),
    ("neither a file nor a folder", lambda: packed({**ENOUGH, "x": b""}, attributes=DEVICE)),
    ("is encrypted", lambda: encrypted(packed(ENOUGH))),
    ("stands in it twice", twice),
    ("more than", lambda: packed({f"x{n}": b"" for n in range(entry.MAX_MEMBERS + 1)})),
    ("more than", long_directory),
    ("leads out", lambda: packed({**ENOUGH, "mde_diagnostic.zip": packed({"../x": b"x"})})),
    ("is encrypted", lambda: packed({"mde_diagnostic.zip": encrypted(packed(ENOUGH))})),
    ("no whole zip", lambda: packed(ENOUGH)[:-10]),
    ("holds no recorded host", lambda: packed({"x": b""})),
    ("neither a folder", lambda: b"noise"),
    ("no whole tar.gz", lambda: b"\x1f\x8b noise"),
]


@pytest.mark.parametrize(
    ("says", "make"), HOSTILE, ids=[f"{at}-{says}" for at, (says, _) in enumerate(HOSTILE)]
)
def test_hostile_archives_are_refused(tmp_path: Path, says: str, make: Any) -> None:
    """With one line that says why, exit code 2, and nothing written anywhere."""
    place = tmp_path / "bundle.zip"
    place.write_bytes(make())
    result = status(place)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("mdeinspect: cannot inspect")
    assert says in result.stderr
    assert result.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == [place]


def test_a_bomb_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By what it says to hold; and one that lies yields no more than was asked for."""
    monkeypatch.setattr(zips, "LARGE", 1_000_000)
    place = tmp_path / "bundle.zip"
    place.write_bytes(packed({**ENOUGH, "bomb": bytes(50_000_000)}))
    result = status(place)
    assert result.exit_code == 2
    assert "would unpack to" in result.stderr
    data = bytearray(packed({"mdatp_config.txt": bytes(30_000_000)}))
    for mark, at in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        start = data.find(mark)
        data[start + at : start + at + 4] = struct.pack("<L", 1000)
    place.write_bytes(bytes(data))
    tree = archive.open_tree(str(place))
    with pytest.raises(Unreadable):  # its sum is another's
        tree["mdatp_config.txt"].load(1 << 30)


def test_links_in_a_folder_are_refused(tmp_path: Path) -> None:
    """An unpacked bundle that points elsewhere."""
    root = written(ENOUGH, tmp_path / "bundle")
    (root / "mdatp_config.txt").symlink_to("/etc/passwd")
    with pytest.raises(UsageError, match="neither a file nor a folder"):
        open_recorded(str(root))


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_no_damage_ends_in_a_traceback(tmp_path_factory: pytest.TempPathFactory, seed: int) -> None:
    """Bytes changed at random, inside and outside of the members."""
    chance = random.Random(seed)
    data = bytearray(packed({**ENOUGH, "mde_diagnostic.zip": packed({ATTACH: b"{}"})}))
    for _ in range(chance.randint(1, 12)):
        data[chance.randrange(len(data))] = chance.randrange(256)
    place = tmp_path_factory.mktemp("damaged") / "bundle.zip"
    place.write_bytes(bytes(data))
    result = status(place)
    assert result.exit_code in (0, 1, 2, 3)
    assert "fault of its own" not in result.stderr
    assert result.exception is None or isinstance(result.exception, SystemExit)


def test_a_bundle_is_not_watched(tmp_path: Path) -> None:
    """It is a picture of the past: the service refuses it before anything is made."""
    root = written(ENOUGH, tmp_path / "bundle")
    state = tmp_path / "state"
    result = CliRunner().invoke(cli, ["--root", str(root), "--state", str(state), "run"])
    assert (result.exit_code, state.exists()) == (2, False)


def test_sixty_four_bit_zips_are_read_like_others(tmp_path: Path) -> None:
    """As streams write them."""
    place = tmp_path / "bundle.zip"
    with zipfile.ZipFile(place, "w") as out, out.open("health.txt", "w", force_zip64=True) as one:
        one.write(ENOUGH["health.txt"])
    found = inspected(open_recorded(str(place)))
    assert found.agent.state == "running"
    assert found.agent.healthy is True


def test_ages_stay_whole_hours_apart(tmp_path: Path) -> None:
    """Whatever the clock of this machine: only the host's own counts."""
    host = SimulatedHost(tmp_path / "host")
    host.attach(hardened("linux"))
    host.checkin(2 * DAY, HOUR)
    host.pass_time(timedelta(0))
    host.record()
    found = bundled(bundle_of(host), tmp_path / "bundle")
    assert found.checkin.state == "failing"
