"""What tests of the door to the machine need: another user, a bound on waiting, a trusted place."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mdeinspect.host.commands import distrust

NOBODY = 65534
PATIENCE = 20.0  # seconds; only ever used up by a test that fails


@pytest.fixture
def plain_user() -> Callable[[], contextlib.AbstractContextManager[None]]:
    """A context in which this process has the rights of a plain user."""

    @contextlib.contextmanager
    def drop() -> Iterator[None]:
        if os.geteuid() != 0:
            yield
            return
        try:
            os.seteuid(NOBODY)
        except OSError as error:
            pytest.skip(f"cannot act as a plain user here: {error}")
        try:
            yield
        finally:
            os.seteuid(0)

    return drop


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A short-named folder that every user may look into, unlike pytest's own."""
    folder = Path(tempfile.mkdtemp(prefix="mi-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def bounded() -> Callable[[Callable[[], Any]], Any]:
    """Calls something that must come back by itself; fails when it blocks."""

    def call(what: Callable[[], Any]) -> Any:
        outcome: list[Any] = []

        def body() -> None:
            try:
                outcome.append((what(), None))
            except BaseException as error:
                outcome.append((None, error))

        thread = threading.Thread(target=body, daemon=True)
        thread.start()
        thread.join(PATIENCE)
        assert not thread.is_alive(), "it blocks"
        value, error = outcome[0]
        if error is not None:
            raise error
        return value

    return call


@pytest.fixture
def trusted() -> Iterator[Path]:
    """A new folder that a privileged process trusts: pytest's own lies below a shared /tmp."""
    for place in (Path.home(), Path(__file__).resolve().parents[2], Path("/var/lib")):
        try:
            folder = Path(tempfile.mkdtemp(prefix=".mdeinspect-test-", dir=place))
        except OSError:
            continue
        folder.chmod(0o755)
        try:
            if os.geteuid() != 0 or distrust(str(folder), "linux") is None:
                yield folder
                return
        finally:
            shutil.rmtree(folder)
    pytest.skip("there is no folder here that root alone can write")
