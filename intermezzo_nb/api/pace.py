"""How fast a server may be asked: a judgement on times, without threads or waits."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

_NEVER = float("-inf")
_REMEMBERED = 1000  # answers by which a pace is judged
_MARGIN = 0.97  # of what was shown to be borne
_LOWERED = 0.9  # of a pace that is not borne, although it had not risen
_HARDLY = 1.05  # of a pace, is that pace
_MOST_DOUBTS = 2  # refusals in a row at a pace that is not why
_SHORTEST = 1.0  # seconds; what is asked in less says little about a pace
_MOMENT = 0.05  # seconds in which answers come together, whenever they were given
_MANY = 24  # requests at once, from which on they are no accident
_FIRMNESS = 12.0  # by how many times what it was learned from a pace rises slower
_LATE = 0.25  # of a step, by which who woke late may catch up


@dataclass(slots=True)
class _Refusals:
    """Refusals of requests that were under way together: one event."""

    since: float
    under_way: int
    before: float  # the event before, or no time at all
    learned: float  # the pace then, apart from what it had risen; 0 for none
    trust: float
    is_low: bool  # whether it had not risen
    count: int = 1

    @property
    def is_no_chance(self) -> bool:
        return self.count > 1 and self.count * 3 > self.under_way


class Pace:
    """
    When the next request may go.

    While few are refused, a refusal is a pause and no more. When more than a third of
    those under way are, the server is taken for a bucket that holds so many requests
    and is filled by so many a second, and requests go on as it has shown to bear:
    those that the pause has earned at once, the others one by one. From there the pace
    rises until it is too much, each time the later, the more it was learned from.
    """

    def __init__(self) -> None:
        self.opens_at = 0.0
        self._next = 0.0
        self._accepted: deque[float] = deque(maxlen=_REMEMBERED)
        self._refusals = _Refusals(_NEVER, 0, _NEVER, 0.0, 0.0, is_low=False)
        self._learned, self._trust, self._streak, self._doubts = 0.0, 0.0, 0, 0
        self._held, self._at_once = 1, 1

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
            earned = (self._at_once - 1 + _LATE) / rate
            self._next = max(self._next, now - earned) + 1 / rate

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
            self._begin_event(now, under_way)
        else:
            self._refusals.count += 1
        self._streak = 0
        self.opens_at = max(self.opens_at, now + seconds)
        if self._refusals.learned:
            self._correct(now, max(seconds, _SHORTEST))
        elif self._refusals.is_no_chance:
            self._learn(max(seconds, _SHORTEST))

    def _begin_event(self, now: float, under_way: int) -> None:
        # A pace at which it had refused nothing is not why it refuses again.
        is_low = self.rate < _HARDLY * self._learned and self._at_once == 1
        self._doubts = self._doubts + 1 if is_low else 0
        if self._doubts > _MOST_DOUBTS:
            self._learned, self._trust, self._doubts = 0.0, 0.0, 0
        self._refusals = _Refusals(
            now, under_way, self._refusals.since, self._learned, self._trust, is_low
        )
        self._at_once = 1

    def _learn(self, pause: float) -> None:
        # The first look: what it took before the pause, it takes again after it.
        event = self._refusals
        counted = enumerate(reversed(self._accepted), 1)
        shown = ((n / (max(0.0, event.since - at) + pause), n) for n, at in counted)
        rate, count = max(shown, default=(1 / pause, 1))
        self._learned = _MARGIN * rate
        recent = sum(at > event.before for at in self._accepted)
        self._held = max(1, min(count, recent))
        if self._held >= _MANY:
            # It was empty when it refused, so what may go is counted from then.
            self._at_once, self._next = int(self._learned * pause), event.since
        else:
            self._next = self.opens_at
        self._trust = _trust(count)

    def _correct(self, now: float, pause: float) -> None:
        # What came through in a time, less what the bucket may have held at its
        # beginning, was filled in meanwhile. The most of it over all times is what is
        # filled in at best, where it was asked for more than that.
        event = self._refusals
        begin = min(event.before, event.since - _SHORTEST)
        recent = [at for at in reversed(self._accepted) if at > begin]
        rate = 1 / pause
        for n, at in enumerate(recent, 1):
            rate = max(rate, n / (max(0.0, event.since - at) + pause))
            if now - at > _MOMENT:
                rate = max(rate, (n - self._held) / (now - at))
        rate *= _MARGIN
        if event.is_no_chance:
            most = _LOWERED * event.learned if event.is_low else rate
            self._learned = max(min(rate, most), event.learned / 2)
        else:
            self._learned = max(rate, event.learned)
        self._next = self.opens_at
        self._trust = max(_trust(len(recent)), 2 * event.trust)


def _trust(count: int) -> float:
    """Give the requests after which a pace that was learned from so many doubles."""
    return max(3.0, count * min(_FIRMNESS, (count / 12) ** 2))
