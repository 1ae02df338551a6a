"""Answers that are fetched before they are asked for, several at once."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextvars import copy_context
from typing import Any

from ..loading import begin
from . import waits

_LOOK = 0.2  # seconds between two looks at what is told meanwhile


class Ahead:
    """
    Answers in the order in which they are asked for, fetched ahead of that.

    What was not expected is fetched when it is asked for, in the caller's thread, so
    that one answer costs no thread. Nothing that was fetched ahead is kept for long:
    twice as many as are fetched at once, at most.

    Parameters
    ----------
    fetch : callable
        Gives the answer to a question; called in other threads, too.
    at_once : int
        How many are fetched at the same time.
    meanwhile : callable
        Called in the caller's thread, a few times a second while it waits.
    load : callable, optional
        Called once, while the first answer is on its way: loads what is needed for the
        answers, and takes long. In a thread of its own, as an import that is broken off
        may leave a half behind that no later one completes.
    """

    def __init__(
        self,
        fetch: Callable[[Any], Any],
        *,
        at_once: int,
        meanwhile: Callable[[], None] = lambda: None,
        load: Callable[[], object] | None = None,
    ) -> None:
        self._fetch, self._at_once, self._meanwhile = fetch, at_once, meanwhile
        self._load = load
        self._coming: Iterator[Any] = iter(())
        self._under_way: deque[tuple[Any, Future[Any]]] = deque()
        self._threads: ThreadPoolExecutor | None = None
        self._stop = waits.Stop()

    def expect(self, questions: Iterable[Any]) -> None:
        """Fetch these ahead, in place of what was expected before."""
        self._drop()
        self._coming = iter(questions)
        self._fill()

    def take(self, question: Any) -> Any:
        """Give an answer, or raise what fetching it has raised."""
        if not (self._under_way and self._under_way[0][0] == question):
            self._drop()
            if self._load is None:
                return self._fetch(question)
            self.expect([question])
        if self._load is not None:
            load, self._load = self._load, None
            self._result(begin(load))
        _, answer = self._under_way.popleft()
        self._fill()
        return self._result(answer)

    def close(self) -> None:
        """Forget what is expected, and end what is under way."""
        self._stop.now()
        self._drop()
        if self._threads is not None:
            self._threads.shutdown(wait=False, cancel_futures=True)

    def _result(self, future: Future[Any]) -> Any:
        while True:
            self._meanwhile()
            if future.done() or wait([future], _LOOK).done:
                return future.result()

    def _fill(self) -> None:
        while len(self._under_way) < 2 * self._at_once - 1:
            try:
                question = next(self._coming)
            except StopIteration:
                return
            if self._threads is None:
                self._threads = ThreadPoolExecutor(self._at_once, "intermezzo-reading")
            answer = self._threads.submit(copy_context().run, self._work, question)
            self._under_way.append((question, answer))

    def _work(self, question: Any) -> Any:
        with waits.ended_by(self._stop):
            self._stop.check()
            return self._fetch(question)

    def _drop(self) -> None:
        self._coming = iter(())
        for _, answer in self._under_way:
            answer.cancel()
        self._under_way.clear()
