"""How many requests a second are taken."""

from __future__ import annotations

import time
from collections.abc import Callable


class Rate:
    """
    How many requests a second are taken.

    Parameters
    ----------
    per_second : float
        0: any number.
    """

    def __init__(
        self, per_second: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._rate, self._clock = per_second, clock
        self._tokens, self._at = max(1.0, per_second), clock()

    def wait(self) -> float:
        """Take one request; give the seconds to wait where that is too many."""
        if not self._rate:
            return 0.0
        now = self._clock()
        gained = (now - self._at) * self._rate
        self._tokens, self._at = min(max(1.0, self._rate), self._tokens + gained), now
        if self._tokens < 1:
            return (1 - self._tokens) / self._rate
        self._tokens -= 1
        return 0.0
