"""Delivery: filters, order, retries and the end; one sink never holds another."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import pytest
from sink_support import PATIENCE, Basket, Shelf, line, until

from mdeinspect.errors import MdeinspectError
from mdeinspect.events import ALWAYS
from mdeinspect.formats import native
from mdeinspect.model import Severity
from mdeinspect.sinks import delivery as module
from mdeinspect.sinks.delivery import Delivery

Start = Callable[..., Delivery]


@pytest.fixture(autouse=True)
def _fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first retry after milliseconds, the longest after a tenth of a second."""
    monkeypatch.setattr(module, "FIRST_DELAY", 0.005)
    monkeypatch.setattr(module, "LONGEST_DELAY", 0.1)


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts deliveries, and ends them with the test."""
    stop, made = threading.Event(), []

    def begin(sink: Any, shelf: Shelf, name: str = "siem", **more: Any) -> Delivery:
        least = more.pop("min_severity", Severity.INFO)
        render = more.pop("format", native.render)
        one = Delivery(name, sink, render, least, shelf.read, shelf.acknowledge, stop, **more)
        made.append(one)
        one.start()
        return one

    yield begin
    stop.set()
    for one in made:
        assert one.join(PATIENCE)


def soon() -> float:
    """A deadline that a working sink keeps."""
    return time.monotonic() + PATIENCE


def numbers(basket: Basket) -> list[tuple[int, int | None]]:
    """What was handed over: each `seq` with its `prev`."""
    return [(one["seq"], one["prev"]) for one in basket.got]


def test_everything_goes_in_order_and_is_acknowledged(start: Start) -> None:
    """Every line once, in order, each naming the one before; then the cursor."""
    basket, shelf = Basket(), Shelf(*(line(seq) for seq in range(1, 501)))
    assert start(basket, shelf).drain(soon())
    assert numbers(basket) == [(seq, seq - 1 or None) for seq in range(1, 501)]
    assert shelf.acknowledged[-1] == 500
    assert shelf.acknowledged == sorted(shelf.acknowledged)


def test_a_wake_up_brings_what_is_new(start: Start) -> None:
    """A new line goes as soon as the sink is woken, without waiting for the next look."""
    basket, shelf = Basket(), Shelf()
    one = start(basket, shelf)
    for seq in range(1, 20):
        shelf.lines.append(line(seq))
        one.wake()
        until(lambda: basket.got and basket.got[-1]["seq"] == seq, "the line")  # noqa: B023


def test_the_filter_never_holds_back_life_signs(start: Start) -> None:
    """`min_severity` drops what is below, and never a heartbeat, a start, an end or a loss."""
    words = [severity.word for severity in Severity]
    raised = [line(seq, "finding.raised", word) for seq, word in enumerate(words, 1)]
    always = [line(seq, kind, "info") for seq, kind in enumerate(sorted(ALWAYS), 6)]
    basket = Basket()
    assert start(basket, Shelf(*raised, *always), min_severity=Severity.HIGH).drain(soon())
    assert [seq for seq, _ in numbers(basket)] == [4, 5, 6, 7, 8, 9]


def test_prev_shows_loss_behind_a_filter(start: Start) -> None:
    """`prev` names the line this sink got before, so the chain is whole although numbers lack."""
    lines = [line(seq, severity="high" if seq % 7 == 0 else "low") for seq in range(1, 1001)]
    basket, shelf = Basket(), Shelf(*lines)
    assert start(basket, shelf, min_severity=Severity.MEDIUM).drain(soon())
    found = numbers(basket)
    assert found[0] == (7, None)
    assert all(later[1] == earlier[0] for earlier, later in pairwise(found))


def test_a_restart_continues_the_chain(start: Start) -> None:
    """From the acknowledged cursor alone the next line names the right one before it."""
    lines = [line(seq, severity="high" if seq in (3, 9) else "low") for seq in range(1, 10)]
    first, shelf = Basket(), Shelf(*lines[:7])
    assert start(first, shelf, min_severity=Severity.HIGH).drain(soon())
    again, shelf2 = Basket(), Shelf(*lines)
    cursor = shelf.acknowledged[-1]
    assert start(again, shelf2, min_severity=Severity.HIGH, handed=cursor).drain(soon())
    assert numbers(first) + numbers(again) == [(3, None), (9, 3)]


def test_a_new_sink_may_begin_behind_the_past(start: Start) -> None:
    """A sink that never got anything can start at the present, with `prev` null."""
    basket = Basket()
    assert start(basket, Shelf(*map(line, range(1, 6))), start=3).drain(soon())
    assert numbers(basket) == [(4, None), (5, 4)]


def test_a_failing_sink_is_tried_again_with_the_same_lines(start: Start) -> None:
    """After failures everything arrives, in order; the status tells the outage and its end."""
    basket, shelf = Basket(failures=5), Shelf(*map(line, range(1, 4)))
    one = start(basket, shelf)
    until(lambda: basket.tries > 2, "retries")
    assert one.drain(soon())
    assert numbers(basket) == [(1, None), (2, 1), (3, 2)]
    assert one.status() == module.Status("siem", "ok", None, 3)


def test_the_status_names_an_outage(start: Start) -> None:
    """While a sink fails, its state is `retrying`, with the reason, and the cursor stays."""
    basket, shelf = Basket(failures=10**6), Shelf(line(1))
    one = start(basket, shelf)
    until(lambda: one.status().state == "retrying", "the outage")
    assert one.status().error == "cannot put anything into the basket"
    assert one.status().handed is None
    assert shelf.acknowledged == []


def test_the_waits_double_up_to_a_limit_and_are_not_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    """1 s, doubling to 60 s, each shortened by chance so that a fleet does not come at once."""
    monkeypatch.undo()
    waits: list[float] = []
    stop = threading.Event()
    shelf = Shelf(line(1))
    one = Delivery("siem", Basket(10**6), native.render, Severity.INFO, shelf.read, print, stop)
    monkeypatch.setattr(one, "_wait", waits.append)
    for _ in range(12):
        one._failed(MdeinspectError("cannot"))
    expected = [1, 2, 4, 8, 16, 32, 60, 60, 60, 60, 60, 60]
    assert all(full / 2 <= got <= full for got, full in zip(waits, expected, strict=True))
    assert len(set(waits[6:])) > 1


def test_a_wake_up_does_not_cut_a_back_off_short(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stream of new events does not hammer a server that is down."""
    monkeypatch.setattr(module, "FIRST_DELAY", 3600.0)
    monkeypatch.setattr(module, "LONGEST_DELAY", 3600.0)
    basket = Basket(failures=1)
    one = start(basket, Shelf(line(1)))
    until(lambda: one.status().state == "retrying", "the outage")
    for _ in range(50):
        one.wake()
    assert basket.tries == 1
    assert one.drain(soon())  # the end of the process does
    assert numbers(basket) == [(1, None)]


