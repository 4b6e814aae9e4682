"""Random changes to a tree: after each, whoever looks only when woken sees the state as it is."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable
from contextlib import suppress

import pytest
from watch_place import POLICY, Place, until

from mdeinspect.watch import Watcher

LOCAL = "/etc/opt/mdatp/wdavcfg"
FILES = [POLICY, LOCAL]
TARGETS = ["/srv/a/policy.json", "/srv/b/policy.json", "/srv/a/wdavcfg", "/var/deep/down/p.json"]
FOLDERS = ["/etc/opt/mdatp/managed", "/etc/opt/mdatp", "/srv/a", "/srv/b", "/srv", "/var/deep/down"]
UPPER = ["/etc", "/etc/opt", "/var"]
STEPS = 60


class Fuzz:
    """A place, a seeded choice, and the changes; each may fail where the tree is not so."""

    def __init__(self, place: Place, seed: int) -> None:
        self.place, self.random = place, random.Random(seed)
        self.count = 0
        self.changes: list[Callable[[], object]] = [
            *(self.edit, self.edit, self.replace, self.append, self.burst, self.remove),
            *(self.remove_folder, self.remove_and_return, self.move_folder, self.move_file),
            *(self.make_folder, self.link_file, self.turn_link, self.link_folder, self.loop),
            *(self.mode, self.owner, self.folder_for_file, self.unrelated, self.read),
        ]

    def state(self) -> object:
        """What the service compares: content, mode and owner, links followed inside the root."""
        found = []
        for path in FILES:
            with suppress(OSError):
                real = self.real(path)
                facts = os.lstat(real)
                text = real.read_text() if real.is_file() else "not a file"
                found.append((path, text, facts.st_mode, facts.st_uid))
        return found

    def real(self, path: str, depth: int = 0) -> os.PathLike[str]:
        """Where a path leads, absolute links resolved inside the root."""
        here = self.place.folder
        parts = [part for part in path.split("/") if part]
        for number, part in enumerate(parts):
            if (here / part).is_symlink():
                if depth > 20:
                    raise OSError("a loop")
                target = os.readlink(here / part)
                here = self.place.folder if target.startswith("/") else here
                base = str(here.relative_to(self.place.folder))
                rest = "/".join(["", base, target, *parts[number + 1 :]])
                return self.real(os.path.normpath(rest), depth + 1)
            here = here / part
        return here

    def text(self) -> str:
        self.count += 1
        return f"{self.count}"

    def any(self, *groups: list[str]) -> str:
        return self.random.choice([path for group in groups for path in group])

    # --- changes --------------------------------------------------------------------------------

    def edit(self) -> None:
        self.place.put(self.text(), self.any(FILES, FILES, TARGETS))

    def append(self) -> None:
        with self.place.inside(self.any(FILES, TARGETS), follow=True).open("a") as file:
            file.write("+")

    def replace(self) -> None:
        path = self.any(FILES, TARGETS)
        self.place.put(self.text(), path + ".new").replace(self.place.inside(path))

    def burst(self) -> None:
        path = self.any(FILES, TARGETS)
        for _ in range(50):
            self.place.put(self.text(), path)

    def remove(self) -> None:
        self.place.inside(self.any(FILES, TARGETS)).unlink()

    def remove_folder(self) -> None:
        shutil.rmtree(self.place.inside(self.any(FOLDERS, UPPER)))

    def remove_and_return(self) -> None:
        shutil.rmtree(self.place.inside(self.any(FOLDERS, UPPER)), ignore_errors=True)
        for path in FILES:
            with suppress(OSError):
                self.place.put(self.text(), path)

    def move_folder(self) -> None:
        """Away, or back from where it was moved to."""
        where = self.place.inside(self.any(FOLDERS[:4]))
        away = self.place.inside("/away-" + where.name)
        if away.exists() and not where.exists():
            away.rename(where)
        else:
            shutil.rmtree(away, ignore_errors=True)
            where.rename(away)

    def move_file(self) -> None:
        where = self.place.inside(self.any(FILES))
        away = self.place.folder / "away-file"
        if away.exists() and not where.exists():
            away.rename(where)
        else:
            where.rename(away)

    def make_folder(self) -> None:
        self.place.inside(self.any(FOLDERS)).mkdir(parents=True)

    def link_file(self) -> None:
        self.link(self.any(FILES), self.any(TARGETS))

    def link_folder(self) -> None:
        self.link("/etc/opt/mdatp/managed", self.any(["/srv/a", "/srv/b"]))

    def turn_link(self) -> None:
        path = self.any(FILES)
        new = self.place.inside(path + ".new")
        new.symlink_to(self.target(path, self.any(TARGETS)))
        new.replace(self.place.inside(path))

    def loop(self) -> None:
        self.link(POLICY, LOCAL)
        self.link(LOCAL, POLICY)

    def link(self, path: str, target: str) -> None:
        where = self.place.inside(path)
        if where.is_dir() and not where.is_symlink():
            shutil.rmtree(where)
        where.unlink(missing_ok=True)
        where.symlink_to(self.target(path, target))

    def target(self, path: str, target: str) -> str:
        """A link's target as it is, or as seen from where the link lies."""
        if self.random.random() < 0.4:
            return target
        return os.path.relpath(self.place.at(target), os.path.realpath(self.place.at(path).parent))

    def mode(self) -> None:
        self.place.inside(self.any(FILES, TARGETS), follow=True).chmod(
            self.random.choice([0o600, 0o640, 0o644])
        )

    def owner(self) -> None:
        uid = self.random.choice([0, 1, 2]) if os.geteuid() == 0 else os.geteuid()
        os.chown(self.place.inside(self.any(FILES), follow=True), uid, -1)

    def folder_for_file(self) -> None:
        where = self.place.inside(POLICY)
        where.unlink(missing_ok=True)
        where.mkdir()

    def unrelated(self) -> None:
        self.place.put(self.text(), self.any(FOLDERS) + "/unrelated")

    def read(self) -> None:
        self.state()

    # --- changes that no event announces ----------------------------------------------------------

    def edit_by_another_name(self) -> None:
        os.link(self.place.inside(self.any(FILES), follow=True), self.place.folder / "other-name")
        (self.place.folder / "other-name").write_text(self.text())
        (self.place.folder / "other-name").unlink()

    def move_far_above(self) -> None:
        """Two levels above a watched folder and its parent, and another tree in its place."""
        shutil.rmtree(self.place.folder / "far", ignore_errors=True)
        self.place.inside("/etc").rename(self.place.folder / "far")
        self.place.put(self.text())


def rescan(place: Place, watcher: Watcher) -> None:
    """What the service does when its own look found a change that no event could tell of."""
    assert place.rings(lambda: watcher.missed(blind=True))


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_no_change_goes_unseen(place: Place, seed: int) -> None:
    """After any change, and any before it, the last wake-up saw the files as they now are."""
    fuzz = Fuzz(place, seed)
    place.bell.seen = fuzz.state
    watcher = place.watch(*FILES, debounce=0.01)
    place.bell.last = fuzz.state()
    history: list[str] = []
    for _ in range(STEPS):
        blind = fuzz.random.random() < 0.06
        blinds = [fuzz.edit_by_another_name, fuzz.move_far_above]
        change = fuzz.random.choice(blinds if blind else fuzz.changes)
        history.append(change.__name__)
        with suppress(OSError):
            change()
        if blind:
            rescan(place, watcher)
        assert until(lambda: place.bell.last == fuzz.state()), history
        assert (watcher.mode, watcher.why) == ("events", None), history
    assert until(watcher.alive)
