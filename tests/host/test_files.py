"""Files are read without blocking, without leaving the root, and never more than allowed."""

from __future__ import annotations

import contextlib
import os
import socket
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mdeinspect.errors import NotThere, Unreadable
from mdeinspect.host import MAX_FILE
from mdeinspect.host import files as files_module
from mdeinspect.host.files import Files

Bounded = Callable[[Callable[[], Any]], Any]
PlainUser = Callable[[Callable[[], Any]], Any]
OLD = 1_700_000_000


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The `/` of a recorded machine, with something secret beside it."""
    (tmp_path / "secret").write_text("outside")
    folder = tmp_path / "root"
    folder.mkdir()
    return folder


def put(root: Path, path: str, content: bytes = b"inside") -> Path:
    """A file below the root."""
    place = root / path.lstrip("/")
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(content)
    return place


def lay(root: Path, path: str, target: str) -> None:
    """A link below the root."""
    place = root / path.lstrip("/")
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(target)


def refusal(files: Files, path: str, limit: int = MAX_FILE) -> Unreadable:
    """How reading `path` is refused."""
    with pytest.raises(Unreadable) as caught:
        files.read(path, limit)
    return caught.value


def told(ask: Callable[[], object]) -> tuple[str, bool]:
    """The kind of a refusal, and whether it tells of a file."""
    try:
        return f"gave {ask()}", True
    except Unreadable as error:
        return error.kind, error.file is not None


# --- regular and missing ------------------------------------------------------------------------


def test_a_regular_file_is_read_whole_with_what_the_file_system_says(root: Path) -> None:
    """Bytes, size, mode and times belong to the very file that was read."""
    place = put(root, "/etc/policy", b"{}\n")
    place.chmod(0o640)
    os.utime(place, (OLD, OLD))
    data, facts = Files(str(root)).read("/etc/policy", 100)
    assert data == b"{}\n"
    assert (facts.path, facts.links, facts.size, facts.mode) == ("/etc/policy", (), 3, 0o640)
    assert (facts.uid, facts.gid) == (place.stat().st_uid, place.stat().st_gid)
    assert facts.mtime == datetime.fromtimestamp(OLD, UTC)
    assert facts.changed is not None
    assert facts.changed > facts.mtime  # the inode changed when the time was set


@pytest.mark.parametrize("path", ["/nothing", "/no/such/folder/file", "/etc/policy/below"])
def test_what_does_not_exist_is_missing_and_nothing_else(root: Path, path: str) -> None:
    """A missing file, a missing parent and a parent that is a file are all the same fact."""
    put(root, "/etc/policy")
    files = Files(str(root))
    for ask in (lambda: files.read(path, 9), lambda: files.tail(path, 9)):
        with pytest.raises(NotThere):
            ask()
    for look in (files.stat, files.link, files.names):
        with pytest.raises(NotThere):
            look(path)


def test_an_empty_file_is_there(root: Path) -> None:
    """Empty is neither missing nor broken: what it means is for the parser to say."""
    put(root, "/empty", b"")
    assert Files(str(root)).read("/empty", 9)[0] == b""
    assert Files(str(root)).tail("/empty", 9)[0] == b""


def test_dots_and_doubled_slashes_change_nothing(root: Path) -> None:
    """A path may be written in any way that a shell would accept."""
    put(root, "/etc/policy")
    assert Files(str(root)).read("//etc/./x/../policy".replace("x/../", ""), 9)[0] == b"inside"
    assert Files(str(root)).read("/etc/../etc//policy", 9)[0] == b"inside"


def test_a_time_that_no_calendar_holds_is_not_known(root: Path) -> None:
    """Times far outside the calendar read as not known, and never stop anyone."""
    place = put(root, "/etc/policy")
    for moment in (253_402_300_799, 2**40, -(2**33)):
        try:
            os.utime(place, (moment, moment))
        except OSError:
            continue
        facts = Files(str(root)).stat("/etc/policy")
        assert facts.mtime is None or 1900 <= facts.mtime.year < 9000


# --- denied -------------------------------------------------------------------------------------


def test_a_denied_file_is_denied_and_known_to_be_there(
    open_folder: Path, plain_user: PlainUser
) -> None:
    """A file without read permission is told apart from a missing one, with its facts."""
    put(open_folder, "/policy").chmod(0)
    files = Files(str(open_folder))
    assert plain_user(lambda: told(lambda: files.read("/policy", 9))) == ("denied", True)


def test_below_a_denied_folder_nobody_knows_what_there_is(
    open_folder: Path, plain_user: PlainUser
) -> None:
    """A folder that cannot be entered hides whether the file exists: denied, without facts."""
    put(open_folder, "/closed/policy")
    (open_folder / "closed").chmod(0)
    files = Files(str(open_folder))
    asked = [lambda: files.names("/closed")]
    for path in ("/closed/policy", "/closed/nothing"):
        asked += [lambda path=path: files.read(path, 9), lambda path=path: files.stat(path)]
        asked += [lambda path=path: files.tail(path, 9), lambda path=path: files.link(path)]
    try:
        found = plain_user(lambda: [told(ask) for ask in asked])
        assert found == [("denied", False)] * len(asked)
    finally:
        (open_folder / "closed").chmod(0o755)


# --- not regular --------------------------------------------------------------------------------


@contextlib.contextmanager
def special(folder: Path, kind: str) -> Iterator[str]:
    """A path at which something lies that is no regular file."""
    place = folder / "special"
    if kind == "folder":
        place.mkdir()
    elif kind == "fifo":
        os.mkfifo(place)
    elif kind == "device":
        place.symlink_to("/dev/zero")
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(str(place))
            yield str(place)
            return
    yield str(place)


@pytest.mark.parametrize("kind", ["folder", "fifo", "device", "socket"])
@pytest.mark.parametrize("how", ["read", "tail"])
def test_only_regular_files_are_ever_opened(
    open_folder: Path, bounded: Bounded, monkeypatch: pytest.MonkeyPatch, kind: str, how: str
) -> None:
    """FIFOs, sockets, devices and folders are refused at once, and by stat alone."""
    opened: list[object] = []
    real_open = os.open

    def spy(path: Any, *rest: Any, **more: Any) -> int:
        opened.append(path)
        return real_open(path, *rest, **more)

    with special(open_folder, kind) as path:
        monkeypatch.setattr(os, "open", spy)
        with pytest.raises(Unreadable) as caught:
            bounded(lambda: getattr(Files(), how)(path, 100))
        monkeypatch.undo()
    assert caught.value.kind == "not-regular"
    assert caught.value.file is not None
    assert path not in opened


def test_a_device_node_below_a_recorded_root_is_refused(root: Path, bounded: Bounded) -> None:
    """A record that brings its own device nodes gains nothing by it."""
    try:
        os.mknod(root / "zero", 0o666 | 0o020000, os.makedev(1, 5))
    except OSError as error:
        pytest.skip(f"cannot make device nodes here: {error}")
    with pytest.raises(Unreadable) as caught:
        bounded(lambda: Files(str(root)).read("/zero", 100))
    assert caught.value.kind == "not-regular"


def test_the_names_of_what_is_no_folder_are_not_there(root: Path, bounded: Bounded) -> None:
    """Listing a file or a FIFO is listing nothing, and does not block."""
    put(root, "/file")
    os.mkfifo(root / "fifo")
    for path in ("/file", "/fifo"):
        with pytest.raises(NotThere):
            bounded(lambda path=path: Files(str(root)).names(path))


# --- links --------------------------------------------------------------------------------------


def test_links_are_followed_and_reported_in_the_order_they_are_met(root: Path) -> None:
    """Relative and absolute links, of folders and of files, all belong to the evidence."""
    put(root, "/data/real/policy")
    lay(root, "/etc/opt", "/data/middle")
    lay(root, "/data/middle", "real")
    lay(root, "/data/real/managed", "../real/policy")
    data, facts = Files(str(root)).read("/etc/opt/managed", 100)
    assert data == b"inside"
    assert facts.path == "/etc/opt/managed"
    assert facts.links == ("/etc/opt", "/data/middle", "/data/real/managed")


@pytest.mark.parametrize(
    "target",
    ["/secret", "../secret", "../../../../../../secret", "/../../secret", "/etc/../../secret"],
)
def test_links_never_leave_a_recorded_root(root: Path, target: str) -> None:
    """Absolute links and any number of `..` resolve inside the root."""
    lay(root, "/policy", target)
    (root / "etc").mkdir()
    assert refusal(Files(str(root)), "/policy").kind == "dangling-link"
    put(root, "/secret", b"inside")
    assert Files(str(root)).read("/policy", 100)[0] == b"inside"


def test_an_absolute_link_to_a_file_of_this_machine_finds_the_recorded_one(root: Path) -> None:
    """`/etc/passwd` is the recorded host's, never this machine's."""
    lay(root, "/policy", "/etc/passwd")
    assert refusal(Files(str(root)), "/policy").kind == "dangling-link"
    put(root, "/etc/passwd", b"recorded")
    assert Files(str(root)).read("/policy", 100)[0] == b"recorded"


@pytest.mark.parametrize("path", ["/../secret", "/../../../../secret", "/etc/../../secret"])
def test_a_path_never_leaves_a_recorded_root(root: Path, path: str) -> None:
    """`..` beyond the root stays at the root."""
    (root / "etc").mkdir()
    with pytest.raises(NotThere):
        Files(str(root)).read(path, 100)


STEPS = st.lists(st.sampled_from(["..", ".", "a", "b", "secret", ""]), min_size=1, max_size=6)
PATHS = st.builds(lambda start, steps: start + "/".join(steps), st.sampled_from(["", "/"]), STEPS)


@settings(max_examples=100, deadline=None)
@given(links=st.dictionaries(st.sampled_from(["a", "b", "c", "a/x"]), PATHS), path=PATHS)
def test_no_tangle_of_links_leads_out(links: dict[str, str], path: str) -> None:
    """Whatever links a record holds, what lies outside is never read, listed or described."""
    with tempfile.TemporaryDirectory() as top:
        outside = Path(top)
        root = outside / "a" / "b" / "root"
        root.mkdir(parents=True)
        for place in (outside, outside / "a", outside / "a" / "b"):
            (place / "secret").write_text("outside")
        for name, target in sorted(links.items()):
            here = root / name
            with contextlib.suppress(OSError):  # a link may stand where a folder is needed
                if not os.path.lexists(here.parent):
                    here.parent.mkdir()
                if Path(os.path.realpath(here.parent)).is_relative_to(root) and target:
                    here.symlink_to(target)
        files = Files(str(root))
        for ask in (lambda p: files.read(p, 99), files.stat, files.link, files.names):
            with contextlib.suppress(NotThere, Unreadable):
                found = ask("/" + path)
                assert b"outside" not in (found if isinstance(found, tuple) else ())
                assert "secret" not in (found if isinstance(found, list) else ())


def test_a_loop_of_links_ends(root: Path, bounded: Bounded) -> None:
    """Links that lead to each other, or into themselves, are a fault of their own kind."""
    lay(root, "/one", "two")
    lay(root, "/two", "one")
    lay(root, "/self", "self")
    lay(root, "/deep", "deep/deep")
    files = Files(str(root))
    for path in ("/one", "/self", "/deep"):
        assert bounded(lambda path=path: refusal(files, path)).kind == "link-loop"
    assert bounded(lambda: refusal(files, "/one/below")).kind == "lost-folder"
    assert files.link("/one") == "two"


def test_a_long_chain_of_links_is_followed(root: Path) -> None:
    """As many links as the kernel itself would follow."""
    put(root, "/end")
    for number in range(40):
        lay(root, f"/l{number}", f"l{number + 1}" if number < 39 else "end")
    data, facts = Files(str(root)).read("/l0", 100)
    assert (data, len(facts.links)) == (b"inside", 40)


def test_a_dangling_link_is_no_missing_file(root: Path) -> None:
    """A link to nothing says that something was meant to be there; of a folder, nobody knows what.

    A link behind the last one of the way is still the file itself.
    """
    lay(root, "/policy", "gone/below")
    lay(root, "/folder", "nowhere")
    lay(root, "/other", "policy")
    files = Files(str(root))
    kinds = {path: refusal(files, path).kind for path in ("/policy", "/folder/policy", "/other")}
    assert kinds == {
        "/policy": "dangling-link",
        "/folder/policy": "lost-folder",
        "/other": "dangling-link",
    }
    assert files.link("/policy") == "gone/below"


def test_what_is_missing_behind_a_linked_folder_is_missing(root: Path) -> None:
    """Only a link whose own target does not exist is dangling."""
    put(root, "/usr/bin/other")
    lay(root, "/bin", "usr/bin")
    files = Files(str(root))
    for look in (files.stat, files.link):
        with pytest.raises(NotThere):
            look("/bin/mdatp")


def test_link_tells_a_link_from_anything_else(root: Path) -> None:
    """The target as written, None for a file or a folder; parents may be links themselves."""
    put(root, "/etc/file")
    lay(root, "/lib", "etc")
    lay(root, "/etc/masked", "/dev/null")
    files = Files(str(root))
    assert files.link("/lib/masked") == "/dev/null"
    assert files.link("/lib") == "etc"
    assert files.link("/lib/file") is None
    assert files.link("/etc") is None
    assert files.link("/") is None


def test_a_root_that_is_a_link_itself_works(root: Path, tmp_path: Path) -> None:
    """Where the record lies is no business of the record's own paths."""
    put(root, "/etc/policy")
    (tmp_path / "alias").symlink_to("root")
    data, facts = Files(str(tmp_path / "alias")).read("/etc/policy", 100)
    assert (data, facts.path, facts.links) == (b"inside", "/etc/policy", ())


