"""What happens to a source meanwhile: sign-ins, interrupts, verdicts, siblings."""

from __future__ import annotations

import contextlib
import threading

import pytest
from msgspec.structs import replace

from intermezzo_nb.errors import (
    LoginMismatch,
    LoginRequired,
    NetworkError,
    StoreError,
)
from intermezzo_nb.secret import Secret


def test_a_server_that_stumbles_is_not_asked_at_each_call(source, server, clock):
    clock.passes(80)
    asked = []

    def renew(token, keep):
        asked.append(clock.monotonic)
        raise NetworkError("out of reach")

    source._renew = renew
    for _ in range(200):
        assert source.token().access_token == Secret("access-0")
        if flight := source._flight:
            assert flight.exception(10) is None
        clock.passes(0.09)
    # After 1, 2, 4 and 8 seconds.
    assert len(asked) == 5
    clock.passes(10)
    for _ in range(2):
        with pytest.raises(NetworkError):
            source.token()
    assert len(asked) == 7, "what is over is asked for at each call"


def test_a_renewal_does_not_undo_a_sign_in(source, server, store, clock, monkeypatch):
    clock.passes(101)
    begun, goes_on = threading.Event(), threading.Event()

    def slow(token, keep):
        begun.set()
        assert goes_on.wait(10)
        server.count = 1
        keep(server.token())
        return server.token()

    source._renew = slow
    given = []
    thread = threading.Thread(target=lambda: given.append(source.token()))
    thread.start()
    assert begun.wait(10)

    def locked(key):
        raise StoreError("another process holds it", code="store_locked")

    server.count = 7
    with monkeypatch.context() as patch:
        patch.setattr(store, "lock", locked)
        with pytest.raises(StoreError):
            source.accept(server.token())
    goes_on.set()
    thread.join(10)
    assert given[0].access_token == Secret("access-7")
    assert source.token().access_token == Secret("access-7")
    assert store.load("key").refresh_token == Secret("refresh-7")


@pytest.mark.parametrize("fault", [LoginRequired, LoginMismatch])
def test_the_end_of_an_old_session_does_not_end_a_new_one(
    source, server, store, clock, fault
):
    clock.passes(101)

    def beaten(token, keep):
        server.count = 7
        source._hold(server.token(), unsaved=True, instead=store.load("key"))
        raise fault("no longer", code="session_ended")

    source._renew = beaten
    with contextlib.suppress(LoginMismatch):
        source.token()
    assert source.token().access_token == Secret("access-7")
    assert store.load("key").refresh_token == Secret("refresh-7")


def test_a_siblings_newer_refresh_token_is_tried_before_the_session_ends(
    source, server, store, clock
):
    clock.passes(101)
    refused = []

    def renew(token, keep):
        refused.append(token.refresh_token)
        if len(refused) == 1:
            server.count = 7
            kept = replace(server.token(), access_token=Secret(""), expires_in=1.0)
            store.save("key", replace(kept, issued_at=0.0))
            raise LoginRequired("no longer", code="session_ended")
        server.count = 8
        return server.token()

    source._renew = renew
    assert source.token().access_token == Secret("access-8")
    assert refused == [Secret("refresh-0"), Secret("refresh-7")]


def test_an_interrupt_at_the_start_leaves_nobody_waiting(source, clock, monkeypatch):
    clock.passes(101)

    def interrupted(self):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", interrupted)
        with pytest.raises(KeyboardInterrupt):
            source.token()
    assert source.token().access_token == Secret("access-1")


def test_what_is_not_judged_yet_is_not_given(source, server, store, clock):
    clock.passes(95)
    received, judged = threading.Event(), threading.Event()

    def renew(token, keep):
        server.count = 1
        keep(replace(server.token(), issued_at=0.0, expires_in=1.0))
        received.set()
        assert judged.wait(10)
        return server.token()

    source._renew = renew
    given = []
    threads = [
        threading.Thread(target=lambda: given.append(source.token())) for _ in range(2)
    ]
    threads[0].start()
    assert received.wait(10)
    threads[1].start()
    threads[1].join(0.1)
    assert given == []
    assert store.load("key").refresh_token == Secret("refresh-1")
    assert store.load("key").expires_in == 1.0
    judged.set()
    for thread in threads:
        thread.join(10)
    assert {t.access_token for t in given} == {Secret("access-1")}
    assert store.load("key").expires_in == 100.0


def test_each_who_waits_raises_an_error_of_its_own(source, server, clock):
    clock.passes(101)
    server.fails = NetworkError("out of reach", advice="Try again.", code="x")
    errors = []
    for _ in range(2):
        with pytest.raises(NetworkError) as caught:
            source.token()
        errors.append(caught.value)
    assert errors[0] is not errors[1]
    assert (errors[0].what, errors[0].advice, errors[0].code) == (
        "out of reach",
        "Try again.",
        "x",
    )


@pytest.mark.parametrize("broken", ["lock", "delete"])
def test_forget_lets_go_of_what_the_store_keeps(source, store, monkeypatch, broken):
    def fails(key):
        raise StoreError("the disk is gone")

    with monkeypatch.context() as patch:
        patch.setattr(store, broken, fails)
        purged, fault = source.forget()
    assert purged.refresh_token == Secret("refresh-0")
    assert isinstance(fault, StoreError)
    assert source._held is None


@pytest.mark.parametrize("is_kept", [True, False])
def test_a_verdict_against_it_ends_the_session(source, server, store, clock, is_kept):
    clock.passes(101)

    def renew(token, keep):
        server.count = 1
        if is_kept:
            keep(replace(server.token(), issued_at=0.0, expires_in=1.0))
        raise LoginMismatch("its sub is not that of the sign-in")

    source._renew = renew
    with pytest.raises(LoginMismatch):
        source.token()
    assert store.load("key") is None
    assert source._held is None
