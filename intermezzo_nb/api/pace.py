"""How fast a server may be asked: a judgement on times, without threads or waits."""

from __future__ import annotations

from collections import deque
from itertools import takewhile

from msgspec import Struct

_NEVER = float("-inf")
_REMEMBERED = 10_000  # answers by which a pace is judged
_MARGIN = 0.97  # of what was shown to be borne
_LOWERED = 0.9  # of a pace that is not borne, although it had not risen
_HARDLY = 1.05  # of a pace, is that pace
_MOST_DOUBTS = 2  # refusals in a row at a pace that is not why
_SHORTEST = 1.0  # seconds; what is asked in less says little about a pace
_LONGEST = 120.0  # seconds; what lasts longer is no pause
_MOMENT = 0.05  # seconds in which answers come together, whenever they were given
_IDLE = 10.0  # seconds in which nothing is asked, although it might be
_MANY = 24  # requests at once, from which on they are no accident
_MADE_UP = 10  # answers that make up for a refusal
_TOO_MUCH = 35  # answers; refusals that still want more are no accident
_FIRMNESS = 6.0  # by how many times what it was learned from a pace rises slower
_FIRMEST = 6000.0  # requests; after so many any pace has doubled
_LATE = 0.25  # of a step, by which who woke late may catch up


class _Refusals(Struct):
    """Refusals of requests that were under way together: one event."""

    since: float
    under_way: int
    before: float  # the event before, or no time at all
    learned: float  # the pace then, apart from what it had risen; 0 for none
    trust: float
    is_low: bool  # whether it had not risen
    owed: int  # answers that would make up for it and for those before
    count: int = 1
    is_longer: bool = False  # than the server had asked for

    @property
    def is_no_chance(self) -> bool:
        is_shared = self.count > 1 and self.count * 3 > self.under_way
        return is_shared or self.owed > _TOO_MUCH


class Pace:
    """
    When the next request may go.

    While few are refused, a refusal is a pause and no more. When more than a third of
    those under way are, or one after every few, the server is taken for a bucket that
    holds so many requests and is filled by so many a second, and requests go on as it
    has shown to bear: those that the pause has earned at once, the others one by one.
    From there the pace rises until it is too much, each time the later, the more it was
    learned from. Until a server takes something again, it is one pause, however often
    it prolongs it.
    """

    def __init__(self) -> None:
        self.opens_at = 0.0
        self._next = 0.0
        self._accepted: deque[float] = deque(maxlen=_REMEMBERED)
        self._refusals = _Refusals(_NEVER, 0, _NEVER, 0.0, 0.0, is_low=False, owed=0)
        self._learned, self._trust, self._streak, self._doubts = 0.0, 0.0, 0, 0
        self._held, self._at_once, self._is_taking = 0, 1, True

    @property
    def rate(self) -> float:
        """Requests a second; 0 for as many as there are."""
        if not self._learned:
            return 0.0
        # Late at first, so that a steady server refuses few; then not too steeply.
        risen = self._streak / self._trust
        return self._learned * (1 + min(risen**2, risen**3))

    @property
    def ready_at(self) -> float:
        """The moment at which the next request may go."""
        return max(self.opens_at, self._next)

    def goes(self, now: float) -> None:
        """Count one that goes."""
        last = self._accepted[-1] if self._accepted else _NEVER
        if now - max(self.ready_at, last) > _IDLE:
            # That nobody asked says nothing of what the server bears.
            self._accepted.clear()
            self._is_taking = True
        if rate := self.rate:
            earned = (self._at_once - 1 + _LATE) / rate
            self._next = max(self._next, now - earned) + 1 / rate

    def accepts(self, now: float) -> None:
        """Count one that was answered."""
        if not self._held:
            if now >= self.opens_at:  # a pace learned from no answer ends with one
                self._learned = self._next = 0.0
            self._held = 1
        self._accepted.append(now)
        self._is_taking = self._is_taking or now >= self.opens_at
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
        if went <= self._refusals.since:
            self._refusals.count += 1
        elif self._is_taking:
            self._begin_event(now, under_way)
        else:  # nothing was taken since, so this is no new pause
            self._refusals.is_longer = True
        self._streak = 0
        self.opens_at = max(self.opens_at, now + seconds)
        if self._refusals.is_longer:
            seconds = self.opens_at - self._refusals.since
        pause = max(_SHORTEST, min(seconds, _LONGEST))
        if self._refusals.learned:
            self._correct(now, pause)
        elif self._refusals.is_no_chance:
            self._learn(pause)

    def _begin_event(self, now: float, under_way: int) -> None:
        last, self._is_taking = self._refusals, False
        owed = max(0, last.owed - self._streak) + _MADE_UP
        # A pace at which it had refused nothing is not why it refuses again.
        is_low = self.rate < _HARDLY * self._learned and self._at_once == 1
        self._doubts = self._doubts + 1 if is_low else 0
        if self._doubts > _MOST_DOUBTS:
            self._learned, self._trust, self._doubts, owed = 0.0, 0.0, 0, 0
            self._accepted.clear()
        self._refusals = _Refusals(
            now, under_way, last.since, self._learned, self._trust, is_low, owed
        )
        self._at_once = 1

    def _learn(self, pause: float) -> None:
        # The first look: what it took before the pause, it takes again after it.
        event = self._refusals
        counted = enumerate(reversed(self._accepted), 1)
        shown = ((n / (max(0.0, event.since - at) + pause), n) for n, at in counted)
        least = 1 / pause, min(1, len(self._accepted))
        rate, count = max([least, *shown])
        self._learned, self._trust = _MARGIN * rate, _trust(count)
        recent = sum(at > event.before for at in self._accepted)
        self._held = min(count, max(1, recent))
        if self._held >= _MANY and not event.is_longer:
            # It was empty when it refused, so what may go is counted from then.
            self._at_once = max(1, int(self._learned * pause))
            self._next = event.since
        else:
            self._at_once, self._next = 1, self.opens_at

    def _correct(self, now: float, pause: float) -> None:
        # What came through in a time, less what the bucket may have held at its
        # beginning, was filled in meanwhile. The most of it over all times is what is
        # filled in at best, where it was asked for more than that.
        event = self._refusals
        begin = min(event.before, event.since - _SHORTEST)
        recent = [*takewhile(lambda at: at > begin, reversed(self._accepted))]
        rate = 1 / pause
        for n, at in enumerate(recent, 1):
            rate = max(rate, n / (max(0.0, event.since - at) + pause))
            if now - at > _MOMENT:
                rate = max(rate, (n - self._held) / (now - at))
        rate *= _MARGIN
        # Before a pace that is doubted is given up, a lower one is tried.
        if event.is_no_chance or self._doubts == _MOST_DOUBTS:
            most = _LOWERED * event.learned if event.is_low else rate
            self._learned = max(min(rate, most), event.learned / 2)
        else:
            self._learned = max(rate, event.learned)
        self._next = self.opens_at
        self._trust = max(_trust(len(recent)), min(_FIRMEST, 2 * event.trust))


def _trust(count: int) -> float:
    """Give the requests after which a pace that was learned from so many doubles."""
    return max(3.0, min(_FIRMEST, count * min(_FIRMNESS, (count / 12) ** 2)))
