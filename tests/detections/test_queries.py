"""Silence and loss, as the shipped SQL tells them: what was planted, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import siem
from stories import outage, store_damaged, switched_off
from watched import Watched, as_lines, managed

from mdeinspect.model import Severity
from mdeinspect.simulator.host import HOUR, MINUTE

pytestmark = pytest.mark.slow


def a_day(folder: Path) -> Watched:
    """A host with some events of every severity, none handed over yet."""
    watched = Watched(folder, managed)
    watched.quiet(3)
    switched_off(watched)
    watched.quiet(3)
    return watched


def without(found: Sequence[Mapping[str, Any]], *numbers: int) -> list[str]:
    """The lines but those of these numbers, which were lost on the way."""
    return as_lines([dict(one) for one in found if one["seq"] not in numbers])


def at(moment: datetime) -> str:
    """A moment as the queries take it."""
    return moment.isoformat().replace("+00:00", "Z")


# --- loss ---------------------------------------------------------------------------------------


def test_no_loss_on_a_whole_stream(tmp_path: Path) -> None:
    """Restarts, batches and lines that came twice or out of order are no loss."""
    with a_day(tmp_path) as watched:
        watched.deliver()
        watched.end()
        watched.reopen()
        watched.quiet(2)
        lines = as_lines(watched.deliver())
    assert siem.asked("loss", lines) == []
    assert siem.asked("loss", [*reversed(lines), *lines[-5:]]) == []


@pytest.mark.parametrize("lost", [(4,), (4, 5, 6), (3, 6)])
def test_a_gap_is_told_once_with_its_place(lost: tuple[int, ...], tmp_path: Path) -> None:
    """Lines that never came show by the `prev` of the line after them."""
    with a_day(tmp_path) as watched:
        found = watched.deliver()
    rows = siem.asked("loss", without(found, *lost))
    gaps = [number for number in lost if number + 1 not in lost]
    assert [row["missing"] for row in rows] == gaps
    assert [row["received"] for row in rows] == [number + 1 for number in gaps]
    assert {row["host"] for row in rows} == {"web-07"}
    assert rows[0]["last_received"] == min(lost) - 1


def test_a_filter_is_no_loss_and_hides_none(tmp_path: Path) -> None:
    """Behind `min_severity` numbers are missing and nothing is lost; what is lost still shows."""
    with a_day(tmp_path) as watched:
        found = watched.deliver(Severity.HIGH)
        numbers = [one["seq"] for one in found]
        assert numbers != list(range(1, len(numbers) + 1)), "the filter held nothing back"
        (critical,) = (one["seq"] for one in found if one["severity"] == "critical")
    assert siem.asked("loss", as_lines(found)) == []
    assert [row["missing"] for row in siem.asked("loss", without(found, critical))] == [critical]


def test_what_was_deleted_here_is_no_loss(tmp_path: Path) -> None:
    """The oldest line that is still here may name one that the SIEM has deleted."""
    with a_day(tmp_path) as watched:
        found = watched.deliver()
    assert siem.asked("loss", as_lines(found[4:])) == []


def test_retention_is_told_by_its_own_event(tmp_path: Path) -> None:
    """What the store dropped in an outage is `events.dropped`, not a gap, also after a restart."""
    with Watched(tmp_path, managed) as watched:
        outage(watched)
        watched.reopen()
        watched.quiet(1)
        found = watched.deliver()
    (dropped,) = [one for one in found if one["type"] == "events.dropped"]
    numbers = {one["seq"] for one in found}
    assert not numbers & set(range(dropped["data"]["from_seq"], dropped["data"]["to_seq"] + 1))
    assert siem.asked("loss", as_lines(found)) == []
    assert siem.fired(as_lines(found)) == {"events_dropped": 1}


def test_another_stream_is_no_loss(tmp_path: Path) -> None:
    """Numbers begin anew where the store was lost; the first line has no `prev`."""
    with a_day(tmp_path) as watched:
        store_damaged(watched)
        watched.quiet(1)
        found = watched.deliver()
    assert len({one["stream"] for one in found}) == 2
    assert siem.asked("loss", as_lines(found)) == []


# --- silence ------------------------------------------------------------------------------------


def test_no_silence_while_it_beats(tmp_path: Path) -> None:
    """Within three hours of the last event no host is silent."""
    with a_day(tmp_path) as watched:
        lines, now = as_lines(watched.deliver()), watched.host.now
    for later in (timedelta(), HOUR, 3 * HOUR - MINUTE):
        assert siem.asked("silence", lines, now=at(now + later)) == []


def test_silence_is_told_with_its_length(tmp_path: Path) -> None:
    """A daemon that was killed: silent, since its last heartbeat; by another limit, earlier."""
    with a_day(tmp_path) as watched:
        lines, now = as_lines(watched.deliver()), watched.host.now
    (row,) = siem.asked("silence", lines, now=at(now + 5 * HOUR))
    assert (row["host"], row["why"], row["silent_hours"]) == ("web-07", "silent", 5.0)
    assert row["last_time"] == json.loads(lines[-1])["time"]
    assert siem.asked("silence", lines, now=at(now + 2 * HOUR), hours=1)
    assert not siem.asked("silence", lines, now=at(now + 5 * HOUR), hours=6)


def test_an_end_on_purpose_is_told_apart(tmp_path: Path) -> None:
    """After `daemon.stopped` silence has a cause; a start ends it."""
    with a_day(tmp_path) as watched:
        watched.end()
        lines, now = as_lines(watched.deliver()), watched.host.now
        (row,) = siem.asked("silence", lines, now=at(now + 4 * HOUR))
        assert row["why"] == "stopped"
        watched.host.pass_time(4 * HOUR)
        watched.reopen()
        assert not siem.asked("silence", as_lines(watched.deliver()), now=at(watched.host.now))


def test_each_host_is_silent_for_itself(tmp_path: Path) -> None:
    """One host of two ends: only that one is told, though both have one name."""
    with a_day(tmp_path / "one") as first, a_day(tmp_path / "two") as second:
        second.quiet(4)
        lines = as_lines([*first.deliver(), *second.deliver()])
        now, silent = second.host.now, first.ledger.store.host_id
    (row,) = siem.asked("silence", lines, now=at(now))
    assert row["host_id"] == silent


# --- the other backends -------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["loss", "silence"])
@pytest.mark.parametrize("ending", ["spl", "esql", "kql", "sql"])
def test_every_backend_has_the_query(name: str, ending: str) -> None:
    """It exists, names the fields it rests on, and says whether it was ever run."""
    text = (siem.QUERIES / f"{name}.{ending}").read_text()
    needed = {"loss": ("stream", "prev", "seq"), "silence": ("host", "daemon.stopped")}[name]
    assert all(word in text.lower() for word in needed)
    assert ("Unproven" in text) == (ending != "sql")
