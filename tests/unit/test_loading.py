"""Loading in a thread: what it does to the garbage collector, and what it raises."""

from __future__ import annotations

import gc

import pytest

from intermezzo_nb.loading import begin


@pytest.fixture(autouse=True)
def collector_as_it_was():
    was_enabled = gc.isenabled()
    yield
    (gc.enable if was_enabled else gc.disable)()


def test_nothing_is_collected_while_something_is_loaded():
    gc.enable()
    assert begin(gc.isenabled).result(timeout=10) is False
    assert gc.isenabled()


def test_what_fails_to_load_leaves_the_collector_on():
    gc.enable()
    with pytest.raises(ZeroDivisionError):
        begin(lambda: 1 / 0).result(timeout=10)
    assert gc.isenabled()


def test_who_turned_the_collector_off_finds_it_off():
    gc.disable()
    begin(lambda: None).result(timeout=10)
    assert not gc.isenabled()
