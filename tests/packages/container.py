"""A Debian root, entered by chroot or booted with its own systemd; always brought to an end."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import psutil

PATIENCE = 90.0  # seconds for anything that happens in a container, on a busy machine
REBOOTED = 133  # what systemd-nspawn ends with when the container wants to start again
ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", "HOME": "/root"}
# Control groups of its own: two containers in one would take each other's services for theirs.
CELL = """
while [ "$1" != -- ]; do mkdir -p "$1"; echo $$ >"$1/cgroup.procs"; shift; done
shift
exec "$@"
"""
Said = subprocess.CompletedProcess[str]


class Root:
    """A Debian root in a folder of its own, unpacked from an archive."""

    def __init__(self, archive: Path, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True)
        subprocess.run(["tar", "-C", folder, "-xf", archive], check=True)

    def run(self, *words: str, check: bool = True) -> Said:
        """Run a program in it to the end."""
        return _said([*self._enter(), *words], check)

    def sh(self, script: str, *, check: bool = True) -> Said:
        """Run lines of a shell in it."""
        return self.run("sh", "-ec", script, check=check)

    def bring(self, file: Path) -> str:
        """Copy a file to its `/root`; the path in there."""
        shutil.copy(file, self.folder / "root" / file.name)
        return f"/root/{file.name}"

    def files(self) -> set[str]:
        """Every path in it, but for what is not on disk."""
        found = self.run("find", "/", "-xdev", "-mindepth", "1").stdout.splitlines()
        return {path for path in found if not path.startswith(("/proc/", "/sys/", "/dev/"))}

    def remove(self) -> None:
        """Remove the folder."""
        shutil.rmtree(self.folder)

    def _enter(self) -> Sequence[str]:
        # A mount namespace of its own: /proc goes with the program that needed it.
        mount = 'mount -t proc proc "$0/proc" && exec chroot "$0" "$@"'
        return ("unshare", "--mount", "--fork", "--pid", "sh", "-ec", mount, str(self.folder))


class Container(Root):
    """A root to `boot`. `end` powers it off from inside, and sees that its init is gone."""

    def __init__(self, archive: Path, folder: Path) -> None:
        super().__init__(archive, folder)
        (self.folder / "var/log/journal").mkdir(parents=True, exist_ok=True)
        self._outer: subprocess.Popen[bytes] | None = None
        self._init: psutil.Process | None = None
        cell = f"mdeinspect-test-{os.getpid()}-{folder.parent.name}"
        self._cells = [place / cell for place in _hierarchies()]

    def reboot(self) -> None:
        """`systemctl reboot`, and the boot that follows."""
        self.run("systemctl", "reboot", check=False)
        code = self._outer.wait(PATIENCE) if self._outer else None
        if code != REBOOTED:
            raise RuntimeError(f"cannot reboot: systemd-nspawn ended with {code}")
        self._gone()
        self.boot()

    def show(self, unit: str, *properties: str) -> dict[str, str]:
        """Properties of a unit, as `systemctl show` tells them."""
        told = self.run("systemctl", "show", f"--property={','.join(properties)}", unit).stdout
        return dict(line.split("=", 1) for line in told.splitlines())

    def boot(self) -> None:
        """Start its systemd, and wait until it is up."""
        # When the tests die, however they do, the kernel ends unshare and all that is in it.
        cell = ("sh", "-ec", CELL, "sh", *map(str, self._cells), "--")
        keep = ("setpriv", "--pdeathsig", "KILL", "unshare", "--pid", "--fork", "--kill-child=KILL")
        nspawn = ("systemd-nspawn", "--quiet", "--register=no", "--keep-unit")
        how = ("--console=read-only", "--machine=mdeinspect-test", "-D", str(self.folder), "-b")
        with (self.folder.parent / "console").open("ab") as console:
            self._outer = subprocess.Popen(
                [*cell, *keep, "--mount-proc", *nspawn, *how],
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=console,
                env={**os.environ, "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"},
            )
        until(self._find_init, "the container's init")
        state = ("systemctl", "is-system-running")
        ready = ("running", "degraded")
        until(lambda: self.run(*state, check=False).stdout.strip() in ready, "a booted system")

    def end(self) -> None:
        """Power off from inside, by force if it does not listen; raises if its init still lives."""
        if self._outer is None:
            return
        try:
            self.run("systemctl", "poweroff", check=False)
            self._outer.wait(PATIENCE)
        except (subprocess.TimeoutExpired, RuntimeError):
            (self._init or self._outer).kill()  # the kernel ends all that is in there with it
            self._outer.wait(PATIENCE)
        self._gone()

    def _find_init(self) -> bool:
        outer = self._outer
        if outer is None or outer.poll() is not None:
            raise RuntimeError(f"cannot boot: see {self.folder.parent / 'console'}")
        for process in psutil.Process(outer.pid).children(recursive=True):
            if process.name() == "systemd":
                self._init = process
                return True
        return False

    def _gone(self) -> None:
        init = self._init
        if init is not None:
            until(lambda: not init.is_running(), f"the end of the container's init {init.pid}")
        for cell in self._cells:
            until(lambda cell=cell: _removed(cell), f"an empty {cell}")

    def _enter(self) -> Sequence[str]:
        spaces = ("--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup", "--root", "--wd")
        if self._init is None:
            raise RuntimeError("cannot enter: the container is not running")
        return ("nsenter", "--target", str(self._init.pid), *spaces, "--")


def until(holds: Callable[[], object], what: str, seconds: float = PATIENCE) -> None:
    """Wait for something; TimeoutError that names it."""
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            raise TimeoutError(f"waited {seconds:.0f} s for {what}")
        time.sleep(0.25)


def _hierarchies() -> list[Path]:
    """Where control groups are made: one place with version 2, several with both versions."""
    top = Path("/sys/fs/cgroup")
    if (top / "cgroup.procs").exists():
        return [top]
    return [place for place in (top / "unified", top / "systemd") if place.is_dir()]


def _removed(cell: Path) -> bool:
    inner = sorted((place for place in cell.rglob("*") if place.is_dir()), reverse=True)
    try:
        for place in (*inner, cell):
            place.rmdir()
    except OSError:  # the kernel is not yet done with what was in there
        return not cell.exists()
    return True


def _said(words: Sequence[str], check: bool) -> Said:
    said = subprocess.run(
        words,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        timeout=4 * PATIENCE,
        env=ENVIRONMENT,
        stdin=subprocess.DEVNULL,
    )
    if check and said.returncode:
        told = (said.stdout + said.stderr)[-2000:]
        raise RuntimeError(f"{words[-1]!r} ended with {said.returncode}: {told}")
    return said
