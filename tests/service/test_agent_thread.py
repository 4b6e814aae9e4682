"""The thread that asks the agent: one job at a time, and how long it has been at it."""

from __future__ import annotations

import threading
from typing import Any, cast

from mdeinspect.host import Host
from mdeinspect.service.agent import AgentThread, Job
from mdeinspect.service.inbox import Answer


class Held:
    """A host that answers when it is let go, and then badly."""

    def __init__(self) -> None:
        self.let_go = threading.Event()

    def facts(self) -> Any:
        self.let_go.wait(10)
        raise OSError("this host is a test")


def test_busy_until_the_answer_was_taken() -> None:
    """A job that hangs is told in seconds; one that fails is answered, with nothing."""
    host, answers, posted = Held(), list[Answer](), threading.Event()

    def post(answer: Answer) -> None:
        answers.append(answer)
        posted.set()

    thread = AgentThread(post)
    thread.start()
    assert (thread.busy, thread.seconds(100.0)) == (False, 0.0)
    thread.ask(Job(cast("Host", host), False, (), {}), 100.0)
    assert (thread.busy, thread.seconds(142.0)) == (True, 42.0)
    host.let_go.set()
    assert posted.wait(10)
    assert thread.busy, "until somebody took the answer"
    thread.answered()
    assert (thread.busy, thread.seconds(200.0)) == (False, 0.0)
    assert (answers[0].readings, answers[0].calls) == ({}, 0)
    thread.end(10)
