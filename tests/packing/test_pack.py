"""The configuration file and the version of the packages, and the bill of materials."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from pack.configuration import commented
from pack.interpreter import digest, settings
from pack.packages import package_version

CHECKOUT = Path(__file__).resolve().parents[2]


def test_nothing_of_the_configuration_is_in_force() -> None:
    """Every line of the example is there, and none of them says anything."""
    example = (CHECKOUT / "docs/config.example.toml").read_text("utf-8")
    text = commented(example)
    assert tomllib.loads(text) == {}
    assert [line.removeprefix("# ") for line in text.splitlines()] == [
        line.removeprefix("# ") for line in example.splitlines()
    ]


def test_comments_and_empty_lines_stay_as_they_are() -> None:
    """Only what says something is changed; indented lines too."""
    assert commented("# a\n\n[b]\n  c = 1\n") == "# a\n\n# [b]\n#   c = 1\n"


@pytest.mark.parametrize(
    ("version", "expected"),
    [("1.2.0", "1.2.0"), ("1.2.0rc1", "1.2.0~rc1"), ("1.2.0.dev3", "1.2.0~dev3"), ("2b1", "2~b1")],
)
def test_versions_before_a_release_sort_before_it(version: str, expected: str) -> None:
    """As both package managers compare them."""
    assert package_version(version) == expected


def test_the_cache_is_keyed_by_the_whole_recipe() -> None:
    """The same recipe, the same key; its settings can be read without a shell."""
    assert digest() == digest()
    told = settings()
    assert told["PREFIX"] == "/opt/mdeinspect"
    assert told["SOURCES"].split()[0] == f"python{told['PYTHON']}"
