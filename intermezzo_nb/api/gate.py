"""The one door through which all requests of a connection go, and how fast."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from ..tokens.forks import renew_in_child
from . import waits

_REMEMBERED = 1000  # answers by which a pace is judged
_MARGIN = 0.97  # of a pace that was shown to be borne
_HARDLY = 1.05  # of a pace, is that pace
_MOST_DOUBTS = 2  # refusals in a row at a pace that is not why
_SHORTEST = 1.0  # seconds; what is asked in less says little about a pace
_LOOK = 0.2  # seconds after which who waits looks whether it still should
_SECOND = 2  # refusal of those under way together: from it on, it is no chance
_UNTOLD = 2.0  # seconds from one request to the next that nobody asks about
_SLOWLY = "the server bears but few requests"


@dataclass(slots=True)
class _Refusals:
    """Refusals of requests that were under way together: one event."""

    since: float
    under_way: int
    count: int = 1

    @property
    def is_no_chance(self) -> bool:
        return self.count > 1 and self.count * 3 > self.under_way


class Pace:
    """
    When the next request may go: a judgement on times, without threads or waits.

    While few are refused, a refusal is a pause and no more. When more than a third of
    those under way are, requests go on one by one, as fast as the server has shown
    to bear: so many in the time that it took and the pause that it asked for. From
    there the pace rises, the later the more requests it was learned from.
    """

    def __init__(self) -> None:
        self.opens_at = 0.0
        self._next = 0.0
        self._accepted: deque[float] = deque(maxlen=_REMEMBERED)
        self._refusals = _Refusals(float("-inf"), 0)
        self._learned, self._trust, self._streak, self._doubts = 0.0, 0.0, 0, 0

    @property
    def rate(self) -> float:
        """Requests a second; 0 for as many as there are."""
        if not self._learned:
            return 0.0
        return self._learned * (1 + (self._streak / self._trust) ** 2)

    @property
    def ready_at(self) -> float:
        """The moment at which the next request may go."""
        return max(self.opens_at, self._next)

    def goes(self, now: float) -> None:
        """Count one that goes."""
        if rate := self.rate:
            # Who woke late catches up, by a part of a step; not after a pause.
            self._next = max(self.ready_at, now - 0.25 / rate) + 1 / rate

    def accepts(self, now: float) -> None:
        """Count one that was answered."""
        self._accepted.append(now)
        self._streak += 1

    def refuses(self, now: float, went: float, seconds: float, under_way: int) -> None:
        """
        Count one that was refused.

        Parameters
        ----------
        went : float
            When it went: before the last pause, it belongs to what led to that.
        seconds : float
            The pause that the server asks for.
        under_way : int
            How many are, this one among them.
        """
        if went > self._refusals.since:
            self._refusals = _Refusals(now, under_way)
            self._doubt()
        else:
            self._refusals.count += 1
        self._streak = 0
        self.opens_at = max(self.opens_at, now + seconds)
        if self._learned or self._refusals.is_no_chance:
            self._learn(self._refusals.since, seconds)

    def _doubt(self) -> None:
        # A pace at which it had refused nothing is not why it refuses again.
        is_low = self.rate < _HARDLY * self._learned
        self._doubts = self._doubts + 1 if is_low else 0
        if self._doubts > _MOST_DOUBTS:
            self._learned, self._doubts = 0.0, 0

    def _learn(self, now: float, seconds: float) -> None:
        pause = max(seconds, _SHORTEST)
        counted = enumerate(reversed(self._accepted), 1)
        shown = [(n / (max(0.0, now - at) + pause), n) for n, at in counted]
        rate, count = max(shown, default=(1 / pause, 1))
        rate *= _MARGIN
        if not self._learned:
            self._learned = rate
        elif self._refusals.is_no_chance and self._refusals.count == _SECOND:
            self._learned = max(min(rate, 0.9 * self._learned), self._learned / 2)
        else:
            self._learned = max(rate, self._learned)
        self._trust = max(3.0, count * min(12.0, (count / 12) ** 2))


class Gate:
    """
    The door that all threads of a connection go through with their requests.

    Parameters
    ----------
    clock : callable
        Monotonic, in seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._pace, self._why = clock, Pace(), ""
        self.after_fork()
        renew_in_child(self)

    def after_fork(self) -> None:
        """Forget who was under way in the parent."""
        self._mutex = threading.Lock()
        self._went: dict[int, float] = {}  # by thread; nobody twice, whatever happens

    @property
    def rate(self) -> float:
        """Requests a second; 0 for as many as there are."""
        return self._pace.rate

    @property
    def is_open(self) -> bool:
        """Whether nobody has to wait for what the server asked."""
        return self._pace.opens_at <= self._clock()

    def enter(self) -> bool:
        """
        Wait until a request may go; tell whether it had to wait.

        Raises
        ------
        Stopped
            It is not wanted any more.
        """
        is_told = has_waited = False
        while (seconds := self._goes()) > 0:
            if not is_told and (seconds > _UNTOLD or not self.is_open):
                is_told = True
                waits.tell_wait(seconds, _SLOWLY if self.is_open else self._why)
            waits.sleep(min(seconds, _LOOK))
            has_waited = True
        return has_waited

    def leave(self, *, accepted: bool) -> None:
        """Tell that a request is over."""
        with self._mutex:
            if self._went.pop(threading.get_ident(), None) and accepted:
                self._pace.accepts(self._clock())

    def refused(self, seconds: float, why: str) -> None:
        """Tell that a request was refused, and for how long the server wants none."""
        with self._mutex:
            now, under_way = self._clock(), len(self._went)
            went = self._went.pop(threading.get_ident(), now)
            self._pace.refuses(now, went, seconds, under_way)
            self._why = why

    def _goes(self) -> float:
        with self._mutex:
            now = self._clock()
            if (seconds := self._pace.ready_at - now) <= 0:
                self._pace.goes(now)
                self._went[threading.get_ident()] = now
            return seconds
