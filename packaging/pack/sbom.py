"""The bill of materials (CycloneDX): what the packages hold, versions, origins and licences."""

from __future__ import annotations

import json
import sys
import uuid
from pathlib import Path
from typing import Any, Final

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from pack.places import PREFIX
from pack.run import run

# Source packages of Debian, whose code is in the interpreter: licence and purl of each.
LICENCES: Final = {
    "python3.13": "PSF-2.0",
    "sqlite3": "blessing",
    "zlib": "Zlib",
    "libffi": "MIT",
    "expat": "MIT",
    "mpdecimal": "BSD-2-Clause",
}
CARRIED: Final = ("expat", "mpdecimal")  # copies that the interpreter's own source carries


def write(stage: Path, version: str, target: Path) -> None:
    """The bill of what is laid out in `stage`, validated against the published schema."""
    program = Path(sys.executable).with_name("cyclonedx-py")
    run(program, "environment", "--output-reproducible", "--of", "JSON", "--sv", "1.6",
        "-o", target, stage / PREFIX / "bin/python3")  # fmt: skip
    bill = json.loads(target.read_text("utf-8"))
    _about(bill, version)
    built_from = stage / "usr/share/doc/mdeinspect/built-from"
    _add_native(bill, built_from.read_text("utf-8"))
    text = json.dumps(bill, indent=1, sort_keys=True) + "\n"
    faults = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    if faults:
        raise SystemExit(f"cannot write {target.name}: it does not fit the schema: {faults}")
    target.write_text(text, "utf-8")


def native(built_from: str) -> list[dict[str, Any]]:
    """A component for each line `package version` of what the interpreter was built from."""
    return [_component(*line.split()) for line in built_from.splitlines() if line.strip()]


def _about(bill: dict[str, Any], version: str) -> None:
    """The subject of the bill is the product; the same content gets the same serial number."""
    found = [one for one in bill["components"] if one["name"] == "mdeinspect"]
    bill["components"] = [one for one in bill["components"] if one not in found]
    subject = {**found[0], "type": "application", "version": version}
    bill.setdefault("metadata", {})["component"] = subject
    bill["serialNumber"] = f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(bill))}"


def _add_native(bill: dict[str, Any], built_from: str) -> None:
    parts = native(built_from)
    bill["components"] = sorted([*bill["components"], *parts], key=lambda one: str(one["bom-ref"]))
    known = {one["ref"]: one for one in bill.get("dependencies", [])}
    root = known.setdefault(bill["metadata"]["component"]["bom-ref"], {"ref": ""})
    root["ref"] = bill["metadata"]["component"]["bom-ref"]
    root["dependsOn"] = sorted({*root.get("dependsOn", []), *(one["bom-ref"] for one in parts)})
    for one in parts:
        known.setdefault(one["bom-ref"], {"ref": one["bom-ref"]})
    bill["dependencies"] = [known[ref] for ref in sorted(known)]


def _component(package: str, version: str) -> dict[str, Any]:
    number = version.replace(":", "%3A").replace("+", "%2B").replace("~", "%7E")
    purl = f"pkg:deb/debian/{package}@{number}?arch=source"
    return {
        "type": "application" if package.startswith("python") else "library",
        "bom-ref": f"native-{package}",
        "name": package,
        "version": version,
        "licenses": [{"license": {"id": LICENCES[package]}}],
        "purl": f"pkg:generic/{package}@{version}" if package in CARRIED else purl,
    }
