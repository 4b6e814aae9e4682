"""How the watcher itself behaves: bursts, limits, lost trust, dead threads, a clean end."""

from __future__ import annotations

import errno
import logging
import os
import threading
import time
from pathlib import Path

import pytest
from watch_place import POLICY, Place, until

from mdeinspect.errors import Unreadable
from mdeinspect.watch import Watcher, kernel, session
from mdeinspect.watch.mounts import Mount


def test_a_burst_ends_in_few_wakes(place: Place) -> None:
    """Thousands of writes make few wakes, and the last state is announced."""
    file = place.put("start")
    place.bell.seen = lambda: file.read_text()
    place.watch(debounce=0.05)
    for number in range(5000):
        file.write_text(str(number))
    assert until(lambda: place.bell.last == "4999")
    assert place.bell.settle() <= 60


def test_wakes_come_from_one_thread_one_at_a_time(place: Place) -> None:
    """However slow the wake is, it never runs twice at once, nor in two threads."""
    threads: set[str] = set()
    inside = threading.Lock()
    overlaps: list[bool] = []

    def wake() -> None:
        overlaps.append(not inside.acquire(blocking=False))
        threads.add(threading.current_thread().name)
        time.sleep(0.1)
        inside.release()
        place.bell.ring()

    file = place.put("one")
    place.bell.settle()
    watcher = Watcher(lambda: [POLICY], wake, root=str(place.folder), debounce=0.01)
    place.watchers.append(watcher)
    watcher.start()
    for number in range(40):
        file.write_text(str(number))
        watcher.rebuild()
        time.sleep(0.01)
    place.bell.settle()
    assert len(overlaps) > 1
    assert not any(overlaps)
    assert len(threads) == 1


