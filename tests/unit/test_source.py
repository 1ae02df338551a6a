"""The source: fresh or renewed, by windows, clocks and what the API says."""

from __future__ import annotations

import threading

import pytest
from msgspec.structs import replace

from intermezzo_nb.errors import (
    LoginRequired,
)
from intermezzo_nb.secret import Secret
from intermezzo_nb.tokens.source import TokenSource


def landed(source):
    """Wait for a renewal in the background."""
    for thread in threading.enumerate():
        if thread.name == "intermezzo-renewal":
            thread.join(10)


def test_a_fresh_token_is_given_without_asking(source, server, clock):
    clock.passes(74)
    assert source.token().access_token == Secret("access-0")
    landed(source)
    assert server.count == 0


def test_in_the_advisory_window_the_old_one_is_given_and_renewed_aside(
    source, server, clock
):
    clock.passes(76)
    assert source.token().access_token == Secret("access-0")
    landed(source)
    assert source.token().access_token == Secret("access-1")
    assert server.count == 1


def test_in_the_mandatory_window_all_wait_for_one_renewal(source, server, clock):
    clock.passes(91)
    server.hold.clear()
    given = []
    threads = [
        threading.Thread(target=lambda: given.append(source.token())) for _ in range(64)
    ]
    for thread in threads:
        thread.start()
    server.hold.set()
    for thread in threads:
        thread.join(10)
    assert {t.access_token for t in given} == {Secret("access-1")}
    assert (len(given), server.count) == (64, 1)


def test_the_windows_have_an_upper_bound(store, server, clock):
    server.life = 86_400.0
    source = TokenSource(
        store, "k", server, clock=lambda: clock.wall, monotonic=lambda: clock.monotonic
    )
    source.accept(server.token())
    clock.passes(86_400 - 301)
    source.token()
    landed(source)
    assert server.count == 0
    clock.passes(2)
    source.token()
    landed(source)
    assert server.count == 1


def test_a_rejected_token_is_renewed_however_fresh(source, server):
    assert source.token(rejected=Secret("access-0")).access_token == Secret("access-1")


def test_a_token_rejected_long_ago_renews_nothing(source, server):
    source.token(rejected=Secret("access-0"))
    assert source.token(rejected=Secret("access-0")).access_token == Secret("access-1")
    assert server.count == 1


def test_a_token_that_cannot_be_renewed_is_used_to_its_end(
    source, server, store, clock
):
    source.accept(replace(server.token(), refresh_token=None))
    server.fails = LoginRequired("nothing to renew with", code="session_ended")
    clock.passes(95)
    assert source.token().access_token == Secret("access-0")
    clock.passes(6)
    with pytest.raises(LoginRequired):
        source.token()


@pytest.mark.parametrize("life", [None])
def test_without_a_known_life_it_is_used_until_refused(source, server, clock, life):
    server.life = life
    source.accept(server.token())
    clock.passes(1e7)
    assert source.token().access_token == Secret("access-0")
    assert source.token(rejected=Secret("access-0")).access_token == Secret("access-1")


def test_a_clock_set_back_does_not_make_a_token_young(source, server, clock):
    clock.passes(95)
    clock.wall -= 3600
    source.token()
    assert server.count == 1


def test_sleep_counts_though_the_monotonic_clock_stood_still(source, server, clock):
    clock.wall += 7200
    source.token()
    assert server.count == 1


def test_forget_gives_what_was_purged(source, store):
    assert source.forget()[0].refresh_token == Secret("refresh-0")
    assert store.load("key") is None
    with pytest.raises(LoginRequired):
        source.token()


def test_nobody_signed_in_is_said_so(store, server, clock):
    with pytest.raises(LoginRequired):
        TokenSource(store, "other", server).token()


def test_peek_looks_and_renews_nothing(source, server, store, clock):
    clock.passes(500)
    assert source.peek().access_token == Secret("access-0")
    source._held = None
    assert source.peek().access_token == Secret("access-0")
    store.delete("key")
    assert source.peek().access_token == Secret("access-0")  # held all the same
    source._held = None
    assert source.peek() is None
    assert server.count == 0


def test_the_life_that_is_left_is_told_where_it_is_known(source, server, clock):
    assert source.seconds_left() == 100.0
    clock.passes(30)
    assert source.seconds_left() == 70.0
    clock.passes(300)
    assert source.seconds_left() == 0.0
    source.accept(replace(server.token(), expires_in=None))
    assert source.seconds_left() is None
    source.forget()
    assert source.seconds_left() is None


@pytest.mark.parametrize(("left", "renewals"), [(25.0, 0), (24.9, 1), (10.0, 1)])
def test_the_windows_begin_where_they_are_said_to(
    source, server, clock, left, renewals
):
    clock.passes(100.0 - left)
    assert source.token().access_token == Secret("access-0")
    if flight := source._flight:
        flight.result(10)
    assert server.count == renewals
