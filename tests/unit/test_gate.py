"""The door that all requests of a connection go through; no clock is waited for."""

from __future__ import annotations

import pytest

from intermezzo_nb.api import waits
from intermezzo_nb.api.gate import Gate


def test_a_pace_so_slow_that_one_wonders_is_told():
    now, told, stop = 0.0, [], waits.Stop()
    gate = Gate(clock=lambda: now)

    def tell(seconds, reason):
        told.append((round(seconds), reason))
        stop.now()

    for _ in range(2):
        gate._pace.refuses(0.0, 0.0, 10.0, 2)
    now = 10.0
    with waits.telling_waits(tell), waits.ended_by(stop):
        gate.enter()
        with pytest.raises(waits.Stopped):
            gate.enter()
    assert told == [(10, "the server bears but few requests")]
