"""The source: fresh or renewed, once for all who wait, saved before it is used."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from intermezzo_nb.errors import (
    AuthorizationServerError,
    LoginRequired,
    NetworkError,
    StoreError,
)
from intermezzo_nb.oauth.models import Token
from intermezzo_nb.secret import Secret
from intermezzo_nb.tokens.source import TokenSource
from intermezzo_nb.tokens.store import MemoryStore

NOW = 1_900_000_000.0


class Clock:
    """A clock set by hand."""

    def __init__(self):
        self.wall, self.monotonic = NOW, 50.0

    def passes(self, seconds):
        self.wall += seconds
        self.monotonic += seconds


class Server:
    """Renews by a rotating refresh token and counts; may fail as told."""

    def __init__(self, clock, life=100.0):
        self.clock, self.life, self.count = clock, life, 0
        self.fails = None
        self.hold = threading.Event()
        self.hold.set()

    def __call__(self, token, keep):
        assert self.hold.wait(10)
        if self.fails:
            raise self.fails
        self.count += 1
        if token is None:
            raise LoginRequired("nobody is signed in")
        assert token.refresh_token == Secret(f"refresh-{self.count - 1}")
        return token.renewed_by(self.token())

    def token(self):
        return Token(
            access_token=Secret(f"access-{self.count}"),
            issued_at=self.clock.wall,
            expires_in=self.life,
            refresh_token=Secret(f"refresh-{self.count}"),
        )


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def server(clock):
    return Server(clock)


@pytest.fixture
def store():
    return MemoryStore()


@pytest.fixture
def source(store, server, clock):
    made = TokenSource(
        store,
        "key",
        server,
        clock=lambda: clock.wall,
        monotonic=lambda: clock.monotonic,
    )
    made.accept(server.token())
    return made


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


def test_a_renewal_that_knew_of_no_rejection_does_not_answer_one(
    source, server, store, clock
):
    # A fresh source takes what is kept for good; only the API knows better.
    source._held = None
    lock, entered = store.lock, threading.Event()

    def slow(key):
        entered.set()
        assert server.hold.wait(10)
        return lock(key)

    store.lock = slow
    server.hold.clear()
    given = []
    first = threading.Thread(target=lambda: given.append(source.token()))
    first.start()
    assert entered.wait(10)
    refused = Secret("access-0")
    second = threading.Thread(
        target=lambda: given.append(source.token(rejected=refused))
    )
    second.start()
    server.hold.set()
    first.join(10)
    second.join(10)
    assert {t.access_token.reveal() for t in given} == {"access-0", "access-1"}


def test_a_token_rejected_long_ago_renews_nothing(source, server):
    source.token(rejected=Secret("access-0"))
    assert source.token(rejected=Secret("access-0")).access_token == Secret("access-1")
    assert server.count == 1


def test_a_rotated_token_is_saved_before_it_is_used(source, server, store, clock):
    clock.passes(95)
    order = []
    save = store.save
    store.save = lambda key, token: (order.append("saved"), save(key, token))
    source.token()
    order.append("used")
    assert order == ["saved", "used"]
    assert store.load("key").refresh_token == Secret("refresh-1")


def test_a_token_that_could_not_be_saved_is_kept_and_saved_later(
    source, server, store, clock
):
    clock.passes(95)
    save = store.save

    def full(key, token):
        raise StoreError("the disk is full")

    store.save = full
    for _ in range(3):
        with pytest.raises(StoreError):
            source.token()
    assert server.count == 1
    store.save = save
    assert source.token().access_token == Secret("access-1")
    assert store.load("key").refresh_token == Secret("refresh-1")
    assert server.count == 1


def test_a_siblings_renewal_is_adopted(source, server, store, clock):
    clock.passes(95)
    server.count = 7
    store.save("key", server.token())
    assert source.token().access_token == Secret("access-7")
    assert server.count == 7


def test_a_siblings_logout_is_noticed(source, store, clock):
    clock.passes(95)
    store.delete("key")
    with pytest.raises(LoginRequired):
        source.token()


def test_an_ended_session_is_dropped(source, server, store, clock):
    clock.passes(95)
    server.fails = LoginRequired("no longer", code="session_ended")
    with pytest.raises(LoginRequired):
        source.token()
    assert store.load("key") is None


def test_a_sibling_that_no_lock_stopped_is_adopted(source, server, store, clock):
    clock.passes(95)
    server.count = 7

    def beaten(token, keep):
        store.save("key", server.token())
        raise LoginRequired("no longer", code="session_ended")

    source._renew = beaten
    assert source.token().access_token == Secret("access-7")
    assert store.load("key").access_token == Secret("access-7")


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


@pytest.mark.parametrize("fault", [NetworkError, AuthorizationServerError])
def test_a_fault_deletes_nothing_and_a_living_token_goes_on(
    source, server, store, clock, fault
):
    clock.passes(95)
    server.fails = fault("out of reach")
    assert source.token().access_token == Secret("access-0")
    clock.passes(6)
    with pytest.raises(fault):
        source.token()
    server.fails = None
    assert source.token().access_token == Secret("access-1")


def test_those_who_wait_share_the_error(source, server, clock):
    clock.passes(101)
    server.fails = NetworkError("out of reach")
    server.hold.clear()
    told = []

    def ask():
        try:
            source.token()
        except NetworkError as error:
            told.append(error)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    server.hold.set()
    for thread in threads:
        thread.join(10)
    assert len(told) == 8


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
    assert source.forget().refresh_token == Secret("refresh-0")
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


def test_a_token_refused_while_a_renewal_was_under_way_is_not_given(
    source, server, clock
):
    clock.passes(95)
    server.hold.clear()
    server.fails = NetworkError("out of reach")
    told = []

    def ask(rejected):
        try:
            told.append(source.token(rejected=rejected).access_token)
        except NetworkError as error:
            told.append(error.code)

    threads = [threading.Thread(target=ask, args=(None,))]
    threads[0].start()
    threads.append(threading.Thread(target=ask, args=(Secret("access-0"),)))
    threads[1].start()
    while not source._held.refused:
        threads[0].join(0.001)
    server.hold.set()
    for thread in threads:
        thread.join(10)
    assert told == ["network_error"] * 2


def test_who_joins_an_early_renewal_that_fails_goes_on_with_a_living_token(
    source, server, clock
):
    clock.passes(80)
    server.hold.clear()
    server.fails = NetworkError("out of reach")
    source.token()
    clock.passes(12)
    threading.Timer(0.05, server.hold.set).start()
    assert source.token().access_token == Secret("access-0")


def fails_to_save(store, monkeypatch):
    def full(key, token):
        raise StoreError("the disk is full")

    monkeypatch.setattr(store, "save", full)


@pytest.mark.parametrize("sibling", ["signs in", "signs out"])
def test_a_belated_save_does_not_undo_what_a_sibling_did(
    source, server, store, clock, monkeypatch, sibling
):
    clock.passes(95)
    with monkeypatch.context() as patch:
        fails_to_save(store, patch)
        with pytest.raises(StoreError):
            source.token()
    if sibling == "signs out":
        store.delete("key")
        with pytest.raises(LoginRequired):
            source.token()
        return
    server.count = 7
    store.save("key", server.token())
    assert source.token().access_token == Secret("access-7")


def test_forget_gives_the_newest_though_it_was_not_saved(
    source, store, clock, monkeypatch
):
    clock.passes(95)
    with monkeypatch.context() as patch:
        fails_to_save(store, patch)
        with pytest.raises(StoreError):
            source.token()
    assert source.forget().refresh_token == Secret("refresh-1")
    assert store.load("key") is None


def test_without_a_thread_to_be_had_it_renews_all_the_same(source, clock, monkeypatch):
    def none_left(self):
        raise RuntimeError("can't start new thread")

    clock.passes(95)
    monkeypatch.setattr(threading.Thread, "start", none_left)
    assert source.token().access_token == Secret("access-1")
