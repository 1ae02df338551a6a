"""The one door through which all requests of a connection go."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from ..tokens.forks import renew_in_child
from . import waits
from .pace import Pace

_LOOK = 0.2  # seconds after which who waits looks whether it still should
_UNTOLD = 2.0  # seconds from one request to the next that nobody asks about
_SLOWLY = "the server bears but few requests"


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
