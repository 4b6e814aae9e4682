"""What wakes the service, and what does not, on a real file system."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from watch_place import POLICY, Place

from mdeinspect.watch import kernel

MANAGED = "/etc/opt/mdatp/managed"


def replace(file: Path, text: str) -> None:
    """Replace a file as configuration tools do: write beside it, then rename over it."""
    beside = file.with_name(f".{file.name}.new")
    beside.write_text(text)
    beside.replace(file)


def test_an_edit_in_place(place: Place) -> None:
    """A file that is written in place is announced, each time."""
    file = place.put("one")
    place.watch()
    assert place.rings(lambda: file.write_text("two"))
    assert place.rings(lambda: file.write_text("three"))


def test_a_replacement_twice(place: Place) -> None:
    """A file that is replaced by a rename is announced; so is what happens to its successors."""
    file = place.put("one")
    place.watch()
    assert place.rings(lambda: replace(file, "two"))
    assert place.rings(lambda: replace(file, "three"))
    assert place.rings(lambda: file.write_text("four"))


def test_a_removal_and_a_return(place: Place) -> None:
    """Deleting a file, creating it again and editing it are announced."""
    file = place.put("one")
    place.watch()
    assert place.rings(file.unlink)
    assert place.rings(lambda: file.write_text("two"))
    assert place.rings(lambda: file.write_text("three"))


def test_a_file_moved_away_and_back(place: Place) -> None:
    """A file that leaves by a rename is announced, and so is its return."""
    file = place.put("one")
    place.watch()
    away = place.folder / "away.json"
    assert place.rings(lambda: file.rename(away))
    assert place.rings(lambda: away.rename(file))


def test_the_folder_removed_and_made_again(place: Place) -> None:
    """A folder made anew under the same name (and perhaps the same inode) is watched again."""
    place.put("one")
    place.watch()
    for text in ("two", "three"):
        assert place.rings(lambda: shutil.rmtree(place.at(MANAGED)))
        assert place.rings(lambda text=text: place.put(text))
        assert place.rings(lambda text=text: place.put(text + "!"))


def test_the_whole_tree_removed_and_made_again(place: Place) -> None:
    """The same, from the top, and in one go."""
    place.put("one")
    place.watch()

    def anew() -> None:
        shutil.rmtree(place.at("/etc"))
        place.put("two")

    assert place.rings(anew)
    assert place.rings(lambda: place.put("three"))


def test_the_folder_renamed_away(place: Place) -> None:
    """A folder that is renamed is announced, and what takes its place is watched."""
    place.put("one")
    place.watch()
    assert place.rings(lambda: place.at(MANAGED).rename(place.at(MANAGED + ".old")))
    assert place.rings(lambda: place.put("two"))
    assert place.silent(lambda: place.put("x", MANAGED + ".old/policy.json"))


def test_half_a_rename_is_not_waited_for(place: Place) -> None:
    """A rename whose halves are read apart would else come half a second late."""
    place.put("one")
    place.watch()
    grouper = pytest.importorskip("watchdog.observers.inotify_move_event_grouper")
    assert grouper.InotifyMoveEventGrouper()._queue.delay == kernel.HALF_A_RENAME < 0.05


def test_folders_that_appear_later(place: Place) -> None:
    """Nothing need be there at first: folders are followed as they appear, level by level."""
    place.watch()
    for folder in ("/etc", "/etc/opt", "/etc/opt/mdatp", MANAGED):
        assert place.rings(place.at(folder).mkdir)
    assert place.rings(lambda: place.put("one"))
    assert place.rings(lambda: place.put("two"))


def test_folders_that_appear_at_once(place: Place) -> None:
    """A tree that appears in one go, file and all, is announced and then watched."""
    place.watch()
    assert place.rings(lambda: place.put("one"))
    assert place.rings(lambda: place.put("two"))


def test_a_link_that_is_turned(place: Place) -> None:
    """A link that is made to point elsewhere is announced, and its new target is watched."""
    old, new = place.put("one", "/srv/a/p.json"), place.put("two", "/srv/b/p.json")
    place.at(MANAGED).mkdir(parents=True)
    place.at().symlink_to("/srv/a/p.json")
    place.watch()

    def turn() -> None:
        place.at(MANAGED + "/new").symlink_to("../../../../srv/b/p.json")
        place.at(MANAGED + "/new").replace(place.at())

    assert place.rings(turn)
    assert place.rings(lambda: new.write_text("three"))
    assert place.silent(lambda: old.write_text("nobody looks here"))


def test_a_target_behind_a_chain(place: Place) -> None:
    """Behind links to links, of files and of folders, an edit and a replacement are announced."""
    target = place.put("one", "/data/v1/real.json")
    place.at("/data/current").symlink_to("v1")
    place.at("/srv").mkdir()
    place.at("/srv/p.json").symlink_to("/data/current/real.json")
    place.at(MANAGED).mkdir(parents=True)
    place.at().symlink_to("/srv/p.json")
    place.watch()
    assert place.rings(lambda: target.write_text("two"))
    assert place.rings(lambda: replace(target, "three"))

    def turn() -> None:
        place.put("four", "/data/v2/real.json")
        place.at("/data/current").unlink()
        place.at("/data/current").symlink_to("/data/v2")

    assert place.rings(turn)
    assert place.rings(lambda: place.put("five", "/data/v2/real.json"))


def test_a_folder_that_becomes_a_link(place: Place) -> None:
    """A folder replaced by a link to another one is announced, and that one is watched."""
    place.put("one")
    place.put("two", "/srv/policy/policy.json")
    place.watch()

    def swap() -> None:
        place.at(MANAGED).rename(place.at(MANAGED + ".old"))
        place.at(MANAGED).symlink_to("/srv/policy")

    assert place.rings(swap)
    assert place.rings(lambda: place.put("three", "/srv/policy/policy.json"))


def test_a_link_into_nothing(place: Place) -> None:
    """A link may lead to what does not exist; the target's appearance is announced."""
    place.at(MANAGED).mkdir(parents=True)
    place.at().symlink_to("/srv/later/p.json")
    place.watch()
    assert place.rings(lambda: place.put("one", "/srv/later/p.json"))


