"""When hints lead to an act, and to which."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest
from watch_place import until

from mdeinspect.watch import settle
from mdeinspect.watch.settle import Settler

Make = Callable[..., Settler]


@pytest.fixture
def make() -> Iterator[Make]:
    """Makes settlers that are ended in the end."""
    made: list[Settler] = []

    def build(act: Callable[[bool], None], debounce: float = 0.05, ceiling: float = 0.5) -> Settler:
        made.append(Settler(act, lambda: None, debounce=debounce, ceiling=ceiling))
        return made[-1]

    yield build
    for settler in made:
        settler.end(5)


def test_hints_together_make_one_act(make: Make) -> None:
    """Hints that come in a row are acted upon once; one structural among them makes it so."""
    acts: list[bool] = []
    settler = make(acts.append)
    for structural in (False, True, False):
        settler.hint(structural=structural)
    settler.start()
    assert until(lambda: not settler.busy)
    assert acts == [True]
    settler.hint()
    assert until(lambda: len(acts) == 2)
    assert acts == [True, False]


def test_hints_without_end_are_acted_upon(make: Make) -> None:
    """Though hints never cease, an act comes no later than the ceiling."""
    acts: list[bool] = []
    settler = make(acts.append, debounce=60.0, ceiling=0.05)
    settler.start()
    settler.hint()
    assert until(lambda: bool(acts))


def test_a_hint_during_an_act_leads_to_another(make: Make) -> None:
    """Nothing that happens while an act runs is lost."""
    acts: list[bool] = []
    inside, go_on = threading.Event(), threading.Event()

    def act(structural: bool) -> None:
        acts.append(structural)
        inside.set()
        go_on.wait(10)

    settler = make(act, debounce=0.0)
    settler.start()
    settler.hint()
    assert inside.wait(10)
    settler.hint(structural=True)
    assert settler.busy
    go_on.set()
    assert until(lambda: acts == [False, True])


def test_the_end_leaves_hints_alone() -> None:
    """After the end nothing is acted upon, however much was hinted, and `last` was called."""
    acts: list[bool] = []
    lasts: list[bool] = []
    settler = Settler(acts.append, lambda: lasts.append(True), debounce=60.0, ceiling=60.0)
    settler.start()
    settler.hint()
    settler.end(10)
    settler.hint()
    assert (acts, lasts, settler.alive(), settler.ended) == ([], [True], False, True)


def test_an_act_that_hangs_is_noticed(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread that hangs in an act counts as dead."""
    hold = threading.Event()
    settler = make(lambda _: hold.wait(10) and None, debounce=0.0)
    settler.start()
    assert settler.alive()
    settler.hint()
    monkeypatch.setattr(settle, "STUCK", 0.05)
    assert until(lambda: not settler.alive())
    hold.set()
    assert until(settler.alive)
