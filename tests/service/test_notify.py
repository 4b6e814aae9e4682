"""What the service tells systemd."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from service_support import Mailbox

from mdeinspect.service import notify
from mdeinspect.service.notify import Notifier


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    """A socket at an abstract address."""
    made = Mailbox()
    yield made
    made.close()


def notifier(monkeypatch: pytest.MonkeyPatch, address: str) -> Notifier:
    monkeypatch.setenv("NOTIFY_SOCKET", address)
    return Notifier()


def test_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Readiness and state go to the socket that NOTIFY_SOCKET names."""
    monkeypatch.chdir(tmp_path)  # a name below 108 bytes, wherever the tests run
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind("notify")
        listener.settimeout(10)
        one = notifier(monkeypatch, "notify")
        one.ready("all\nwell")
        assert listener.recv(4096) == b"READY=1\nSTATUS=all well"
        one.status("still so")
        assert listener.recv(4096) == b"STATUS=still so"
        one.stopping()
        assert listener.recv(4096) == b"STOPPING=1"


def test_abstract(monkeypatch: pytest.MonkeyPatch, mailbox: Mailbox) -> None:
    """An address that begins with @ is an abstract one."""
    notifier(monkeypatch, mailbox.name).ready("here")
    assert mailbox.read() == ["READY=1\nSTATUS=here"]


def test_reloading(monkeypatch: pytest.MonkeyPatch, mailbox: Mailbox) -> None:
    """A reload carries the monotonic time that systemd wants with it."""
    notifier(monkeypatch, mailbox.name).reloading()
    assert re.fullmatch(r"RELOADING=1\nMONOTONIC_USEC=\d+", mailbox.read()[0])


def test_watchdog(monkeypatch: pytest.MonkeyPatch, mailbox: Mailbox) -> None:
    """With a watchdog it pings, twice as often as systemd waits."""
    monkeypatch.setenv("WATCHDOG_USEC", "30000000")
    monkeypatch.setenv("WATCHDOG_PID", str(os.getpid()))
    one = notifier(monkeypatch, mailbox.name)
    assert one.watchdog == 15.0
    one.ping()
    assert mailbox.read() == ["WATCHDOG=1"]


@pytest.mark.parametrize(
    ("microseconds", "pid"), [("30000000", "1"), ("", None), ("soon", None), ("0", None)]
)
def test_no_watchdog(
    monkeypatch: pytest.MonkeyPatch, mailbox: Mailbox, microseconds: str, pid: str | None
) -> None:
    """Without a watchdog, or with that of another process, nothing is sent."""
    monkeypatch.setenv("WATCHDOG_USEC", microseconds)
    if pid:
        monkeypatch.setenv("WATCHDOG_PID", pid)
    one = notifier(monkeypatch, mailbox.name)
    one.ping()
    assert one.watchdog is None
    assert mailbox.read() == []


def test_not_inherited(monkeypatch: pytest.MonkeyPatch, mailbox: Mailbox) -> None:
    """No program that the service starts can speak for it."""
    notifier(monkeypatch, mailbox.name)
    assert "NOTIFY_SOCKET" not in os.environ


@pytest.mark.parametrize("address", ["", "/nowhere/at/all", "@mdeinspect-nobody", "vsock:2:1"])
def test_nobody_listens(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    """That nobody listens disturbs nothing."""
    one = notifier(monkeypatch, address)
    one.ready("x")
    one.status("y")
    one.stopping()


def test_long_status(monkeypatch: pytest.MonkeyPatch, mailbox: Mailbox) -> None:
    """A status is one short line, whatever is in it."""
    notifier(monkeypatch, mailbox.name).status("a\nREADY=1\n" + "x" * 5000)
    assert mailbox.read() == ["STATUS=" + ("a READY=1 " + "x" * 5000)[:200]]


def test_how_it_is_waits_for_nobody(monkeypatch: pytest.MonkeyPatch, mailbox: Mailbox) -> None:
    """A manager that does not read stops no main thread: the line about the state is dropped."""
    one = notifier(monkeypatch, mailbox.name)
    monkeypatch.setattr(notify, "PATIENCE", 60.0)
    for number in range(2000):  # more than any queue of datagrams holds
        one.status(f"state {number}")
    assert 0 < len(mailbox.read()) < 2000
    one.status("read again")
    assert mailbox.read()[-1] == "STATUS=read again"