# --- size ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [MAX_FILE + 1, 50 * 1024**2, 1024**4])
def test_a_file_that_is_too_large_is_refused_by_stat_alone(
    root: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    """Not one byte is read, be it a terabyte."""
    place = put(root, "/policy", b"{")
    try:
        os.truncate(place, size)
    except OSError as error:
        pytest.skip(f"cannot make a sparse file of {size} bytes here: {error}")

    def never(*_: object, **__: object) -> int:
        raise AssertionError("it was opened")

    monkeypatch.setattr(os, "open", never)
    error = refusal(Files(str(root)), "/policy")
    assert (error.kind, error.file is not None) == ("too-large", True)


def test_a_file_of_just_the_allowed_size_is_read(root: Path) -> None:
    """The limit is the largest size that is allowed."""
    put(root, "/policy", b"x" * 100)
    assert len(Files(str(root)).read("/policy", 100)[0]) == 100
    assert refusal(Files(str(root)), "/policy", 99).kind == "too-large"


def test_a_file_that_grows_beyond_the_limit_is_refused_in_the_same_words(root: Path) -> None:
    """The words become facts of a finding: every size would be told as another one."""
    reasons = set()
    for size in (100, 5000, 60_000):
        put(root, "/policy", b"x" * size)
        reasons.add(str(refusal(Files(str(root)), "/policy", 99)))
    assert reasons == {"cannot read /policy: it is larger than the 99 bytes allowed"}


def test_a_file_that_lies_about_its_size_is_read_as_far_as_allowed() -> None:
    """Files of /proc claim to be empty: what they hold counts, and so does the limit."""
    path = "/proc/self/status"
    if not Path(path).exists():
        pytest.skip("there is no /proc here")
    path = f"/proc/{os.getpid()}/limits"
    data, facts = Files().read(path, 100_000)
    assert facts.size == 0
    assert b"Max open files" in data
    assert refusal(Files(), path, 10).kind == "too-large"


def test_the_tail_of_a_large_file_is_its_last_bytes(root: Path) -> None:
    """Only the end is read, however long the file."""
    place = put(root, "/log", b"")
    os.truncate(place, 1024**3)
    with place.open("ab") as log:
        log.write(b"the last line\n")
    data, facts = Files(str(root)).tail("/log", 14)
    assert data == b"the last line\n"
    assert facts.size == 1024**3 + 14
    assert Files(str(root)).tail("/log", 16)[0] == b"\0\0the last line\n"


def test_the_tail_of_a_small_file_is_all_of_it(root: Path) -> None:
    """A limit beyond the start is no fault."""
    put(root, "/log", b"one line\n")
    assert Files(str(root)).tail("/log", 1000)[0] == b"one line\n"


def test_no_more_names_are_listed_than_allowed(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder of a million files costs no more than one of some thousands."""
    monkeypatch.setattr(files_module, "MAX_NAMES", 5)
    for number in range(9):
        put(root, f"/folder/f{number}")
    names = Files(str(root)).names("/folder")
    assert len(names) == 5
    assert list(names) == sorted(names)
    assert Files(str(root)).names("/") == ["folder"]


# --- changes while we look ----------------------------------------------------------------------


def meanwhile(monkeypatch: pytest.MonkeyPatch, name: str, *acts: Callable[[], object]) -> None:
    """Before each of the next calls of `os.<name>`, one of `acts` happens."""
    real, pending = getattr(os, name), list(acts)

    def wrapped(*given: Any, **more: Any) -> Any:
        if pending:
            pending.pop(0)()
        return real(*given, **more)

    monkeypatch.setattr(os, name, wrapped)


def test_a_file_that_changes_once_while_it_is_read_is_read_again(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What comes back is one state of the file, with the facts of that state."""
    place = put(root, "/policy", b"old")
    meanwhile(monkeypatch, "pread", lambda: place.write_bytes(b"newer"))
    data, facts = Files(str(root)).read("/policy", 100)
    assert (data, facts.size) == (b"newer", 5)


def test_a_file_that_never_stands_still_is_told_so(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A torn state is never handed out, and reading it does not go on for ever."""
    place = put(root, "/policy", b"x")

    def grow() -> None:
        place.write_bytes(b"x" * (place.stat().st_size + 1))

    meanwhile(monkeypatch, "open", *[grow] * 50)
    error = refusal(Files(str(root)), "/policy", 100)
    assert (error.kind, error.file is not None) == ("changing", True)


def test_a_file_that_is_replaced_after_its_stat_is_read_with_its_own_facts(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bytes of the new file never come with the age of the old one."""
    place = put(root, "/policy", b"old")
    os.utime(place, (OLD, OLD))
    fresh = put(root, "/fresh", b"new")
    meanwhile(monkeypatch, "open", lambda: os.replace(fresh, place))
    data, facts = Files(str(root)).read("/policy", 100)
    assert data == b"new"
    assert facts.mtime is not None
    assert facts.mtime > datetime.fromtimestamp(OLD + 1, UTC)


@pytest.mark.parametrize("how", ["read", "tail"])
def test_a_file_that_vanishes_after_its_stat_is_missing(
    root: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """Gone is gone, not an error of input and output."""
    place = put(root, "/policy")
    meanwhile(monkeypatch, "open", place.unlink)
    with pytest.raises(NotThere):
        getattr(Files(str(root)), how)("/policy", 100)


@pytest.mark.parametrize("how", ["read", "tail"])
def test_a_file_that_becomes_a_fifo_after_its_stat_does_not_block(
    root: Path, bounded: Bounded, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """The race is lost without harm: refused, at once."""
    place = put(root, "/policy")

    def swap() -> None:
        place.unlink()
        os.mkfifo(place)

    meanwhile(monkeypatch, "open", swap)
    with pytest.raises(Unreadable) as caught:
        bounded(lambda: getattr(Files(str(root)), how)("/policy", 100))
    assert caught.value.kind == "not-regular"


@pytest.mark.parametrize("how", ["read", "tail"])
def test_a_file_that_becomes_a_link_after_its_stat_leads_nowhere_else(
    root: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """A link that is slipped in is followed by our own rules, inside the root."""
    place = put(root, "/policy")

    def swap() -> None:
        place.unlink()
        place.symlink_to("/secret")

    meanwhile(monkeypatch, "open", swap)
    with pytest.raises(Unreadable) as caught:
        getattr(Files(str(root)), how)("/policy", 100)
    assert caught.value.kind == "dangling-link"


def test_the_tail_of_a_log_that_grows_is_no_fault(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Logs are written all the time."""
    place = put(root, "/log", b"one\n")
    meanwhile(monkeypatch, "pread", *[lambda: place.write_bytes(b"one\ntwo\n")] * 9)
    assert Files(str(root)).tail("/log", 100)[0].startswith(b"one\n")


# --- paths that no file system can hold ---------------------------------------------------------

STRANGE = ["/a\0b", "/" + "x" * 300, "/" + "x/" * 3000, "/\ud800", "/etc/policy\0", "/a\0b/c"]


@pytest.mark.parametrize("path", STRANGE)
def test_strange_paths_raise_nothing_but_ours(root: Path, path: str) -> None:
    """NUL, overlong names and lone surrogates are answers, not crashes."""
    put(root, "/etc/policy")
    for files in (Files(), Files(str(root))):
        for look in (files.stat, files.link, files.names):
            with pytest.raises((NotThere, Unreadable)):
                look(path)
        for ask in (files.read, files.tail):
            with pytest.raises((NotThere, Unreadable)):
                ask(path, 9)


@pytest.mark.parametrize("target", ["x" * 300, "x/" * 2000, "../" * 1300 + "secret"])
def test_strange_link_targets_raise_nothing_but_ours(root: Path, target: str) -> None:
    """A link may point at a name that cannot exist."""
    lay(root, "/policy", target)
    with pytest.raises((NotThere, Unreadable)):
        Files(str(root)).read("/policy", 9)
    assert Files(str(root)).link("/policy") == target


def test_names_that_are_no_text_are_listed_and_can_be_read(root: Path) -> None:
    """Linux allows any bytes in a name."""
    name = os.fsdecode(b"caf\xe9")
    try:
        put(root, f"/folder/{name}")
    except OSError as error:
        pytest.skip(f"this file system allows text only: {error}")
    assert Files(str(root)).names("/folder") == [name]
    assert Files(str(root)).read(f"/folder/{name}", 9)[0] == b"inside"


@settings(max_examples=200, deadline=None)
@given(path=st.text(max_size=40))
def test_any_path_at_all_raises_nothing_but_ours(path: str) -> None:
    """Every answer is a value, `NotThere` or `Unreadable`."""
    files = Files(tempfile.gettempdir() + "/a folder that does not exist")
    for ask in (lambda p: files.read(p, 9), files.stat, files.link, files.names):
        with contextlib.suppress(NotThere, Unreadable):
            ask("/" + path)