def test_a_folder_that_appears_while_watches_are_made(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What appears between looking and watching is not overlooked: there is a second look."""

    class Slow(kernel.Observer):  # type: ignore[misc,valid-type]
        def schedule(self, *args: object, **kwargs: object) -> object:
            if not place.at("/etc").exists():
                place.at(POLICY).parent.mkdir(parents=True)
            return super().schedule(*args, **kwargs)

    monkeypatch.setattr(kernel, "Observer", Slow)
    place.watch()
    assert place.rings(lambda: place.put("one"))


def test_a_disk_that_never_stands_still(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where every look differs from the one before, watches are kept and made anew later."""
    counter = iter(range(1000))
    watcher = place.watch_for(lambda: [POLICY, f"/etc/{min(next(counter), 30)}"])
    assert watcher.mode == "events"
    assert until(lambda: watcher._session is not None and not watcher._session.settler.busy)
    assert place.rings(lambda: place.put("one"))


LIMITED = [(errno.ENOSPC, "max_user_watches"), (errno.EMFILE, "max_user_instances")]


@pytest.mark.parametrize(("number", "word"), LIMITED)
@pytest.mark.parametrize("where", ["at once", "at a watch"])
def test_limits_of_the_kernel(
    place: Place, monkeypatch: pytest.MonkeyPatch, number: int, word: str, where: str
) -> None:
    """Where inotify has no room the watcher polls, says why and what to do, and can come back."""

    class Full(kernel.Observer):  # type: ignore[misc,valid-type]
        def __init__(self) -> None:
            if where == "at once":
                raise OSError(number, "no room")
            super().__init__()

        def schedule(self, *args: object, **kwargs: object) -> None:
            raise OSError(number, "no room")

    place.put("one")
    with monkeypatch.context() as patch:
        patch.setattr(kernel, "Observer", Full)
        watcher = place.watch()
        assert watcher.mode == "polling"
        assert watcher.why is not None
        assert watcher.why.startswith("cannot watch")
        assert word in watcher.why
        assert watcher.poll_interval == 5.0
        assert watcher.alive()
    assert place.rings(watcher.rebuild)
    assert (watcher.mode, watcher.why, watcher.poll_interval) == ("events", None, None)
    assert place.rings(lambda: place.put("two"))


def test_a_limit_met_later_is_told(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Losing events wakes the service, which then finds the watcher polling."""

    def full() -> None:
        raise OSError(errno.EMFILE, "no room")

    watcher = place.watch()
    monkeypatch.setattr(kernel, "Observer", full)
    assert place.rings(lambda: place.put("one"))
    assert watcher.mode == "polling"


def test_a_folder_that_may_not_be_watched(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """watchdog takes a refusal of inotify for success: it is asked about before."""
    place.put("one")
    monkeypatch.setattr(kernel, "_may_read", lambda _: False)
    watcher = place.watch()
    assert watcher.mode == "polling"
    assert watcher.why == "cannot watch /etc/opt/mdatp: permission denied"


def test_what_may_be_read_is_tried(tmp_path: Path) -> None:
    """A folder is opened: its mode alone does not tell who may. What is none may be watched."""
    assert kernel._may_read(str(tmp_path))
    assert kernel._may_read(str(tmp_path / "none"))
    if os.geteuid() != 0:
        pytest.skip("only root can become somebody who may not")
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    tmp_path.chmod(0o755)
    folder = os.open(closed, os.O_PATH)  # reachable, whatever pytest's own folders allow
    try:
        os.seteuid(65534)
        assert not kernel._may_read(f"/proc/self/fd/{folder}/.")
    finally:
        os.seteuid(0)
        os.close(folder)


def test_a_file_system_that_tells_nothing(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a network file system the watcher polls, and names folder and type as the host does."""
    place.put("one")
    monkeypatch.setattr(session, "mounts", lambda: (Mount(1, "/", "nfs4"),))
    watcher = place.watch()
    assert watcher.mode == "polling"
    assert watcher.why is not None
    assert "/etc/opt/mdatp lies on nfs4" in watcher.why
    assert str(place.folder) not in watcher.why


def test_a_root_that_is_gone(place: Place) -> None:
    """Without anything to watch the watcher polls, and a rebuild finds what has come."""
    place.folder.rmdir()
    watcher = place.watch()
    assert watcher.mode == "polling"
    place.folder.mkdir()
    assert place.rings(watcher.rebuild)
    assert watcher.mode == "events"


def test_paths_that_cannot_be_told(place: Place) -> None:
    """When the paths themselves cannot be had the watcher polls and passes the reason on."""

    def paths() -> list[str]:
        raise Unreadable("cannot read /x: permission denied", kind="denied")

    watcher = place.watch_for(paths)
    assert watcher.mode == "polling"
    assert "cannot read /x" in (watcher.why or "")


def test_three_misses_in_an_hour_end_the_trust(place: Place) -> None:
    """A miss makes all watches anew; the third within an hour ends in polling, for that hour."""
    now = [0.0]
    watcher = place.watch(clock=lambda: now[0])
    for moment in (0.0, 1800.0, 3700.0):
        now[0] = moment
        assert place.rings(watcher.missed)
        assert watcher.mode == "events"
    now[0] = 3800.0
    assert place.rings(watcher.missed)
    assert watcher.mode == "polling"
    assert "3 changes" in (watcher.why or "")
    watcher.missed()
    assert place.rings(watcher.rebuild)
    assert watcher.mode == "polling"
    now[0] = 5500.0
    assert place.rings(watcher.rebuild)
    assert watcher.mode == "events"


def test_blind_misses_do_not_count(place: Place) -> None:
    """What no event could have told is no reason to distrust events, but makes watches anew."""
    watcher = place.watch(clock=lambda: 0.0)
    for _ in range(5):
        assert place.rings(lambda: watcher.missed(blind=True))
    assert watcher.mode == "events"


def test_a_dead_thread_of_watchdog_is_noticed(place: Place) -> None:
    """When a thread that watches dies, `alive` is false until a rebuild."""
    place.put("one")
    watcher = place.watch()
    assert watcher.alive()
    for thread in list(watcher._session._watches._threads):  # type: ignore[union-attr]
        thread.stop()
    assert until(lambda: not watcher.alive())
    assert place.rings(watcher.rebuild)
    assert until(watcher.alive)
    assert place.rings(lambda: place.put("two"))


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_dead_thread_of_our_own_is_noticed(place: Place) -> None:
    """When our own thread dies of a defect, `alive` is false, and a rebuild starts another one."""
    broken = [False]

    def paths() -> list[str]:
        if broken[0]:
            raise RuntimeError("a defect")
        return [POLICY]

    watcher = place.watch_for(paths)
    broken[0] = True
    watcher.rebuild()
    assert until(lambda: not watcher.alive())
    broken[0] = False
    assert place.rings(watcher.rebuild)
    assert until(watcher.alive)
    assert place.rings(lambda: place.put("one"))


def test_an_overflow_wakes(place: Place) -> None:
    """When watchdog says that the kernel dropped events, the service is woken and can tell."""
    watcher = place.watch()
    assert not watcher.overflowed
    logger = logging.getLogger("watchdog.observers.inotify_c")
    assert place.rings(lambda: logger.warning("Inotify queue overflowed; events were lost"))
    assert watcher.overflowed
    assert place.silent(lambda: logger.warning("something else"))


def test_start_and_stop_again_and_again(place: Place) -> None:
    """Both may be called twice; after a stop nobody is woken, after a new start again."""
    file = place.put("one")
    watcher = Watcher(lambda: [POLICY], place.bell.ring, root=str(place.folder))
    watcher.rebuild()
    watcher.missed()
    watcher.stop()
    assert (watcher.mode, watcher.why, watcher.alive()) == ("polling", "not started", False)
    place.watchers.append(watcher)
    for _ in range(2):
        watcher.start()
        watcher.start()
        assert place.rings(lambda: file.write_text("two"))
        watcher.stop()
        watcher.stop()
        assert place.silent(lambda: file.write_text("three"))


def test_nothing_is_left_behind(place: Place) -> None:
    """200 rebuilds and a stop leave no thread and no file descriptor."""
    place.put("one")
    threads, handles = threading.active_count(), len(os.listdir("/proc/self/fd"))
    watcher = place.watch(debounce=0.0)
    running = threading.active_count(), len(os.listdir("/proc/self/fd"))
    for _ in range(200):
        before = place.bell.rings
        watcher.rebuild()
        assert place.bell.heard(before)
    assert until(lambda: (threading.active_count(), len(os.listdir("/proc/self/fd"))) == running)
    watcher.stop()
    assert until(lambda: threading.active_count() == threads)
    assert len(os.listdir("/proc/self/fd")) == handles
    assert not logging.getLogger("watchdog").handlers


def test_a_stop_is_bounded(place: Place) -> None:
    """A wake that hangs cannot hold up the end, and is not followed by another."""
    hold, woken = threading.Event(), []

    def wake() -> None:
        woken.append(1)
        hold.wait(30)

    file = place.put("one")
    watcher = Watcher(lambda: [POLICY], wake, root=str(place.folder))
    watcher.start()
    file.write_text("two")
    assert until(lambda: bool(woken))
    file.write_text("three")
    watcher.stop(timeout=0.2)
    hold.set()
    assert until(lambda: not any(t.name == "mdeinspect-watch" for t in threading.enumerate()))
    assert woken == [1]


def test_idle_costs_next_to_nothing(place: Place) -> None:
    """Without events nothing runs: a second of idling takes no measurable processor time."""
    place.watch()
    place.bell.settle()
    before = time.process_time()
    time.sleep(1.0)
    assert time.process_time() - before < 0.25
