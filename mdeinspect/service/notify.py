"""Talking to systemd: READY, STATUS, RELOADING, STOPPING, WATCHDOG. Silent without it."""

from __future__ import annotations

import os
import socket
import time

PATIENCE = 1.0  # seconds for a manager whose queue is full: what it must hear is worth a wait


class Notifier:
    """The notification socket of systemd, where `NOTIFY_SOCKET` names one."""

    def __init__(self) -> None:
        self._address = os.environ.pop("NOTIFY_SOCKET", "")
        if self._address.startswith("@"):
            self._address = "\0" + self._address[1:]
        self._every = _watchdog()

    @property
    def watchdog(self) -> float | None:
        """Seconds between pings: half of what systemd waits; None without a watchdog."""
        return self._every

    def ready(self, status: str) -> None:
        """The service works, and how it is."""
        self._send(f"READY=1\nSTATUS={_line(status)}")

    def status(self, status: str) -> None:
        """How it is, in a line."""
        self._send(f"STATUS={_line(status)}", patience=0.0)

    def reloading(self) -> None:
        """The configuration is being read again; `ready` ends it."""
        self._send(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def stopping(self) -> None:
        """The end has begun."""
        self._send("STOPPING=1")

    def ping(self) -> None:
        """The main thread is alive."""
        if self._every is not None:
            self._send("WATCHDOG=1")

    def _send(self, text: str, *, patience: float = PATIENCE) -> None:
        if not self._address:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as out:
                out.settimeout(patience)
                out.sendto(text.encode(), self._address)
        except OSError:
            return  # nobody listens: the service goes on all the same


def _line(text: str) -> str:
    return text.replace("\n", " ")[:200]


def _watchdog() -> float | None:
    microseconds = os.environ.get("WATCHDOG_USEC", "")
    for_us = os.environ.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
    wanted = int(microseconds) if microseconds.isdecimal() and for_us else 0
    return wanted / 2_000_000 if wanted else None
