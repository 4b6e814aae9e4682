"""Ways to a syslog server: datagrams, a local stream, TCP. All waits are bounded."""

from __future__ import annotations

import contextlib
import errno
import os
import select
import socket
import time
from collections import deque
from typing import Protocol

CONNECT_SECONDS = 5.0
WRITE_SECONDS = 10.0
RESEND_SECONDS = 30.0
RESEND_BYTES = 4 * 1024 * 1024
REFUSAL_MS = 30  # how long after the last datagram a refusal is waited for


class Transport(Protocol):
    """One way. Every method raises OSError; after that `close` is called, then `begin` again."""

    may_have_lost: bool  # whether an error says that earlier messages may not have arrived

    def begin(self) -> None:
        """Be connected."""

    def send(self, message: bytes) -> None:
        """Hand one message over."""

    def finish(self) -> None:
        """A batch is sent: look whether anything speaks against its arrival."""

    def tend(self) -> None:
        """Nothing is to be sent: look after what was sent last."""

    def close(self) -> None:
        """Let go of the connection."""


class Unix:
    """The local socket of a syslog daemon, of datagrams or a stream, whichever is there."""

    may_have_lost = False

    def __init__(self, path: str) -> None:
        self._path = path
        self._socket: socket.socket | None = None
        self._stream = False

    def begin(self) -> None:
        """Connect, where that is still to be done; a stream that was cut counts as not done."""
        if self._socket is not None and self._stream and was_cut(self._socket):
            self.close()
        if self._socket is None:
            try:
                self._connect(socket.SOCK_DGRAM)
            except OSError as error:
                if error.errno != errno.EPROTOTYPE:
                    raise
                self._connect(socket.SOCK_STREAM)

    def send(self, message: bytes) -> None:
        """One datagram, or one line."""
        if self._stream:
            connected(self._socket).sendall(message + b"\n")
        else:
            connected(self._socket).send(message)

    def finish(self) -> None:
        """Nothing to look for: handed over is what is promised."""

    def tend(self) -> None:
        """Nothing to look after."""

    def close(self) -> None:
        """Let go of the socket."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _connect(self, kind: socket.SocketKind) -> None:
        made = socket.socket(socket.AF_UNIX, kind)
        try:
            made.settimeout(WRITE_SECONDS)
            made.connect(self._path)
        except OSError:
            made.close()
            raise
        self._socket, self._stream = made, kind == socket.SOCK_STREAM


class Udp:
    """Datagrams over the network. Best effort; a refusal that comes back is noticed."""

    may_have_lost = True

    def __init__(self, host: str, port: int) -> None:
        self._address = host, port
        self._socket: socket.socket | None = None

    def begin(self) -> None:
        """Look the host up, and take the first address that can be reached."""
        if self._socket is not None:
            return
        found = socket.getaddrinfo(*self._address, type=socket.SOCK_DGRAM)
        for index, (family, kind, proto, _, address) in enumerate(found):
            made = socket.socket(family, kind, proto)
            try:
                made.settimeout(WRITE_SECONDS)
                made.connect(address)
            except OSError:
                made.close()
                if index + 1 == len(found):
                    raise
            else:
                self._socket = made
                return

    def send(self, message: bytes) -> None:
        """One datagram."""
        connected(self._socket).send(message)

    def finish(self) -> None:
        """Wait a moment for a refusal: where nobody listens, the near network says so at once."""
        current = connected(self._socket)
        poller = select.poll()
        poller.register(current, 0)
        if poller.poll(REFUSAL_MS) and (
            code := current.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        ):
            raise OSError(code, os.strerror(code))

    def tend(self) -> None:
        """Nothing to look after: best effort."""

    def close(self) -> None:
        """Let go of the socket."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None


class Tcp:
    """A connection with octet counting. After a reconnect, what went out last goes out again.

    The kernel takes what the server may never see. It gives an unanswered connection up within
    20 s, so that nothing older than the last 30 s of writing can be lost that way.
    """

    may_have_lost = False  # the lines sent again take care of it

    def __init__(self, host: str, port: int) -> None:
        self._address = host, port
        self._socket: socket.socket | None = None
        self._recent: deque[tuple[float, bytes]] = deque()
        self._bytes = 0
        self._tended = True

    def begin(self) -> None:
        """Connect where there is no connection, or it was cut, and send the last lines again."""
        if self._socket is not None and was_cut(self._socket):
            self.close()
        if self._socket is None:
            self._socket = socket.create_connection(self._address, timeout=CONNECT_SECONDS)
            keep_alive(self._socket)
            self._socket.settimeout(WRITE_SECONDS)
            for _, frame in self._recent:
                self._socket.sendall(frame)
            # Sent anew, and perhaps in vain again: a server may stall for long and then cut.
            now = time.monotonic()
            self._recent = deque((now, frame) for _, frame in self._recent)

    def send(self, message: bytes) -> None:
        """One frame: its length, a blank, the message."""
        frame = b"%d %s" % (len(message), message)
        connected(self._socket).sendall(frame)
        self._remember(frame)

    def finish(self) -> None:
        """Raise when the server has cut the connection meanwhile."""
        if was_cut(connected(self._socket)):
            raise ConnectionResetError(errno.ECONNRESET, "the server cut the connection")

    def tend(self) -> None:
        """Send the last lines again after a cut, and not only when the next one is there.

        Once: a server that cuts every quiet connection would get them for ever.
        """
        if not self._tended and (self._socket is None or was_cut(self._socket)):
            self.close()
            self.begin()
            self.finish()
            self._tended = True

    def close(self) -> None:
        """Let go of the connection; the last lines stay remembered."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _remember(self, frame: bytes) -> None:
        # Measured from the newest line, not from the reconnect: that may be hours later.
        now = time.monotonic()
        self._recent.append((now, frame))
        self._tended = False
        self._bytes += len(frame)
        while self._recent[0][0] < now - RESEND_SECONDS or self._bytes > RESEND_BYTES:
            self._bytes -= len(self._recent.popleft()[1])


def was_cut(current: socket.socket) -> bool:
    """Whether the other side has gone. What it says is of no interest."""
    poller = select.poll()
    poller.register(current, select.POLLIN)
    try:
        while poller.poll(0):  # without a look first, `recv` would wait as long as a write may
            if not current.recv(65536):
                return True
    except OSError:
        return True
    return False


def keep_alive(current: socket.socket) -> None:
    """Notice a server that vanished without a word; what a platform lacks is left out."""
    current.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    wanted = {
        "TCP_KEEPIDLE": 30,
        "TCP_KEEPALIVE": 30,  # the same on macOS
        "TCP_KEEPINTVL": 10,
        "TCP_KEEPCNT": 3,
        "TCP_USER_TIMEOUT": 20_000,  # milliseconds, Linux
    }
    for name, value in wanted.items():
        if (option := getattr(socket, name, None)) is not None:
            with contextlib.suppress(OSError):
                current.setsockopt(socket.IPPROTO_TCP, option, value)


def connected(current: socket.socket | None) -> socket.socket:
    """The socket that `begin` made."""
    if current is None:
        raise ConnectionError(errno.ENOTCONN, "not connected")
    return current
