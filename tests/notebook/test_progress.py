"""The line that moves: how often it is drawn, and what it says."""

from __future__ import annotations

import itertools

import pytest

from intermezzo_nb.api.progress import Progress
from intermezzo_nb.notebook import progress
from intermezzo_nb.notebook.progress import StatusLine


class Drawn(list):
    def __call__(self, bundle, **_):
        self.update(bundle)
        return self

    def update(self, bundle, **_):
        self.append((progress.time.monotonic(), bundle["text/plain"]))
        self.html = bundle["text/html"]


@pytest.fixture
def drawn(monkeypatch):
    found = Drawn()
    monkeypatch.setattr(progress, "display", found)
    return found


class Clock:
    """Time passes where somebody looks at the clock, and where somebody sleeps."""

    now = 0.0

    def monotonic(self):
        self.now += 1 / 1024
        return self.now

    def sleep(self, seconds):
        self.now += seconds


def test_it_is_drawn_four_times_a_second_at_most_and_waits_always(drawn, monkeypatch):
    monkeypatch.setattr(progress, "time", Clock())
    line = StatusLine(watched=True)
    for n in range(2000):
        line(Progress("employees", n, n * 100))
    for n in range(4):
        line(Progress("employees", n, waiting=f"the server asked to wait: {n} s"))
    moments = [at for at, _ in drawn]
    between = [b - a for a, b in itertools.pairwise(moments)]
    assert min(between) >= 0.25
    assert len(drawn) > 8
    assert [text[-3:] for _, text in drawn[-4:]] == ["0 s", "1 s", "2 s", "3 s"]


def test_nothing_moves_where_nobody_watches(drawn):
    line = StatusLine(watched=False)
    line(Progress("employees", 1, 100, waiting="the server asked to wait: 2 s"))
    assert drawn == []


def test_a_note_begins_a_line_in_a_notebook_as_well(drawn):
    attrs = {
        **dict.fromkeys(("limit", "total", "filtered_here", "as_of")),
        "resource": "p32",
        "rows": 0,
        "columns": 1,
        "requests": 1,
        "repeated": 0,
        "seconds": 0.1,
        "profile": "demo",
        "complete": True,
        "notes": ["a < b"],
    }
    StatusLine(watched=True).finish(attrs)
    assert "complete<br>  a &lt; b" in drawn.html


def test_one_line_tells_how_far_it_is():
    now = Progress(
        "employees", 83, 8214, 100_000, 2.4, "the server asked to wait: 2 s", 1001, 44.6
    )
    assert str(now) == (
        "employees · 8,214 of 100,000 rows · 83 of 1,001 requests · 3,422 rows/s · "
        "2.4 s · slowed to 45 requests/s · the server asked to wait: 2 s"
    )
