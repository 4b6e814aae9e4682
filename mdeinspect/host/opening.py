"""What `--root` names: a recorded host or a Client Analyzer bundle, in a folder or an archive."""

from __future__ import annotations

import os
from datetime import UTC, datetime

from mdeinspect.errors import UsageError
from mdeinspect.host import analyzer
from mdeinspect.host.archive import open_folder, open_tree
from mdeinspect.host.entry import Tree
from mdeinspect.host.memory import MemoryFiles
from mdeinspect.host.recorded import RecordedHost
from mdeinspect.model import Platform


def open_recorded(root: str, platform: Platform | None = None) -> RecordedHost:
    """The host recorded in `root`; raises `UsageError` when there is none."""
    if os.path.isdir(root):
        if not is_bundle(root):
            return RecordedHost(root, platform=platform)
        return RecordedHost(_read(open_folder(root), root, platform), platform=platform)
    if not os.path.lexists(root):
        raise UsageError(f"cannot inspect {root}: there is no such folder or file")
    tree = open_tree(root)
    if analyzer.inside(tree) is not None:
        return RecordedHost(_read(tree, root, platform), platform=platform)
    top = _record_in(tree)
    if top is None:
        raise analyzer.refuse(root)
    entries = {f"/{name.removeprefix(top)}": e for name, e in tree.items() if name.startswith(top)}
    return RecordedHost(MemoryFiles(entries), platform=platform)


def is_bundle(root: str) -> bool:
    """Whether the folder is a Client Analyzer's and no recorded host, by the names in it."""
    try:
        names = set(os.listdir(root))
    except OSError as error:
        raise UsageError(f"cannot inspect {root}: {error.strerror or error}") from error
    return bool(names & set(analyzer.MARKS)) and not names & analyzer.RECORD


def _read(tree: Tree, root: str, platform: Platform | None) -> MemoryFiles:
    return analyzer.read(tree, root, datetime.now(UTC), platform)


def _record_in(tree: Tree) -> str | None:
    """Where in the archive the recorded host begins: at its root, or one folder down."""
    top = {name.partition("/")[0] for name in tree}
    if top & analyzer.RECORD:
        return ""
    if len(top) == 1:
        folder = f"{top.pop()}/"
        below = {name.removeprefix(folder).partition("/")[0] for name in tree if name != folder}
        return folder if below & analyzer.RECORD else None
    return None
