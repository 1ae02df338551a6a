"""What is told of a reading that nobody follows by a function of their own."""

from __future__ import annotations

import pytest

from intermezzo_nb.api.progress import Progress, seldom


def test_what_takes_long_is_told_ever_more_seldom():
    told, at = [], []
    listen = seldom(told.append, watched=True)
    for second in range(3600):
        before = len(told)
        listen(Progress("employees", requests=second, rows=10 * second, seconds=second))
        at += [second] * (len(told) - before)
    assert at == [10, 20, 40, 80, 160, 320, 620, 920, 1220, *range(1520, 3600, 300)]
    assert told[0] == (
        "Intermezzo: employees · 100 rows · 10 requests · 10 rows/s · 10.0 s …"
    )


@pytest.mark.parametrize("watched", [True, False])
def test_a_wait_is_told_once_and_a_gap_by_one_word_where_somebody_watches(watched):
    told = []
    listen = seldom(told.append, watched=watched)
    for _ in range(3):
        listen(Progress("x", waiting="the server asked to wait: 3 s"))
    for _ in range(3):
        listen(Progress("x", seconds=900.0))
    assert told == [
        "Intermezzo: x: the server asked to wait: 3 s …",
        *["Intermezzo: x · 0 rows · 0 requests · 900.0 s …"] * watched,
    ]
