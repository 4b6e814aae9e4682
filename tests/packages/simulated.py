"""The simulated agent in a container: its files in their real places, its stand-in as `mdatp`."""

from __future__ import annotations

import json
from typing import Any

from container import Root


def policy(level: str) -> dict[str, Any]:
    """A policy that is enforced, with one thing in it that is found wrong as long as it is so."""
    root = {"$type": "excludedPath", "isDirectory": True, "path": "/"}
    return {"antivirusEngine": {"enforcementLevel": level, "exclusions": [root]}}


_CLIENT = "/opt/microsoft/mdatp/sbin/wdavdaemonclient"
_DAEMON = "/opt/microsoft/mdatp/sbin/wdavdaemon"
_BUILD = f"""
from mdeinspect.simulator.host import SimulatedHost
host = SimulatedHost("/", now=None)
host.managed({policy("real_time")!r})
host.install("{_CLIENT}")
"""
# A program under the agent's name and path, for those who look at processes.
_UNIT = f"""\
[Service]
ExecStart={_DAEMON} infinity
[Install]
WantedBy=multi-user.target
"""


def install_agent(host: Root, *, booted: bool = True) -> None:
    """Onboarded, running, governed by the managed file. The product must be installed."""
    python(host, _BUILD)
    host.run("cp", "/bin/sleep", _DAEMON)
    (host.folder / "usr/lib/systemd/system/mdatp.service").write_text(_UNIT, "utf-8")
    if booted:
        host.sh("systemctl daemon-reload; systemctl enable --now mdatp.service")


def managed(host: Root, policy: dict[str, Any]) -> None:
    """Deliver another policy by the managed file."""
    python(
        host,
        f"""
from mdeinspect.simulator.host import SimulatedHost
SimulatedHost.open("/").managed({policy!r})
""",
    )


def events(host: Root) -> list[dict[str, Any]]:
    """All events that the service has told, in order, as the journal got them."""
    lines = host.run("journalctl", "--unit=mdeinspect", "--output=cat", "--no-pager").stdout
    found = (json.loads(line) for line in lines.splitlines() if line.startswith("{"))
    return [one for one in found if one.get("schema") == "mdeinspect.event/1"]


def python(host: Root, code: str) -> str:
    """What the packages' own interpreter prints."""
    return host.run("/opt/mdeinspect/bin/python3", "-I", "-c", code).stdout
