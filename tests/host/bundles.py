"""A Client Analyzer bundle made of a simulated host, in the shape that Microsoft's tool leaves."""

from __future__ import annotations

import io
import json
import plistlib
import stat
import zipfile
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from mdeinspect.simulator.host import SimulatedHost
from mdeinspect.simulator.places import PLACES

Bundle = dict[str, bytes]
BLOCKS = (
    ("Health output when running 'mdatp health' command", "MDE HEALTH"),
    ("Effective value of the mdatp product configurations. Used by the daemon", "MERGED"),
    ("Preferences coming from Enterprise", "MANAGED"),
    ("Preferences coming from Local User", "WDAVCFG"),
    ("Preferences coming from Product State", "WDAVSTATE"),
)
LISTED = {
    "linux": ("/etc/opt/microsoft/mdatp", "/var/opt/microsoft/mdatp", "/opt/microsoft/mdatp"),
    "darwin": ("/Library/Managed Preferences", "/Library/Application Support/Microsoft/Defender"),
}


def bundle_of(host: SimulatedHost) -> Bundle:
    """What the analyzer would have collected from the host as it was recorded last."""
    places = PLACES[host.platform]
    files = {
        "mdatp_config.txt": _config(host),
        "health.txt": _said(host, "health-text"),
        "health_details_features.txt": _said(host, "health-details-features"),
        "permissions.txt": _said(host, "health-details-permissions"),
        "definitions.txt": _said(host, "health-details-definitions"),
        "exclusions.txt": _said(host, "exclusion-list"),
        "mde_directories.txt": _listing(host),
        "uname.txt": _uname(host),
        "uptime_info.txt": _uptime(host),
        "log.txt": b"collecting\n",
        "mde_diagnostic.zip": packed(_diagnostic(host)),
    }
    if host.platform == "linux":
        files["service_status.txt"] = _service(host, places.unit)
    return {name: data for name, data in files.items() if data}


def packed(files: Mapping[str, bytes], *, attributes: Mapping[str, int] | None = None) -> bytes:
    """The files as a zip; `attributes` are modes by name."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            info = zipfile.ZipInfo(name, date_time=(2026, 11, 23, 10, 0, 0))
            info.external_attr = (attributes or {}).get(name, stat.S_IFREG | 0o644) << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, data)
    return out.getvalue()


def written(files: Mapping[str, bytes], root: Path) -> Path:
    """The files as a folder."""
    for name, data in files.items():
        place = root / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
    return root


def _said(host: SimulatedHost, name: str) -> bytes:
    place = host.folder / "commands" / f"{name}.stdout"
    return place.read_bytes() if place.exists() else b""


def _config(host: SimulatedHost) -> bytes:
    places = PLACES[host.platform]
    contents = {
        "MDE HEALTH": ("health.txt", _said(host, "health-json")),
        "MERGED": ("microsoft_defender_core.log", b""),
        "MANAGED": (places.managed, _content(host, places.managed)),
        "WDAVCFG": (places.local, _content(host, places.local)),
        "WDAVSTATE": (places.state, _content(host, places.state)),
    }
    text = ""
    for description, short in BLOCKS:
        title = short if short == "MDE HEALTH" else f"{short} CONFIGURATIONS"
        path, data = contents[short]
        text += f"{description}\n{title}\n{path}\n{_block(title, data)}\n\n\n"
    return text.encode()


def _block(title: str, data: bytes) -> str:
    try:
        value: Any = plistlib.loads(data) if data.startswith(b"<?xml") else json.loads(data)
    except ValueError:
        name = title.lower()
        return f"Error: Could not load {name} file. Maybe try restarting mdatp."
    return "\n" + json.dumps(value, indent=4)


def _content(host: SimulatedHost, path: str) -> bytes:
    place = host.folder / path.lstrip("/")
    return place.read_bytes() if place.exists() else b""


def _diagnostic(host: SimulatedHost) -> Bundle:
    places = PLACES[host.platform]
    wanted = [places.state, "/usr/lib/os-release"]
    wanted += [f"{places.security_management}/{name}" for name in ("current_report", "policy")]
    if host.platform == "linux":
        wanted.append(places.attach)
    found = {path.lstrip("/"): _content(host, path) for path in wanted}
    return {name: data for name, data in found.items() if data}


def _listing(host: SimulatedHost) -> bytes:
    lines = []
    for root in LISTED[host.platform]:
        start = host.folder / root.lstrip("/")
        folders = [start, *(one for one in sorted(start.rglob("*")) if one.is_dir())]
        for folder in folders if start.is_dir() else ():
            lines += [f"/{folder.relative_to(host.folder)}:", "total 8"]
            lines += [_line(one) for one in sorted(folder.iterdir())] + [""]
    return "\n".join(lines).encode()


def _line(place: Path) -> str:
    found = place.lstat()
    moment = datetime.fromtimestamp(found.st_mtime).strftime("%b %e %H:%M")
    mode = stat.filemode(found.st_mode)
    return f"{mode} 1 root root {found.st_size} {moment} {place.name}"


def _uname(host: SimulatedHost) -> bytes:
    if host.platform == "darwin":
        return b"Darwin mac-07.local 24.6.0 Darwin Kernel Version 24.6.0 arm64\n"
    return b"Linux web-07 6.1.0-28-amd64 #1 SMP Debian 6.1.119-1 x86_64 GNU/Linux\n"


def _uptime(host: SimulatedHost) -> bytes:
    booted = datetime.fromisoformat(
        json.loads((host.folder / "host.json").read_text())["boot_time"]
    )
    minutes = int((host.now - booted).total_seconds()) // 60
    days, hours = minutes // 1440, minutes // 60 % 24
    clock = f"{hours:2}:{minutes % 60:02}" if hours else f"{minutes % 60} min"
    long = f"{days} days, " if days else ""
    return f" 11:04:00 up {long}{clock},  1 user,  load average: 0.00, 0.01, 0.05\n".encode()


def _service(host: SimulatedHost, unit: str) -> bytes:
    enabled = (host.folder / PLACES["linux"].boot.lstrip("/")).is_symlink()
    told = json.loads((host.folder / "host.json").read_text())
    text = (
        "\u25cf mdatp.service - Microsoft Defender\n"
        f"     Loaded: loaded ({unit}; {'enabled' if enabled else 'disabled'}; preset: enabled)\n"
        "     Active: active (running) since Sat 2026-10-24 08:00:00 UTC; 4 weeks ago\n"
    )
    if told["processes"]:
        text += "     CGroup: /system.slice/mdatp.service\n"
        for one in told["processes"]:
            text += f"             \u251c\u2500{one['pid']} {' '.join(one['cmdline'])}\n"
    return text.encode()