def test_a_blocked_sink_delays_no_other_and_not_the_end(start: Start) -> None:
    """One sink that never returns: the others get everything, and draining it ends in time."""
    blocked, free = Basket(), Basket()
    blocked.open.clear()
    lines = [line(seq) for seq in range(1, 300)]
    stuck = start(blocked, Shelf(*lines), name="stuck")
    assert start(free, Shelf(*lines), name="free").drain(soon())
    assert len(free.got) == 299
    assert not stuck.drain(time.monotonic() + 0.05)
    assert blocked.got == []
    blocked.open.set()


def test_a_sink_that_does_not_answer_is_seen(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sink that hangs in one call shows as `retrying`, although it never failed."""
    monkeypatch.setattr(module, "SILENT_SECONDS", 0.01)
    blocked = Basket()
    blocked.open.clear()
    one = start(blocked, Shelf(line(1)))
    until(lambda: one.status().state == "retrying", "the silence")
    blocked.open.set()
    assert one.drain(soon())
    assert one.status().state == "ok"


@pytest.mark.parametrize("error", [MdeinspectError("cannot read"), ValueError("a defect")])
def test_no_error_ends_the_thread(start: Start, error: Exception) -> None:
    """A reader, a sink or a defect that raises is an outage; afterwards nothing is missing."""
    shelf, basket = Shelf(line(1)), Basket()
    failures = iter([error] * 3)

    class Failing(Shelf):
        def read(self, after_seq: int, limit: int, /) -> Any:
            if found := next(failures, None):
                raise found
            return shelf.read(after_seq, limit)

    one = start(basket, Failing())
    assert one.drain(soon())
    assert numbers(basket) == [(1, None)]
    assert one.status().state == "ok"


def test_an_acknowledgement_that_failed_is_posted_again(start: Start) -> None:
    """The cursor reaches the service in the end, and the lines are not sent twice for it."""
    basket, failures = Basket(), iter([OSError("full")] * 2)

    class Failing(Shelf):
        def acknowledge(self, name: str, seq: int) -> None:
            if found := next(failures, None):
                raise found
            super().acknowledge(name, seq)

    shelf = Failing(line(1))
    assert start(basket, shelf).drain(soon())
    assert (numbers(basket), shelf.acknowledged) == ([(1, None)], [1])


def test_a_format_that_fails_on_one_event_loses_none(start: Start) -> None:
    """An event that a format cannot render goes as a native line."""

    def picky(found: dict[str, Any], prev: int | None) -> str:
        if found["seq"] == 2:
            raise KeyError("surprise")
        return native.render(found, prev)

    basket = Basket()
    assert start(basket, Shelf(*map(line, (1, 2, 3))), format=picky).drain(soon())
    assert numbers(basket) == [(1, None), (2, 1), (3, 2)]


def test_the_end_closes_the_sink() -> None:
    """After `stop` the thread ends and lets go of what it held, also in the middle of an outage."""
    for failures in (0, 10**6):
        stop, basket, shelf = threading.Event(), Basket(failures), Shelf(line(1))
        one = Delivery("a", basket, native.render, Severity.INFO, shelf.read, print, stop)
        one.start()
        until(lambda: basket.tries, "the first try")  # noqa: B023
        stop.set()
        assert one.join(PATIENCE)
        assert basket.closed
