"""Which file systems announce nothing, by what Linux says of its mounts. Pure.

A line of `/proc/self/mountinfo` (proc(5)), fields 1, 5 and the one after the lone `-`::

    36 35 98:0 /mnt1 /mnt/parent\\040dir rw,noatime master:1 - ext3 /dev/root rw,errors=continue
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

# Others change files behind the back of this kernel, which then has nothing to announce. An
# overlay is not among them: what is written through it is announced like anything else.
DEAF = frozenset(
    {"9p", "afs", "beegfs", "ceph", "cifs", "coda", "fuse", "gfs2", "glusterfs", "gpfs", "lustre"}
    | {"ncpfs", "nfs", "nfs4", "ocfs2", "orangefs", "prl_fs", "smb3", "smbfs", "vboxsf"}
    | {"virtiofs", "vmhgfs"}
)


class Mount(NamedTuple):
    """A mounted file system: its number, where it is mounted, its type."""

    id: int
    point: str
    kind: str

    @property
    def deaf(self) -> bool:
        """True where changes may come about that no event announces."""
        return self.kind in DEAF or self.kind.startswith("fuse.")


def parse(text: str) -> tuple[Mount, ...]:
    """The mounts in `/proc/self/mountinfo`, in its order; lines of another shape are skipped."""
    return tuple(mount for line in text.splitlines() if (mount := _mount(line)))


def mount_of(path: str, mounts: Sequence[Mount]) -> Mount | None:
    """The mount that an absolute, link-free path lies on: the deepest, and of equals the last."""
    found: Mount | None = None
    for mount in mounts:
        inside = path == mount.point or path.startswith(mount.point.rstrip("/") + "/")
        if inside and (found is None or len(mount.point) >= len(found.point)):
            found = mount
    return found


def _mount(line: str) -> Mount | None:
    left, dash, right = line.partition(" - ")
    fields, kind = left.split(" "), right.split(" ")[0]
    if not dash or not kind or len(fields) < 6 or not fields[0].isdecimal():
        return None
    return Mount(int(fields[0]), _unescaped(fields[4]), kind)


def _unescaped(text: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), text)
