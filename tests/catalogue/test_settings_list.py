"""The catalogue as a person and a program see it."""

from __future__ import annotations

import json

import pytest

from mdeinspect.catalogue import load
from mdeinspect.views.settings_list import preference_page, settings_rows

CATALOGUE = load()


@pytest.mark.parametrize("platform", [None, "linux", "darwin"])
def test_rows_can_be_printed_as_json(platform) -> None:
    """Rows hold plain data, speak of the wanted platform only, and have unique keys."""
    rows = settings_rows(CATALOGUE, platform)
    assert json.loads(json.dumps(rows)) == rows
    assert len({row["id"] for row in rows}) == len(rows)
    for row in rows:
        assert platform in (None, *row["platforms"])
        assert set(row["default"]) == set(row["allowed"]) == set(row["platforms"])
        assert row["key"] == row["keys"][row["platforms"][0]][0]
        assert all(set(field["platforms"]) <= set(row["platforms"]) for field in row["health"])


def test_rows_of_a_platform_leave_the_other_out() -> None:
    """Network protection has two fields on macOS, one on Linux; DLP is of macOS alone."""
    rows = {
        platform: {row["key"]: row for row in settings_rows(CATALOGUE, platform)}
        for platform in ("linux", "darwin")
    }
    level = "networkProtection.enforcementLevel"
    assert len(rows["linux"][level]["health"]) == 1
    assert len(rows["darwin"][level]["health"]) == 2
    assert "features.dataLossPrevention" not in rows["linux"]
    assert "features.scheduledScan" in rows["darwin"]


def test_a_row_tells_no_default_from_a_default() -> None:
    """Null where none is known; false, zero and the empty text are values."""
    rows = {row["id"]: row for row in settings_rows(CATALOGUE, "linux")}
    assert rows["cloud.proxy"]["default"]["linux"] is None
    assert rows["edr.groupIds"]["default"]["linux"] == {"disputed": False, "rules": [{"value": ""}]}
    assert rows["av.unmonitoredFilesystems"]["default"]["linux"]["disputed"] is True


@pytest.mark.parametrize("one", CATALOGUE.preferences, ids=lambda one: one.id)
def test_every_page_fits_a_terminal(one) -> None:
    """Eighty columns, no trailing blanks, and the name of every key and field is whole."""
    page = preference_page(one)
    assert all(len(line) <= 80 and line == line.rstrip() for line in page.splitlines())
    names = [*one.linux, *one.darwin, *(field.field for field in one.health), one.grade]
    assert all(name in page for name in names)


@pytest.mark.parametrize(
    ("id_", "words"),
    [
        ("av.enforcementLevel", "passive since 101.23062.0001, real_time before that"),
        ("av.enforcementLevel", "audit from 101.26062.0007 (preview ring)"),
        ("cloud.diagnosticLevel", "optional -> true"),
        ("np.enforcementLevel", "disputed: disabled"),
        ("cloud.definitionUpdateDue", "1 to 30"),
        ("av.passiveMode", "Use antivirusEngine.enforcementLevel."),
        ("av.exclusions", "`mdatp exclusion list` shows it"),
        ("features.ebpfSupplementaryEventProvider", "disabled -> auditd before 101.24082.0004"),
        ("cloud.proxy", "no known field of `mdatp health`"),
    ],
)
def test_a_page_says_it_in_words(id_: str, words: str) -> None:
    """The facts that decide what an administrator does next."""
    one = CATALOGUE.get(id_)
    assert one is not None
    assert words in " ".join(preference_page(one).split())
