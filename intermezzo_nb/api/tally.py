"""The requests of a reading: counted, bounded, foreseen, and their waits told."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from ..errors import SettingsError
from . import waits
from .answers import Answer
from .query import Query
from .transport import AT_ONCE
from .waits import check, telling_waits

_MANY = 200  # requests; more are announced, where they take long
_LONG = 10.0  # seconds
_MINUTE = 60

Question = tuple[str, Mapping[str, Any]]


class Tally:
    """
    Sends the requests of a reading, in whatever thread, and counts them.

    Parameters
    ----------
    ask : callable
        Gives the answer at a path, for parameters.
    get_ready : callable
        Called before the first request; its time is not counted.
    most : int or None
        Requests; where more are needed, it is an error.
    tell : callable
        Told the seconds and the reason of a wait, in the thread that made this.
    announces : bool
        Whether many requests are told of, once, before they are sent.
    within : Tally, optional
        Of the reading that needs this one on its way; counts and bounds these, too.
    """

    def __init__(
        self,
        ask: Callable[[str, Mapping[str, Any]], Answer],
        query: Query,
        *,
        get_ready: Callable[[], None],
        most: int | None,
        tell: Callable[[float, str], None],
        announces: bool = True,
        within: Tally | None = None,
    ) -> None:
        self._ask, self._query, self._most, self._tell = ask, query, most, tell
        self._get_ready, self._announces, self._within = get_ready, announces, within
        self.requests = self.repeated = 0
        self.planned: int | None = None
        self._began = self._answered = time.monotonic()
        self._mutex = threading.Lock()
        self._wait = ("", 0.0)
        self._thread = threading.get_ident()
        self._open = 0  # requests under way
        self._silence = waits.Silence()

    @property
    def seconds(self) -> float:
        """Since the first request."""
        return time.monotonic() - self._began

    @property
    def seconds_of_one(self) -> float:
        """How long a request took so far, whatever was loaded beside it."""
        return max(0.0, self._answered - self._began) / max(1, self.requests)

    @property
    def spent(self) -> dict[str, float]:
        """What the reading took, as ``df.attrs`` tells it."""
        return {
            "requests": self.requests,
            "repeated": self.repeated,
            "seconds": round(self.seconds, 3),
        }

    def begin(self) -> None:
        """Tell of waits in this thread from now on."""
        self._thread = threading.get_ident()

    def fetch(self, question: Question) -> Answer:
        """Give the answer to a question, not decoded yet."""
        check()
        with telling_waits(self.tell_wait, self.count_again):
            if not self.requests:
                self._get_ready()
            self.count()
            answer = self._asked(question)
            self._answered = time.monotonic()
            return answer

    def plan_more(self) -> None:
        """Count a request that could not be foreseen."""
        with self._mutex:
            self.planned = (self.planned or 0) + 1

    def foresee(
        self, count: int, *, are_all: bool = True, is_least: bool = False
    ) -> None:
        """
        Tell of many requests before they are sent, or refuse to send too many.

        Parameters
        ----------
        count : int
            How many are still to be sent.
        are_all : bool
            Whether more are not needed, as far as can be foreseen.
        is_least : bool
            Whether more are needed for organizations whose turn is still to come.
        """
        self.check_room(count, "at least " if is_least else "")
        self.planned = planned = self.requests + count
        seconds = self.seconds_of_one * count / AT_ONCE
        is_news = planned > _MANY and seconds > _LONG
        if is_news and are_all and self._announces:
            self._announces = False
            about = (
                f"{seconds:.0f} s"
                if seconds < 2 * _MINUTE
                else f"{seconds / _MINUTE:.0f} min"
            )
            self._tell(0, f"{planned:,} requests are needed, about {about}")

    def count(self) -> None:
        """Count a request that is about to be sent, or refuse it."""
        if self._within:
            self._within.count()
        with self._mutex:
            if self._most is not None and self.requests >= self._most:
                raise self._too_many(f"more than {self._most:,}")
            if not self.requests:
                self._began = time.monotonic()
            self.requests += 1

    def count_again(self) -> None:
        """Count a request that is sent once more."""
        if self._within:
            self._within.count_again()
        with self._mutex:
            self.repeated += 1

    def check_room(self, count: int, at_least: str = "") -> None:
        """Refuse to send so many more, where they are too many."""
        if self._within:
            self._within.check_room(count, "at least ")
        needed = self.requests + count
        if self._most is not None and needed > self._most:
            raise self._too_many(f"{at_least}{needed:,}")

    def tell_wait(self, seconds: float, reason: str) -> None:
        """Tell of a wait; from another thread, when the reading looks next."""
        self._silence.end(seconds)
        if self._is_reader:
            self._tell(seconds, reason)
        else:
            self._wait = (reason, time.monotonic() + seconds)

    def tell_meanwhile(self) -> None:
        """Tell what other threads wait for, and that nobody answers them."""
        reason, until = self._wait
        if reason:
            self._wait = ("", 0.0)
            self._tell(max(0.0, until - time.monotonic()), reason)
        elif self._open:
            self._tell_silence()

    @property
    def _is_reader(self) -> bool:
        return threading.get_ident() == self._thread

    def _asked(self, question: Question) -> Answer:
        self._now_open(1)
        try:
            if not self._is_reader:
                return self._ask(*question)
            with waits.telling_silence(self._tell, self._silence):
                return self._ask(*question)
        finally:
            self._now_open(-1)

    def _now_open(self, more: int) -> None:
        with self._mutex:
            self._open += more
            self._silence.end()

    def _tell_silence(self) -> None:
        if words := self._silence.words():
            self._tell(0.0, words)

    def _too_many(self, needed: str) -> SettingsError:
        return SettingsError(
            f"{self._query.label} takes {needed} requests, and max_requests is "
            f"{self._most:,}",
            why="So many are not sent where nobody watches, unless it is said."
            if self._query.max_requests is None
            else "",
            advice="Ask for less by limit or filters, or give max_requests.",
            code="too_many_requests",
        )
