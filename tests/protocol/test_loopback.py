"""The listener on this machine: one answer, once, and a page that keeps nothing."""

from __future__ import annotations

import threading
import time

import pytest
import requests

from intermezzo_nb.oauth.models import AuthorizationRequest, ServerMetadata
from intermezzo_nb.oauth.receivers import LoopbackReceiver
from intermezzo_nb.secret import Secret

STATE = "state-Xr5mB2vQ9kLw7TzC"


@pytest.fixture
def request_sent():
    return AuthorizationRequest(
        url="https://login.example/authorize",
        redirect_uri=None,
        state=Secret(STATE),
        nonce=Secret("nonce-Hn3sD8fJ1gPa6yVe"),
        code_verifier=Secret("verifier-Hn3sD8fJ1gPa6yVe"),
        metadata=ServerMetadata(),
    )


@pytest.fixture
def browser(person):
    return person()


@pytest.fixture
def loopback(request_sent):
    receiver = LoopbackReceiver()
    receiver.invite(request_sent)
    yield receiver
    receiver.close()


def test_the_closing_page_is_there_after_the_answer_only(loopback, browser):
    done = loopback.redirect_uri.replace("/callback", "/done")
    early = browser.open(done)
    assert early.status_code == 404
    assert loopback.closing_page() not in early.content
    good = browser.open(f"{loopback.redirect_uri}?code=c&state={STATE}")
    assert good.url == done
    assert "has arrived" in good.text


@pytest.mark.parametrize(
    "query",
    [
        "",
        "?code=c",
        "?code=c&state=wrong",
        f"?code=c&state={STATE}&state={STATE}",
        f"?code=c&code=d&state={STATE}",
    ],
)
def test_what_is_no_answer_changes_nothing(loopback, browser, query):
    said = browser.open(loopback.redirect_uri + query)
    assert said.status_code == 404
    assert loopback.receive(0.01) is None
    good = f"{loopback.redirect_uri}?code=c&state={STATE}"
    browser.open(good)
    assert loopback.receive(2)["code"] == "c"


def test_the_browser_ends_on_a_page_without_the_code(loopback, browser):
    url = f"{loopback.redirect_uri}?code=c0ffee&state={STATE}"
    said = browser.open(url)
    assert said.status_code == 200
    assert "c0ffee" not in said.url + said.text
    assert said.headers["Referrer-Policy"] == "no-referrer"
    assert said.headers["Cache-Control"] == "no-store"
    assert said.history[0].headers["Cache-Control"] == "no-store"
    assert browser.open(url).status_code == 404, "an answer is taken once"


@pytest.mark.parametrize("error", ["access_denied", "server_error"])
def test_the_last_page_of_a_refusal_promises_nothing(
    loopback, browser, request_sent, error
):
    said = browser.open(f"{loopback.redirect_uri}?error={error}&state={STATE}")
    assert said.status_code == 200
    assert "The sign-in was refused" in said.text
    assert "Nothing was given" in said.text
    assert request_sent.match in said.text


def test_after_an_answer_the_port_closes(request_sent, browser):
    receiver = LoopbackReceiver()
    receiver.invite(request_sent)
    browser.open(f"{receiver.redirect_uri}?code=c&state={STATE}")
    receiver.close()
    until = time.monotonic() + 5
    while time.monotonic() < until and _listens(browser, receiver.redirect_uri):
        threading.Event().wait(0.02)
    assert not _listens(browser, receiver.redirect_uri)


def _listens(browser, url):
    try:
        browser.open(url)
    except requests.ConnectionError:
        return False
    return True
