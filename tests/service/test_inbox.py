"""The inbox: what wakes the main thread."""

from __future__ import annotations

import signal
import threading
import time

import pytest

from mdeinspect.service.inbox import Answer, Inbox, Mail


def test_nothing() -> None:
    """With nothing to tell, a wait ends by itself and brings nothing."""
    assert Inbox().wait(0.01) == Mail()


def test_never_negative() -> None:
    """A moment that has passed is no reason to wait, nor to fail."""
    assert Inbox().wait(-5.0) == Mail()


def test_hints_coalesce() -> None:
    """A thousand hints are one wake-up."""
    inbox = Inbox()
    for _ in range(1000):
        inbox.hint()
    assert inbox.wait(0.0) == Mail(files=True)
    assert inbox.wait(0.0) == Mail()


def test_doubts_coalesce() -> None:
    """So are the doubts of every sink."""
    inbox = Inbox()
    for _ in range(10):
        inbox.doubt()
    assert inbox.wait(0.0) == Mail(doubt=True)
    assert inbox.wait(0.0) == Mail()


def test_newest_acknowledgement() -> None:
    """Of one sink only the newest acknowledgement counts; answers all stay, in order."""
    inbox, first, second = Inbox(), Answer(calls=1), Answer(calls=2)
    for seq in range(1, 50):
        inbox.acknowledge("siem", seq)
    inbox.acknowledge("mail", 3)
    inbox.post(first)
    inbox.post(second)
    mail = inbox.wait(0.0)
    assert mail.acknowledged == {"siem": 49, "mail": 3}
    assert mail.answers == (first, second)
    assert inbox.wait(0.0) == Mail()


def test_acknowledgements_alone() -> None:
    """Taking acknowledgements out loses nothing else, the end least of all."""
    inbox = Inbox()
    inbox.acknowledge("siem", 7)
    inbox.hint()
    inbox.post(Answer())
    inbox.reload()
    inbox.stop("SIGTERM")
    assert inbox.acknowledgements() == {"siem": 7}
    assert inbox.acknowledgements() == {}
    assert inbox.wait(60.0) == Mail(files=True, stop="SIGTERM", reload=True, answers=(Answer(),))


def test_end_stays() -> None:
    """Once the end was asked for no wait waits, however often it is called."""
    inbox = Inbox()
    inbox.stop("SIGTERM")
    began = time.monotonic()
    assert [inbox.wait(60.0).stop for _ in range(3)] == ["SIGTERM"] * 3
    assert time.monotonic() - began < 30


def test_reloads_coalesce() -> None:
    """Several signals are one reload, and a later one is another."""
    inbox = Inbox()
    inbox.reload()
    inbox.reload()
    assert inbox.wait(0.0).reload
    assert not inbox.wait(0.0).reload
    inbox.reload()
    assert inbox.wait(0.0).reload


@pytest.mark.parametrize("what", ["hint", "doubt", "reload"])
def test_wakes_from_another_thread(what: str) -> None:
    """Whoever waits is woken at once."""
    inbox = Inbox()
    timer = threading.Timer(0.05, getattr(inbox, what))
    timer.start()
    began = time.monotonic()
    mail = inbox.wait(60.0)
    timer.join()
    assert mail != Mail()
    assert time.monotonic() - began < 30


def test_wakes_from_signal() -> None:
    """A signal wakes the main thread, whichever thread the kernel hands it to."""
    inbox = Inbox()
    before = signal.signal(signal.SIGUSR1, lambda *_: inbox.stop("SIGUSR1"))
    timer = threading.Timer(0.05, signal.raise_signal, (signal.SIGUSR1,))
    try:
        inbox.listen()
        timer.start()
        began = time.monotonic()
        assert inbox.wait(60.0).stop == "SIGUSR1"
        assert time.monotonic() - began < 30
    finally:
        timer.join()
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGUSR1, before)


def test_no_hint_lost() -> None:
    """However threads and waits interleave, what is hinted after a wait is in the next one."""
    inbox, rounds = Inbox(), 3000
    seen, given = threading.Semaphore(0), 0

    def hint() -> None:
        for seq in range(1, rounds + 1):
            inbox.hint()
            inbox.acknowledge("siem", seq)
            inbox.post(Answer())
            if not seen.acquire(timeout=60):
                return

    thread = threading.Thread(target=hint, daemon=True)
    thread.start()
    for seq in range(1, rounds + 1):
        files, answers, acknowledged = False, 0, 0
        until = time.monotonic() + 30
        while not (files and answers and acknowledged == seq):
            assert time.monotonic() < until, "something was lost"
            mail = inbox.wait(30.0)
            files |= mail.files
            answers += len(mail.answers)
            acknowledged = mail.acknowledged.get("siem", acknowledged)
        given += answers
        seen.release()
    thread.join()
    assert given == rounds
