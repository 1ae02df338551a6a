"""A sign-in that is cancelled while its answer is on the way: nothing is kept."""

from __future__ import annotations

import signal
import threading
import time
from email.utils import formatdate

import pytest
from switches import SWITCHES, instead

from intermezzo_nb.errors import (
    LoginCancelled,
    LoginInterrupted,
    LoginRequired,
    NetworkError,
)
from intermezzo_nb.login import State
from intermezzo_nb.oauth import calls


class Held:
    """The token endpoint's answer, held back until :meth:`go`."""

    def __init__(self):
        self.is_asked, self._may_go = threading.Event(), threading.Event()

    def bend(self, good, *_):
        self.is_asked.set()
        assert self._may_go.wait(20)
        return good

    def go(self):
        self._may_go.set()


@pytest.fixture
def held(monkeypatch):
    made = Held()
    monkeypatch.setitem(SWITCHES, "held back", ("first", made.bend))
    yield made
    made.go()


@pytest.fixture
def under_way(hostile, signing_in, held):
    """A sign-in whose code is being exchanged, in a thread of its own."""
    server = hostile("held back")
    made = signing_in(server, timeout=20.0)
    ended = []

    def sign_in():
        try:
            ended.append(made.sign_in())
        except LoginCancelled as error:
            ended.append(error)

    thread = threading.Thread(target=sign_in)
    thread.start()
    assert held.is_asked.wait(10)
    yield server, made.connection, thread, ended
    held.go()
    thread.join(10)


def revoked(server):
    until = time.monotonic() + 10
    while len(server.asked("/revoke")) < 2 and time.monotonic() < until:
        threading.Event().wait(0.02)
    return [asked.form["token_type_hint"] for asked in server.asked("/revoke")]


@pytest.mark.parametrize("how", ["cancel_login", "logout"])
def test_what_comes_after_a_cancel_is_revoked_and_not_kept(under_way, held, how):
    server, connection, thread, ended = under_way
    getattr(connection, how)()
    held.go()
    thread.join(10)
    assert isinstance(ended[0], LoginCancelled)
    assert revoked(server) == ["refresh_token", "access_token"]
    assert connection._session._source.peek() is None
    with pytest.raises(LoginRequired):
        connection.get("/things")


def test_a_second_sign_in_is_not_replaced_by_the_first(under_way, held, person):
    server, connection, thread, ended = under_way
    server.switches = set()
    browser = person()

    def present(login):
        go = threading.Thread(target=browser.sign_in, args=(login.prompt.url,))
        go.start()
        people.append(go)

    people = []
    connection.login(present=present, force=True)
    kept = connection._session._source.peek()
    held.go()
    thread.join(10)
    for somebody in people:
        somebody.join(10)
    assert isinstance(ended[0], LoginCancelled)
    assert connection._session._source.peek() == kept


def test_an_interrupt_cancels_though_the_server_hangs(hostile, signing_in, held):
    server = hostile("held back")
    made = signing_in(server, timeout=20.0)

    def interrupt():
        assert held.is_asked.wait(10)
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt) as caught:
        made.sign_in()
    assert isinstance(caught.value, LoginCancelled)
    assert caught.value._render_traceback_() == caught.value.lines()
    thread.join()
    held.go()
    assert len(revoked(server)) == 2
    assert made.connection._session._source.peek() is None


@pytest.mark.parametrize("wait", [True, False])
def test_an_interrupt_while_the_link_is_drawn_cancels(hostile, signing_in, wait):
    connection = signing_in(hostile()).connection
    shown = []

    def draw(login):
        shown.append(login)
        raise KeyboardInterrupt

    with pytest.raises(LoginInterrupted):
        connection.login(wait=wait, force=True, present=draw)
    assert shown[0].state is State.CANCELLED
    assert connection.status().state == "signed out"


def test_a_session_that_is_kept_outlives_a_cancelled_sign_in(hostile, signing_in):
    made = signing_in(hostile())
    made.sign_in()
    connection = made.connection
    waiting = []
    connection.login(wait=False, force=True, present=waiting.append)
    waiting[0].cancel()
    assert connection.get("/things"), "it goes on as before"


def test_an_interrupt_of_a_wait_ends_the_cell_though_a_session_is_kept(
    hostile, signing_in
):
    made = signing_in(hostile())
    made.sign_in()
    connection = made.connection
    connection.login(wait=False, force=True, present=lambda _: None)
    main = threading.main_thread().ident
    timer = threading.Timer(0.3, signal.pthread_kill, (main, signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        connection.get("/things")
    timer.join()
    assert connection.get("/things"), "it goes on as before"


def test_who_does_not_finish_an_answer_is_left_to_it(
    hostile, signing_in, held, monkeypatch
):
    monkeypatch.setattr(calls, "_WHOLE", 0.3)
    made = signing_in(hostile("held back"))
    with pytest.raises(NetworkError, match="did not finish"):
        made.sign_in()


@pytest.mark.parametrize(
    "answer",
    [
        instead({"error": "busy"}, 503),
        instead({}, 429),
        instead({}, 404),
        instead({"keys": []}),
        instead({"keys": "none"}),
        instead(b"<html>", 500),
    ],
    ids=range(6),
)
def test_keys_out_of_reach_end_no_session(begun_anew, monkeypatch, answer):
    monkeypatch.setitem(SWITCHES, "keys out of reach", ("jwks", answer))
    server, made, session = begun_anew()
    server.switches = {"keys out of reach"}
    token = session.token(rejected=session.token().access_token)
    assert token.identity.subject == "person-1"
    assert made.connection.get("/things")


def test_a_cached_answer_does_not_shift_the_clock(hostile, signing_in, monkeypatch):
    def cached(good, *_):
        then = formatdate(time.time() - 3600, usegmt=True)
        good.headers.update({"Date": then, "Age": "3600"})
        return good

    monkeypatch.setitem(SWITCHES, "keys from a cache", ("jwks", cached))
    server = hostile("keys from a cache")
    made = signing_in(server)
    assert str(made.sign_in().identity) == "Ann Lee"
    assert made.connection._session._oauth.skew.seconds == pytest.approx(0, abs=1)
