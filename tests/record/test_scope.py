"""An inspection may look far around; what is not the agent's stays at home."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path

import pytest

from mdeinspect import catalogue
from mdeinspect.host.recorded import RecordedHost
from mdeinspect.inspect import Plan, take
from mdeinspect.record.bundle import Member, members, packed
from mdeinspect.record.recorder import Recorder
from mdeinspect.record.redaction import Redactor
from mdeinspect.record.scope import is_own, mentioning
from support import MAC_MANAGED, MANAGED, UNIT, WANTS, HostFolder

OWN = [
    *(MANAGED, MAC_MANAGED, UNIT, WANTS, "/usr/bin/mdatp", "/usr/lib/os-release"),
    *("/opt/microsoft/mdatp/sbin/wdavdaemonclient", "/var/log/microsoft/mdatp/x.log"),
    "/Library/LaunchDaemons/com.microsoft.fresno.plist",
    "/Applications/Microsoft Defender.app/Contents/MacOS/wdavdaemonclient",
    "/Library/Application Support/Microsoft/Defender/wdavstate",
]
OTHERS = ["/etc/crontab", "/srv/projekt-falke", "/proc/self/mountinfo", "/etc/shadow", "/etc/opt"]


@pytest.mark.parametrize("path", OWN)
def test_what_is_the_agents(path: str) -> None:
    """All that an inspection needs."""
    assert is_own(path)


@pytest.mark.parametrize("path", OTHERS)
def test_what_is_not(path: str) -> None:
    """Whatever else was looked at."""
    assert not is_own(path)


def bundle(host: HostFolder, *looked_at: str) -> list[Member]:
    """The bundle of an inspection that looked at more than sources name today."""
    recorder = Recorder(RecordedHost(str(host.root)))
    snapshot = take(recorder, Plan())
    for path in looked_at:
        recorder.stat(path)
        if not (host.root / path.lstrip("/")).is_dir():
            recorder.read(path)
    redactor = Redactor(snapshot, catalogue.load(), b"salt", ())
    return members(recorder.seen, snapshot.host, snapshot.taken_at, redactor, {})


def test_a_look_around_does_not_travel(host: HostFolder, tmp_path: Path) -> None:
    """Neither the content nor the name of what was only looked for; of a mention its line."""
    entry = {"$type": "excludedPath", "path": "/srv/projekt-falke/daten", "isDirectory": True}
    host.health().file(MANAGED, {"antivirusEngine": {"exclusions": [entry]}})
    host.file("/srv/projekt-falke/daten/x", "geheim")
    cron = "MAILTO=chef@example\n* * * * * root cp /x/mdatp_managed.json /etc/opt/\n0 0 * * * pw\n"
    host.file("/etc/cron.d/mde", cron).file("/etc/cron.d/other", "5 * * * * root backup --all\n")
    looked_at = ("/srv/projekt-falke/daten", "/srv/projekt-falke/daten/x", "/etc/cron.d/mde")
    found = bundle(host, *looked_at, "/etc/cron.d/other")
    by_name = {one.name: one for one in found}
    assert by_name["etc/cron.d/mde"].data.count(b"\n") == 1
    assert b"mdatp_managed.json" in by_name["etc/cron.d/mde"].data
    assert "etc/cron.d/other" not in by_name
    place = tmp_path / "x.tar.gz"
    place.write_bytes(packed(found, host.now))
    with tarfile.open(place) as archive:
        names = "\n".join(archive.getnames())
        told = archive.extractfile("host.json").read().decode()  # type: ignore[union-attr]
    for word in ("falke", "daten", "geheim", "MAILTO", "backup"):
        assert word not in names + told
        assert not [one for one in found if word.encode() in one.data]
    assert json.loads(told)["files"]["/etc/opt/microsoft/mdatp/managed"]["mode"] == "0755"


def test_mentions_are_cut() -> None:
    """Long lines to what is near, many to some, and nothing of a binary."""
    line = b"a" * 5000 + b" mdatp_managed.json " + b"b" * 5000
    assert len(mentioning(line)) < 700
    assert b" mdatp_managed.json " in mentioning(line)
    assert mentioning(b"mdatp\n" * 1000).count(b"\n") == 50
    assert mentioning(b"\0mdatp\n") == b""
    assert mentioning(b"nothing\n") == b""
