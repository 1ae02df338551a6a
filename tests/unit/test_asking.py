"""A question that is asked while a sign-in waits, and ends when that does."""

from __future__ import annotations

import threading

import pytest

from intermezzo_nb import asking
from intermezzo_nb.errors import LoginCancelled
from intermezzo_nb.login import Login
from intermezzo_nb.oauth.flows import insist_on_not
from intermezzo_nb.oauth.models import Prompt, Token
from intermezzo_nb.secret import Secret

GOOD = "https://h.example/cb?code=c&state=s"


class Flow:
    """Ends when it is given the good address, or told that the browser was faster."""

    def __init__(self):
        self.is_answered = threading.Event()

    def begin(self):
        return Prompt("https://h.example", "h.example", 0.0, paste="expected")

    def take(self, address):
        if address != GOOD:
            return "not that one"
        self.is_answered.set()
        return ""

    def wait(self, cancelled, tell):
        while not self.is_answered.wait(0.01):
            insist_on_not(cancelled)
        return Token(Secret("access"))

    def close(self):
        pass


@pytest.fixture
def flow():
    return Flow()


@pytest.fixture
def accepted():
    return []


@pytest.fixture
def login(flow, accepted):
    made = Login(lambda: flow, accepted.append, lambda token: None)
    made.start()
    return made


@pytest.fixture
def typed(monkeypatch):
    """Type lines, then nothing more."""
    lines, is_waiting = [], threading.Event()

    def read(_):
        if lines:
            return lines.pop(0)
        is_waiting.set()
        threading.Event().wait(20)
        raise AssertionError("nobody ended the question")

    monkeypatch.setattr(asking.getpass, "getpass", read)
    return lines, is_waiting


def test_a_wrong_address_is_told_and_a_right_one_taken(login, accepted, typed):
    typed[0].extend(["", "c0de", GOOD])
    said = []
    asking.wait_and_ask(login, said.append)
    assert said == ["Intermezzo: not that one"] * 2
    assert accepted == [Token(Secret("access"), issued_at=accepted[0].issued_at)]


def test_the_question_ends_when_the_browser_was_faster(login, flow, accepted, typed):
    def faster():
        assert typed[1].wait(10)
        flow.is_answered.set()

    thread = threading.Thread(target=faster)
    thread.start()
    asking.wait_and_ask(login, pytest.fail)
    thread.join()
    assert len(accepted) == 1


def test_an_interrupt_cancels(login, accepted, monkeypatch):
    def interrupted(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(asking.getpass, "getpass", interrupted)
    with pytest.raises(KeyboardInterrupt) as caught:
        asking.wait_and_ask(login, pytest.fail)
    assert isinstance(caught.value, LoginCancelled)
    assert accepted == []


def test_who_cannot_type_waits(login, flow, accepted, monkeypatch):
    def nobody(_):
        flow.is_answered.set()
        raise EOFError

    monkeypatch.setattr(asking.getpass, "getpass", nobody)
    asking.wait_and_ask(login, pytest.fail)
    assert len(accepted) == 1


def test_another_thread_only_waits(login, flow, accepted, monkeypatch):
    monkeypatch.setattr(asking.getpass, "getpass", lambda _: pytest.fail("asked"))
    thread = threading.Thread(target=asking.wait_and_ask, args=(login, print))
    thread.start()
    flow.is_answered.set()
    thread.join(10)
    assert len(accepted) == 1
