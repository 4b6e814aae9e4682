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
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from mdeinspect.sinks import Needs, Rendered, SinkError
from mdeinspect.sinks._progress import Progress
from mdeinspect.sinks._rfc5424 import FACILITIES, header, local_header, smaller, word
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
    protocol: Literal["rfc5424", "local"] = "rfc5424"
    facility: str = "local0"
    app_name: str = "mdeinspect"
    structured_data: Switch = OFF


def create(options: Options, _stop: threading.Event) -> SyslogSink:
    """The sink; raises `Unfit` for options that do not go together."""
    if options.facility not in FACILITIES:
        raise Unfit("facility", f"{options.facility!r} is none of {', '.join(FACILITIES)}")
    if not options.app_name or word(options.app_name, 48) != options.app_name:
        raise Unfit("app_name", "write 1 to 48 printable ASCII characters without blanks")
    if options.protocol == "local" and (options.transport != "unix" or options.structured_data):
        raise Unfit("protocol", "local is for unix sockets, and has no structured data")
    return SyslogSink(options, _transport(options))


def needs(options: Options) -> Needs:
    """A server that can be reached; by UDP, one whose name is known."""
    transport, where = _transport(options), _where(options)

    def connect() -> None:
        try:
            transport.begin()
        except OSError as error:
            why = error.strerror or error
            raise SinkError(f"cannot reach syslog at {where}: {why}") from error
        finally:
            transport.close()

    return Needs(f"syslog at {where}", network=options.transport != "unix", connect=connect)


class SyslogSink:
    """Sends one message for each line."""

    def __init__(self, options: Options, transport: Transport) -> None:
        self._options = options
        self._transport = transport
        self._progress = Progress()

    def deliver(self, lines: Sequence[Rendered]) -> None:
        """Send every line; raises `SinkError` when the server is not there, slow or cutting."""
        try:
            if lines:
                self._send_all(lines)
            else:
                self._transport.tend()
        except OSError as error:
            self._transport.close()
            if self._transport.may_have_lost:
                self._progress.clear()
            why = error.strerror or error
            raise SinkError(f"cannot reach syslog at {_where(self._options)}: {why}") from error
        self._progress.clear()

    def close(self) -> None:
        """Let go of the connection."""
        self._transport.close()

    def _send_all(self, lines: Sequence[Rendered]) -> None:
        self._transport.begin()
        for one in self._progress.left(lines):
            self._send(one)
            self._progress.add(one.text)
        self._transport.finish()

    def _send(self, one: Rendered) -> None:
        head = self._header(one.event)
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

    def _header(self, event: Mapping[str, Any]) -> str:
        options, pid = self._options, os.getpid()
        facility, app_name = FACILITIES[options.facility], options.app_name
        if options.protocol == "local":
            return local_header(event, facility=facility, app_name=app_name, pid=pid)
        structured = bool(options.structured_data)
        return header(event, facility=facility, app_name=app_name, pid=pid, structured=structured)


def _where(options: Options) -> str:
    if options.transport == "unix":
        return options.path or LOCAL
    return f"{options.transport}://{options.host}:{options.port or PORT}"


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
    return way(options.host, int(options.port or PORT))  # name look-up refuses a kind of int
