"""TOML to `Config`: unknown keys and wrong values are errors that name the file and the key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mdeinspect.config.model import Config
from mdeinspect.errors import ConfigError

DEFAULT = Path("/etc/mdeinspect/config.toml")
FRAGMENTS = "conf.d"
MAX_BYTES = 1024 * 1024


def load(path: Path | None) -> Config:
    """The configuration of one file and the `conf.d/*.toml` beside it; the defaults without one.

    Raises `ConfigError`. pydantic is only imported when there is something to validate.
    """
    if path is None:
        return Config()
    return parse([_toml(path), *map(_toml, _fragments(path.parent / FRAGMENTS))])


def parse(documents: Sequence[Mapping[str, Any]]) -> Config:
    """The configuration of these documents: later ones win, `[[accept]]` adds up."""
    import pydantic  # 60 ms that a run without a configuration need not pay

    merged: dict[str, Any] = {}
    for document in documents:
        _merge(merged, document)
    try:
        return pydantic.TypeAdapter(Config).validate_python(merged)
    except pydantic.ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(str(part) for part in first["loc"])
        why = first["msg"].removeprefix("Value error, ")
        why = "there is no such key" if _is_extra(first["type"]) else why
        raise ConfigError(f"cannot use the configuration: {key}: {why}") from error


def _is_extra(kind: str) -> bool:
    return kind in ("extra_forbidden", "unexpected_keyword_argument")


def _fragments(folder: Path) -> Sequence[Path]:
    """The files of `folder`, in order. One that cannot be listed is not an empty one."""
    try:
        return sorted(one for one in folder.iterdir() if one.name.endswith(".toml"))
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise ConfigError(f"cannot read {folder}: {error.strerror or error}") from error


def _toml(path: Path) -> Mapping[str, Any]:
    import tomllib  # only where there is a file to read

    try:
        if not path.is_file() and path.exists() and not path.is_dir():
            raise ConfigError(f"cannot use {path}: it is not a regular file")
        if path.stat().st_size > MAX_BYTES:
            raise ConfigError(f"cannot use {path}: it is larger than {MAX_BYTES:,} bytes")
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ConfigError(f"cannot use {path}: {error}") from error
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror or error}") from error


def _merge(into: dict[str, Any], more: Mapping[str, Any]) -> None:
    for key, value in more.items():
        known = into.get(key)
        if isinstance(known, dict) and isinstance(value, Mapping):
            _merge(known, value)
        elif isinstance(known, list) and isinstance(value, list):
            known.extend(value)
        else:
            into[key] = dict(value) if isinstance(value, Mapping) else value
