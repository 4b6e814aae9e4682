"""`python -m mdeinspect.simulator --host DIR ARGS...`: what `mdatp ARGS...` says on that host."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence

from mdeinspect.simulator.machine import Machine

USAGE = "usage: python -m mdeinspect.simulator --host DIR health|version|exclusion|threat ..."


def main(args: Sequence[str]) -> int:
    """Print the answer and return its exit status; 2 for a host that is none."""
    if len(args) < 2 or args[0] != "--host":
        sys.stderr.write(f"{USAGE}\n")
        return 2
    try:
        host = Machine(args[1])
    except (OSError, ValueError, TypeError) as error:
        sys.stderr.write(f"cannot simulate {args[1]}: {error}; build it first\n")
        return 2
    time.sleep(host.patience())
    said = host.ask(args[2:])
    sys.stdout.write(said.stdout)
    sys.stderr.write(said.stderr)
    return said.exit


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
