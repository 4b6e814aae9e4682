"""The unit files and the example of the configuration, as they ship with the package."""

from __future__ import annotations

import importlib.resources
from importlib.resources.abc import Traversable
from pathlib import Path

from mdeinspect.installer import InstallError

# In a wheel they lie in the package (see pyproject.toml); in a checkout there is one copy, beside
# it.
PACKAGED = "material"
CHECKOUT = {"config.example.toml": "docs/config.example.toml"}


def text(name: str) -> str:
    """The text of `systemd/mdeinspect.service`, `config.example.toml`, ...; raises InstallError."""
    try:
        return _folder().joinpath(*_place(name).split("/")).read_text(encoding="utf-8")
    except OSError as error:
        raise InstallError(
            f"cannot find {name} in this installation of mdeinspect: install it anew"
        ) from error


def _folder() -> Traversable:
    return _checkout() or importlib.resources.files("mdeinspect") / PACKAGED


def _place(name: str) -> str:
    return CHECKOUT.get(name, name) if _checkout() else name


def _checkout() -> Path | None:
    above = Path(__file__).resolve().parents[2]
    # Not in a site-packages, where a folder of that name would be somebody else's.
    return above if (above / "pyproject.toml").is_file() else None
