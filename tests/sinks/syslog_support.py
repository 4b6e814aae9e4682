"""The grammar of RFC 5424, and small syslog servers on loopback that can misbehave."""

from __future__ import annotations

import contextlib
import re
import socket
import struct
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

# Section 6 of the RFC, rule by rule.
_PRINT = r"[!-~]"
_SD_NAME = r"[!#-<>-\\^-~]{1,32}"
_PARAM = rf'{_SD_NAME}="(?:[^"\\\]]|\\["\\\]]|\\(?!["\\\]]))*"'
_DATE = r"\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])"
_CLOCK = r"(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,6})?"
_OFFSET = r"(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)"
GRAMMAR = re.compile(
    r"<(?P<pri>\d{1,3})>(?P<version>[1-9]\d{0,2})"
    rf" (?P<timestamp>-|{_DATE}T{_CLOCK}{_OFFSET})"
    rf" (?P<hostname>-|{_PRINT}{{1,255}})"
    rf" (?P<app_name>-|{_PRINT}{{1,48}})"
    rf" (?P<procid>-|{_PRINT}{{1,128}})"
    rf" (?P<msgid>-|{_PRINT}{{1,32}})"
    rf" (?P<data>-|(?:\[{_SD_NAME}(?: {_PARAM})*\])+)"
    r"(?: (?P<msg>.*))?",
    re.DOTALL,
)


def parsed(message: str) -> dict[str, str]:
    """The parts of one message; fails where it is not by the RFC."""
    match = GRAMMAR.fullmatch(message)
    assert match, f"not RFC 5424: {message!r}"
    assert int(match["pri"]) <= 191
    return match.groupdict("")


def deframed(data: bytes) -> tuple[list[str], bytes]:
    """The messages of a stream with octet counting, and what is left of an unfinished one."""
    found = []
    while match := re.match(rb"([1-9]\d*) ", data):
        end = match.end() + int(match[1])
        if len(data) < end:
            break
        found.append(data[match.end() : end].decode())
        data = data[end:]
    else:
        assert re.fullmatch(rb"\d*", data), f"no frame begins with {data[:20]!r}"
    return found, data


class Server:
    """A server in a thread. `messages` is what it took, a list for each connection."""

    def __init__(self, listener: socket.socket, *, limit: int | None = None) -> None:
        self.listener = listener
        self.limit = limit  # so many bytes of each connection, then it is cut
        self.reading = threading.Event()
        self.reading.set()
        self.connections: list[list[str]] = []
        self.rests: list[bytes] = []  # the frame that a connection ended in
        self._over = threading.Event()
        self._open: list[socket.socket] = []
        self._thread = threading.Thread(target=self._serve, daemon=True)
        listener.settimeout(0.02)

    @property
    def messages(self) -> list[str]:
        """All messages in the order of their arrival."""
        return [one for connection in list(self.connections) for one in list(connection)]

    def cut(self) -> None:
        """Cut every connection that is open."""
        for one in self._open:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        self.reading.set()
        self._thread.join(20)
        self.listener.close()
        assert not self._thread.is_alive()

    def _serve(self) -> None:
        if self.listener.type == socket.SOCK_DGRAM:
            self.connections.append([])
            self._datagrams()
            return
        while not self._over.is_set():
            with contextlib.suppress(TimeoutError):
                connection, _ = self.listener.accept()
                self._open.append(connection)
                self.connections.append([])
                with connection:
                    self._stream(connection)
                self._open.remove(connection)

    def _datagrams(self) -> None:
        while not self._over.is_set():
            self.reading.wait()
            with contextlib.suppress(TimeoutError):
                self.connections[-1].append(self.listener.recv(65536).decode())

    def _stream(self, connection: socket.socket) -> None:
        connection.settimeout(0.02)
        data, taken = b"", 0
        while not self._over.is_set():
            self.reading.wait()
            most = 65536 if self.limit is None else min(65536, self.limit - taken)
            if not most:
                # the kernel then answers what is still under way with a reset
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                break
            try:
                piece = connection.recv(most)
            except TimeoutError:
                continue
            except OSError:
                break
            if not piece:
                break
            taken += len(piece)
            data = self._take(data + piece)
        self.rests.append(data)

    def _take(self, data: bytes) -> bytes:
        if self.listener.family == socket.AF_UNIX:
            *lines, data = data.split(b"\n")
            self.connections[-1] += [one.decode() for one in lines]
            return data
        found, data = deframed(data)
        self.connections[-1] += found
        return data


def bound(kind: socket.SocketKind, port: int = 0) -> socket.socket:
    """A socket on loopback, listening where it is a stream."""
    made = socket.socket(socket.AF_INET, kind)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind(("127.0.0.1", port))
    if kind == socket.SOCK_STREAM:
        made.listen()
    return made


def bound_unix(kind: socket.SocketKind, path: Path) -> socket.socket:
    """A local socket, listening where it is a stream."""
    made = socket.socket(socket.AF_UNIX, kind)
    made.bind(str(path))
    if kind == socket.SOCK_STREAM:
        made.listen()
    return made


def port_of(listener: socket.socket) -> int:
    """Where a server on loopback listens."""
    port: int = listener.getsockname()[1]
    return port


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    """A port on loopback where nobody listens."""
    with bound(kind) as made:
        return port_of(made)
