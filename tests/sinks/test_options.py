"""The options of sinks: strict, and an error names the key."""

from __future__ import annotations

from typing import Any

import pytest

from mdeinspect import sinks
from mdeinspect.errors import ConfigError
from mdeinspect.model import Severity

WRONG: list[tuple[str, dict[str, Any]]] = [
    ("type", {}),
    ("type", {"type": "pigeon"}),
    ("type", {"type": "delivery"}),
    ("type", {"type": 3}),
    ("colour", {"type": "stdout", "colour": "red"}),
    ("format", {"type": "stdout", "format": "morse"}),
    ("min_severity", {"type": "stdout", "min_severity": "loud"}),
    ("path", {"type": "file"}),
    ("path", {"type": "file", "path": "events.ndjson"}),
    ("path", {"type": "file", "path": "/var/log/../events"}),
    ("path", {"type": "file", "path": "/var/log/"}),
    ("path", {"type": "file", "path": 7}),
    ("mode", {"type": "file", "path": "/a/b", "mode": "0666"}),
    ("mode", {"type": "file", "path": "/a/b", "mode": 640}),
    ("max_size", {"type": "file", "path": "/a/b", "max_size": 5}),
    ("max_size", {"type": "file", "path": "/a/b", "max_size": "1KiB"}),
    ("max_age", {"type": "file", "path": "/a/b", "max_age": "soon"}),
    ("keep", {"type": "file", "path": "/a/b", "keep": 0}),
    ("keep", {"type": "file", "path": "/a/b", "keep": True}),
    ("group", {"type": "file", "path": "/a/b", "group": 4}),
    ("transport", {"type": "syslog", "transport": "tls"}),
    ("host", {"type": "syslog", "transport": "tcp"}),
    ("host", {"type": "syslog", "host": "logs"}),
    ("port", {"type": "syslog", "port": 514}),
    ("port", {"type": "syslog", "transport": "udp", "host": "logs", "port": 0}),
    ("port", {"type": "syslog", "transport": "udp", "host": "logs", "port": "514"}),
    ("path", {"type": "syslog", "transport": "udp", "host": "logs", "path": "/dev/log"}),
    ("path", {"type": "syslog", "path": "dev/log"}),
    ("facility", {"type": "syslog", "facility": "local8"}),
    ("app_name", {"type": "syslog", "app_name": "two words"}),
    ("app_name", {"type": "syslog", "app_name": ""}),
    ("protocol", {"type": "syslog", "protocol": "bsd"}),
    ("protocol", {"type": "syslog", "transport": "udp", "host": "logs", "protocol": "local"}),
    ("protocol", {"type": "syslog", "protocol": "local", "structured_data": True}),
    ("structured_data", {"type": "syslog", "structured_data": "yes"}),
]
RIGHT: list[dict[str, Any]] = [
    {"type": "stdout", "format": "native", "min_severity": "high"},
    {"type": "file", "path": "/a/b", "mode": "0600", "group": "adm", "max_size": "none"},
    {"type": "file", "path": "/a/b", "max_size": "64KiB", "max_age": "7d", "keep": 1},
    {"type": "syslog"},
    {"type": "syslog", "protocol": "local"},
    {"type": "syslog", "transport": "tcp", "host": "::1", "port": 6514, "structured_data": True},
    {"type": "syslog", "transport": "udp", "host": "logs", "facility": "daemon", "app_name": "mde"},
]


@pytest.mark.parametrize(("key", "options"), WRONG)
def test_wrong_options_are_refused_by_name(key: str, options: dict[str, Any]) -> None:
    """An unknown option or a wrong value is an error that names `sinks.<name>.<key>`."""
    with pytest.raises(ConfigError, match=rf"^cannot use sinks\.siem\.{key}: "):
        sinks.make("siem", options)


@pytest.mark.parametrize("options", RIGHT)
def test_right_options_make_a_sink_and_touch_nothing(options: dict[str, Any]) -> None:
    """Making a sink opens no file and no connection: none of these places exists."""
    sink = sinks.make("siem", options)
    sink.close()
    assert type(sink).__module__ == f"mdeinspect.sinks.{options['type']}"


def test_without_a_sink_native_lines_go_to_standard_output() -> None:
    """No sink configured means one sink: stdout, native, everything."""
    (only,) = sinks.chosen({})
    assert (only.name, only.min_severity) == ("stdout", Severity.INFO)
    assert type(only.sink) is type(sinks.make("any", {"type": "stdout"}))
