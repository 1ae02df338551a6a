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
    """Takes so many in each second, or in longer, and asks to wait for one."""

    def __init__(self, count, seconds=1):
        self.count, self.taken, self.seconds, self.begin = count, 0, seconds, 0

    def __call__(self, now):
        if now // self.seconds != self.begin:
            self.begin, self.taken = now // self.seconds, 0
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


class Changing:
    """Is another server from some moment on."""

    def __init__(self, first, moment, then):
        self.first, self.moment, self.then = first, moment, then

    def __call__(self, now):
        return (self.first if now < self.moment else self.then)(now)


def run(server, requests, latency=0.02, at_once=8, *, pace=None, begin=0.0):
    """Give the refused requests, the seconds, and the pace at the end."""
    pace, dice = pace or Pace(), random.Random(2)  # noqa: S311 (no secret)
    now, left, refused, under_way, order = begin, requests, 0, [], itertools.count()
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
    return refused, now - begin, pace.rate


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


@pytest.mark.parametrize(("count", "seconds"), [(3000, 60), (12000, 60)])
def test_who_refuses_again_after_its_pause_has_prolonged_it(count, seconds):
    refused, took, _ = run(Window(count, seconds), 4 * count)
    assert refused < 4 * count * 0.02
    assert took < 1.5 * 3 * seconds


@pytest.mark.parametrize("pause", [1, 10, 60])
def test_who_refuses_all_at_first_is_asked_as_any_other_afterwards(pause):
    refused, seconds, rate = run(Changing(lambda _: pause, 60, lambda _: None), 5000)
    assert refused < 60 + 8
    assert seconds < 60 + pause + 1.1 * 5000 * 0.02 / 8
    assert rate == 0


@pytest.mark.parametrize("idle", [15, 300, 3600])
@pytest.mark.parametrize("outage", [1, 3, 5])
def test_that_nobody_asked_is_not_what_a_server_bears(idle, outage):
    pace = Pace()
    _, seconds, _ = run(lambda _: None, 1000, pace=pace)
    begin = seconds + idle
    server = Changing(lambda _: 1, begin + outage, lambda _: None)
    _, seconds, _ = run(server, 1000, pace=pace, begin=begin)
    assert seconds < outage + 1 + 1.1 * 1000 * 0.02 / 8


@pytest.mark.parametrize("burst", [50, 500])
def test_a_pace_that_is_a_little_too_much_is_lowered_before_it_is_given_up(burst):
    refused, seconds, _ = run(Bucket(5, burst), 2000)
    assert refused < 2000 * 0.02
    assert seconds < 1.1 * (2000 - burst) / 5


@pytest.mark.parametrize(("at_once", "latency"), [(1, 0.02), (2, 0.1)])
def test_few_together_that_are_refused_every_time_learn_a_pace_too(at_once, latency):
    refused, seconds, _ = run(Bucket(50, 1), 3000, latency, at_once)
    assert refused < 15
    assert seconds < 1.5 * 3000 * max(0.02, latency / at_once)


def test_a_refusal_of_the_only_one_by_chance_is_a_pause_and_no_more():
    refused, seconds, rate = run(Moody(0.05, 1), 1000, at_once=1)
    assert refused > 30
    assert seconds < 1000 * 0.02 + refused + 3
    assert rate == 0


@pytest.mark.parametrize("burst", [1, 50])
def test_a_server_that_bears_less_than_before_is_soon_asked_for_less(burst):
    server = Changing(Bucket(50, burst), 60, Bucket(5, burst))
    refused, _, rate = run(server, 4000)
    assert refused < 4000 * 0.02
    assert 4 < rate < 6


@pytest.mark.parametrize(
    ("rate", "burst", "moment", "times"),
    [(5, 1, 60, 10), (50, 50, 60, 10), (50, 1, 900, 5)],
)
def test_a_server_that_bears_more_than_before_is_soon_asked_for_more(
    rate, burst, moment, times
):
    server = Changing(Bucket(rate, burst), moment, Bucket(times * rate, burst))
    _, seconds, _ = run(server, rate * (moment + times * 40))
    assert seconds - moment < 40 * 5


def test_what_a_short_pause_has_earned_is_no_less_than_one():
    pace = Pace()
    for turn in range(40):
        pace.goes(0.97 * turn)
        pace.accepts(0.97 * (turn + 1))
    now = 0.97 * 41
    for _ in range(2):
        pace.refuses(now, now, 1, 2)
    now = pace.ready_at
    pace.goes(now)
    first = pace.ready_at - now
    pace.goes(pace.ready_at)
    assert pace.ready_at - now - first == pytest.approx(1 / pace.rate)


@pytest.mark.parametrize("seed", range(50))
def test_whatever_happens_the_next_may_go_soon(seed):
    dice = random.Random(seed)  # noqa: S311 (no secret)
    pace, now, under_way = Pace(), dice.choice([0.0, 1e9]), []
    steps = dice.choice([[0], [0, 0.001, 0.02], [0, 0.02, 1], [0, 1, 60, 3600]])
    for _ in range(400):
        now += dice.choice(steps)
        if len(under_way) < 8 and dice.random() < 0.6:
            assert pace.ready_at - now < 2 * 120
            now = max(now, pace.ready_at)
            pace.goes(now)
            under_way.append(now)
        elif under_way:
            went = under_way.pop(dice.randrange(len(under_way)))
            if dice.random() < 0.5:
                pace.accepts(now)
            else:
                pause = dice.choice([1e-9, 0.5, 1, 10, 120])
                pace.refuses(now, went, pause, len(under_way) + 1)
