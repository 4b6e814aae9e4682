"""`mdeinspect run`: the service, in the foreground."""

from __future__ import annotations

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
    from mdeinspect.service import diagnostics

    diagnostics.configure()
    _run(target, inbox, stop)


def _run(target: Target, inbox: Inbox, stop: threading.Event) -> None:
    from mdeinspect import catalogue, rules, sources
    from mdeinspect.cli.inspection import config_path, open_host
    from mdeinspect.cli.wanted import pinned_at
    from mdeinspect.config.load import DEFAULT
    from mdeinspect.service import settings
    from mdeinspect.service.core import Parts, Service
    from mdeinspect.store import place
    from mdeinspect.store.writer import Store

    def host_of(config: Config) -> Host:
        if target.root is not None:
            from mdeinspect.host.recorded import RecordedHost

            _watchable(target.root)
            return RecordedHost(target.root, platform=target.platform, live_clock=True)
        return open_host(target, config, stop)

    def load() -> settings.Settings:
        return settings.load(config_path(target), pinned_at(target))

    chosen = load()
    folder = target.state or place.default(place.here())
    path = target.config or (DEFAULT if target.root is None else None)
    parts = Parts(
        folder=folder,
        open_host=host_of,
        load=load,
        config_path=str(path) if path else None,
        catalogue=catalogue.load(),
        rules=tuple(rules.load().values()),
        sources=sources.load(),
        root=str(Path(target.root).resolve()) if target.root else "",
    )
    host_of(chosen.config)  # a folder that is not there ends it here, before anything is touched
    with Store.open(folder) as store:
        Service(parts, chosen, store, inbox).run()


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
