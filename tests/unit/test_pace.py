"""How fast requests go to servers that refuse some; no clock is waited for."""

from __future__ import annotations

import heapq
import itertools
import math
import random

import pytest

from intermezzo_nb.api.pace import Pace


class Bucket:
    """Takes so many a second, and a few at once."""

    def __init__(self, rate, burst, *, is_exact=False):
        self.rate, self.burst, self.held, self.at = rate, burst, burst, 0.0
        self.is_exact = is_exact

    def __call__(self, now):
        gained = (now - self.at) * self.rate
        self.held, self.at = min(self.burst, self.held + gained), now
        if self.held >= 1:
            self.held -= 1
            return None
        wait = (1 - self.held) / self.rate
        return wait if self.is_exact else math.ceil(wait)


class Window:
    """Takes so many in each second of the clock."""

    def __init__(self, count):
        self.count, self.taken, self.second = count, 0, 0

    def __call__(self, now):
        if int(now) != self.second:
            self.second, self.taken = int(now), 0
        self.taken += 1
        return None if self.taken <= self.count else 1


class Sliding:
    """Takes so many in any second."""

    def __init__(self, count):
        self.count, self.taken = count, []

    def __call__(self, now):
        self.taken = [at for at in self.taken if at > now - 1]
        if len(self.taken) >= self.count:
            return math.ceil(self.taken[0] + 1 - now)
        self.taken.append(now)
        return None


class Together:
    """Takes so many that are under way together."""

    def __init__(self, count, latency):
        self.count, self.latency, self.taken = count, latency, []

    def __call__(self, now):
        self.taken = [at for at in self.taken if at > now - 0.95 * self.latency]
        if len(self.taken) >= self.count:
            return 1
        self.taken.append(now)
        return None


class Moody:
    """Refuses some, for no reason."""

    def __init__(self, share, seconds):
        self.share, self.seconds = share, seconds
        self.dice = random.Random(1)  # noqa: S311 (no secret)

    def __call__(self, now):
        return self.seconds if self.dice.random() < self.share else None


def run(server, requests, latency=0.02, at_once=8):
    """Give the refused requests, the seconds, and the pace at the end."""
    pace, dice = Pace(), random.Random(2)  # noqa: S311 (no secret)
    now, left, refused, under_way, order = 0.0, requests, 0, [], itertools.count()
    while left or under_way:
        while left and len(under_way) < at_once and pace.ready_at <= now:
            left -= 1
            pace.goes(now)
            back = now + latency * dice.uniform(0.9, 1.1)
            told = server(now + latency / 2)
            heapq.heappush(under_way, (back, next(order), now, told))
        moments = [under_way[0][0]] if under_way else []
        if left and len(under_way) < at_once:
            moments.append(max(now, pace.ready_at) + 0.0005)  # nobody wakes in time
        now = min(moments)
        while under_way and under_way[0][0] <= now:
            _, _, went, told = under_way[0]
            if told is None:
                pace.accepts(now)
            else:
                refused, left = refused + 1, left + 1
                pace.refuses(now, went, told, len(under_way))
            heapq.heappop(under_way)
    return refused, now, pace.rate


@pytest.mark.parametrize("latency", [0.005, 0.02])
@pytest.mark.parametrize("is_exact", [False, True], ids=["whole seconds", "exact"])
def test_what_a_pause_has_earned_goes_at_once_and_the_rest_one_by_one(
    latency, is_exact
):
    refused, seconds, rate = run(Bucket(50, 50, is_exact=is_exact), 200, latency)
    assert refused <= 9 if is_exact else refused <= 8
    assert seconds <= 1.1 * (200 - 50) / 50
    assert 45 < rate < 55


@pytest.mark.parametrize("latency", [0.005, 0.02])
@pytest.mark.parametrize("server", [Window, Sliding])
def test_who_counts_in_seconds_refuses_one_more_and_no_other(server, latency):
    refused, seconds, rate = run(server(50), 200, latency)
    assert refused <= 8 + 1
    assert seconds <= 1.2 * 200 / 50
    assert 40 < rate < 55


@pytest.mark.parametrize(("burst", "most"), [(8, 2.0), (20, 2.0), (100, 1.6)])
@pytest.mark.parametrize("latency", [0.005, 0.02])
def test_a_second_refusal_tells_how_fast_a_bucket_is_filled(burst, most, latency):
    refused, seconds, _ = run(Bucket(50, burst), 200, latency)
    assert refused <= 2 * 8
    assert seconds < most * (200 - burst) / 50


@pytest.mark.parametrize("burst", [1, 10, 50, 100, 1000])
@pytest.mark.parametrize("latency", [0.005, 0.02, 0.1])
def test_a_long_reading_uses_what_the_server_bears(burst, latency):
    refused, seconds, _ = run(Bucket(50, burst), 5000, latency)
    assert refused < 5000 * 0.01
    assert seconds < 1.2 * (5000 - burst) / 50


@pytest.mark.parametrize("latency", [0.005, 0.02, 0.1])
def test_who_bears_but_few_together_is_asked_by_few(latency):
    refused, seconds, _ = run(Together(3, latency), 5000, latency)
    assert refused < 20
    assert seconds < 2 * 5000 * latency / 3


@pytest.mark.parametrize(("rate", "requests"), [(2, 20), (5, 100)])
def test_a_slow_server_is_asked_slowly(rate, requests):
    refused, seconds, _ = run(Bucket(rate, rate), requests)
    assert refused <= 9
    assert seconds < 1.25 * requests / rate


@pytest.mark.parametrize("pause", [0.1, 1])
def test_a_refusal_by_chance_is_a_pause_and_no_more(pause):
    refused, seconds, rate = run(Moody(0.05, pause), 1000)
    assert refused > 30
    assert seconds < 1000 * 0.02 / 8 + refused * pause + 3
    assert rate == 0


def test_who_is_never_refused_never_waits():
    refused, seconds, rate = run(lambda _: None, 1000)
    assert (refused, rate) == (0, 0)
    assert seconds < 1.2 * 1000 * 0.02 / 8
