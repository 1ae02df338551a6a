"""What a reading tells of its requests while it waits for them."""

from __future__ import annotations

import time

from intermezzo_nb.api import waits
from intermezzo_nb.api.query import Query
from intermezzo_nb.api.tally import Tally


def test_silence_after_a_wait_that_was_told_is_told_as_early_as_any_other(monkeypatch):
    monkeypatch.setattr(waits, "SILENCE", 1.0)
    told = []

    def ask(_path, _params):
        waits.tell_wait(1.1, "the server asked to wait")
        time.sleep(3.5)  # the word is due after 2.1 s, and was told after 3.0
        return b""

    tally = Tally(
        ask,
        Query("/things"),
        get_ready=lambda: None,
        most=None,
        tell=lambda _seconds, reason: told.append((reason, tally.seconds)),
    )
    tally.fetch(("/things", {}))
    (wait, _), (silence, when) = told
    assert (wait, silence) == ("the server asked to wait", "no answer for 1 s")
    assert 2.1 <= when < 2.9
