"""The source where disks, servers and siblings get in each other's way."""

from __future__ import annotations

import threading

import pytest
from msgspec.structs import replace

from intermezzo_nb.errors import (
    AuthorizationServerError,
    LoginRequired,
    NetworkError,
    StoreError,
)
from intermezzo_nb.secret import Secret


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


def test_a_siblings_renewal_without_rotation_is_adopted(source, server, store, clock):
    clock.passes(95)
    server.count = 7
    kept = replace(server.token(), refresh_token=Secret("refresh-0"))
    store.save("key", kept)
    assert source.token().access_token == Secret("access-7")
    assert server.count == 7


def test_a_sign_in_that_cannot_be_saved_is_used_and_saved_later(
    source, server, store, monkeypatch
):
    server.count = 7

    def locked(key):
        raise StoreError("another process holds it", code="store_locked")

    with monkeypatch.context() as patch:
        patch.setattr(store, "lock", locked)
        with pytest.raises(StoreError):
            source.accept(server.token())
    assert source.token().access_token == Secret("access-7")
    assert store.load("key").refresh_token == Secret("refresh-7")
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
    assert source.forget()[0].refresh_token == Secret("refresh-1")
    assert store.load("key") is None


def test_without_a_thread_to_be_had_it_renews_all_the_same(source, clock, monkeypatch):
    def none_left(self):
        raise RuntimeError("can't start new thread")

    clock.passes(95)
    monkeypatch.setattr(threading.Thread, "start", none_left)
    assert source.token().access_token == Secret("access-1")


def test_saving_mends_a_store_that_cannot_be_read(
    source, server, store, clock, monkeypatch
):
    clock.passes(95)
    with monkeypatch.context() as patch:
        fails_to_save(store, patch)
        with pytest.raises(StoreError):
            source.token()

    def damaged(key):
        raise StoreError("it is damaged", code="store_damaged")

    monkeypatch.setattr(store, "load", damaged)
    assert source.token().access_token == Secret("access-1")
    monkeypatch.undo()
    assert store.load("key").refresh_token == Secret("refresh-1")


def test_a_store_that_cannot_be_read_spends_nothing(
    source, server, store, clock, monkeypatch
):
    clock.passes(95)

    def damaged(key):
        raise StoreError("it is damaged", code="store_damaged")

    monkeypatch.setattr(store, "load", damaged)
    assert source.token().access_token == Secret("access-0"), "it is alive"
    clock.passes(6)
    with pytest.raises(StoreError):
        source.token()
    assert server.count == 0


def test_a_fault_that_a_living_token_hides_is_logged_and_not_printed(
    source, server, clock, caplog, capfd
):
    server.fails = NetworkError("out of reach")
    clock.passes(95)
    source.token()
    assert [r.getMessage() for r in caplog.records if r.levelname == "WARNING"] == [
        "a token could not be renewed yet (network_error)"
    ]
    caplog.clear()
    clock.passes(6)
    with pytest.raises(NetworkError):
        source.token()
    assert not [r for r in caplog.records if r.levelname == "WARNING"]
    assert capfd.readouterr().err == ""
