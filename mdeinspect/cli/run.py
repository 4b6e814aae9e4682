"""`mdeinspect run`: the service, in the foreground."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mdeinspect.errors import UsageError

if TYPE_CHECKING:
    from mdeinspect.cli import Target
    from mdeinspect.config.model import Config
    from mdeinspect.host import Host
    from mdeinspect.service.inbox import Inbox


@click.command()
@click.pass_obj
def command(target: Target) -> None:
    """Watch this host and tell one event for each change, until SIGTERM."""
    # structlog imports rich wherever it is installed, for a console that a service never has:
    # 40 ms and 5 MiB.
    sys.modules["rich"] = None  # type: ignore[assignment]
    from mdeinspect.service.inbox import Inbox

    inbox, stop = Inbox(), threading.Event()
    _listen(inbox, stop)  # before the rest is imported: who asks for the end early gets it as well
    _diagnostics()
    _run(target, inbox, stop)


def _run(target: Target, inbox: Inbox, stop: threading.Event) -> None:
    from mdeinspect import catalogue, rules, sources
    from mdeinspect.cli.inspection import configuration, open_host
    from mdeinspect.config import load as config_file
    from mdeinspect.service.core import Parts, Service
    from mdeinspect.sinks import chosen
    from mdeinspect.store import place, size
    from mdeinspect.store.writer import Store

    def host_of(config: Config) -> Host:
        if target.root is not None:
            from mdeinspect.host.recorded import RecordedHost  # the archives behind it cost memory

            _watchable(target.root)
            return RecordedHost(target.root, platform=target.platform, live_clock=True)
        return open_host(target, config, stop)

    def load_config() -> Config:
        """The configuration, wrong options of sinks and sizes refused."""
        config = configuration(target)
        chosen(config.sinks)
        size.parse(config.store.max_size)
        return config

    config = load_config()
    folder = target.state or place.default(place.here())
    path = target.config or (config_file.DEFAULT if target.root is None else None)
    parts = Parts(
        folder=folder,
        open_host=host_of,
        load_config=load_config,
        config_path=str(path) if path else None,
        catalogue=catalogue.load(),
        rules=tuple(rules.load().values()),
        sources=sources.load(),
        root=str(Path(target.root).resolve()) if target.root else "",
    )
    host_of(config)  # a folder that is not there ends it here, before anything is touched
    with Store.open(folder) as store:
        Service(parts, config, store, inbox).run()


def _watchable(root: str) -> None:
    from mdeinspect.host.opening import is_bundle

    if Path(root).is_dir() and is_bundle(root):
        raise UsageError(f"cannot watch {root}: it is a bundle of the past; use status")


def _listen(inbox: Inbox, stop: threading.Event) -> None:
    def end(number: int, _frame: Any) -> None:
        if not ending:  # a second signal may interrupt this one, while the event is locked
            ending.append(number)
            stop.set()
            inbox.stop(signal.Signals(number).name)

    ending: list[int] = []
    inbox.listen()
    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    signal.signal(signal.SIGHUP, lambda *_: inbox.reload())


def _diagnostics() -> None:
    """Own diagnostics are not events: they go to stderr, one JSON object a line."""
    import structlog

    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.dict_tracebacks,
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.PrintLoggerFactory(_Stderr()),  # type: ignore[arg-type]
    )


class _Stderr:
    """Standard error; that nobody reads it any more ends nothing."""

    def write(self, text: str) -> None:
        """Write, where that is possible."""
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.write(text)

    def flush(self) -> None:
        """Write what is left."""
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.flush()
