"""Where things lie in the checkout."""

from __future__ import annotations

from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).resolve().parents[1]
CHECKOUT: Final = HERE.parent
BUILD: Final = CHECKOUT / "build"
DIST: Final = CHECKOUT / "dist"
STAGE: Final = BUILD / "package"
PREFIX: Final = "opt/mdeinspect"
PYTHON: Final = "3.13"
