"""Whether excluded paths are there: asked on a real file system, and never where it may hang."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from mdeinspect.errors import NotThere, Unreadable
from mdeinspect.host.live import LiveHost
from mdeinspect.inspect import Plan, look
from mdeinspect.model import HostFacts, Reading
from mdeinspect.presence import present
from mdeinspect.sources.exclusion_targets import EXCLUSION_TARGETS
from mdeinspect.sources.managed_file import MANAGED_FILE

MOUNTS = b"""\
22 1 8:1 / / rw - ext4 /dev/sda1 rw
40 22 0:40 / /mnt/nfs rw - nfs4 server:/x rw
41 22 0:41 / /auto rw - autofs auto rw
"""


class Machine:
    """A host of a few paths; it fails the test where something is asked that must not be."""

    def __init__(self, mounts: bytes | None = MOUNTS, seconds: float = 0) -> None:
        self._mounts = mounts
        self._now = datetime(2026, 11, 22, tzinfo=UTC)
        self._step = timedelta(seconds=seconds)

    def now(self) -> datetime:
        self._now += self._step
        return self._now

    def tail(self, path: str, limit: int) -> tuple[bytes, None]:
        if self._mounts is None:
            raise NotThere(path)
        return self._mounts, None

    def stat(self, path: str) -> None:
        assert not path.startswith(("/mnt/nfs", "/auto", "/Volumes/"))
        if path == "/secret/a":
            raise Unreadable("denied", kind="denied")
        if path == "/link":
            raise Unreadable("dangling", kind="dangling-link")
        if path != "/srv/a":
            raise NotThere(path)


def seen(machine: Any, *paths: str, platform: Any = "linux") -> list[bool | None]:
    """What is known of each path."""
    return list(present(machine, platform, paths).values())


def test_there_not_there_and_not_to_be_seen_are_three_things() -> None:
    """A link to nothing is something of that name."""
    assert seen(Machine(), "/srv/a", "/srv/b", "/secret/a", "/link") == [True, False, None, True]


def test_file_systems_of_others_are_never_touched() -> None:
    """They may hang, or be mounted by a look."""
    assert seen(Machine(), "/mnt/nfs/x", "/auto/home", "/mnt/b") == [None, None, False]
    assert seen(Machine(), "/Volumes/x", "/srv/b", platform="darwin") == [None, False]


def test_without_a_list_of_mounts_nothing_is_asked() -> None:
    """Not knowing is no reason to try."""
    assert seen(Machine(mounts=None), "/srv/a") == [None]


def test_patience_ends() -> None:
    """What is left is not known."""
    assert seen(Machine(seconds=1.5), "/srv/a", "/srv/b") == [True, None]


@pytest.mark.skipif(not Path("/proc/self/mountinfo").exists(), reason="needs Linux")
def test_a_live_host_looks_for_what_its_policy_excludes(tmp_path: Path) -> None:
    """The source end to end, on the file system of this machine."""
    there = tmp_path / "there"
    there.mkdir()
    entries = [
        {"$type": "excludedPath", "path": str(path), "isDirectory": True}
        for path in (there, tmp_path / "gone")
    ]
    document = MANAGED_FILE.parse(_json({"antivirusEngine": {"exclusions": entries}}))
    host = LiveHost()
    known = {"mdatp_managed": Reading("mdatp_managed", "present", host.now(), document)}
    facts = HostFacts(None, "linux")
    found = look(host, facts, Plan(), [EXCLUSION_TARGETS], known)
    assert found[EXCLUSION_TARGETS.name].value == {str(there): True, str(tmp_path / "gone"): False}
    assert look(host, facts, Plan(), [EXCLUSION_TARGETS], {}) == {}


def _json(policy: Any) -> bytes:
    import json

    return json.dumps(policy).encode()
