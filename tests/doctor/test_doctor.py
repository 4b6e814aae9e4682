"""`mdeinspect doctor`: the list as a whole, its exit codes, and what it says of itself."""

from __future__ import annotations

import ctypes
import json
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from doctor_support import Bench, scene

from mdeinspect import doctor
from mdeinspect.cli import cli
from mdeinspect.doctor import Checkup, Outcome, examine, exit_code
from mdeinspect.doctor.machine import Machine
from mdeinspect.errors import Unreadable
from support import MANAGED, HostFolder

ROOT = Path(__file__).parents[2]


def call(*args: str) -> Result:
    return CliRunner().invoke(cli, list(args))


def result(state: doctor.State) -> doctor.Result:
    return doctor.Result("a", "A", state, "told", None, None)


@pytest.mark.parametrize(
    ("states", "code"),
    [
        (("passing",), 0),
        (("passing", "warning"), 0),
        (("passing", "could-not-run"), 3),
        (("failing", "could-not-run"), 1),
        (("failing",), 1),
    ],
)
def test_exit_code(states: tuple[doctor.State, ...], code: int) -> None:
    """Failing outweighs what could not be run; a warning is not a failure."""
    assert exit_code([result(state) for state in states]) == code


def test_user_info_of_urls_is_masked(host: HostFolder) -> None:
    """Also in what a record quotes of another host."""
    reason = "cannot read it: http://me:hunter2@proxy.example/ refused"
    host.about(unreadable={MANAGED: {"kind": "io", "reason": reason}})
    for args in ((), ("--json",)):
        told = call("--root", str(host.root), "doctor", *args).output
        assert "http://***@proxy.example/ refused" in told
        assert "hunter2" not in told


def test_one_that_breaks_stops_none(host: HostFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    """A checkup with a fault of its own could not be run; the next one is."""

    def breaks(_scene: object) -> Iterator[Outcome]:
        raise RuntimeError("oh")

    def refused(_scene: object) -> Iterator[Outcome]:
        raise Unreadable("cannot read it: io", kind="io")

    def fine(_scene: object) -> Iterator[Outcome]:
        yield doctor.passing("fine")

    looks = {"breaks": breaks, "refused": refused, "fine": fine}
    every = tuple(Checkup(name, name, True, look) for name, look in looks.items())
    monkeypatch.setattr(doctor, "load", lambda: every)
    told = [(one.name, one.state) for one in examine(scene(host.root))]
    states = ["could-not-run", "could-not-run", "passing"]
    assert told == list(zip(looks, states, strict=True))


def test_all_well(host: HostFolder, tmp_path: Path) -> None:
    """On a host as it should be, nothing but passing."""
    host.health().file(MANAGED, {}).file("/usr/bin/mdatp", "")
    results = examine(scene(host.root, Bench(units=()), folder=tmp_path / "none"))
    assert [one.name for one in results if one.state not in ("passing", "warning")] == []


def test_names_are_stable_and_told() -> None:
    """Kebab-case, each once, and each in the documentation."""
    names = [one.name for one in doctor.load()]
    assert len(names) == len(set(names))
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", name) for name in names)
    documented = (ROOT / "docs" / "doctor.md").read_text()
    assert [name for name in names if f"| `{name}` |" not in documented] == []


def test_a_recorded_host(host: HostFolder) -> None:
    """Only what makes sense of a record is looked at; nothing of this machine."""
    host.health().file(MANAGED, {})
    told = call("--root", str(host.root), "doctor", "--json")
    assert told.exit_code == 0, told.output
    names = [one["name"] for one in json.loads(told.output)["checks"]]
    assert names == ["policy-files", "state-files", "agent-health", "configuration"]


def test_a_recorded_host_without_health(host: HostFolder) -> None:
    """What is not recorded cannot be told."""
    told = call("--root", str(host.root), "doctor")
    assert told.exit_code == 3
    assert "not run  agent-health" in told.output


def test_a_wrong_configuration_is_told_not_thrown(host: HostFolder, tmp_path: Path) -> None:
    """Of all commands this one must run with it, and say what is wrong."""
    config = tmp_path / "config.toml"
    config.write_text("[schedule]\nhelth = '1m'\n")
    told = call("--root", str(host.root), "--config", str(config), "doctor")
    assert told.exit_code == 1
    assert "FAILING  configuration" in told.output
    assert "schedule.helth" in told.output


def test_a_host_that_is_not_there(tmp_path: Path) -> None:
    """A missing record is a usage error, as everywhere."""
    assert call("--root", str(tmp_path / "none"), "doctor").exit_code == 2


def test_this_machine(tmp_path: Path) -> None:
    """Live, whatever this machine is: no traceback, every checkup has a say or a reason."""
    told = call("--state", str(tmp_path), "doctor", "--json")
    assert told.exit_code in (0, 1, 3), told.output
    found = json.loads(told.output)
    assert found["schema"] == "mdeinspect.doctor/1"
    assert found["exit"] == told.exit_code
    for one in found["checks"]:
        assert set(one) == {"name", "title", "state", "detail", "remedy", "subject"}
        assert "a fault of mdeinspect itself" not in one["detail"]
        assert (one["remedy"] is None) == (one["state"] == "passing")


def test_a_plain_user_on_this_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without rights it still answers, and says so."""
    monkeypatch.setattr("mdeinspect.doctor.machine.privileged", lambda: False)
    told = call("--state", str(tmp_path), "doctor")
    assert told.exit_code in (0, 1, 3)
    assert "a plain user" in told.output


def test_hostile_text_is_escaped(host: HostFolder, tmp_path: Path) -> None:
    """What is quoted cannot write to the terminal."""
    config = tmp_path / "config.toml"
    config.write_text('"\\u001b[31m" = 1\n')
    told = call("--root", str(host.root), "--config", str(config), "doctor")
    assert "\x1b" not in told.output


# --- the machine itself -------------------------------------------------------------------------


def test_synchronised_is_what_the_kernel_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bit of adjtimex(2), both ways; nothing where there is no such call."""
    if sys.platform != "linux":
        pytest.skip("adjtimex is Linux's")
    assert Machine().synchronised() in (True, False)

    class Library:
        status = 0x2001
        fails = False

        def __init__(self, *_: object, **__: object) -> None:
            pass

        def adjtimex(self, asked: object) -> int:
            asked._obj.status = self.status  # type: ignore[attr-defined]
            return -1 if self.fails else 0

    monkeypatch.setattr(ctypes, "CDLL", Library)
    assert Machine().synchronised() is True
    Library.status = 0x41
    assert Machine().synchronised() is False
    Library.fails = True
    assert Machine().synchronised() is None


def test_space_is_what_the_system_says(tmp_path: Path) -> None:
    """Bytes for a user without privileges, and whether it can be written."""
    found = Machine().space(str(tmp_path))
    assert found.free > 0
    assert not found.read_only
    with pytest.raises(OSError, match="No such file"):
        Machine().space(str(tmp_path / "none"))


def test_users() -> None:
    """A user that there is, and one that there is not."""
    assert Machine().user("mdeinspect-nobody-such") is None
    root = Machine().user("root")
    assert root is not None
    assert (root.uid, root.all_powerful) == (0, False)
    assert Machine().myself().uid == os.geteuid()
