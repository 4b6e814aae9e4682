"""Installing the service where no package did: what to write, what to run, and what is there.

`plan` says what belongs where, `apply` makes it so, `manager` speaks to systemd and launchd.
"""

from __future__ import annotations

from mdeinspect.errors import MdeinspectError


class InstallError(MdeinspectError):
    """Something cannot be installed or removed; the message says what was left as it is."""
