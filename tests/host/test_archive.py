"""Archives of recorded hosts: the same host as in its folder, and hostile ones refused."""

from __future__ import annotations

import gzip
import io
import os
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest
from bundles import packed, written
from hypothesis import given, settings
from hypothesis import strategies as st

from mdeinspect.errors import MdeinspectError, UsageError
from mdeinspect.host import tars
from mdeinspect.host.archive import open_tree
from mdeinspect.host.entry import Entry, of_bytes
from mdeinspect.host.files import Files
from mdeinspect.host.memory import MemoryFiles
from mdeinspect.host.opening import open_recorded
from mdeinspect.inspect import Plan, take
from support import MANAGED, HostFolder


def tar_of(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for info, data in members:
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def member(name: str, data: bytes = b"{}", **more: Any) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    for attribute, value in more.items():
        setattr(info, attribute, value)
    return info, data


HOST = member("host.json")
HOSTILE: list[tuple[str, Any]] = [
    ("leads out", lambda: tar_of(HOST, member("../x"))),
    ("leads out", lambda: tar_of(HOST, member("/etc/x"))),
    ("neither a file", lambda: tar_of(HOST, member("x", b"", type=tarfile.CHRTYPE))),
    ("neither a file", lambda: tar_of(HOST, member("x", b"", type=tarfile.FIFOTYPE))),
    ("neither a file", lambda: tar_of(HOST, member("x", b"", type=tarfile.LNKTYPE, linkname="y"))),
    ("stands in it twice", lambda: tar_of(HOST, HOST)),
    ("no whole tar.gz", lambda: tar_of(HOST)[:-20]),
    ("no recorded host", lambda: tar_of(member("x"))),
]


@pytest.mark.parametrize(("says", "make"), HOSTILE)
def test_hostile_tars_are_refused(tmp_path: Path, says: str, make: Any) -> None:
    """As a whole, and with the reason."""
    place = tmp_path / "x.tar.gz"
    place.write_bytes(make())
    with pytest.raises(UsageError, match=says):
        open_recorded(str(place))
    assert list(tmp_path.iterdir()) == [place]


def test_a_bomb_ends_early(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However small it is packed: no more is unpacked than a record may hold."""
    monkeypatch.setattr(tars, "MAX_TAR", 1_000_000)
    place = tmp_path / "x.tar.gz"
    place.write_bytes(tar_of(HOST, member("etc/x", bytes(20_000_000))))
    assert place.stat().st_size < 100_000
    with pytest.raises(UsageError, match="unpacks to more than"):
        open_recorded(str(place))


@pytest.mark.parametrize("kind", ["tar", "tar-in-folder", "zip"])
def test_an_archive_is_the_same_host(host: HostFolder, tmp_path: Path, kind: str) -> None:
    """Every reading, links and modes among them."""
    host.health().file("/srv/policy.json", {"cloudService": {"enabled": True}}, mode=0o640)
    if kind != "zip":  # links are refused there
        host.link(MANAGED, "/srv/policy.json").enabled_at_boot()
    place = tmp_path / "archive"
    if kind == "zip":
        files = [one for one in host.root.rglob("*") if one.is_file()]
        with zipfile.ZipFile(place, "w") as archive:
            for one in files:
                archive.write(one, one.relative_to(host.root))
    else:
        with tarfile.open(place, "w:gz") as out:
            out.add(host.root, arcname="web-07" if kind == "tar-in-folder" else ".")
    plain, packed_up = (
        take(open_recorded(str(one)), Plan()).readings for one in (host.root, place)
    )
    assert plain.keys() == packed_up.keys()
    for name, reading in plain.items():
        other = packed_up[name]
        assert (reading.state, reading.kind, reading.value) == (
            other.state,
            other.kind,
            other.value,
        )
        if reading.file and other.file and kind != "zip":  # its times have no zone
            assert (reading.file.path, reading.file.links, reading.file.mode) == (
                other.file.path,
                other.file.links,
                other.file.mode,
            )
            assert reading.file.mtime == other.file.mtime


def test_a_fifo_is_not_waited_for(tmp_path: Path) -> None:
    """Whatever stands where the archive should be."""
    os.mkfifo(tmp_path / "x.tar.gz")
    with pytest.raises(UsageError, match="neither a folder nor a regular file"):
        open_tree(str(tmp_path / "x.tar.gz"))


@settings(max_examples=80, deadline=None)
@given(data=st.binary(max_size=200), whole=st.booleans())
def test_no_bytes_end_in_a_traceback(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, whole: bool
) -> None:
    """Compressed or not."""
    place = tmp_path_factory.mktemp("x") / "x.tar.gz"
    good = tar_of(HOST, member("etc/hostname", b"web"))
    place.write_bytes(gzip.compress(gzip.decompress(good)[:512] + data) if whole else good + data)
    said = "cannot"
    try:
        open_recorded(str(place)).facts()
    except MdeinspectError as error:
        said = str(error)
    assert said.startswith("cannot")


# --- a file system in memory --------------------------------------------------------------------

TREE: dict[str, Any] = {
    "/etc/a": b"one",
    "/etc/b": b"",
    "/var/x/y": b"two",
    "/etc/to-a": "/etc/a",
    "/etc/up": "../var/x/y",
    "/lib": "/usr/lib",
    "/usr/lib/z": b"z",
    "/nowhere": "/not/there",
    "/loop": "/loop2",
    "/loop2": "/loop",
}
ASKED = [*TREE, "/", "/etc", "/lib/z", "/lib", "/etc/none", "/etc/a/b", "/nowhere/x", "/loop/x"]
ASKED += ["/etc/../var/x/y", "//etc//a", "/etc/up/deeper", "/usr/lib/../lib/z", "/../etc/a"]


@pytest.mark.parametrize("verb", ["read", "tail", "stat", "link", "names"])
@pytest.mark.parametrize("path", ASKED)
def test_memory_has_the_manners_of_a_disk(tmp_path: Path, verb: str, path: str) -> None:
    """The same answer, or the same kind of refusal, to every question."""
    entries = {}
    for name, content in TREE.items():
        place = tmp_path / name.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, str):
            place.symlink_to(content)
            entries[name] = Entry("link", target=content)
        else:
            place.write_bytes(content)
            entries[name] = of_bytes(content)
    answers = []
    for files in (Files(str(tmp_path)), MemoryFiles(entries)):
        words = (path, 2) if verb == "tail" else (path, 100) if verb == "read" else (path,)
        try:
            answer: Any = getattr(files, verb)(*words)
        except MdeinspectError as error:
            answers.append((type(error).__name__, getattr(error, "kind", None)))
            continue
        if verb in ("read", "tail"):
            answer = (answer[0], answer[1].path, answer[1].links)
        elif verb == "stat":
            answer = (answer.path, answer.links)
        answers.append(answer)
    assert answers[0] == answers[1]


def test_a_file_above_the_limit(tmp_path: Path) -> None:
    """Is refused before it is unpacked."""
    files = MemoryFiles({"/x": of_bytes(b"12345")})
    with pytest.raises(MdeinspectError, match="larger than the 4 bytes allowed"):
        files.read("/x", 4)
    assert files.tail("/x", 2)[0] == b"45"


def test_real_health_in_a_bundle(samples: Path, tmp_path: Path) -> None:
    """Every whole table of the samples is health as a bundle's `health.txt`."""
    whole = [
        place
        for place in sorted((samples / "health").glob("*-table-*.txt"))
        if not any(word in place.name for word in ("EXCERPT", "TRUNCATED"))
    ]
    assert len(whole) >= 3
    for place in whole:
        files = {"health.txt": place.read_bytes(), "mde_diagnostic.zip": packed({"x": b""})}
        root = written(files, tmp_path / place.stem)
        platform = "darwin" if place.name.startswith("macos") else "linux"
        found = take(open_recorded(str(root), platform), Plan())
        assert found["health"].present, place.name
        assert found["mdeattach_managed"].there is None
