"""Lines of columns for a terminal: nothing is lost, nothing is wider than there is room."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mdeinspect.views.layout import Cell, Column, cells, fold, grid, paint

WORDS = st.text(alphabet="ab /中é", max_size=60)


@pytest.mark.parametrize(
    ("text", "width", "lines"),
    [
        ("", 5, [""]),
        ("plain", 5, ["plain"]),
        ("two words", 5, ["two", "words"]),
        ("kept  inside", 20, ["kept  inside"]),
        ("settings of /etc/opt/file.json", 12, ["settings of", "/etc/opt/fil", "e.json"]),
        ("中中中", 4, ["中中", "中"]),
        ("中", 1, ["中"]),
    ],
)
def test_text_is_folded_at_blanks_and_long_words_where_they_must(
    text: str, width: int, lines: list[str]
) -> None:
    """A word that fits a line of its own is never broken; a wide sign takes two columns."""
    assert fold(text, width) == lines


@given(WORDS, st.integers(2, 30))
def test_folding_loses_no_sign_and_keeps_to_the_width(text: str, width: int) -> None:
    """For any text: what is not blank comes out in its order, in lines that fit."""
    lines = fold(text, width)
    assert "".join("".join(lines).split()) == "".join(text.split())
    assert all(cells(line) <= width for line in lines)


def test_the_widest_column_that_folds_gives_way() -> None:
    """Columns fit the room; one of fixed width and one that does not fold keep theirs."""
    rows = [(Cell("fixed"), Cell("whole-word"), Cell("many words that are " * 4))]
    columns = (Column(fold=False, width=8), Column(fold=False), Column())
    shown = paint(list(grid(rows, columns, 40)), colour=False).splitlines()
    assert all(len(line) <= 40 for line in shown)
    assert shown[0].startswith("fixed    whole-word many words")
    assert len(shown) > 1


def test_colours_surround_the_text_and_no_blanks_end_a_line() -> None:
    """With colours the same signs are shown in the same places."""
    rows = [(Cell("a", "bold"), Cell("b  ", "red"), Cell(""))]
    lines = list(grid(rows, (Column(False, 3), Column(), Column()), 80))
    assert paint(lines, colour=False) == "a   b"
    assert paint(lines, colour=True) == "\x1b[1ma   \x1b[0m\x1b[31mb\x1b[0m"
