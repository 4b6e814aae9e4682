"""What mentions the administrator's file where tools say what they do: hints at who deploys it.

Sample (`/etc/cron.d/mde`): `*/15 * * * * root cp /srv/mde/mdatp_managed.json /etc/opt/...`
The places are those that the tools document; one that is wrong finds nothing, and that means
nothing. A tool without a mention of this file is no hint.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from mdeinspect.sources import MentionSource

NAME = b"mdatp_managed.json"
MOST = 10  # mentions that are kept
# By what a path or a line says, the more telling first.
TOOLS = (
    ("ansible", re.compile(r"ansible", re.IGNORECASE)),
    ("puppet", re.compile(r"puppet", re.IGNORECASE)),
    ("chef", re.compile(r"\bchef|\bcinc\b", re.IGNORECASE)),
    ("salt", re.compile(r"\bsalt|/salt/", re.IGNORECASE)),
    ("cfengine", re.compile(r"cfengine|cf-agent", re.IGNORECASE)),
    ("intune", re.compile(r"intune", re.IGNORECASE)),
    ("cron", re.compile(r"/cron|crontab")),
    ("systemd", re.compile(r"/systemd/")),
)
# Units that speak of the file because they belong to the agent, or to us.
_OURS = re.compile(r"/(mdatp|mdeinspect)[^/]*\.(service|timer|path)$")
_COMMENT = (b"#", b";", b"//")


@dataclass(frozen=True, slots=True)
class Mention:
    """A file that speaks of the administrator's file, and the tool it belongs to, if known."""

    path: str
    tool: str | None


def _parse(found: Mapping[str, bytes]) -> tuple[Mention, ...] | None:
    """The mentions by path; None without any. One that is commented out does not count."""
    hits = [
        Mention(path, tool_of(f"{path}\n{lines.decode('utf-8', 'replace')}"))
        for path, data in sorted(found.items())
        if not _OURS.search(path) and ((lines := _lines(data)) or NAME.decode() in path)
    ]
    return tuple(hits[:MOST]) or None


def tool_of(text: str) -> str | None:
    """The tool that a text names; None when it names none that is known."""
    return next((name for name, pattern in TOOLS if pattern.search(text)), None)


def _lines(data: bytes) -> bytes:
    """The lines with the name in them, cut to what is near it."""
    hits = []
    for line in data.splitlines():
        at = line.find(NAME)
        if at >= 0 and not line.lstrip().startswith(_COMMENT):
            hits.append(line[max(0, at - 300) : at + 300])
    return b"\n".join(hits)


_CRON = (
    "/etc/crontab",
    "/etc/anacrontab",
    *(f"/etc/cron.{when}/*" for when in ("d", "hourly", "daily", "weekly", "monthly")),
    *(f"/var/spool/cron/{folder}*" for folder in ("", "crontabs/", "tabs/")),
)
_SYSTEMD = tuple(
    f"{folder}/*.{kind}"
    for folder in (
        "/etc/systemd/system",
        "/usr/local/lib/systemd/system",
        "/usr/lib/systemd/system",
    )
    for kind in ("service", "timer", "path")
)
_CONFIGURATION = (
    "/etc/ansible/*.yml",
    "/etc/ansible/*.yaml",
    "/root/.ansible/pull/*/local.yml",
    "/opt/puppetlabs/puppet/cache/state/resources.txt",
    "/opt/puppetlabs/puppet/cache/client_data/catalog/*.json",
    "/var/lib/puppet/state/resources.txt",
    "/var/lib/puppet/client_data/catalog/*.json",
    "/etc/chef/*",
    "/etc/cinc/*",
    "/var/chef/backup/etc/opt/microsoft/mdatp/managed/*",
    "/etc/salt/minion.d/*.conf",
    "/srv/salt/*.sls",
    "/srv/salt/*/init.sls",
    "/var/cache/salt/minion/highstate.cache.p",
    "/var/cfengine/inputs/*.cf",
)

DEPLOYMENT = MentionSource(
    "deployment",
    {"linux": (*_CRON, *_SYSTEMD, *_CONFIGURATION)},
    (NAME,),
    _parse,
    when=("mdatp_managed", "mdeattach_managed"),
    limit=1024 * 1024,
)
SOURCES = (DEPLOYMENT,)
