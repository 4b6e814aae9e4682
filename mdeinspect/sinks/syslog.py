"""A syslog server, by RFC 5424. Unix socket: handed over. UDP: best effort. TCP: see below.

TCP has no answer that a line arrived. A cut connection is noticed before and after each batch, and
after a reconnect the last 30 s are sent again with equal ids, so that the receiver can drop what
it already has.
"""

from __future__ import annotations

import errno
import os
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from mdeinspect.sinks import Rendered, SinkError
from mdeinspect.sinks._progress import Progress
from mdeinspect.sinks._rfc5424 import FACILITIES, header, smaller, word
from mdeinspect.sinks._transport import Tcp, Transport, Udp, Unix
from mdeinspect.sinks.options import Common, Port, Switch, Unfit

LOCAL = "/var/run/syslog" if sys.platform == "darwin" else "/dev/log"
PORT = 514
OFF = Switch(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options(Common):
    """Where the server is, and how it sorts what it gets."""

    transport: Literal["unix", "udp", "tcp"] = "unix"
    path: str | None = None
    host: str | None = None
    port: Port | None = None
    facility: str = "local0"
    app_name: str = "mdeinspect"
    structured_data: Switch = OFF


def create(options: Options, _stop: threading.Event) -> SyslogSink:
    """The sink; raises `Unfit` for options that do not go together."""
    if options.facility not in FACILITIES:
        raise Unfit("facility", f"{options.facility!r} is none of {', '.join(FACILITIES)}")
    if not options.app_name or word(options.app_name, 48) != options.app_name:
        raise Unfit("app_name", "write 1 to 48 printable ASCII characters without blanks")
    return SyslogSink(options, _transport(options))


class SyslogSink:
    """Sends one message for each line."""

    def __init__(self, options: Options, transport: Transport) -> None:
        self._options = options
        self._transport = transport
        self._progress = Progress()

    def deliver(self, lines: Sequence[Rendered]) -> None:
        """Send every line; raises `SinkError` when the server is not there, slow or cutting."""
        try:
            self._transport.begin()
            for one in self._progress.left(lines):
                self._send(one)
                self._progress.add(one.text)
            self._transport.finish()
        except OSError as error:
            self._transport.close()
            if self._transport.may_have_lost:
                self._progress.clear()
            why = error.strerror or error
            raise SinkError(f"cannot reach syslog at {self._where}: {why}") from error
        self._progress.clear()

    def close(self) -> None:
        """Let go of the connection."""
        self._transport.close()

    @property
    def _where(self) -> str:
        options = self._options
        if options.transport == "unix":
            return options.path or LOCAL
        return f"{options.transport}://{options.host}:{options.port or PORT}"

    def _send(self, one: Rendered) -> None:
        head = header(
            one.event,
            facility=FACILITIES[self._options.facility],
            app_name=self._options.app_name,
            pid=os.getpid(),
            structured=bool(self._options.structured_data),
        )
        text: str | None = one.text
        while text is not None:
            try:
                self._transport.send((head + text).encode())
            except OSError as error:
                # macOS takes local datagrams of 2048 bytes by default; less is told than nothing
                if error.errno != errno.EMSGSIZE or (text := smaller(text)) is None:
                    raise
            else:
                return


def _transport(options: Options) -> Transport:
    if options.transport == "unix":
        for key in ("host", "port"):
            if getattr(options, key) is not None:
                raise Unfit(key, "a unix socket has none; set transport to udp or tcp")
        path = options.path or LOCAL
        if not os.path.isabs(path) or "\0" in path:
            raise Unfit("path", f"{path!r} is not an absolute path")
        return Unix(path)
    if options.path is not None:
        raise Unfit("path", f"{options.transport} has none; set host and port")
    if not options.host or any(not sign.isprintable() or sign == " " for sign in options.host):
        raise Unfit("host", "it must be the name or address of the server")
    way = Udp if options.transport == "udp" else Tcp
    return way(options.host, options.port or PORT)
