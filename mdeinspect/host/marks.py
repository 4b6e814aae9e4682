"""By which names a Client Analyzer's bundle is told from a recorded host."""

from __future__ import annotations

from typing import Final

CONFIG: Final = "mdatp_config.txt"
DIAGNOSTIC: Final = "mde_diagnostic.zip"
LISTING: Final = "mde_directories.txt"
MARKS: Final = (CONFIG, "health.txt", DIAGNOSTIC, LISTING)
# A recorded host may hold an analyzer's file as well; these it has and a bundle has not.
RECORD: Final = frozenset({"host.json", "commands", "etc", "var", "usr", "opt", "Library"})