def test_mode_and_owner(place: Place) -> None:
    """Changes of mode and owner are announced."""
    file = place.put("one")
    place.watch()
    assert place.rings(lambda: file.chmod(0o600))
    assert place.rings(lambda: os.chown(file, os.getuid(), os.getgid()))


def test_a_new_folder_in_a_watched_one(place: Place) -> None:
    """For a path that is a folder, new entries are announced, and the paths are asked for anew."""
    folder = place.at("/Library/Managed Preferences")
    folder.mkdir(parents=True)

    def paths() -> list[str]:
        users = [f"/Library/Managed Preferences/{user}/p.plist" for user in os.listdir(folder)]
        return ["/Library/Managed Preferences", *users]

    place.watch_for(paths)
    assert place.rings((folder / "alice").mkdir)
    assert place.rings(lambda: (folder / "alice/p.plist").write_text("one"))
    assert place.rings(lambda: (folder / "alice/p.plist").write_text("two"))
    assert place.rings(lambda: shutil.rmtree(folder / "alice"))


def test_the_way_of_macos(place: Place) -> None:
    """Recursive watches with the filter of macOS see edits and replacements here as well."""
    file = place.put("one")
    place.watch(platform="darwin")
    assert place.rings(lambda: file.write_text("two"))
    assert place.rings(lambda: replace(file, "three"))
    assert place.silent(lambda: place.put("x", MANAGED + "/unrelated"))


def test_unrelated_files_are_silent(place: Place) -> None:
    """What happens to other files and folders beside a policy wakes nobody."""
    place.put("one")
    place.watch()

    def unrelated() -> None:
        place.put("x", MANAGED + "/.policy.json.swp")
        place.at(MANAGED + "/.policy.json.swp").unlink()
        replace(place.put("x", "/etc/opt/mdatp/other.json"), "y")
        place.put("x", "/etc/opt/mdatp/logs/today.log")
        place.put("x", "/srv/elsewhere")

    assert place.silent(unrelated)


def test_own_reads_are_silent(place: Place) -> None:
    """Opening, reading, listing and stat wake nobody: the service cannot wake itself."""
    file = place.put("one")
    place.watch()

    def read() -> None:
        for _ in range(50):
            file.read_text()
            os.listdir(file.parent)
            file.stat()

    assert place.silent(read)


def test_a_hard_link_edited_elsewhere_is_not_announced(place: Place) -> None:
    """Known blind: an edit by another name of the file. `blind_spot` says so."""
    file = place.put("one")
    watcher = place.watch()
    assert watcher.blind_spot(POLICY) is None
    other = place.folder / "other.json"
    os.link(file, other)
    assert place.silent(lambda: other.write_text("two"))
    assert file.read_text() == "two"
    assert "hard links" in (watcher.blind_spot(POLICY) or "")


@contextmanager
def bound(source: Path, over: Path) -> Iterator[None]:
    """A bind mount for a while; skips where that is not allowed."""
    mount = shutil.which("mount")
    if os.geteuid() or not mount:
        pytest.skip("a bind mount needs root and mount(8)")
    done = subprocess.run([mount, "--bind", source, over], capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"a bind mount is not allowed here: {done.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", over], check=True)


def test_a_bind_mount_is_not_announced(place: Place) -> None:
    """Known blind: mounting over a folder. `blind_spot` says so, and after it events come again."""
    place.put("one")
    source = place.put("two", "/srv/policy.json")
    watcher = place.watch()
    before = place.bell.settle()
    with bound(source.parent, place.at(MANAGED)):
        assert place.at().read_text() == "two"
        assert not place.bell.heard(before, 0.4)
        assert "mounted" in (watcher.blind_spot(POLICY) or "")
        assert place.rings(lambda: watcher.missed(blind=True))
        assert watcher.blind_spot(POLICY) is None
        assert place.rings(lambda: place.put("three"))
    assert "mounted" in (watcher.blind_spot(POLICY) or "")


def test_a_bind_mount_over_the_file_is_blind_for_good(place: Place) -> None:
    """Known blind: a file that is mounted from elsewhere, even after a rebuild."""
    place.put("one")
    source = place.put("two", "/srv/policy.json")
    watcher = place.watch()
    with bound(source, place.at()):
        assert place.rings(watcher.rebuild)
        assert place.silent(lambda: source.write_text("three"))
        assert "from elsewhere" in (watcher.blind_spot(POLICY) or "")
