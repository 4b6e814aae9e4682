"""Baselines in files: TOML or JSON in, JSON out."""

from __future__ import annotations

import contextlib
import json
import pkgutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mdeinspect.errors import ConfigError, MdeinspectError

RECOMMENDED = "recommended"
"""The name of the baseline that ships with the program."""

_ROOM = "mdeinspect.baseline"  # where it lies
MAX_BYTES = 4 * 1024 * 1024


def load(name: str, beside: Path | None = None) -> Mapping[str, Any]:
    """What stands in the baseline `name`: a path, or the word `recommended`; not yet checked.

    A relative path counts from the folder `beside`. Raises `ConfigError`.
    """
    if name == RECOMMENDED:
        shipped = pkgutil.get_data(_ROOM, "recommended.toml")
        if shipped is None:
            raise ConfigError("cannot read the recommended baseline: install the package again")
        return _decoded(shipped, "the recommended baseline", toml=True)
    path = (beside / name) if beside is not None else Path(name)
    try:
        if path.exists() and not path.is_file():
            raise ConfigError(f"cannot use {path}: it is not a regular file")
        if path.stat().st_size > MAX_BYTES:
            raise ConfigError(f"cannot use {path}: it is larger than {MAX_BYTES:,} bytes")
        data = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror or error}") from error
    return _decoded(data, str(path), toml=path.suffix != ".json")


def write(path: Path, settings: Mapping[str, Any], *, make_folder: bool = False) -> None:
    """Write a baseline in one step. Raises `MdeinspectError` where that cannot be done."""
    text = json.dumps(settings, indent=2, sort_keys=True) + "\n"
    new = path.with_name(f".{path.name}.new")
    try:
        if make_folder:
            path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
        new.write_text(text, encoding="utf-8")
        new.chmod(0o640)  # it may name exclusions
        new.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            new.unlink()
        raise MdeinspectError(f"cannot write {path}: {error.strerror or error}") from error


def remove(path: Path) -> bool:
    """Remove a pinned baseline; False when there was none."""
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise MdeinspectError(f"cannot remove {path}: {error.strerror or error}") from error
    return True


def _decoded(data: bytes, name: str, *, toml: bool) -> Mapping[str, Any]:
    import tomllib  # only where there is a file to read

    try:
        text = data.decode("utf-8-sig")
        found = tomllib.loads(text) if toml else json.loads(text, object_pairs_hook=_pairs)
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"cannot use {name}: {error}") from error
    if not isinstance(found, dict):
        raise ConfigError(f"cannot use {name}: it is no table of settings")
    return found


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object, in which no key stands twice: only one of them would count."""
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {twice[:160]!r} stands in it twice")
    return found
