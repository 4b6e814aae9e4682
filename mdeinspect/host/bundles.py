"""Hosts in archives and Client Analyzer bundles, in memory: what a plain folder need not load."""

from __future__ import annotations

from datetime import UTC, datetime

from mdeinspect.host import analyzer
from mdeinspect.host.archive import open_folder, open_tree
from mdeinspect.host.entry import Tree
from mdeinspect.host.marks import RECORD
from mdeinspect.host.memory import MemoryFiles
from mdeinspect.model import Platform


def in_folder(root: str, platform: Platform | None) -> MemoryFiles:
    """The host of the bundle in a folder; raises `UsageError`."""
    return _read(open_folder(root), root, platform)


def in_archive(root: str, platform: Platform | None) -> MemoryFiles:
    """The recorded host, or that of a bundle, in an archive; raises `UsageError`."""
    tree = open_tree(root)
    if analyzer.inside(tree) is not None:
        return _read(tree, root, platform)
    top = _record_in(tree)
    if top is None:
        raise analyzer.refuse(root)
    entries = {f"/{name.removeprefix(top)}": e for name, e in tree.items() if name.startswith(top)}
    return MemoryFiles(entries)


def _read(tree: Tree, root: str, platform: Platform | None) -> MemoryFiles:
    return analyzer.read(tree, root, datetime.now(UTC), platform)


def _record_in(tree: Tree) -> str | None:
    """Where in the archive the recorded host begins: at its root, or one folder down."""
    top = {name.partition("/")[0] for name in tree}
    if top & RECORD:
        return ""
    if len(top) == 1:
        folder = f"{top.pop()}/"
        below = {name.removeprefix(folder).partition("/")[0] for name in tree if name != folder}
        return folder if below & RECORD else None
    return None
