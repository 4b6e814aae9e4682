"""What tests of the door to the machine need: another user, a bound on waiting, a trusted place."""

from __future__ import annotations

import os
import pickle
import shutil
import tempfile
import threading
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mdeinspect.host.commands import distrust

NOBODY = 65534
PATIENCE = 20.0  # seconds; only ever used up by a test that fails


@pytest.fixture
def plain_user() -> Callable[[Callable[[], Any]], Any]:
    """Calls something with the rights of a plain user; what it returns must be plain data."""
    return _as_nobody if os.geteuid() == 0 else lambda what: what()


def _as_nobody(what: Callable[[], Any]) -> Any:
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the child calls one function and ends
        child = os.fork()
    if child == 0:
        code = 1
        try:
            os.setgroups([])
            os.setresgid(NOBODY, NOBODY, NOBODY)
            os.setresuid(NOBODY, NOBODY, NOBODY)
            os.write(writing, pickle.dumps(what()))
            code = 0
        except BaseException as error:  # noqa: BLE001 -- told to the parent
            os.write(writing, pickle.dumps(f"{type(error).__name__}: {error}"))
        finally:
            os._exit(code)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        outcome = pickle.load(pipe)
    assert os.waitpid(child, 0)[1] == 0, outcome
    return outcome


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
            except BaseException as error:  # noqa: BLE001 -- handed to the caller
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
