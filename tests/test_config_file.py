"""The configuration file: what it may be."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mdeinspect.config.load import load
from mdeinspect.errors import ConfigError


@pytest.mark.parametrize("device", ["fifo", "/dev/zero"])
def test_only_a_regular_file_is_read(tmp_path: Path, device: str) -> None:
    """A FIFO would wait for ever, and a device never end."""
    path = tmp_path / "config.toml"
    if device == "fifo":
        os.mkfifo(path)
    else:
        path.symlink_to(device)
    with pytest.raises(ConfigError, match=r"cannot use .* not a regular file"):
        load(path)
