"""The commented example of the configuration is complete, true, and can be used."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

from mdeinspect import rules
from mdeinspect.config import load
from mdeinspect.config.model import Config
from mdeinspect.config.show import as_data
from mdeinspect.sinks import chosen

EXAMPLE = Path(__file__).parents[1] / "docs" / "config.example.toml"


def keys(data: dict[str, Any]) -> set[str]:
    """Every key of every table, dotted."""
    return {
        f"{table}.{key}"
        for table, inner in data.items()
        if isinstance(inner, dict)
        for key in inner
    }


def uncommented() -> dict[str, Any]:
    """The example with every commented key and table switched on."""
    lines = EXAMPLE.read_text().splitlines()
    switched = [re.sub(r"^# (?=\[|[a-z_]+ = )", "", line) for line in lines]
    return tomllib.loads("\n".join(switched))


def test_the_example_gives_the_defaults() -> None:
    """What stands there uncommented is what applies without any file."""
    assert load.load(EXAMPLE) == Config()


def test_no_key_is_left_out() -> None:
    """Every key of the configuration occurs, those that are unset as a comment."""
    assert keys(as_data(Config())) <= keys(uncommented())


def test_what_is_commented_out_can_be_used_too() -> None:
    """Sinks, rules and accepted findings of the example are valid."""
    config = load.parse([uncommented()])
    rules.validate(config)
    assert {one.name for one in chosen(config.sinks)} == {"siem", "alerts"}
    assert config.accept[0].code == "broad-exclusion"
    assert config.expect.policy is True
