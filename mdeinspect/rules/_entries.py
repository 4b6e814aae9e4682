"""The entries of the lists of exclusions, as the rules about them see them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from mdeinspect.channels import MISSING, delivering
from mdeinspect.resolve import GLOBAL_EXCLUSIONS
from mdeinspect.rules import Context
from mdeinspect.rules._breadth import VALUE_OF
from mdeinspect.rules._files import PolicyFile, lookup

EXCLUSIONS = "antivirusEngine.exclusions"
# On Linux the second governs both lists, the first only what is not global.
EPP_MERGE, MERGE = "antivirusEngine.exclusionsMergePolicy", "exclusionSettings.mergePolicy"


def entries(
    context: Context, of: list[PolicyFile]
) -> Iterator[tuple[PolicyFile, str, int, Mapping[str, Any]]]:
    """Every exclusion: its file, the key of its list, its place in it, the entry itself.

    A local one that policy does not let in comes with its file as not in force.
    """
    for file in of:
        for key in (EXCLUSIONS, GLOBAL_EXCLUSIONS):
            known = key in context.catalogue.keys(context.platform)
            listed = lookup(file, tuple(key.split("."))) if known else MISSING
            shut = file.channel == "local" and _shut_out(context, key)
            here = replace(file, in_force=False) if shut else file
            for index, entry in enumerate(listed if isinstance(listed, list) else ()):
                if isinstance(entry, Mapping):
                    yield here, key, index, entry


def _shut_out(context: Context, key: str) -> bool:
    """Whether policy lets no exclusion of this list in that was made on the host."""
    channel = delivering(context.authority, context.channels, context.platform)
    governing = context.channels.get(channel)
    if governing is None or channel == "local":
        return False
    deciding = (MERGE,) if key == GLOBAL_EXCLUSIONS else (EPP_MERGE, MERGE)
    stated = [governing.state((one,)) for one in deciding]
    return any(one is not None and one.value == "admin_only" for one in stated)


def name(entry: Mapping[str, Any]) -> str:
    """What tells an entry from the others of its list."""
    kind = entry.get("$type")
    value = entry.get(VALUE_OF.get(kind, "")) if isinstance(kind, str) else None
    return f"{kind if isinstance(kind, str) else 'entry'}:{value if isinstance(value, str) else ''}"
