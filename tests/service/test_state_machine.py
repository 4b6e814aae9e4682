"""Whatever is done to the policy file, what was told last is what it says now."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test
from service_support import MANAGED, QUICK, Daemon, digest, simulated

RESCAN = 1.0
SLACK = 8.0  # seconds for the debounce, the commit, and a busy machine
EXAMPLES = 5
STEPS = 8
OPERATIONS = (
    *("edit", "replace", "remove", "recreate", "cut_parent", "recreate_parent", "move_parent"),
    *("chmod", "retarget", "link", "dangle", "plain", "touch", "same"),
)


class Policy(RuleBasedStateMachine):
    """Operations on one policy file, and a model that knows only what lies there now.

    The service goes on from one example to the next, as it does in life.
    """

    daemon: ClassVar[Daemon]
    root: ClassVar[Path]
    count: ClassVar[int] = 0
    checks: ClassVar[int] = 0
    told: ClassVar[str | None]
    worst: ClassVar[float] = 0.0

    @initialize()
    def begin(self) -> None:
        """Nothing but a plain file."""
        self.do("replace")
        self.agrees()

    @rule(
        names=st.lists(
            st.sampled_from(OPERATIONS),
            min_size=1,
            max_size=4,
        )
    )
    def change(self, names: list[str]) -> None:
        """A few operations in a row; then, for once, some rest."""
        for name in names:
            self.do(name)
        self.agrees()

    def do(self, name: str) -> None:
        operation: Callable[[], None] = getattr(self, f"op_{name}")
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            operation()

    # --- operations -----------------------------------------------------------------------------

    @property
    def place(self) -> Path:
        return self.root / MANAGED.lstrip("/")

    @property
    def aside(self) -> Path:
        """A folder beside, for links to lead to."""
        made = self.root / "etc/opt/policies"
        made.mkdir(parents=True, exist_ok=True)
        return made

    def op_edit(self) -> None:
        self.place.write_bytes(self.new())

    def op_replace(self) -> None:
        self.place.parent.mkdir(parents=True, exist_ok=True)
        draft = self.place.with_name("draft")
        draft.write_bytes(self.new())
        draft.replace(self.place)

    def op_remove(self) -> None:
        self.place.unlink()

    def op_recreate(self) -> None:
        data = self.place.read_bytes()
        self.place.unlink()
        self.place.write_bytes(data)

    def op_cut_parent(self) -> None:
        shutil.rmtree(self.place.parent)

    def op_recreate_parent(self) -> None:
        shutil.rmtree(self.place.parent, ignore_errors=True)
        self.place.parent.mkdir(parents=True)
        self.place.write_bytes(self.new())

    def op_move_parent(self) -> None:
        """The folder goes, and another takes its place."""
        gone = self.place.parent.with_name("gone")
        shutil.rmtree(gone, ignore_errors=True)
        self.place.parent.rename(gone)
        self.place.parent.mkdir()
        self.place.write_bytes(self.new())

    def op_chmod(self) -> None:
        self.place.chmod(0o600 if self.place.stat().st_mode & 0o044 else 0o644)

    def op_retarget(self) -> None:
        """The link leads elsewhere, as configuration tools switch releases."""
        target = self.aside / f"release-{Policy.count}.json"
        target.write_bytes(self.new())
        self.point(target)

    def op_link(self) -> None:
        """What the link leads to is edited."""
        target = self.aside / "current.json"
        target.write_bytes(self.new())
        self.point(target)
        target.write_bytes(self.new())

    def op_dangle(self) -> None:
        self.point(self.aside / "nothing.json")

    def op_plain(self) -> None:
        """The link becomes a file."""
        data = self.place.read_bytes()
        self.place.unlink()
        self.place.write_bytes(data)

    def op_touch(self) -> None:
        os.utime(self.place)

    def op_same(self) -> None:
        """The same bytes anew, by rename."""
        draft = self.place.with_name("draft")
        draft.write_bytes(self.place.read_bytes())
        draft.replace(self.place)

    def point(self, target: Path) -> None:
        self.place.parent.mkdir(parents=True, exist_ok=True)
        link = self.place.with_name("link")
        link.unlink(missing_ok=True)
        link.symlink_to(os.path.relpath(target, self.place.parent))
        link.replace(self.place)

    def new(self) -> bytes:
        Policy.count += 1
        tags = [{"key": "GROUP", "value": f"number-{Policy.count}"}]
        return json.dumps({"edr": {"tags": tags}}).encode()

    # --- the promise ----------------------------------------------------------------------------

    def agrees(self) -> None:
        """After the rescan, at the latest, what was told last is what lies there."""
        began, Policy.checks = time.monotonic(), Policy.checks + 1
        while (told := self.last()) != (wanted := self.wanted(told)):
            late = time.monotonic() - began
            assert late < RESCAN + SLACK, f"told {told}, there is {wanted}"
            time.sleep(0.02)
        Policy.worst = max(Policy.worst, time.monotonic() - began)

    def last(self) -> str | None:
        changes = self.daemon.told("policy.changed")
        found: str | None = changes[-1]["data"]["new_digest"] if changes else self.told
        return found

    def wanted(self, told: str | None) -> str | None:
        """The digest of what lies there; a link to nothing is neither there nor gone."""
        try:
            return digest(self.place.read_bytes())
        except (FileNotFoundError, NotADirectoryError):
            return told if self.place.is_symlink() else None


@pytest.mark.slow
def test_never_stale(capsys: pytest.CaptureFixture[str]) -> None:
    """After any operations, what was told last is never older than the rescan period.

    Edits, renames, removals, folders that go and come, links that lead elsewhere, modes: the last
    digest that events tell is that of the file, and events were relied on throughout.
    """
    with tempfile.TemporaryDirectory() as folder:
        host = simulated(Path(folder) / "host")
        Policy.root = host.folder
        Policy.told = digest((host.folder / MANAGED.lstrip("/")).read_bytes())
        with Daemon(Path(folder) / "service", host.folder, QUICK) as daemon:
            Policy.daemon = daemon
            daemon.start().assessed()
            run_state_machine_as_test(
                Policy,
                settings=settings(
                    max_examples=EXAMPLES,
                    stateful_step_count=STEPS,
                    derandomize=True,
                    database=None,
                    deadline=None,
                    phases=[Phase.explicit, Phase.generate],
                    suppress_health_check=list(HealthCheck),
                ),
            )
            assert daemon.stop() == 0
            diagnostics = [json.loads(line) for line in daemon.stderr.read_text().splitlines()]
    missed = sum(one["event"] == "unannounced change" for one in diagnostics)
    with capsys.disabled():
        print(f"\n{Policy.checks} checks, {Policy.worst:.1f} s at worst, {missed} without an event")
    assert not [one for one in diagnostics if one["level"] in ("warning", "error")]
    assert missed <= 1
