"""Running `mdeinspect lint` as a user would, in a few words."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from click.testing import CliRunner

from mdeinspect.cli import cli


class Ran(NamedTuple):
    """What a run printed, and its exit code."""

    code: int
    out: str

    @property
    def json(self) -> dict[str, Any]:
        """The object it printed."""
        found: dict[str, Any] = json.loads(self.out)
        return found

    def found(self) -> set[tuple[str, str]]:
        """Code and subject of every finding, `key:` left out."""
        findings = self.json["findings"]
        return {(one["code"], one["subject"].removeprefix("key:")) for one in findings}


Lint = Callable[..., Ran]


def run(*args: str | Path, stdin: bytes | None = None, before: tuple[str, ...] = ()) -> Ran:
    """`mdeinspect [before] lint [args]`. Whatever is raised inside comes out here as well."""
    words = [*before, "lint", *map(str, args)]
    result = CliRunner().invoke(cli, words, input=stdin, catch_exceptions=False)
    return Ran(result.exit_code, result.stdout if result.stdout else result.output)


def written(folder: Path, content: Any, name: str = "policy.json") -> Path:
    """A file of that content: bytes, text, or what JSON can hold."""
    path = folder / name
    if isinstance(content, str):
        content = content.encode()
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return path
